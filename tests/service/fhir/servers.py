"""A FHIR server that we own: it answers the queries of discovery for one patient, and fails where it is told to."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import parse_qs, unquote

import httpx2

from cds_hooks.discovery import queries_of
from rules.pack import Pack
from tests.builders import Patient

__all__ = ["BASE", "TOKEN", "FakeFhir", "Fault", "answering", "authorized"]

BASE = "https://ehr.example.org/fhir"
TOKEN = "Token-4f1d0c9a"

Fault = Callable[[httpx2.Request], httpx2.Response]


def authorized(server: str = BASE, token: str = TOKEN) -> dict[str, Any]:
    """The fields of a hook call that let the service read from a FHIR server."""
    return {
        "fhirServer": server,
        "fhirAuthorization": {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": 300,
            "scope": "patient/*.rs",
            "subject": "cds-service",
        },
    }


def answering(content: Any, status: int = 200, **headers: str) -> Fault:
    """An answer that is the same each time; what is no bytes is sent as JSON."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: httpx2.Response(status, headers=named, stream=httpx2.ByteStream(body))


class _Silence(httpx2.AsyncByteStream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b'{"resourceType":'
        await asyncio.Event().wait()


def hanging(request: httpx2.Request) -> httpx2.Response:
    """Begins an answer and never ends it."""
    return httpx2.Response(200, stream=_Silence())


class FakeFhir(httpx2.AsyncBaseTransport):
    """
    Args:
        faults: prefetch key → what is answered instead; "*" for every key.
        post: False if it knows a search only by GET.
    """

    def __init__(self, pack: Pack, patient: Patient, post: bool = True, **faults: Fault) -> None:
        self.faults = faults
        self.requests: list[httpx2.Request] = []
        self._queries = queries_of(pack)
        self._found = patient.prefetch(self._queries)
        self._post = post

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        await request.aread()
        self.requests.append(request)
        if request.method == "POST" and not self._post:
            return answering(b"", 405)(request)
        key = self.key_of(request)
        fault = self.faults.get(key) or self.faults.get("*")
        return (fault or answering(self._found[key], 200 if self._found[key] else 404))(request)

    def key_of(self, request: httpx2.Request) -> str:
        """The key of the query that a request asks, or of its next page."""
        path = unquote(request.url.path).removeprefix("/fhir/")
        form = parse_qs(request.content.decode() if request.method == "POST" else request.url.query.decode())
        if "page-of" in form:
            return form["page-of"][0]
        kind, code = path.split("/")[0], form.get("code", [""])[0]
        (key,) = (q.key for q in self._queries if q.type == kind and (not code or f"code={code}&" in q.template))
        return key
