"""
A small FHIR R4 server over resources in memory: reads, searches by GET and by POST _search with pages, create, delete.

It refuses what it does not know with an OperationOutcome, and lets browsers of other origins call it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from service.demo.ehr import search

__all__ = ["Store", "fhir_app"]

_MEDIA_TYPE = "application/fhir+json"
_REQUEST = frozenset(("patient", "status"))
_SEARCHABLE = {
    "Condition": frozenset(("patient", "code")),
    "DeviceRequest": _REQUEST,
    "Encounter": _REQUEST,
    "MedicationRequest": _REQUEST,
    "MedicationStatement": _REQUEST,
    "Observation": frozenset(("patient", "status", "code", "date")),
    "Patient": frozenset[str](),
    "PractitionerRole": frozenset[str](),
    "QuestionnaireResponse": frozenset(("patient", "status", "questionnaire", "authored")),
    "ServiceRequest": _REQUEST | {"authored", "code"},
    "Task": _REQUEST,
}
_SORTS = frozenset(("-date", "-authored"))
_RESULT = frozenset(("_count", "_sort", "_page"))
_PAGE_SIZE = 50
_LARGEST_PAGE = 500

Resource = dict[str, Any]


class Store:
    """Resources by type and id. A resource without an id gets the next number as its id."""

    def __init__(self, resources: Iterable[Resource] = ()) -> None:
        self._resources: dict[tuple[str, str], Resource] = {}
        self._made = 0
        for resource in resources:
            self.put(resource)

    def __iter__(self) -> Iterator[Resource]:
        return iter(list(self._resources.values()))

    def put(self, resource: Resource) -> Resource:
        if "id" not in resource:
            self._made += 1
            resource = resource | {"id": f"new-{self._made}"}
        self._resources[resource["resourceType"], resource["id"]] = resource
        return resource

    def get(self, reference: str) -> Resource | None:
        """By "Type/id"."""
        kind, _, resource_id = reference.partition("/")
        return self._resources.get((kind, resource_id))

    def remove(self, reference: str) -> Resource | None:
        kind, _, resource_id = reference.partition("/")
        return self._resources.pop((kind, resource_id), None)


class _RefusedError(Exception):
    def __init__(self, status: int, code: str, text: str) -> None:
        self.status, self.code, self.text = status, code, text


def fhir_app(store: Store, *, empty_with_outcome: bool = False) -> Starlette:
    """
    The server.

    Args:
        empty_with_outcome: a search that finds nothing holds an OperationOutcome entry, as Epic answers.
    """
    server = _Server(store, empty_with_outcome)
    return Starlette(
        routes=[
            Route("/{kind}/_search", server.search_by_post, methods=["POST"]),
            Route("/{kind}/{id}", server.read),
            Route("/{kind}/{id}", server.delete, methods=["DELETE"]),
            Route("/{kind}", server.search_by_get),
            Route("/{kind}", server.create, methods=["POST"]),
        ],
        middleware=[
            Middleware(
                CORSMiddleware,
                allow_origins=["*"],
                allow_methods=["GET", "POST", "DELETE"],
                allow_headers=["authorization", "content-type"],
            )
        ],
        exception_handlers={_RefusedError: _refusal},
    )


@dataclass(frozen=True)
class _Server:
    store: Store
    empty_with_outcome: bool

    def read(self, request: Request) -> JSONResponse:
        found = self.store.get("{kind}/{id}".format_map(request.path_params))
        if found is None:
            raise _RefusedError(404, "not-found", "There is no such resource.")
        return _answer(found)

    def search_by_get(self, request: Request) -> JSONResponse:
        return self._search(request, parse_qsl(request.url.query, keep_blank_values=True))

    async def search_by_post(self, request: Request) -> JSONResponse:
        form = (await request.body()).decode("utf-8", "replace")
        return self._search(request, parse_qsl(form, keep_blank_values=True))

    async def create(self, request: Request) -> JSONResponse:
        try:
            resource = await request.json()
        except ValueError:
            resource = None
        if not isinstance(resource, dict) or resource.get("resourceType") != request.path_params["kind"]:
            raise _RefusedError(400, "structure", "Send one resource of the type of the address, as JSON.")
        made = self.store.put({key: value for key, value in resource.items() if key != "id"})  # the id is the server's
        return _answer(made, 201, {"Location": f"{_base(request)}{made['resourceType']}/{made['id']}"})

    def delete(self, request: Request) -> JSONResponse:
        self.store.remove("{kind}/{id}".format_map(request.path_params))
        return _answer(_outcome("information", "informational", "It is gone."))

    def _search(self, request: Request, parameters: list[tuple[str, str]]) -> JSONResponse:
        kind, base = request.path_params["kind"], _base(request)
        criteria, count, page = _understood(kind, parameters)
        found = search(self.store, kind, criteria)
        bundle: Resource = {"resourceType": "Bundle", "type": "searchset", "total": len(found)}
        if page * count < len(found):
            again = [each for each in parameters if each[0] != "_page"] + [("_page", str(page + 1))]
            bundle["link"] = [{"relation": "next", "url": f"{base}{kind}?{urlencode(again)}"}]
        entries: list[Resource] = [
            {"fullUrl": f"{base}{kind}/{each['id']}", "resource": each, "search": {"mode": "match"}}
            for each in found[(page - 1) * count : page * count]
        ]
        if not found and self.empty_with_outcome:
            outcome = _outcome("information", "not-found", "Resource request returns no results.")
            entries = [{"resource": outcome, "search": {"mode": "outcome"}}]
        return _answer(bundle | ({"entry": entries} if entries else {}))


def _understood(kind: str, parameters: list[tuple[str, str]]) -> tuple[list[tuple[str, str]], int, int]:
    """The criteria, the size of a page, and which page; a parameter that is not known is refused."""
    known = _SEARCHABLE.get(kind)
    if known is None:
        raise _RefusedError(404, "not-supported", "Resources of this type cannot be searched.")
    named = dict(parameters)
    if named.keys() - known - _RESULT:
        raise _RefusedError(400, "not-supported", f"Search {kind} by {', '.join(sorted(known)) or 'nothing'} only.")
    if named.get("_sort", "-date") not in _SORTS:
        raise _RefusedError(400, "not-supported", "Sort by -date or -authored only.")
    if any(not named.get(date, "ge").startswith("ge") for date in ("date", "authored")):
        raise _RefusedError(400, "not-supported", "Search for dates with ge only.")
    count = min(_number(named, "_count", _PAGE_SIZE), _LARGEST_PAGE)
    criteria = [each for each in parameters if each[0] not in _RESULT]
    return criteria, count, _number(named, "_page", 1)


def _number(named: Mapping[str, str], name: str, otherwise: int) -> int:
    value = named.get(name, str(otherwise))
    if not (value.isascii() and value.isdigit() and int(value[:9]) > 0):
        raise _RefusedError(400, "value", f"{name} should be a whole number above 0.")
    return int(value[:9])


def _base(request: Request) -> str:
    """Our address with a slash at the end, also where another app holds us below a path."""
    return f"{request.url.scheme}://{request.url.netloc}{request.scope.get('root_path', '')}/"


def _refusal(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, _RefusedError)
    return _answer(_outcome("error", error.code, error.text), error.status)


def _outcome(severity: str, code: str, text: str) -> Resource:
    issue = {"severity": severity, "code": code, "details": {"text": text}}
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def _answer(resource: Mapping[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse(resource, status, headers, _MEDIA_TYPE)
