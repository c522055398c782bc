"""
One FHIR server, asked with the token of one call.

The transport is used bare: a client on top of it would keep cookies, follow redirects and read the environment. The
token goes into the header of requests under the base address, and nowhere else.
"""

from urllib.parse import urlencode

import httpx2

from cds_hooks.request import BadRequestError, FhirAccess, require_sound
from service.fhir.transport import NETWORK_ERRORS

__all__ = ["Budget", "FhirClient", "UnansweredError"]

_OK = 200
_NO_POST_SEARCH = (404, 405, 415, 501)
"""What servers answer that know a search only by GET."""
_TIMEOUTS = {"timeout": {"connect": 5.0, "read": 5.0, "write": 5.0, "pool": 5.0}}
"""Seconds; a bound of last resort, since the deadline of the call comes first."""
_WAYS_OUT = ("%2e", "%2f", "%5c")
"""Dots and slashes in disguise: some servers undo them before they look at a path."""
_STATUS_OF_THE_SERVER = 500
_TOO_MANY = 429


class UnansweredError(Exception):
    """
    A request was not answered with JSON. The text is a fixed word for the log.

    Args:
        alive: the server itself answered, and would answer others.
    """

    def __init__(self, word: str, alive: bool) -> None:
        super().__init__(word)
        self.alive = alive


class Budget:
    """How many bytes all answers of one call may have together."""

    def __init__(self, size: int) -> None:
        self._left = size

    def take(self, size: int) -> None:
        """
        Raises:
            UnansweredError: the budget is spent.
        """
        self._left -= size
        if self._left < 0:
            raise UnansweredError("too-large", alive=True)


class FhirClient:
    """
    Args:
        access: the base address as the site's own list has it, and the token of the call.
    """

    def __init__(self, transport: httpx2.AsyncBaseTransport, access: FhirAccess, budget: Budget) -> None:
        self._transport = transport
        self._base = httpx2.URL(access.server)
        self._headers = {
            "Accept": "application/fhir+json, application/json;q=0.9",
            "Accept-Encoding": "identity",  # so that no answer can grow on the way to its cap
            "Authorization": f"Bearer {access.token}",
        }
        self._budget = budget

    async def read(self, path: str) -> bytes:
        """
        GET a resource: its path under the base, percent-encoded.

        Raises:
            UnansweredError: see its text.
        """
        return await self._ask("GET", f"{self._base}/{path}")

    async def search(self, kind: str, parameters: list[tuple[str, str]]) -> bytes:
        """
        Search a type of resource, by POST: the codes are too many for an address, and ids stay out of access logs.

        Raises:
            UnansweredError: see its text.
        """
        form = urlencode(parameters)
        try:
            return await self._ask("POST", f"{self._base}/{kind}/_search", form)
        except UnansweredError as error:
            if str(error) not in {f"status-{status}" for status in _NO_POST_SEARCH}:
                raise
        return await self._ask("GET", f"{self._base}/{kind}?{form}")

    async def next_page(self, link: str) -> bytes:
        """
        GET a further page.

        Raises:
            UnansweredError: it stands on another server, or outside the base path.
        """
        url = self._under_base(link) if link else None
        if url is None:
            raise UnansweredError("next-elsewhere", alive=True)
        return await self._ask("GET", str(url))

    def _under_base(self, link: str) -> httpx2.URL | None:
        """The address of a link, if it is under the base: same scheme, host, port and path, and no way out of it."""
        try:
            url = httpx2.URL(f"{self._base}/").join(link)
        except (httpx2.InvalidURL, ValueError, TypeError):
            return None
        path, base = url.raw_path.decode("ascii").split("?")[0].lower(), self._base.path.lower().rstrip("/")
        same = (url.scheme, url.host, url.port) == (self._base.scheme, self._base.host, self._base.port)
        inside = path == base or path.startswith(f"{base}/")
        devious = url.userinfo or "\\" in path or "/.." in path or any(code in path for code in _WAYS_OUT)
        return url if same and inside and not devious else None

    async def _ask(self, method: str, url: str, form: str | None = None) -> bytes:
        headers = self._headers | ({"Content-Type": "application/x-www-form-urlencoded"} if form is not None else {})
        content = form.encode() if form is not None else None
        try:
            request = httpx2.Request(method, url, headers=headers, content=content, extensions=_TIMEOUTS)
            answer = await self._transport.handle_async_request(request)
            try:
                return await self._body(answer)
            finally:
                await answer.aclose()
        except NETWORK_ERRORS:
            raise UnansweredError("unreachable", alive=False) from None

    async def _body(self, answer: httpx2.Response) -> bytes:
        """The body, whose JSON is sound; which resource it is, is looked at elsewhere."""
        status = answer.status_code
        if status != _OK:
            raise UnansweredError(f"status-{status}", alive=status < _STATUS_OF_THE_SERVER and status != _TOO_MANY)
        if answer.headers.get("content-encoding", "identity").lower() != "identity":
            raise UnansweredError("compressed", alive=True)
        body = bytearray()
        async for part in answer.aiter_raw():
            self._budget.take(len(part))
            body += part
        try:
            require_sound(bytes(body))
        except BadRequestError:
            raise UnansweredError("not-json", alive=True) from None
        return bytes(body)
