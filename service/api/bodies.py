"""The body of a POST: JSON in UTF-8, not compressed, no longer than the limit; and whether its sender still waits."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from fastapi import Request
from starlette.requests import ClientDisconnect

from service.errors import BodyTooLargeError, BodyTooSlowError, UnsupportedBodyError

__all__ = ["read_body", "while_connected"]

_T = TypeVar("_T")
_SECONDS = 10.0
"""For a body to arrive. EHRs send theirs at once; one that trickles in would hold a place for nothing."""
_JSON = ("application/json", "application/fhir+json", "application/json+fhir")


async def read_body(request: Request, limit: int, seconds: float = _SECONDS) -> bytes:
    """
    The body, read no further than the limit in bytes, whatever Content-Length says, and no longer than these seconds.

    Raises:
        UnsupportedBodyError: another content type, or compressed. BodyTooLargeError: longer than the limit.
        BodyTooSlowError: it did not arrive in time.
    """
    _require_json(request)
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for part in request.stream():
                body += part
                if len(body) > limit:
                    raise BodyTooLargeError(
                        f"The body has more than {limit} bytes. Send what discovery asks for, no more."
                    )
    except TimeoutError:
        raise BodyTooSlowError("The body did not arrive in time. Send it at once.") from None
    return bytes(body)


def _require_json(request: Request) -> None:
    """A missing content type is let pass."""
    kind, *parameters = [part.strip().lower() for part in request.headers.get("content-type", "").split(";")]
    charset = next((p.removeprefix("charset=").strip('"') for p in parameters if p.startswith("charset=")), "utf-8")
    if (kind and kind not in _JSON) or charset not in ("utf-8", "utf8"):
        raise UnsupportedBodyError("Send the body as application/json in UTF-8.")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedBodyError("Send the body without Content-Encoding.")


async def while_connected(request: Request, work: Coroutine[Any, Any, _T]) -> _T:
    """
    The result of work that waits for others, which is cancelled when the caller hangs up. The body was read before.

    Raises:
        ClientDisconnect: nobody waits for the answer any more.
    """
    task, gone = asyncio.create_task(work), asyncio.create_task(_gone(request))
    try:
        await asyncio.wait((task, gone), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return task.result()
    finally:
        task.cancel()
        gone.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
