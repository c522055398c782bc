"""GET /cds-services and POST /cds-services/{id}: thin routes around the pipe."""

import asyncio
from time import perf_counter

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from cds_hooks.discovery import discovery_document, modules_of, queries_of
from cds_hooks.request import read_request
from cds_hooks.response import encode, unrecorded
from service.api.openapi import DISCOVERY, HOOK
from service.decide import decide
from service.errors import BodyTooLargeError, UnsupportedBodyError
from service.fhir.gather import from_call
from service.log import log
from service.records.decision import DecisionRecord
from service.records.keep import record_of
from service.records.log import DecisionLog, RecordingError
from service.state import State

__all__ = ["router"]

router = APIRouter()
_JSON = ("application/json", "application/fhir+json", "application/json+fhir")
_PATIENCE = 2.0
"""Seconds to wait for the record; then the answer goes out and says that it is not recorded."""


@router.get("/cds-services", summary="Discovery", responses=DISCOVERY)
async def discover(request: Request) -> Response:
    """The services and the prefetch they need today."""
    state: State = request.app.state.recumbent
    document = discovery_document(state.pack, state.now().date(), state.settings.modules)
    body = msgspec.json.encode(document)
    return Response(body, media_type="application/json")


@router.post("/cds-services/{service_id}", summary="Call a service", **HOOK)
async def call(service_id: str, request: Request) -> Response:
    """Answer one hook call. The answer is sent only once its record is on disk, or says that it is not."""
    state: State = request.app.state.recumbent
    settings = state.settings
    _require_json(request)
    body = await _body(request, settings.max_body_bytes)
    began = perf_counter()
    hook = read_request(service_id, body, settings.base_url)
    used = modules_of(hook.hook, settings.modules)
    resources = from_call(hook, queries_of(state.pack, used))
    decision = decide(hook, resources, state.pack, state.now(), settings.modules)
    milliseconds = round((perf_counter() - began) * 1000, 3)
    record = record_of(hook, decision, state.pack, {"decide": milliseconds}, "default", "loopback", used)
    recorded = await _recorded(state.decisions, record)
    log.info(
        "answered",
        decision=decision.id,
        service=hook.service,
        cards=len(decision.response.cards),
        milliseconds=milliseconds,
    )
    content = decision.body if recorded else encode(unrecorded(decision.response))
    return Response(content, media_type="application/json")


async def _recorded(decisions: DecisionLog, record: DecisionRecord) -> bool:
    """Whether the record is on disk; the answer goes out all the same, since the cards matter more than the record."""
    try:
        async with asyncio.timeout(_PATIENCE):
            await decisions.record(record)
    except (RecordingError, TimeoutError) as error:
        log.error("decision-not-recorded", decision=record.id, reason=type(error).__name__)
        return False
    return True


def _require_json(request: Request) -> None:
    """JSON in UTF-8, not compressed; a missing content type is let pass."""
    kind, *parameters = [part.strip().lower() for part in request.headers.get("content-type", "").split(";")]
    charset = next((p.removeprefix("charset=").strip('"') for p in parameters if p.startswith("charset=")), "utf-8")
    if (kind and kind not in _JSON) or charset not in ("utf-8", "utf8"):
        raise UnsupportedBodyError("Send the body as application/json in UTF-8.")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedBodyError("Send the body without Content-Encoding.")


async def _body(request: Request, limit: int) -> bytes:
    """The body, read no further than the limit, whatever Content-Length says."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > limit:
            raise BodyTooLargeError(f"The body has more than {limit} bytes. Send what discovery asks for, no more.")
    return bytes(body)
