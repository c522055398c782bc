"""
The EHR as a clinician meets it: a page over the client and the FHIR server, for `make ehr` and for browser tests.

The browser calls only this server, which calls the service, as real EHRs do; the service needs no CORS for it.

    /                       the page            /fhir                    the FHIR server
    /patients[/id]          charts              /.well-known/jwks.json   the keys of the calls
    /patients/id/{step}     one step of the work: open, start, end, problem, select, sign, accept, dismiss, remove
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from service.headers import SafeHeaders
from tests.builders import coded
from tests.ehr.client import Ehr, InvalidAnswerError, RefusedError
from tests.ehr.fhir_server import Store, fhir_app
from tests.ehr.stories import Story, condition, order, stories, title

__all__ = ["page_app"]

_FOLDER = Path(__file__).parent / "page"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_DRAFTS = ("MedicationRequest", "ServiceRequest", "DeviceRequest", "Task")
_SILENT = "The service did not answer. Whether there is anything to say is not known."
_REFUSED = "The service could not look at this patient: {} Whether there is anything to say is not known."
_UNUSABLE = "The service gave an answer that breaks CDS Hooks: {}."

Resource = dict[str, Any]


class _NoSuchThingError(Exception):
    """The page named a patient, a step, an order or a card that is not there."""


@dataclass(frozen=True)
class _Shown:
    """A card that was shown, and the service that gave it."""

    service: str
    card: Resource


class _Clinic:
    """Charts, drafts and cards of all patients; each step of the work is a method that returns what is to be shown."""

    def __init__(self, ehr: Ehr, store: Store, now: Callable[[], datetime]) -> None:
        self.ehr, self.store, self.now = ehr, store, now
        self.told: dict[str, Story] = stories(now())
        self.shown: dict[str, _Shown] = {}
        for story in self.told.values():
            for resource in story.resources:
                store.put(resource)

    # ── what the page reads ──────────────────────────────────────────────────────────────────────────────────────────

    def chart(self, patient: str) -> Resource:
        story = self.told[patient]
        return {
            "id": patient,
            "name": title(story.resources[0]),
            "about": f"{story.resources[0]['gender']}, born {story.resources[0]['birthDate']}",
            "story": story.text,
            "problems": [title(each) for each in self._of(patient, "Condition")],
            "medicines": [title(each) for each in self._of(patient, "MedicationRequest") if each["status"] == "active"],
            "results": [title(each) for each in self._of(patient, "Observation")],
            "drafts": [{"id": _reference(each), "text": title(each)} for each in self._drafts(patient)],
            "signed": [
                title(each) for each in self._of(patient, *_DRAFTS[1:]) if each["status"] in ("active", "requested")
            ],
            "visit": self._visit(patient) is not None,
            "orders": [{"id": each, "text": title(order(each, patient))} for each in story.orders],
            "newProblems": [
                {"id": each, "text": title(condition(each, patient, self.now()))} for each in story.new_problems
            ],
        }

    # ── the steps ────────────────────────────────────────────────────────────────────────────────────────────────────

    def open(self, patient: str, said: Resource) -> Resource:
        return self._ask("patient-view", patient)

    def start(self, patient: str, said: Resource) -> Resource:
        visit: Resource = {"resourceType": "Encounter", "id": f"visit-{patient}", "status": "in-progress"}
        visit |= {"subject": {"reference": f"Patient/{patient}"}, "period": {"start": self.now().isoformat()}}
        if reason := self.told[patient].reason:
            visit["reasonCode"] = [coded(reason["code"], text=reason["text"])]
        self.store.put(visit)
        return self._ask("encounter-start", patient)

    def end(self, patient: str, said: Resource) -> Resource:
        answer = self._ask("encounter-discharge", patient)
        self.store.remove(f"Encounter/visit-{patient}")
        return answer

    def problem(self, patient: str, said: Resource) -> Resource:
        name = _listed(said, "problem", self.told[patient].new_problems)
        made = self.store.put(condition(name, patient, self.now()))
        added = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": made}]}
        return self._ask("problem-list-item-create", patient, conditions=added)

    def select(self, patient: str, said: Resource) -> Resource:
        made = self.store.put(order(_listed(said, "order", self.told[patient].orders), patient))
        return self._ask("order-select", patient, orders=self._drafts(patient), selections=[_reference(made)])

    def sign(self, patient: str, said: Resource) -> Resource:
        """Sign all drafts, unless there are cards to be read first; `anyway` signs all the same."""
        orders = self._drafts(patient)
        answer = {} if said.get("anyway") else self._ask("order-sign", patient, orders=orders)
        if not answer.get("cards") and "problem" not in answer:
            for each in orders:
                self.store.put(each | {"status": "requested" if each["resourceType"] == "Task" else "active"})
            return {"cards": [], "note": "All orders are signed."}
        return answer | {"unsigned": True}

    def accept(self, patient: str, said: Resource) -> Resource:
        shown = self.shown[_listed(said, "card", self.shown)]
        suggestions = {each["uuid"]: each for each in shown.card.get("suggestions", ())}
        taken = _listed(said, "suggestion", suggestions)
        (action,) = suggestions[taken]["actions"]
        if action["type"] == "create":
            self.store.put(action["resource"])
        else:
            self.store.remove(action["resourceId"])
        return self._tell(lambda: self.ehr.accept(shown.service, shown.card["uuid"], taken), "Done")

    def dismiss(self, patient: str, said: Resource) -> Resource:
        shown = self.shown[_listed(said, "card", self.shown)]
        reasons = [each for each in shown.card.get("overrideReasons", ()) if each["code"] == said.get("reason")]
        reason = reasons[0] if reasons else None
        words = f"Dismissed: {reason['display']}" if reason else "Dismissed"
        return self._tell(
            lambda: self.ehr.dismiss(shown.service, shown.card["uuid"], reason, said.get("comment")), words
        )

    def remove(self, patient: str, said: Resource) -> Resource:
        self.store.remove(_listed(said, "draft", [_reference(each) for each in self._drafts(patient)]))
        return {"note": "The draft is removed."}

    # ── how ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _ask(self, workflow: str, patient: str, **context: Any) -> Resource:
        visit = self._visit(patient)
        context |= {"encounterId": visit["id"]} if visit else {}
        try:
            answer = self.ehr.call(workflow, patientId=patient, **context)
        except RefusedError as error:
            return {"problem": _REFUSED.format(error.text)}
        except InvalidAnswerError as error:
            return {"problem": _UNUSABLE.format(error)}
        except httpx2.HTTPError:
            return {"problem": _SILENT}
        self.shown |= {card["uuid"]: _Shown(answer.service, card) for card in answer.cards}
        return {"cards": answer.cards}

    def _tell(self, send: Callable[[], None], done: str) -> Resource:
        try:
            send()
        except (RefusedError, httpx2.HTTPError):
            return {"note": f"{done}, but the service did not take the feedback."}
        return {"note": f"{done}. The service was told."}

    def _of(self, patient: str, *kinds: str) -> list[Resource]:
        named = {"reference": f"Patient/{patient}"}
        return [
            each
            for each in self.store
            if each["resourceType"] in kinds and named in (each.get("subject"), each.get("for"))
        ]

    def _drafts(self, patient: str) -> list[Resource]:
        return [each for each in self._of(patient, *_DRAFTS) if each["status"] == "draft"]

    def _visit(self, patient: str) -> Resource | None:
        return self.store.get(f"Encounter/visit-{patient}")


_STEPS: dict[str, Callable[[_Clinic, str, Resource], Resource]] = {
    each.__name__: each
    for each in (
        _Clinic.open,
        _Clinic.start,
        _Clinic.end,
        _Clinic.problem,
        _Clinic.select,
        _Clinic.sign,
        _Clinic.accept,
        _Clinic.dismiss,
        _Clinic.remove,
    )
}


def page_app(ehr: Ehr, store: Store, now: Callable[[], datetime]) -> Starlette:
    """The page, the charts, the steps, the keys, and the FHIR server below /fhir."""
    clinic = _Clinic(ehr, store, now)

    def page(request: Request) -> FileResponse:
        return FileResponse(_FOLDER / "index.html", headers={"Content-Security-Policy": _POLICY})

    def patients(request: Request) -> JSONResponse:
        listed = [{"id": each.id, "name": title(each.resources[0])} for each in clinic.told.values()]
        return JSONResponse(listed)

    def chart(request: Request) -> JSONResponse:
        return JSONResponse(clinic.chart(_patient(clinic, request)))

    async def step(request: Request) -> JSONResponse:
        patient = _patient(clinic, request)
        do = _STEPS.get(request.path_params["step"])
        try:
            said = await request.json()
        except ValueError:
            said = None
        if do is None or not isinstance(said, dict):
            raise _NoSuchThingError
        shown = await run_in_threadpool(do, clinic, patient, said)
        return JSONResponse(shown | {"chart": clinic.chart(patient)})

    def keys(request: Request) -> JSONResponse:
        return JSONResponse(ehr.jwks)

    def missing(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"problem": "There is no such thing here. Reload the page."}, 404)

    return Starlette(
        routes=[
            Route("/", page),
            Mount("/page", StaticFiles(directory=_FOLDER)),
            Route("/patients", patients),
            Route("/patients/{patient}", chart),
            Route("/patients/{patient}/{step}", step, methods=["POST"]),
            Route("/.well-known/jwks.json", keys),
            Mount("/fhir", fhir_app(store, empty_with_outcome=ehr.manner.empty_with_outcome)),
        ],
        middleware=[Middleware(SafeHeaders)],
        exception_handlers={_NoSuchThingError: missing},
    )


def _patient(clinic: _Clinic, request: Request) -> str:
    patient: str = request.path_params["patient"]
    if patient not in clinic.told:
        raise _NoSuchThingError
    return patient


def _listed(said: Resource, key: str, among: Collection[str]) -> str:
    """What the page names, if it is there."""
    value = said.get(key)
    if not isinstance(value, str) or value not in among:
        raise _NoSuchThingError
    return value


def _reference(resource: Resource) -> str:
    return f"{resource['resourceType']}/{resource['id']}"
