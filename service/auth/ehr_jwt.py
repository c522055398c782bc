"""
The token of a call: read, and checked against the client it says it is from. Pure; callers.py has the order of it all.

A token says nothing of its key: `jwk`, `x5u` and `x5c` are not read, and `jku` only has to be the registered address.

Source: CDS Hooks 2.0.1, "Trusting CDS Clients"; RFC 7515, 7519, 8725.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
from joserfc import jws
from joserfc.errors import JoseError

from rules.engine.errors import RecumbentError
from service.auth.keys import ALGORITHMS, Key
from service.storage.clients import Client

__all__ = [
    "LEEWAY",
    "Reason",
    "Token",
    "UnauthenticatedError",
    "check_claims",
    "check_header",
    "check_signature",
    "read_token",
]

LEEWAY = 60
"""Seconds by which the clock of a client may differ from ours."""
_LONGEST_LIFE = 3600
"""Seconds between iat and exp."""
_MAX_TOKEN = 8192
_BEARER = re.compile(r"[Bb]earer ([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
_MAX_ID = 1024

Reason = Literal[
    "no-token", "malformed", "too-long", "type", "algorithm", "crit", "unknown-issuer", "disabled", "demo-only", "jku",
    "audience", "expired", "not-yet", "life", "tenant", "no-keys", "unknown-key", "wrong-key", "signature", "replayed",
]  # fmt: skip


class UnauthenticatedError(RecumbentError):
    """
    Nobody knows whose call this is. The caller is told nothing else.

    Args:
        reason: for the log. token: what could be read of it, if anything; only ids of it are ever logged.
    """

    def __init__(self, reason: Reason, token: "Token | None" = None, *, known: bool = False) -> None:
        super().__init__("This address needs a valid token of a registered client, as Authorization: Bearer.")
        self.reason = reason
        self.seen = token.named(known=known) if token is not None else {}


class _Header(msgspec.Struct):
    alg: str
    kid: str = ""
    typ: str = ""
    jku: str | None = None
    crit: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _Claims(msgspec.Struct):
    iss: str
    aud: str | list[str]
    exp: int | float
    iat: int | float
    jti: str
    nbf: int | float | None = None
    tenant: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Token:
    """A token as it came; nothing of it is proven until its signature is checked."""

    compact: str
    header: _Header
    claims: _Claims

    @property
    def digest(self) -> str:
        """Stands for issuer and jti wherever they are kept."""
        return hashlib.sha256(msgspec.json.encode((self.claims.iss, self.claims.jti))).hexdigest()

    @property
    def until(self) -> int:
        """Second of the Unix epoch after which it is refused as expired."""
        return int(self.claims.exp) + LEEWAY + 1

    def named(self, *, known: bool) -> dict[str, str]:
        """For a log line: issuer and kid only where the issuer is registered, since anyone may write anything there."""
        issuer = {"issuer": self.claims.iss, "kid": _printable(self.header.kid)} if known else {}
        return {"token": self.digest[:16]} | issuer


def read_token(authorization: Sequence[str]) -> Token:
    """
    The token of a call whose header is one that can be accepted at all.

    Args:
        authorization: every header of this name.

    Raises:
        UnauthenticatedError: none, more than one, malformed, not signed by a key pair, or with extensions.
    """
    if not authorization:
        raise UnauthenticatedError("no-token")
    if len(authorization) > 1:
        raise UnauthenticatedError("malformed")
    if len(authorization[0]) > _MAX_TOKEN:
        raise UnauthenticatedError("too-long")
    found = _BEARER.fullmatch(authorization[0])
    if found is None:
        raise UnauthenticatedError("malformed")
    token = Token(authorization[0][len("Bearer ") :], _part(found[1], _Header), _part(found[2], _Claims))
    if not 1 <= len(token.claims.jti) <= _MAX_ID or not 1 <= len(token.header.kid) <= _MAX_ID:
        raise UnauthenticatedError("malformed")
    return token


def check_header(token: Token) -> None:
    """
    Whether a header can be accepted from anyone.

    Raises:
        UnauthenticatedError: type, algorithm or crit.
    """
    if token.header.alg not in ALGORITHMS:
        raise UnauthenticatedError("algorithm", token)
    if token.header.typ.upper() != "JWT":
        raise UnauthenticatedError("type", token)
    if token.header.crit is not msgspec.UNSET:  # we know no extension, so each is one that we do not understand
        raise UnauthenticatedError("crit", token)


def check_claims(token: Token, client: Client, endpoint: str, base_url: str, now: float) -> None:
    """
    Whether the token is of this client, for this address, and in force.

    Args:
        endpoint: the address that is called. base_url: what our addresses begin with. now: seconds of the Unix epoch.

    Raises:
        UnauthenticatedError: in the order of the checks: jku, algorithm, audience, times, tenant.
    """
    reason = (
        _wrong_header(token.header, client)
        or _wrong_audience(token.claims, client, endpoint, base_url)
        or _wrong_time(token.claims, now)
        or _wrong_tenant(token.claims, client)
    )
    if reason is not None:
        raise UnauthenticatedError(reason, token, known=True)


def check_signature(token: Token, key: Key) -> None:
    """
    Whether this key signed it.

    Raises:
        UnauthenticatedError: signature, or wrong-key for one of another type, curve or algorithm.
    """
    if not key.fits(token.header.alg):
        raise UnauthenticatedError("wrong-key", token, known=True)
    registry = jws.JWSRegistry(algorithms=[token.header.alg], strict_check_header=False)
    registry.max_header_length = _MAX_TOKEN  # long addresses stand in it; the whole is limited already
    try:
        jws.deserialize_compact(token.compact, key.value, registry=registry)
    except (JoseError, ValueError):
        raise UnauthenticatedError("signature", token, known=True) from None


def _wrong_header(header: _Header, client: Client) -> Reason | None:
    if client.jwks_url is not None and header.jku not in (None, client.jwks_url):
        return "jku"
    return None if header.alg in client.algorithms else "algorithm"


def _wrong_audience(claims: _Claims, client: Client, endpoint: str, base_url: str) -> Reason | None:
    """A registered audience that is one of our addresses stands for that address alone."""
    ours = f"{base_url}/cds-services"
    accepted = {each for each in client.audiences if not each.startswith(ours)}
    if not client.audiences or endpoint in client.audiences:
        accepted.add(endpoint)
    named = [claims.aud] if isinstance(claims.aud, str) else claims.aud
    return None if accepted.intersection(named) else "audience"


def _wrong_time(claims: _Claims, now: float) -> Reason | None:
    if claims.exp <= now - LEEWAY:
        return "expired"
    if max(claims.iat, claims.nbf if claims.nbf is not None else claims.iat) > now + LEEWAY:
        return "not-yet"
    return "life" if not 0 < claims.exp - claims.iat <= _LONGEST_LIFE else None


def _wrong_tenant(claims: _Claims, client: Client) -> Reason | None:
    accepted: tuple[str | None, ...] = client.tenants or (None,)
    return None if claims.tenant in accepted else "tenant"


def _part(text: str, kind: type[Any]) -> Any:
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=kind)
    except (binascii.Error, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise UnauthenticatedError("malformed") from None


def _printable(kid: str) -> str:
    return "".join(each for each in kid[:64] if "!" <= each <= "~")
