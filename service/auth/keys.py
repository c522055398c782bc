"""
The public keys of a client: pinned, or a key set that is fetched, kept, and fetched again.

    kid ──▶ held and fresh? ──▶ key
               │ no
               └▶ fetch once for all who wait ──▶ keep; on failure the set before goes on for a day

Only the registered address is ever asked, whatever a token says.
"""

import asyncio
import base64
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from rules.engine.errors import RecumbentError
from service.log import log

__all__ = ["ALGORITHMS", "Fetch", "Fetched", "Key", "KeySetError", "KeySets", "Keys", "public_key_set", "read_keys"]

ALGORITHMS: dict[str, tuple[str, str]] = {
    "ES384": ("EC", "P-384"),
    "RS384": ("RSA", ""),
    "ES256": ("EC", "P-256"),
    "RS256": ("RSA", ""),
}
"""What a token may be signed with, and the type and curve of its key. Nothing symmetric, and never `none`."""

_RSA_BITS = 2048
_MAX_KEYS = 100
_USUAL, _SHORTEST, _LONGEST = 3600.0, 60.0, 6 * 3600.0
"""Seconds for which a key set is fresh: without a word from its server, at least and at most."""
_STALE = 24 * 3600.0
"""Seconds after the last success for which a set goes on while its server cannot be read."""
_RETRY, _ASK_AGAIN = 10.0, 30.0
"""Seconds between tries after a failure, and between looks for a kid that is not in a fresh set."""
_PATIENCE = 2.0
"""Seconds for a fetch. The calls of this client wait for it, those of others do not."""


class KeySetError(RecumbentError):
    """A key set cannot be read, or not fetched. Its text holds nothing of the set."""


@dataclass(frozen=True, slots=True)
class Key:
    """One public key; algorithm: that the set binds it to, if any."""

    value: RSAKey | ECKey
    algorithm: str | None

    def fits(self, algorithm: str) -> bool:
        """Whether a signature of this algorithm can be of this key."""
        kind, curve = ALGORITHMS[algorithm]
        right_curve = not isinstance(self.value, ECKey) or self.value.curve_name == curve
        return self.value.key_type == kind and right_curve and self.algorithm in (None, algorithm)


Keys = Mapping[tuple[str, str], Key]
"""By kid and type of key: some sets have one kid for both."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a key server sent, and for how many seconds it says it is fresh."""

    body: bytes
    max_age: float | None


Fetch = Callable[[str], Awaitable[Fetched]]
"""Raises OSError, TimeoutError or KeySetError where the address cannot be read."""


class _Jwk(msgspec.Struct):
    """The public members alone: a private part that someone published is not even read."""

    kid: str
    kty: str
    use: str | None = None
    alg: str | None = None
    n: str = ""
    e: str = ""
    crv: str = ""
    x: str = ""
    y: str = ""


class _Jwks(msgspec.Struct):
    keys: list[msgspec.Raw]


def read_keys(jwks: bytes) -> Keys:
    """
    The keys of a JWK Set that can check a signature; any other is left out. The first of two with one kid counts.

    Raises:
        KeySetError: this is not a JWK Set.
    """
    keys: dict[tuple[str, str], Key] = {}
    for jwk in _signing(jwks):
        key = _key(jwk)
        if key is not None:
            keys.setdefault((jwk.kid, jwk.kty), key)
    return keys


def public_key_set(jwks: bytes) -> str:
    """
    A JWK Set to pin, as JSON without any private part.

    Raises:
        KeySetError: this is not a JWK Set, or no key of it can check a signature.
    """
    public = [jwk for jwk in _signing(jwks) if _key(jwk) is not None]
    if not public:
        raise KeySetError(
            "no key of this set can be used. A key needs a kid, and is RSA of 2048 bits or more, or EC P-384 or P-256."
        )
    kept = [{name: value for name, value in msgspec.structs.asdict(jwk).items() if value} for jwk in public]
    return msgspec.json.encode({"keys": kept}).decode()


def _signing(jwks: bytes) -> list[_Jwk]:
    try:
        raw = msgspec.json.decode(jwks, type=_Jwks).keys[:_MAX_KEYS]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise KeySetError('this is not a JWK Set, which is a JSON object with the list "keys".') from None
    return [jwk for each in raw if (jwk := _jwk(each)) is not None and jwk.use in (None, "sig")]


def _jwk(raw: msgspec.Raw) -> _Jwk | None:
    try:
        return msgspec.json.decode(raw, type=_Jwk)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _key(jwk: _Jwk) -> Key | None:
    """None for a key that is damaged, of another type, or too short."""
    try:
        if jwk.kty == "RSA" and _bits(jwk.n) >= _RSA_BITS:
            return Key(RSAKey.import_key({"kty": "RSA", "n": jwk.n, "e": jwk.e}), jwk.alg)
        if jwk.kty == "EC" and jwk.crv in ("P-256", "P-384"):
            return Key(ECKey.import_key({"kty": "EC", "crv": jwk.crv, "x": jwk.x, "y": jwk.y}), jwk.alg)
    except (JoseError, ValueError):
        return None
    return None


def _bits(encoded: str) -> int:
    """Looked at first, since the library warns of a short key."""
    return int.from_bytes(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)), "big").bit_length()


@dataclass(slots=True)
class _Held:
    """The set of one address; moments are seconds of the clock."""

    keys: Keys = field(default_factory=dict)
    fresh_until: float = float("-inf")
    fetched_at: float = float("-inf")
    next_try: float = float("-inf")
    next_look: float = float("-inf")
    one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)


class KeySets:
    """
    The key sets of all clients.

    Args:
        fetch: reads an address. clock: seconds; only differences count.
    """

    def __init__(self, fetch: Fetch, clock: Callable[[], float]) -> None:
        self._fetch = fetch
        self._clock = clock
        self._held: dict[str, _Held] = {}

    async def find(self, url: str, kid: str, kind: str) -> Key | None:
        """
        The key of this kid and type, or None where the set has none.

        Raises:
            KeySetError: the set was never fetched, or not for a day.
        """
        held = self._held.setdefault(url, _Held())
        if not self._enough(held, kid, kind):
            async with held.one_at_a_time:
                if not self._enough(held, kid, kind):  # nobody did it meanwhile
                    await self._refresh(url, held)
        if self._clock() > held.fetched_at + _STALE:
            raise KeySetError("the key set of this client could not be fetched for a day, or never.")
        return held.keys.get((kid, kind))

    def _enough(self, held: _Held, kid: str, kind: str) -> bool:
        """Whether the set need not be fetched, or may not be now."""
        now = self._clock()
        if now < held.next_try:
            return True
        return now < held.fresh_until and ((kid, kind) in held.keys or now < held.next_look)

    async def _refresh(self, url: str, held: _Held) -> None:
        now = self._clock()
        held.next_look = now + _ASK_AGAIN if now < held.fresh_until else held.next_look
        try:
            async with asyncio.timeout(_PATIENCE):
                fetched = await self._fetch(url)
            held.keys = read_keys(fetched.body)
        except (OSError, TimeoutError, KeySetError) as error:
            held.next_try = now + _RETRY
            log.error("key-set-not-fetched", at=urlsplit(url).hostname, reason=type(error).__name__)
            return
        held.fetched_at = now
        held.fresh_until = now + min(max(_USUAL if fetched.max_age is None else fetched.max_age, _SHORTEST), _LONGEST)
