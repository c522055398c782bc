"""
The one table: error → HTTP status → OperationOutcome. Texts are fixed or name fields; nothing of a request is echoed.

Source: CDS Hooks 2.0.1 (412), 3.0.0-ballot (OperationOutcome on every answer that is not 2xx).
"""

import json
from collections.abc import Mapping
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cds_hooks.request import BadRequestError, UnknownServiceError
from rules.engine.errors import RecumbentError
from service.auth.callers import NotAllowedError
from service.auth.ehr_jwt import UnauthenticatedError
from service.decide import DataNeededError
from service.log import log

__all__ = [
    "STATUS",
    "BodyTooLargeError",
    "BodyTooSlowError",
    "LastResort",
    "OverloadedError",
    "UnsupportedBodyError",
    "answer_error",
    "answer_http_error",
    "answer_invalid",
    "operation_outcome",
]


class UnsupportedBodyError(RecumbentError):
    """The body is not JSON in UTF-8 without compression."""


class BodyTooLargeError(RecumbentError):
    """The body has more bytes than are accepted."""


class BodyTooSlowError(RecumbentError):
    """The body did not arrive in time."""


class OverloadedError(RecumbentError):
    """As many calls are in hand as are taken at once."""


STATUS: dict[type[RecumbentError], tuple[int, str]] = {
    BadRequestError: (400, "invalid"),
    UnauthenticatedError: (401, "login"),
    NotAllowedError: (403, "forbidden"),
    UnknownServiceError: (404, "not-found"),
    DataNeededError: (412, "required"),
    BodyTooSlowError: (408, "timeout"),
    BodyTooLargeError: (413, "too-long"),
    UnsupportedBodyError: (415, "not-supported"),
    OverloadedError: (503, "throttled"),
}
"""Every error that a call may raise on purpose. An error that is not here is our fault, and its text stays inside."""

_RETRY_SECONDS = "1"
_HTTP_TEXTS = {
    400: ("invalid", "The request is not valid HTTP."),
    404: ("not-found", "There is nothing at this address. GET /cds-services lists the services."),
    405: ("not-supported", "This address does not answer this method. The header Allow names those it answers."),
}
_FAILED = "The service failed on this request. Nothing was evaluated; do not read this as a finding."


def operation_outcome(status: int, code: str, text: str, headers: Mapping[str, str] | None = None) -> Response:
    """An OperationOutcome with one issue; code is of the FHIR R4 issue types."""
    issue = {"severity": "fatal" if status >= 500 else "error", "code": code, "details": {"text": text}}
    body = json.dumps({"resourceType": "OperationOutcome", "issue": [issue]})
    return Response(body, status, dict(headers or {}), media_type="application/fhir+json")


async def answer_error(request: Request, error: Exception) -> Response:
    """An error of ours, by the table; one that is not in it goes on to LastResort."""
    known = next((entry for kind, entry in STATUS.items() if isinstance(error, kind)), None)
    if known is None:
        raise error
    status, code = known
    if isinstance(error, UnauthenticatedError):  # why, is for the log alone
        log.warning("refused", status=status, reason=error.reason, **error.seen)
        return operation_outcome(status, code, str(error), {"WWW-Authenticate": "Bearer"})
    log.info("refused", status=status, reason=type(error).__name__)
    headers = {"Retry-After": _RETRY_SECONDS} if isinstance(error, OverloadedError) else None
    return operation_outcome(status, code, str(error), headers)


async def answer_http_error(request: Request, error: Exception) -> Response:
    """An error of the framework (404, 405), in our words and with its headers."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type only
    code, text = _HTTP_TEXTS.get(error.status_code, ("processing", "The request could not be processed."))
    log.info("refused", status=error.status_code, reason="HTTPException")
    return operation_outcome(error.status_code, code, text, error.headers)


async def answer_invalid(request: Request, error: Exception) -> Response:
    """A parameter that the framework refused; its own answer would echo the parameter."""
    log.info("refused", status=400, reason=type(error).__name__)
    return operation_outcome(400, "invalid", "A part of the address is not of the type that it should be.")


class LastResort:
    """
    Answers an exception that nothing else answered with a 500 that says nothing of it; the log says type and place.

    Not an exception handler: Starlette raises the exception again behind one, so that the server would print its text,
    which may hold patient data. Plain ASGI, and inside SafeHeaders.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def send_on(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, send_on)
        except ClientDisconnect:
            log.info("caller-went-away")
        except Exception as error:  # noqa: BLE001 - that is what it is for
            log.error("failed", reason=type(error).__name__, at=_place(error))
            if scope["type"] == "http" and not begun:
                await operation_outcome(500, "exception", _FAILED)(scope, receive, send)


def _place(error: Exception) -> str:
    """File and line that raised, without a path."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace is not None else "unknown"
