"""What is asked of a FHIR server and how, without the program around it; and over real sockets."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import msgspec
import pytest

from cds_hooks.discovery import Query, queries_of
from cds_hooks.request import FhirAccess, HookRequest
from rules.engine.facts import Reason
from rules.pack import Pack
from service.fhir.fetch import FhirServers
from service.fhir.gather import from_prefetch
from service.fhir.transport import ForbiddenAddressError, address_of
from tests.builders import AS_OF, a_patient
from tests.cds_hooks.calls import A_CALL
from tests.service.fhir.servers import BASE, TOKEN, FakeFhir, answering

pytestmark = pytest.mark.anyio

CONDITIONS = Query("conditions", "Condition", "Condition?patient={{context.patientId}}", frozenset())
ENCOUNTER = Query("encounter", "Encounter", "Encounter/{{context.encounterId}}", frozenset())
LIMIT = 1 << 20


def a_call(server: str = BASE, encounter: str | None = None) -> HookRequest:
    return replace(A_CALL, access=FhirAccess(server, TOKEN), encounter_id=encounter)


def look(completed: HookRequest, query: Query) -> Reason:
    return from_prefetch("p1", completed.prefetch, (query,)).looked[query.key]


@pytest.mark.parametrize(
    ("encounter", "path"),
    [
        ("e1", "/fhir/Encounter/e1"),
        ("../Patient/p2", "/fhir/Encounter/..%2FPatient%2Fp2"),
        ("e1?x=1#y", "/fhir/Encounter/e1%3Fx%3D1%23y"),
        ("é", "/fhir/Encounter/%C3%A9"),
        ("..", None),
        (".", None),
        ("", None),
        (None, None),
    ],
)
async def test_an_id_cannot_leave_its_place_in_the_address(
    shipped_pack: Pack, encounter: str | None, path: str | None
) -> None:
    visit = {"resourceType": "Encounter", "id": encounter}
    server = FakeFhir(shipped_pack, a_patient(), encounter=answering(visit))

    completed = await FhirServers(60, LIMIT, server).complete(
        a_call(encounter=encounter), (ENCOUNTER,), AS_OF.date(), {BASE}
    )

    assert [request.url.raw_path.decode() for request in server.requests] == ([path] if path else [])
    assert look(completed, ENCOUNTER) is (Reason.NONE_RECORDED if path else Reason.NOT_LOOKED)


async def test_each_query_of_the_shipped_rules_can_be_asked(shipped_pack: Pack) -> None:
    queries = queries_of(shipped_pack)
    server = FakeFhir(shipped_pack, a_patient())

    await FhirServers(60, LIMIT, server).complete(a_call(encounter="e1"), queries, AS_OF.date(), {BASE})

    assert {server.key_of(each) for each in server.requests} == {query.key for query in queries}
    assert not [each for each in server.requests if b"{" in each.content or "{" in str(each.url)]


async def test_what_was_sent_under_a_key_of_ours_but_answers_another_question_is_kept(shipped_pack: Pack) -> None:
    server = FakeFhir(shipped_pack, a_patient())
    visit = msgspec.Raw(b'{"resourceType":"Encounter","id":"e1"}')

    completed = await FhirServers(60, LIMIT, server).complete(
        replace(a_call(), prefetch={"conditions": visit}), (CONDITIONS,), AS_OF.date(), {BASE}
    )

    assert visit in completed.prefetch.values()
    assert look(completed, CONDITIONS) is Reason.NONE_RECORDED


async def test_a_server_that_answers_nobody_is_left_alone_and_tried_again_after_a_rest(shipped_pack: Pack) -> None:
    server = FakeFhir(shipped_pack, a_patient(), conditions=answering(b"", 503))
    moments = iter((1000, 1000, 1001, 1001, 1002, 1002, 1003, 1003, 1004, 1004, 1005, 1034, 1034))  # before and after
    servers = FhirServers(60, LIMIT, server, lambda: float(next(moments)))
    asked = []
    for _ in range(7):
        await servers.complete(a_call(), (CONDITIONS,), AS_OF.date(), {BASE})
        asked.append(len(server.requests))

    assert asked == [1, 2, 3, 4, 5, 5, 6]


@pytest.mark.parametrize("status", [400, 401, 403, 404])
async def test_a_server_that_refuses_one_token_is_asked_for_others(shipped_pack: Pack, status: int) -> None:
    server = FakeFhir(shipped_pack, a_patient(), encounter=answering(b"", status))
    servers = FhirServers(60, LIMIT, server)
    for _ in range(9):
        await servers.complete(a_call(encounter="e1"), (ENCOUNTER,), AS_OF.date(), {BASE})

    assert len(server.requests) == 9


def test_the_token_does_not_stand_in_what_a_request_prints() -> None:
    assert TOKEN not in repr(a_call()) + repr(a_call().access)


# ── real sockets ─────────────────────────────────────────────────────────────────────────────────────────────────────

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\nContent-Length: %d\r\n\r\n"
EMPTY = b'{"resourceType":"Bundle","type":"searchset","total":0}'


async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes the request and says nothing: a half-open connection."""
    await asyncio.Event().wait()


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One byte at a time, so that no read ever times out."""
    writer.write(HEAD % 100000)
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD % 1000 + EMPTY)
    writer.close()


async def no_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9.9\r\n\r\n")
    writer.close()


async def whole(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(HEAD % len(EMPTY) + EMPTY)
    await writer.drain()


@asynccontextmanager
async def listening(serve: Serve) -> AsyncIterator[str]:
    """A server on this machine; its base address."""
    tasks: list[asyncio.Task[None]] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.append(task)
        try:
            await serve(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/fhir"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize(
    ("serve", "expected"),
    [
        (whole, Reason.NONE_RECORDED),
        (never, Reason.FAILED),
        (drip, Reason.FAILED),
        (cut, Reason.FAILED),
        (no_http, Reason.FAILED),
    ],
)
async def test_over_a_socket_nothing_that_a_server_does_outlasts_the_deadline(serve: Serve, expected: Reason) -> None:
    async with listening(serve) as base:
        servers = FhirServers(5 if serve is whole else 0.5, LIMIT)
        async with asyncio.timeout(60):  # generous: the test fails, and does not hang
            completed = await servers.complete(a_call(base), (CONDITIONS,), AS_OF.date(), {base})
        await servers.close()

    assert look(completed, CONDITIONS) is expected


async def test_a_server_that_nobody_listens_at_is_a_gap() -> None:
    async with listening(whole) as base:
        pass
    servers = FhirServers(60, LIMIT)

    completed = await servers.complete(a_call(base), (CONDITIONS,), AS_OF.date(), {base})
    await servers.close()

    assert look(completed, CONDITIONS) is Reason.FAILED


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "10.1.2.3", "192.168.4.5", "8.8.8.8", "2001:4860:4860::8888"])
async def test_an_address_that_a_listed_server_may_have_is_dialed_as_it_was_looked_at(host: str) -> None:
    assert await address_of(host, 443) == host


@pytest.mark.parametrize(
    "host",
    ["169.254.169.254", "0.0.0.0", "::", "224.0.0.1", "fe80::1", "::ffff:169.254.169.254", "255.255.255.255"],  # noqa: S104
)
async def test_an_address_that_no_fhir_server_has_is_not_dialed(host: str) -> None:
    with pytest.raises(ForbiddenAddressError):
        await address_of(host, 443)


async def test_bodies_are_read_no_further_than_their_common_budget(shipped_pack: Pack) -> None:
    page = json.dumps({"resourceType": "Bundle", "link": [{"relation": "next", "url": "?page-of=conditions"}]})
    server = FakeFhir(shipped_pack, a_patient(), conditions=answering(page.encode()))

    await FhirServers(60, 3 * len(page), server).complete(a_call(), (CONDITIONS,), AS_OF.date(), {BASE})

    assert len(server.requests) == 4
