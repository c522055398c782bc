"""Probes: live (the process answers) and ready (pack loaded, decision log writable)."""

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from rules.pack import ENGINE_VERSION
from service.api.openapi import READY
from service.errors import operation_outcome
from service.state import State

__all__ = ["router"]

router = APIRouter(prefix="/health")


@router.get("/live", summary="Is the process alive")
async def live() -> dict[str, str]:
    """Answers as long as the process can."""
    return {"status": "ok"}


@router.get("/ready", summary="Can calls be answered and recorded", responses=READY)
async def ready(request: Request) -> Response:
    """503 while decisions cannot be recorded."""
    state: State = request.app.state.recumbent
    if not state.decisions.healthy:
        return operation_outcome(
            503, "transient", "Decisions cannot be recorded now. Cards are still given, marked so."
        )
    return JSONResponse({"status": "ok", "pack": state.pack.id, "engineVersion": ENGINE_VERSION})
