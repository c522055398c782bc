"""GET /cds-services and POST /cds-services/{id}: thin routes around the pipe."""

import asyncio
from datetime import UTC, datetime
from time import perf_counter

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from cds_hooks.discovery import discovery_document, modules_of, queries_of
from cds_hooks.quiet import Quiet
from cds_hooks.request import read_request
from cds_hooks.response import encode, unrecorded
from rules.engine.errors import RecumbentError
from service.api.bodies import read_body, while_connected
from service.api.identity import caller_of
from service.api.openapi import DISCOVERY, HOOK
from service.auth.callers import ANYONE
from service.decide import decide
from service.fhir.gather import from_call
from service.log import log
from service.records.decision import DecisionRecord
from service.records.facts_json import Whose
from service.records.keep import record_of
from service.records.log import DecisionLog, RecordingError
from service.state import State

__all__ = ["router"]

router = APIRouter()
_PATIENCE = 2.0
"""Seconds to wait for the record; then the answer goes out and says that it is not recorded."""
_QUIET_PATIENCE = 0.2
"""Seconds to wait for earlier overrides; then every card is shown, and the answer says so."""


@router.get("/cds-services", summary="Discovery", responses=DISCOVERY)
async def discover(request: Request) -> Response:
    """The services and the prefetch they need today."""
    state: State = request.app.state.recumbent
    caller = await caller_of(request)
    document = discovery_document(state.pack, state.now().date(), state.settings.modules)
    document["services"] = [each for each in document["services"] if caller.may_call(each["hook"])]
    body = msgspec.json.encode(document)
    return Response(body, media_type="application/json")


@router.post("/cds-services/{service_id}", summary="Call a service", **HOOK)
async def call(service_id: str, request: Request) -> Response:
    """Answer one hook call. The answer is sent only once its record is on disk, or says that it is not."""
    state: State = request.app.state.recumbent
    with state.gate.entry():
        return await _answer(service_id, request, state)


async def _answer(service_id: str, request: Request, state: State) -> Response:
    settings = state.settings
    caller = await caller_of(request, service_id)
    body = await read_body(request, settings.max_body_bytes)
    began = perf_counter()
    hook = read_request(service_id, body, settings.base_url, settings.client_profile)
    queries = queries_of(state.pack, modules_of(hook.hook, settings.modules))
    as_of, whose = state.now(), state.feedback.whose(caller.tenant, hook)
    allowed = settings.fhir_servers if caller is ANYONE else frozenset(caller.fhir_servers)
    if hook.access is not None and allowed:
        today = as_of.astimezone(UTC).date()
        hook = await while_connected(request, state.fhir.complete(hook, queries, today, allowed))
    resources = from_call(hook, queries)
    quiet = await _quiet(state, caller.tenant, whose, as_of)
    decision = decide(hook, resources, state.pack, as_of, settings.modules, quiet)
    milliseconds = round((perf_counter() - began) * 1000, 3)
    timings = {"decide": milliseconds}
    record = record_of(hook, decision, state.pack, timings, caller.tenant, caller.client, whose)
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


async def _quiet(state: State, tenant: str, whose: Whose, as_of: datetime) -> tuple[Quiet, ...] | None:
    """What is in force of earlier overrides; None where that cannot be known: a card too many is better than none."""
    try:
        async with asyncio.timeout(_QUIET_PATIENCE):
            return await state.feedback.quiet_for(tenant, whose, as_of)
    except (RecumbentError, TimeoutError) as error:
        log.error("overrides-not-read", reason=type(error).__name__)
        return None


async def _recorded(decisions: DecisionLog, record: DecisionRecord) -> bool:
    """Whether the record is on disk; the answer goes out all the same, since the cards matter more than the record."""
    try:
        async with asyncio.timeout(_PATIENCE):
            await decisions.record(record)
    except (RecordingError, TimeoutError) as error:
        log.error("decision-not-recorded", decision=record.id, reason=type(error).__name__)
        return False
    return True
