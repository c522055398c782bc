"""An EHR of our own: its keys, its tokens, and the server of its key set."""

import asyncio
import base64
import json
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import jwk, jws

from service.auth.keys import Fetched, KeySetError
from service.storage.clients import Client
from tests.builders import AS_OF

__all__ = [
    "BASE",
    "EHR",
    "EHR_URL",
    "KID",
    "OTHER",
    "OTHER_URL",
    "SERVICE",
    "Clock",
    "KeyServers",
    "a_client",
    "a_key",
    "a_short_key",
    "a_token",
    "bearer",
    "claims",
    "jwks",
    "sign",
]

BASE = "http://127.0.0.1:8080"
SERVICE = "/cds-services/recumbent-patient-view"
EHR, OTHER = "https://ehr.example.org/fhir", "https://other.example.org"
EHR_URL, OTHER_URL = f"{EHR}/jwks", f"{OTHER}/jwks"
KID = "a+b/c=="
"""As Epic writes it: base64."""

_numbers = count()


def a_key(kid: str = KID, kind: str = "P-384", **members: str) -> dict[str, Any]:
    """A new private key as a JWK: a curve, or RSA with its number of bits."""
    made = jwk.RSAKey.generate_key(int(kind)) if kind.isdecimal() else jwk.ECKey.generate_key(kind)
    return {**made.as_dict(private=True), "kid": kid, **members}


def a_short_key(kid: str) -> dict[str, Any]:
    """The public part of an RSA key of 1024 bits, which the library would warn of."""
    number = rsa.generate_private_key(65537, 1024).public_key().public_numbers().n  # noqa: S505 - too short on purpose
    encoded = base64.urlsafe_b64encode(number.to_bytes(128, "big")).rstrip(b"=").decode()
    return {"kty": "RSA", "kid": kid, "n": encoded, "e": "AQAB"}


def jwks(*keys: dict[str, Any]) -> str:
    """The public set of some keys."""
    return json.dumps({"keys": [{name: each[name] for name in each if name not in _PRIVATE} for each in keys]})


_PRIVATE = frozenset(("d", "p", "q", "dp", "dq", "qi"))


def claims(**changed: Any) -> dict[str, Any]:
    """Those of a valid token at the moment of the tests, each with a jti of its own; Ellipsis leaves one out."""
    now = int(AS_OF.timestamp())
    usual = {"iss": EHR, "aud": BASE + SERVICE, "iat": now, "exp": now + 300, "jti": f"token-{next(_numbers)}"}
    return {name: value for name, value in (usual | changed).items() if value is not ...}


def sign(payload: dict[str, Any], key: dict[str, Any], header: dict[str, Any] | None = None) -> str:
    """A token of these claims; header changes or, with Ellipsis, leaves out members of the usual one."""
    whole = {"alg": "ES384", "typ": "JWT", "kid": key["kid"]} | (header or {})
    whole = {name: value for name, value in whole.items() if value is not ...}
    registry = jws.JWSRegistry(algorithms=[whole["alg"]], strict_check_header=False)
    registry.max_header_length = 1 << 16
    private = jwk.import_key({name: each for name, each in key.items() if name not in ("alg", "use")})
    return jws.serialize_compact(whole, json.dumps(payload).encode(), private, registry=registry)


def a_token(key: dict[str, Any], header: dict[str, Any] | None = None, **changed: Any) -> str:
    """A token that is valid but for what is changed."""
    return sign(claims(**changed), key, header)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def a_client(**changed: Any) -> Client:
    """A client whose key set is fetched."""
    usual: dict[str, Any] = {"issuer": EHR, "jwks_url": EHR_URL, "jwks": None, "algorithms": ("ES384", "RS384")}
    return Client(**usual | changed)


@dataclass
class Clock:
    """Stands still until it is moved."""

    moment: datetime = AS_OF

    def __call__(self) -> datetime:
        return self.moment


@dataclass
class KeyServers:
    """
    Every key server there is, by address.

    Args:
        sets: what each answers with; None for one that is down. slow: those that answer only when they are let.
    """

    sets: dict[str, str | None] = field(default_factory=dict)
    max_age: float | None = None
    slow: dict[str, asyncio.Event] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def __call__(self, url: str) -> Fetched:
        self.asked.append(url)
        if url in self.slow:
            await self.slow[url].wait()
        body = self.sets.get(url)
        if body is None:
            raise KeySetError("down")
        return Fetched(body.encode(), self.max_age)
