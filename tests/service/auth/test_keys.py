"""Key sets: which keys of one count, how long it is kept, and what happens when its server does not answer."""

import asyncio
import json
from typing import Any

import pytest

from service.auth.keys import Key, KeySetError, KeySets, public_key_set, read_keys
from tests.service.auth.tokens import EHR_URL, OTHER_URL, KeyServers, a_key, a_short_key, jwks

pytestmark = pytest.mark.anyio

OLD, NEW, THEIRS = a_key("old"), a_key("new"), a_key("theirs")


class Sets:
    """Key sets over servers of our own, and a clock that is moved by hand."""

    def __init__(self, **servers: Any) -> None:
        self.now = 1000.0
        self.servers = KeyServers({EHR_URL: jwks(OLD), OTHER_URL: jwks(THEIRS)}, **servers)
        self._sets = KeySets(self.servers, lambda: self.now)

    async def find(self, kid: str, url: str = EHR_URL) -> Key | None:
        return await self._sets.find(url, kid, "EC")

    @property
    def asked(self) -> int:
        return len(self.servers.asked)


async def test_a_set_is_fetched_once_while_it_is_fresh() -> None:
    sets = Sets()
    found = [await sets.find("old")]
    sets.now += 3599
    found.append(await sets.find("old"))

    assert None not in found
    assert sets.asked == 1


@pytest.mark.parametrize(("max_age", "fresh_for"), [(None, 3600), (600, 600), (0, 60), (1, 60), (1e9, 6 * 3600)])
async def test_a_set_is_fresh_as_its_server_says_within_bounds(max_age: float | None, fresh_for: int) -> None:
    sets = Sets(max_age=max_age)
    await sets.find("old")
    sets.now += fresh_for - 1
    await sets.find("old")
    before = sets.asked
    sets.now += 1
    await sets.find("old")

    assert (before, sets.asked) == (1, 2)


async def test_a_new_key_is_found_at_once_and_an_old_one_goes() -> None:
    sets = Sets()
    await sets.find("old")
    sets.servers.sets[EHR_URL] = jwks(NEW)
    sets.now += 1
    found = [await sets.find("new"), await sets.find("old")]

    assert [each is not None for each in found] == [True, False]
    assert sets.asked == 2


async def test_an_unknown_kid_makes_one_fetch_in_half_a_minute() -> None:
    sets = Sets()
    await sets.find("old")
    for number in range(50):
        assert await sets.find(f"unknown-{number}") is None
    after_many = sets.asked
    sets.now += 30
    await sets.find("unknown")

    assert (after_many, sets.asked) == (2, 3)


async def test_the_set_before_goes_on_for_a_day_while_its_server_is_down() -> None:
    sets = Sets()
    await sets.find("old")
    sets.servers.sets[EHR_URL] = None
    sets.now += 24 * 3600
    still = await sets.find("old")
    sets.now += 1

    assert still is not None
    with pytest.raises(KeySetError):
        await sets.find("old")


async def test_a_set_that_is_no_set_does_not_take_the_place_of_the_one_before() -> None:
    sets = Sets()
    await sets.find("old")
    sets.servers.sets[EHR_URL] = "<html>"
    sets.now += 3600

    assert await sets.find("old") is not None


async def test_an_empty_set_withdraws_every_key() -> None:
    sets = Sets()
    await sets.find("old")
    sets.servers.sets[EHR_URL] = '{"keys": []}'
    sets.now += 3600

    assert await sets.find("old") is None


async def test_a_server_that_is_down_is_asked_every_ten_seconds_and_found_again() -> None:
    sets = Sets()
    sets.servers.sets[EHR_URL] = None
    for _ in range(5):
        with pytest.raises(KeySetError):
            await sets.find("old")
    while_down = sets.asked
    sets.servers.sets[EHR_URL] = jwks(OLD)
    sets.now += 10

    assert await sets.find("old") is not None
    assert (while_down, sets.asked) == (1, 2)


async def test_a_slow_key_server_does_not_hold_the_calls_of_other_clients() -> None:
    answers = asyncio.Event()
    sets = Sets(slow={EHR_URL: answers})
    waiting = [asyncio.create_task(sets.find("old")) for _ in range(3)]
    await asyncio.sleep(0)
    theirs = await sets.find("theirs", OTHER_URL)
    held = not any(each.done() for each in waiting)
    answers.set()
    found = await asyncio.gather(*waiting)

    assert theirs is not None
    assert held
    assert None not in found
    assert sets.servers.asked == [EHR_URL, OTHER_URL]  # one fetch for all three


# ── which keys count ─────────────────────────────────────────────────────────────────────────────────────────────────

NOT_A_SET = [b"", b"[]", b"{}", b'{"keys": {}}', b"<html>", b"\xff", b'{"keys": ' + b"[" * 100_000]


@pytest.mark.parametrize("content", NOT_A_SET)
async def test_what_is_no_key_set_is_refused(content: bytes) -> None:
    with pytest.raises(KeySetError):
        read_keys(content)


ODD_KEYS: list[Any] = [
    None,
    "x",
    {"kty": "oct", "kid": "symmetric", "k": "c2VjcmV0"},
    {"kty": "EC", "kid": "no-point", "crv": "P-384"},
    {"kty": "EC", "kid": "no-curve-point", "crv": "P-384", "x": "AA", "y": "AA"},
    {"kty": "EC", "kid": "other-curve", "crv": "secp256k1", "x": "AA", "y": "AA"},
    {"kty": "RSA", "kid": "no-number", "n": "é" * 400, "e": "AQAB"},
    {"kty": "RSA", "kid": "zeros-before", "n": "AAAA" * 80 + "_" * 160, "e": "AQAB"},
    {"kty": "RSA", "kid": 7, "n": "_" * 400, "e": "AQAB"},
    a_short_key("short"),
    {name: value for name, value in a_key("x").items() if name != "kid"},
    a_key("for-encryption", use="enc"),
]


@pytest.mark.parametrize("odd", ODD_KEYS)
async def test_a_key_that_cannot_be_used_is_left_out_and_the_others_stay(odd: Any) -> None:
    keys = read_keys(json.dumps({"keys": [odd, json.loads(jwks(OLD))["keys"][0]]}).encode())

    assert list(keys) == [("old", "EC")]


async def test_of_two_keys_with_one_kid_the_first_of_each_type_counts() -> None:
    rsa = a_key("old", "2048")
    keys = read_keys(jwks(OLD, a_key("old"), rsa).encode())

    assert set(keys) == {("old", "EC"), ("old", "RSA")}
    assert keys[("old", "EC")].value.as_dict(private=False)["x"] == OLD["x"]


async def test_a_pinned_set_is_kept_without_its_private_part() -> None:
    pinned = public_key_set(json.dumps({"keys": [OLD]}).encode())

    assert OLD["d"] not in pinned
    assert list(read_keys(pinned.encode())) == [("old", "EC")]


async def test_a_set_without_a_key_that_can_be_used_is_not_pinned() -> None:
    with pytest.raises(KeySetError):
        public_key_set(json.dumps({"keys": [{"kty": "oct", "kid": "a", "k": "c2VjcmV0"}]}).encode())
