"""REG-16: nothing of a call reaches a log line, an error, or the part of the store that is not encrypted."""

import json
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from rules.pack import Pack
from service.app import create_app
from service.settings import Settings
from tests.builders import AS_OF, Patient, a_patient
from tests.service.api.calls import PATIENT_VIEW, FailingLog, a_call, post, with_log
from tests.service.logs import caught_logs

MARKER = "Marker8c1f6e0b7a"


def a_marked_patient() -> Patient:
    """A full chart with the marker wherever a clinician or a registrar writes."""
    texts: dict[str, Any] = {"note": [{"text": MARKER}], "identifier": [{"value": MARKER}], MARKER: MARKER}
    patient = a_patient(MARKER).being(name=[{"family": MARKER}], address=[{"line": [MARKER]}], **texts)
    patient = patient.answered("saddle").answered("side", MARKER).answered("leg-pain")
    patient = patient.with_lab("2276-4", 32, "ug/L", **texts).with_lab("2823-3", 4, MARKER).with_lab(MARKER, 4, "g")
    patient = patient.with_condition("32914008", text=MARKER, **texts).with_condition(text=f"{MARKER} restless legs")
    patient = patient.with_medication("36567", text=MARKER, id=MARKER).with_statement(text=MARKER, status=MARKER)
    return patient.visiting_for("10601006", text=MARKER).with_resource({"resourceType": MARKER, "id": MARKER})


def a_marked_call(pack: Pack) -> dict[str, Any]:
    call = a_call(pack, a_marked_patient(), fhirServer=f"https://{MARKER}", extension={MARKER: MARKER})
    call["prefetch"] |= {MARKER: {"resourceType": MARKER}, f"{MARKER} 2": {"resourceType": "OperationOutcome"}}
    call["fhirAuthorization"] = {"access_token": MARKER, "scope": MARKER}
    call["context"] = {"userId": f"Practitioner/{MARKER}", "patientId": MARKER, "encounterId": MARKER, MARKER: MARKER}
    return call


def each_value_marked(value: Any) -> Iterator[Any]:
    """The value with the marker in the place of each value inside, one at a time; hookInstance is no patient data."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        if key == "hookInstance":
            continue
        for changed in each_value_marked(each):
            copy = value.copy()
            copy[key] = changed
            yield copy
    yield MARKER


def test_no_log_line_and_no_plain_part_of_the_store_holds_anything_of_a_call(
    settings: Settings, tmp_path: Path, pack: Pack
) -> None:
    settings = settings.model_copy(update={"data": tmp_path})
    marked = a_marked_call(pack)
    moments = (AS_OF + timedelta(milliseconds=number) for number in count())  # so that each call is a decision
    with caught_logs() as logs, TestClient(create_app(settings, lambda: next(moments))) as client:
        statuses = {post(client, each).status_code for each in (marked, *each_value_marked(marked))}
        post(client, MARKER.encode(), f"/cds-services/{MARKER}?{MARKER}", Content_Type=MARKER, Authorization=MARKER)
        client.get(f"/rules/{MARKER}/{MARKER}/{MARKER}?{MARKER}={MARKER}")

    assert statuses == {200, 400}
    assert logs.getvalue().count('"answered"') > 50
    assert MARKER not in logs.getvalue()
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"recumbent-patient-view" in stored  # the search does find what is stored plainly
    assert MARKER.encode() not in stored


def test_a_mistake_of_ours_is_logged_by_its_type_and_place_alone(settings: Settings, pack: Pack) -> None:
    broken = FailingLog(KeyError(MARKER))
    with caught_logs() as logs:
        response = post(with_log(settings, broken), a_marked_call(pack))
    (line,) = map(json.loads, logs.getvalue().splitlines())

    assert response.status_code == 500
    assert MARKER not in response.text
    assert {key: line[key] for key in ("event", "level", "reason")} == {
        "event": "failed",
        "level": "error",
        "reason": "KeyError",
    }
    assert line["at"].startswith("calls.py:")
    assert set(line) == {"event", "level", "reason", "at", "timestamp"}


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"", ("refused", 400, "BadRequestError")), (None, ("refused", 404, "HTTPException"))],
)
def test_a_refusal_is_logged_with_its_status(
    client: TestClient, content: bytes | None, expected: tuple[str, int, str]
) -> None:
    with caught_logs() as logs:
        response = client.get("/nothing") if content is None else post(client, content, PATIENT_VIEW)
    (line,) = map(json.loads, logs.getvalue().splitlines())

    assert response.status_code == expected[1]
    assert (line["event"], line["status"], line["reason"]) == expected


def test_an_answer_is_logged_with_its_decision_and_without_patient_data(client: TestClient, pack: Pack) -> None:
    with caught_logs() as logs:
        body = post(client, a_call(pack, a_patient().answered("saddle"))).json()
    (line,) = map(json.loads, logs.getvalue().splitlines())

    assert line["decision"] == body["extension"]["org.recumbent.evaluation"]["decisionId"]
    assert set(line) == {"event", "level", "timestamp", "decision", "service", "cards", "milliseconds"}


def test_the_environment_cannot_send_calls_to_a_collector(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """With these variables FastAPI would set up exporters at the start, or log that it cannot."""
    monkeypatch.setenv("FASTAPI_OTEL_AUTO_CONFIGURE", "true")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    with caught_logs() as logs, TestClient(create_app(settings, lambda: AS_OF)):
        pass

    assert [json.loads(line)["event"] for line in logs.getvalue().splitlines()] == ["started"]
