"""The one table of errors: complete, and with texts that tell a stranger nothing."""

import asyncio
import importlib
import json
import pkgutil
from collections.abc import Iterator
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

import service
from cds_hooks.request import BadRequestError, UnknownServiceError
from rules.engine.errors import LibraryError, RecumbentError
from service.auth.callers import NotAllowedError
from service.auth.ehr_jwt import UnauthenticatedError
from service.decide import DataNeededError
from service.errors import (
    STATUS,
    BodyTooLargeError,
    BodyTooSlowError,
    LastResort,
    OverloadedError,
    UnsupportedBodyError,
)
from tests.service.logs import caught_logs

# Raised at the start, on the command line, or caught by the route: a call never answers with them.
NOT_FROM_A_CALL = {
    "ClientError",
    "KeySetError",
    "LibraryError",
    "FileError",
    "OpenServiceError",
    "RecordingError",
    "StoreError",
    "VaultError",
    "ReplayError",
    "VignetteError",
    "WriteError",
}


def every_error(kind: type[RecumbentError] = RecumbentError) -> Iterator[type[RecumbentError]]:
    for each in kind.__subclasses__():
        yield each
        yield from every_error(each)


def test_every_error_of_ours_has_a_status_or_never_leaves_a_call() -> None:
    for module in pkgutil.walk_packages(service.__path__, "service."):
        if "migrations" not in module.name:
            importlib.import_module(module.name)
    left_out = {each.__name__ for each in every_error() if each.__module__.split(".")[0] in ("service", "cds_hooks")}
    left_out -= {each.__name__ for each in STATUS}

    assert left_out <= NOT_FROM_A_CALL


def test_each_status_is_that_of_cds_hooks_and_http() -> None:
    assert {
        BadRequestError: (400, "invalid"),
        UnauthenticatedError: (401, "login"),
        NotAllowedError: (403, "forbidden"),
        UnknownServiceError: (404, "not-found"),
        DataNeededError: (412, "required"),
        BodyTooSlowError: (408, "timeout"),
        BodyTooLargeError: (413, "too-long"),
        UnsupportedBodyError: (415, "not-supported"),
        OverloadedError: (503, "throttled"),
    } == STATUS


def test_an_error_that_a_call_may_not_raise_is_not_in_the_table() -> None:
    assert not {kind.__name__ for kind in STATUS} & NOT_FROM_A_CALL
    assert LibraryError not in STATUS


# ── the last resort ──────────────────────────────────────────────────────────────────────────────────────────────────


def what_is_sent(error: Exception, *, begun: bool = False, kind: str = "http") -> tuple[list[str], list[Any]]:
    """The types of the messages that go out when an app raises, and the log lines."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if begun:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        raise error

    async def send(message: Message) -> None:
        sent.append(message["type"])

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    sent: list[str] = []
    with caught_logs() as logs:
        asyncio.run(LastResort(app)({"type": kind, "path": "/"}, receive, send))
    return sent, [json.loads(line) for line in logs.getvalue().splitlines()]


def test_a_mistake_before_the_answer_began_becomes_a_500() -> None:
    sent, (line,) = what_is_sent(ZeroDivisionError("secret"))

    assert sent == ["http.response.start", "http.response.body"]
    assert (line["event"], line["reason"]) == ("failed", "ZeroDivisionError")
    assert "secret" not in str(line)


def test_a_mistake_after_the_answer_began_adds_nothing_to_it() -> None:
    sent, (line,) = what_is_sent(ZeroDivisionError(), begun=True)

    assert sent == ["http.response.start"]
    assert line["event"] == "failed"


def test_a_mistake_outside_of_a_call_is_logged_and_not_answered() -> None:
    sent, (line,) = what_is_sent(ZeroDivisionError(), kind="websocket")

    assert (sent, line["event"]) == ([], "failed")


def test_a_caller_who_went_away_is_no_mistake() -> None:
    sent, (line,) = what_is_sent(ClientDisconnect())

    assert (sent, line["event"], line["level"]) == ([], "caller-went-away", "info")
