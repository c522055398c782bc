"""Tokens of the client: not looked at yet, never in the way, and kept nowhere."""

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from rules.pack import Pack
from service.app import create_app
from service.settings import Settings
from tests.builders import a_patient
from tests.service.api.calls import PATIENT_VIEW, a_call, post
from tests.service.logs import caught_logs

TOKEN = "eyJhbGciOiJFUzM4NCJ9.TokenMarker4d1e.c2ln"
FHIR: dict[str, Any] = {
    "fhirServer": "https://fhir.example.org/r4",
    "fhirAuthorization": {
        "access_token": TOKEN,
        "token_type": "Bearer",
        "expires_in": 300,
        "scope": "PATIENT.READ (R4)",
        "subject": "recumbent",
    },
}


def test_a_token_is_kept_nowhere_and_changes_nothing(settings: Settings, tmp_path: Path, pack: Pack) -> None:
    call = a_call(pack, a_patient().answered("saddle"))
    with caught_logs() as logs, TestClient(create_app(settings.model_copy(update={"data": tmp_path}))) as client:
        plain, with_token = post(client, call), post(client, call | FHIR, Authorization=f"Bearer {TOKEN}")
        feedback = {
            "feedback": [
                {
                    "card": plain.json()["cards"][0]["uuid"],
                    "outcome": "overridden",
                    "outcomeTimestamp": "2026-11-21T12:00:00Z",
                }
            ]
        }
        post(client, feedback, f"{PATIENT_VIEW}/feedback", Authorization=f"Bearer {TOKEN}")

    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert plain.json()["cards"] == with_token.json()["cards"]
    assert "TokenMarker4d1e" not in logs.getvalue() + with_token.text
    assert b"TokenMarker4d1e" not in stored
    assert b"recumbent-patient-view" in stored  # the search does find what is stored plainly


@pytest.mark.parametrize("field", ["fhirServer", "fhirAuthorization"])
def test_either_field_of_fhir_access_may_come_alone(client: TestClient, pack: Pack, field: str) -> None:
    call = a_call(pack, a_patient().answered("saddle"))

    assert post(client, call | {field: FHIR[field]}).json()["cards"] == post(client, call).json()["cards"]


def test_discovery_answers_with_a_token_too(client: TestClient) -> None:
    answer = client.get("/cds-services", headers={"Authorization": f"Bearer {TOKEN}"})

    assert answer.json() == client.get("/cds-services").json()
