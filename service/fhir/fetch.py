"""
What a call lacks of its prefetch, asked of its FHIR server: in parallel, under one deadline, within one budget.

The answers take the place that the EHR would have given them in the prefetch: a resource, a Bundle of all pages, a
Bundle with a next page where not all was read, an OperationOutcome where nothing was. So nothing behind it knows who
fetched, and each failure ends as the reason why the facts of its key are unknown.
"""

import asyncio
import dataclasses
import time
from collections.abc import Callable, Collection, Iterable
from datetime import date
from typing import Any
from urllib.parse import quote, unquote

import httpx2
import msgspec

from cds_hooks.discovery import Query
from cds_hooks.request import FhirAccess, HookRequest
from rules.engine.facts import Reason
from service.fhir.breaker import Breaker
from service.fhir.client import Budget, FhirClient, UnansweredError
from service.fhir.gather import from_prefetch
from service.fhir.resources import (
    UNREADABLE,
    Bundle,
    BundleEntry,
    decode_bundle,
    decode_header,
    type_of,
)
from service.fhir.transport import PinnedTransport
from service.log import log

__all__ = ["FhirServers"]

_AT_ONCE = 6
_MAX_PAGES = 20
_OUTCOME = "OperationOutcome"
_FAILED = msgspec.Raw(b'{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"transient"}]}')


class FhirServers:
    """
    The FHIR servers that are asked, and which of them are left alone for a while. One for the process.

    Args:
        seconds: for everything that is fetched for one call. max_bytes: of all answers for one call together.
        transport: a test's own; PinnedTransport if not given. clock: seconds that never go back.
    """

    def __init__(
        self,
        seconds: float,
        max_bytes: int,
        transport: httpx2.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seconds = seconds
        self._max_bytes = max_bytes
        self._transport = transport or PinnedTransport()
        self._clock = clock
        self._breakers: dict[str, Breaker] = {}

    async def complete(
        self, request: HookRequest, queries: Iterable[Query], today: date, allowed: Collection[str]
    ) -> HookRequest:
        """
        The request with what it lacks of its prefetch.

        Args:
            today: the day that look-backs count from, UTC.
            allowed: the base addresses that the caller may name; any other is not asked.

        Returns:
            The request as it is, where nothing is lacking, or nobody may be asked. It never raises.
        """
        access = request.access
        if access is None or not request.by_clinician:
            return request
        if access.server not in allowed:
            log.info("fhir-not-asked", reason="not-listed")
            return request
        looks = _lacking(request, queries, today)
        if looks:
            await self._look(access, looks)
        found = {look.query.key: look.answer() for look in looks}
        return dataclasses.replace(request, prefetch={**request.prefetch, **_beside(request, looks), **found})

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.aclose()

    async def _look(self, access: FhirAccess, looks: "list[_Look]") -> None:
        breaker = self._breakers.setdefault(access.server, Breaker())
        if not breaker.lets_pass(self._clock()):
            log.warning("fhir-not-asked", reason="resting")
            return
        client = FhirClient(self._transport, access, Budget(self._max_bytes))
        few = asyncio.Semaphore(_AT_ONCE)
        try:
            async with asyncio.timeout(self._seconds), asyncio.TaskGroup() as group:
                for look in looks:
                    group.create_task(look.run(client, few))
        except TimeoutError:
            log.warning("fhir-deadline", entries=sum(not look.done for look in looks))
        breaker.tell(self._clock(), answered=any(look.alive for look in looks))


class _Look:
    """
    One query, and what was found so far; that is what stands at the deadline.

    Args:
        path, parameters: of the request; a read has no parameters.
        state, sent: what the prefetch of the call says already, and the value of its key.
    """

    def __init__(
        self, query: Query, path: str, parameters: list[tuple[str, str]], state: Reason, sent: msgspec.Raw | None
    ) -> None:
        self.query = query
        self.state = state
        self.sent = sent
        self.done = False
        self.alive = False
        self._path = path
        self._parameters = parameters
        self._resource: msgspec.Raw | None = None
        self._entries: list[BundleEntry] = []
        self._total: int | None = None
        self._pages = 0

    async def run(self, client: FhirClient, few: asyncio.Semaphore) -> None:
        """Ask until all is read. Whatever goes wrong ends here: it costs this key, never the answer."""
        try:
            async with few:
                await (self._search(client) if self._parameters else self._read(client))
            self.done = True
        except UnansweredError as error:
            self.alive = self.alive or error.alive
            log.warning("fhir-unanswered", at=self.query.key, reason=str(error))
        except Exception as error:  # noqa: BLE001 - the cards that the rest allows are worth more
            log.error("fhir-unanswered", at=self.query.key, reason=type(error).__name__)

    def answer(self) -> msgspec.Raw:
        """What takes the place of the key in the prefetch."""
        if self._resource is not None:
            return self._resource
        if self._pages == 0:
            return _FAILED if self.sent is None or self.state is Reason.NOT_LOOKED else self.sent
        bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "entry": self._entries}
        if self._total is not None:
            bundle["total"] = self._total
        if not self.done:
            bundle["link"] = [{"relation": "next"}]
        return msgspec.Raw(msgspec.json.encode(bundle))

    async def _read(self, client: FhirClient) -> None:
        body = await client.read(self._path)
        self.alive = True
        header = decode_header(body)
        if f"{header.resource_type}/{header.id}" != unquote(self._path):
            raise UnansweredError("another-resource", alive=True)
        self._resource = msgspec.Raw(body)

    async def _search(self, client: FhirClient) -> None:
        link = self._begin()
        while self._pages < _MAX_PAGES:
            body = await (client.search(self._path, self._parameters) if link is None else client.next_page(link))
            self.alive = True
            link = self._add(_page(body, self.query.type))
            if link is None:
                return
        raise UnansweredError("too-many-pages", alive=True)

    def _begin(self) -> str | None:
        """Where to go on, if the caller sent the first page and says where the next one is."""
        if self.state is not Reason.INCOMPLETE or self.sent is None:
            return None
        first = decode_bundle(self.sent)
        if first.next_page is not None:
            self._entries, self._total = list(first.entry), first.total
        return first.next_page

    def _add(self, page: Bundle) -> str | None:
        self._pages += 1
        self._entries += page.entry
        self._total = max((each for each in (self._total, page.total) if each is not None), default=None)
        return page.next_page


def _page(body: bytes, kind: str) -> Bundle:
    """
    A page of a search for this type.

    Raises:
        UnansweredError: it is no Bundle, or one of something else.
    """
    try:
        page = decode_bundle(body)
    except UNREADABLE:
        raise UnansweredError("no-bundle", alive=True) from None
    types = {type_of(entry.resource) for entry in page.entry}
    if page.resource_type != "Bundle" or (types - {_OUTCOME} and kind not in types):
        raise UnansweredError("no-bundle", alive=True)
    return page


def _lacking(request: HookRequest, queries: Iterable[Query], today: date) -> list[_Look]:
    """The queries that the prefetch does not answer in full, with the ids of the call in place."""
    asked = list(queries)
    looked = from_prefetch(request.patient_id, request.prefetch, asked).looked
    looks = []
    for query in asked:
        path, _, rest = query.url(today).partition("?")
        filled = _filled(path, request)
        if looked[query.key] is Reason.NONE_RECORDED or filled is None:
            continue
        parameters = [part.partition("=") for part in rest.split("&") if part]
        pairs = [(name, value.replace("{{context.patientId}}", request.patient_id)) for name, _, value in parameters]
        looks.append(_Look(query, filled, pairs, looked[query.key], request.prefetch.get(query.key)))
    return looks


def _filled(path: str, request: HookRequest) -> str | None:
    """The path with ids, percent-encoded; None where the call has none, or one that would leave the path."""
    for token, value in (
        ("{{context.patientId}}", request.patient_id),
        ("{{context.encounterId}}", request.encounter_id),
    ):
        if token in path:
            if not value or not value.strip("."):
                return None
            path = path.replace(token, quote(value, safe=""))
    return path


def _beside(request: HookRequest, looks: list[_Look]) -> dict[str, msgspec.Raw]:
    """What the caller sent under a key of ours although it answers another question; it is read all the same."""
    astray = [look for look in looks if look.state is Reason.NOT_LOOKED and look.sent is not None]
    return {f"{look.query.key} (sent)": look.sent for look in astray if look.sent is not None}
