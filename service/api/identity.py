"""Whose call a request is; asked before its body is read."""

from fastapi import Request

from service.auth.callers import Caller
from service.state import State

__all__ = ["caller_of"]


async def caller_of(request: Request, service_id: str | None = None) -> Caller:
    """
    The caller of a request.

    Args:
        service_id: of the service that is called, if it is one.

    Raises:
        UnauthenticatedError: no valid token. NotAllowedError: the client may not call this service.
    """
    state: State = request.app.state.recumbent
    path = request.scope["path"]  # request.url would take a part of it from the header Host
    caller = await state.callers.identify(request.headers.getlist("Authorization"), path)
    if service_id is not None:
        caller.require(service_id)
    return caller
