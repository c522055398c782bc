"""
create_app(settings): read this first. All wiring is here and nowhere else.

    settings ─▶ pack (rules/) ─▶ store, logs, labels ─▶ routes (api/) ─▶ error answers (errors.py)
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx2
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from rules.engine.errors import RecumbentError
from rules.loader import LIBRARY
from rules.pack import load_pack
from service.api import cds_services, feedback, health, rule_labels
from service.api.gate import Gate
from service.auth.callers import Callers, Door, Registry
from service.auth.fetch import KeyServer
from service.auth.keys import Fetch, KeySets
from service.auth.used_tokens import UsedTokens
from service.errors import LastResort, answer_error, answer_http_error, answer_invalid
from service.fhir.fetch import FhirServers
from service.headers import SafeHeaders
from service.log import log
from service.records.feedback_log import FeedbackLog
from service.records.labels import open_labels
from service.records.log import DecisionLog, open_log
from service.settings import Settings
from service.state import State
from service.storage.clients import ClientStore

__all__ = ["OpenServiceError", "create_app"]


class OpenServiceError(RecumbentError):
    """Others could call, and nobody would know who they are."""


def _now() -> datetime:
    return datetime.now(UTC)


def create_app(
    settings: Settings,
    now: Callable[[], datetime] = _now,
    fetch: Fetch | None = None,
    transport: httpx2.AsyncBaseTransport | None = None,
) -> FastAPI:
    """
    The whole program for these settings.

    Args:
        now: the clock, with time zone.
        fetch: reads the key sets of clients; from the network if not given.
        transport: how FHIR servers are reached; a test's own.

    Raises:
        LibraryError: the rule library has problems; it names all of them, and nothing is served.
        OpenServiceError: no client is registered, and other machines could call.
        RecumbentError: the data folder cannot be used.
    """
    pack = load_pack(settings.library or LIBRARY)
    decisions = open_log(settings.data)
    feedback_log = FeedbackLog(decisions)
    fhir = FhirServers(settings.fhir_seconds, settings.max_body_bytes, transport)
    labels = open_labels(decisions.store, pack, now())
    callers = _callers(settings, decisions, now, fetch or KeyServer(private=settings.demo))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        decisions.start()
        log.info("started", pack=pack.id, rules=sum(1 for _ in pack.library.rules()))
        yield
        await decisions.stop()
        feedback_log.close()
        await fhir.close()
        callers.close()

    app = FastAPI(
        title="Recumbent",
        summary="Clinical decision support for leg pain, over CDS Hooks",
        version="0.1.0",
        lifespan=lifespan,
        docs_url=None,  # the page would load its script from another host
        redoc_url=None,
        redirect_slashes=False,  # a redirect would repeat the Host header of the call
        # An exporter set up by the environment would send exception texts and query strings out of the process.
        telemetry={
            "tracing": False,
            "metrics": False,
            "logs": False,
            "operation_spans": False,
            "auto_configure": False,
        },
    )
    gate = Gate(settings.max_calls)
    app.state.recumbent = State(settings, pack, decisions, feedback_log, labels, callers, fhir, gate, now)
    for module in (cds_services, feedback, rule_labels, health):
        app.include_router(module.router)
    app.add_exception_handler(RecumbentError, answer_error)
    app.add_exception_handler(HTTPException, answer_http_error)
    app.add_exception_handler(RequestValidationError, answer_invalid)
    app.add_middleware(LastResort)
    app.add_middleware(SafeHeaders)  # added last, so outermost: every answer passes it
    return app


def _callers(settings: Settings, decisions: DecisionLog, now: Callable[[], datetime], fetch: Fetch) -> Callers:
    registry = Registry(ClientStore(decisions.store), now)
    if registry.open and not settings.local:
        raise OpenServiceError(
            "No client is registered, so anyone could call. Register one with `recumbent client add`, or serve this "
            "machine alone: a loopback address (127.0.0.1) as host, and no RECUMBENT_PUBLIC_URL."
        )

    def seconds() -> float:
        return now().timestamp()

    used = UsedTokens(decisions.store, decisions.writer, seconds)
    demo = settings.demo and settings.local
    return Callers(Door(settings.base_url, demo), registry, KeySets(fetch, seconds), used, now)
