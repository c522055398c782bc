"""Hook calls for the tests of the API, and what every refusal must look like."""

import json
from dataclasses import replace
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from httpx2 import Response
from starlette.testclient import TestClient

from cds_hooks.discovery import queries_of
from rules.pack import Pack
from service.app import create_app
from service.records.decision import DecisionRecord
from service.records.log import DecisionLog
from service.settings import Settings
from tests.builders import AS_OF, Patient, a_patient

__all__ = ["ENCOUNTER_START", "PATIENT_VIEW", "FailingLog", "a_call", "outcome_text", "post", "with_log"]

PATIENT_VIEW = "/cds-services/recumbent-patient-view"
ENCOUNTER_START = "/cds-services/recumbent-encounter-start"


def a_call(pack: Pack, patient: Patient | None = None, **fields: Any) -> dict[str, Any]:
    """A valid call with the whole prefetch, of an instance of its own; a field given as Ellipsis is left out."""
    patient = patient or a_patient()
    call: dict[str, Any] = {
        "hook": "patient-view",
        "hookInstance": str(uuid5(NAMESPACE_OID, f"{patient} {fields}")),
        "context": {"userId": "Practitioner/1", "patientId": patient.person["id"]},
        "prefetch": patient.prefetch(queries_of(pack)),
    }
    return {key: value for key, value in (call | fields).items() if value is not ...}


def post(client: TestClient, call: Any, address: str = PATIENT_VIEW, **headers: str) -> Response:
    """Send a call: bytes as they are, anything else as JSON."""
    content = call if isinstance(call, bytes) else json.dumps(call).encode()
    named = {"Content-Type": "application/json"} | {key.replace("_", "-"): value for key, value in headers.items()}
    return client.post(address, content=content, headers=named)


def outcome_text(answer: Response) -> str:
    """The text of a refusal, after its form was checked."""
    body = answer.json()
    assert answer.headers["content-type"] == "application/fhir+json"
    assert set(body) == {"resourceType", "issue"}
    assert body["resourceType"] == "OperationOutcome"
    (issue,) = body["issue"]
    assert set(issue) == {"severity", "code", "details"}
    assert issue["severity"] == ("error" if answer.status_code < 500 else "fatal")
    (text,) = issue["details"].values()
    assert isinstance(text, str)
    return text


class FailingLog(DecisionLog):
    """A decision log that cannot record."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def record(self, record: DecisionRecord) -> None:
        raise self.error


def with_log(settings: Settings, decisions: DecisionLog) -> TestClient:
    """The whole program, but with this decision log; not entered, so that it is never started or stopped."""
    app = create_app(settings, lambda: AS_OF)
    app.state.recumbent = replace(app.state.recumbent, decisions=decisions)
    return TestClient(app)
