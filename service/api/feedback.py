"""POST /cds-services/{id}/feedback: what clinicians did with the cards."""

import asyncio

from fastapi import APIRouter, Request
from starlette.responses import Response

from cds_hooks.feedback import read_feedback
from cds_hooks.request import BadRequestError
from rules.engine.errors import RecumbentError
from service.api.bodies import read_body
from service.api.identity import caller_of
from service.api.openapi import FEEDBACK
from service.errors import operation_outcome
from service.log import log
from service.records.feedback_rows import Sender
from service.state import State

__all__ = ["router"]

router = APIRouter()

_MAX_BYTES = 4 << 20
"""Of a body: 100 entries with the longest comments that are kept, and room for how others write JSON."""
_PATIENCE = 5.0
"""Seconds to wait for the disk. Nobody waits at a screen for it, and a client that gives up sends it all again."""
_PROBLEMS_NAMED = 5
_NOT_RECORDED = "It is not certain that the feedback was recorded. Send all of it again: nothing is stored twice."


@router.post("/cds-services/{service_id}/feedback", summary="Tell what was done with cards", **FEEDBACK)
async def receive(service_id: str, request: Request) -> Response:
    """200 without a body once every entry is on disk; 400 names the entries that were not understood."""
    state: State = request.app.state.recumbent
    caller = await caller_of(request, service_id)
    batch = read_feedback(service_id, await read_body(request, _MAX_BYTES))
    try:
        async with asyncio.timeout(_PATIENCE):
            sender = Sender(caller.tenant, caller.client, service_id)
            unknown = await state.feedback.record(batch.entries, sender, state.now()) if batch.entries else 0
    except (RecumbentError, TimeoutError) as error:
        log.error("feedback-not-recorded", service=service_id, reason=type(error).__name__)
        return operation_outcome(503, "transient", _NOT_RECORDED, {"Retry-After": "5"})
    log.info("feedback", service=service_id, entries=len(batch.entries), unknown=unknown, refused=len(batch.problems))
    if batch.problems:
        raise BadRequestError(
            f"{_named(batch.problems)} Every other entry was recorded; mend these and send them again."
        )
    return Response(status_code=200)


def _named(problems: tuple[str, ...]) -> str:
    """The first problems in full and the number of the rest."""
    rest = len(problems) - _PROBLEMS_NAMED
    return " ".join(problems[:_PROBLEMS_NAMED]) + (f" And {rest} more." if rest > 0 else "")
