"""The body of a POST: JSON in UTF-8, not compressed, no longer than the limit."""

from fastapi import Request

from service.errors import BodyTooLargeError, UnsupportedBodyError

__all__ = ["read_body"]

_JSON = ("application/json", "application/fhir+json", "application/json+fhir")


async def read_body(request: Request, limit: int) -> bytes:
    """
    The body, read no further than the limit in bytes, whatever Content-Length says.

    Raises:
        UnsupportedBodyError: another content type, or compressed. BodyTooLargeError: longer than the limit.
    """
    _require_json(request)
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > limit:
            raise BodyTooLargeError(f"The body has more than {limit} bytes. Send what discovery asks for, no more.")
    return bytes(body)


def _require_json(request: Request) -> None:
    """A missing content type is let pass."""
    kind, *parameters = [part.strip().lower() for part in request.headers.get("content-type", "").split(";")]
    charset = next((p.removeprefix("charset=").strip('"') for p in parameters if p.startswith("charset=")), "utf-8")
    if (kind and kind not in _JSON) or charset not in ("utf-8", "utf8"):
        raise UnsupportedBodyError("Send the body as application/json in UTF-8.")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedBodyError("Send the body without Content-Encoding.")
