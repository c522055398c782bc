"""More calls than can be answered, and bodies that do not come."""

import asyncio

import pytest
from fastapi import Request
from starlette.testclient import TestClient
from starlette.types import Message

from rules.pack import Pack
from service.api.bodies import read_body
from service.api.gate import Gate
from service.app import create_app
from service.errors import BodyTooSlowError, OverloadedError
from service.settings import Settings
from tests.builders import AS_OF
from tests.service.api.calls import PATIENT_VIEW, a_call, outcome_text, post


def busy(settings: Settings) -> TestClient:
    """The whole program with all its places but one taken."""
    return TestClient(create_app(settings.model_copy(update={"max_calls": 1}), lambda: AS_OF))


def test_a_call_beyond_the_limit_is_refused_at_once_and_told_when_to_call_again(settings: Settings, pack: Pack) -> None:
    with busy(settings) as client, client.app.state.recumbent.gate.entry():  # type: ignore[attr-defined]  # a FastAPI
        answer = post(client, a_call(pack))

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert outcome_text(answer) == "The service is busy. Nothing was evaluated. Call again after Retry-After."


def test_it_is_refused_before_its_body_is_read(settings: Settings) -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        raise AssertionError("nobody may read the body")

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": PATIENT_VIEW, "headers": [], "query_string": b""}
    with busy(settings) as client:

        async def call() -> None:
            with client.app.state.recumbent.gate.entry():  # type: ignore[attr-defined]  # a FastAPI
                await client.app(scope, receive, send)

        asyncio.run(call())

    assert sent[0]["status"] == 503


def test_each_call_leaves_its_place_however_it_ends(settings: Settings, pack: Pack) -> None:
    with busy(settings) as client:
        statuses = [
            post(client, call).status_code for call in (a_call(pack), b"{", a_call(pack, prefetch={}), a_call(pack))
        ]

    assert statuses == [200, 400, 412, 200]


def test_a_busy_service_still_answers_that_it_is_alive_and_what_it_offers(settings: Settings) -> None:
    with busy(settings) as client, client.app.state.recumbent.gate.entry():  # type: ignore[attr-defined]  # a FastAPI
        statuses = [client.get(address).status_code for address in ("/health/live", "/cds-services")]

    assert statuses == [200, 200]


def test_a_gate_takes_as_many_as_its_limit() -> None:
    gate = Gate(2)
    with gate.entry(), gate.entry(), pytest.raises(OverloadedError), gate.entry():
        pass

    with gate.entry(), gate.entry():
        pass


def test_a_body_that_trickles_in_is_given_up() -> None:
    parts: list[Message] = [{"type": "http.request", "body": b"{", "more_body": True}]

    async def receive() -> Message:
        if parts:
            return parts.pop()
        await asyncio.Event().wait()
        raise AssertionError("it waits for ever")

    request = Request({"type": "http", "method": "POST", "headers": []}, receive)
    with pytest.raises(BodyTooSlowError):
        asyncio.run(read_body(request, 1024, seconds=0.01))
