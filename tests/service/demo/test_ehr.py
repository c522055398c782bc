"""The small EHR of the demo fills a prefetch as a FHIR server would."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from cds_hooks.discovery import discovery_document
from rules.pack import Pack
from service.demo import demo_call
from service.demo.ehr import hook_call, intake_response, record_of_bundle
from tests.builders import INTAKE, a_patient

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LOINC = "http://loinc.org"


def filled(template: str, *resources: Any, encounter: str | None = None) -> Any:
    """What the EHR sends for one template; Ellipsis where it sends nothing."""
    service = {"hook": "patient-view", "prefetch": {"key": template}}
    record = [{"resourceType": "Patient", "id": "p1"}, *resources]
    return hook_call(record, service, "x", encounter)["prefetch"].get("key", ...)


def ids(bundle: Any) -> list[str]:
    return [entry["resource"]["id"] for entry in bundle["entry"]]


def labs() -> list[Any]:
    patient = a_patient()
    for number, (code, on) in enumerate((("1-1", "2026-11-20"), ("1-1", "2026-11-21"), ("2-2", "2026-11-19"))):
        patient = patient.with_lab(code, number, "g", on=on, id=f"o{number}")
    return list(patient.chart)


def test_a_read_gives_the_resource_or_null() -> None:
    encounter = {"resourceType": "Encounter", "id": "e1"}

    assert filled("Patient/{{context.patientId}}") == {"resourceType": "Patient", "id": "p1"}
    assert filled("Encounter/{{context.encounterId}}", encounter, encounter="e1") == encounter
    assert filled("Encounter/{{context.encounterId}}", encounter="e1") is None


def test_a_template_whose_token_the_context_does_not_hold_is_not_filled() -> None:
    assert filled("Encounter/{{context.encounterId}}") is ...


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("patient={{context.patientId}}", ["o1", "o0", "o2"]),
        ("patient=other", []),
        (f"patient={{{{context.patientId}}}}&code={LOINC}|1-1", ["o1", "o0"]),
        (f"patient={{{{context.patientId}}}}&code={LOINC}|2-2,{LOINC}|9-9", ["o2"]),
        ("patient={{context.patientId}}&code=other|1-1", []),
        ("patient={{context.patientId}}&date=ge2026-11-20", ["o1", "o0"]),
        ("patient={{context.patientId}}&status=final", ["o1", "o0", "o2"]),
        ("patient={{context.patientId}}&status=preliminary,cancelled", []),
    ],
)
def test_a_search_gives_what_fits_the_newest_first(query: str, expected: list[str]) -> None:
    bundle = filled(f"Observation?{query}&_sort=-date", *labs())

    assert ids(bundle) == expected
    assert bundle["total"] == len(expected)
    assert "link" not in bundle


def test_a_search_with_more_than_its_count_has_a_next_page() -> None:
    bundle = filled("Observation?patient={{context.patientId}}&_count=2", *labs())

    assert ids(bundle) == ["o1", "o0"]
    assert bundle["total"] == 3
    assert bundle["link"][0]["relation"] == "next"


def test_a_parameter_that_the_ehr_does_not_know_fits_nothing() -> None:
    assert ids(filled("Observation?patient={{context.patientId}}&category=laboratory", *labs())) == []


def test_requests_are_found_by_status_and_date_the_newest_first() -> None:
    subject = {"reference": "Patient/p1"}
    requests = [
        {"resourceType": "ServiceRequest", "id": f"r{day}", "status": status, "subject": subject}
        | {"authoredOn": f"2026-11-{day}"}
        for day, status in ((10, "active"), (12, "completed"), (13, "draft"), (14, "active"))
    ]
    query = "ServiceRequest?patient=p1&status=active,completed&authored=ge2026-11-12&_sort=-authored"

    assert ids(filled(query, *requests)) == ["r14", "r12"]


def test_an_intake_is_found_by_its_questionnaire_and_date() -> None:
    intake = intake_response(
        {"leg-pain": True, "severity": 7, "side": "left", "quality": ["a", "b"]}, "p1", NOW, INTAKE
    )
    answers = {item["linkId"]: item["answer"] for item in intake["item"]}
    found = filled(f"QuestionnaireResponse?patient=p1&questionnaire={INTAKE}&authored=ge2026-11-21", intake)
    late = filled(f"QuestionnaireResponse?patient=p1&questionnaire={INTAKE}&authored=ge2026-11-22", intake)

    assert (len(found["entry"]), len(late["entry"])) == (1, 0)
    assert answers["leg-pain"] == [{"valueBoolean": True}]
    assert answers["severity"] == [{"valueInteger": 7}]
    assert [each["valueCoding"]["code"] for each in answers["quality"]] == ["a", "b"]


def test_references_between_entries_become_references_between_resources() -> None:
    entries = [
        {"fullUrl": "urn:uuid:1", "resource": {"resourceType": "Patient", "id": "p1"}},
        {"resource": {"resourceType": "Condition", "id": "c1", "subject": {"reference": "urn:uuid:1"}}},
    ]

    assert record_of_bundle({"entry": entries})[1]["subject"] == {"reference": "Patient/p1"}


def test_the_shipped_patient_fills_every_template_but_that_of_the_visit(shipped_pack: Pack) -> None:
    service = discovery_document(shipped_pack, date(2026, 11, 21))["services"][1]
    prefetch = demo_call(service, NOW, "x", INTAKE)["prefetch"]

    assert set(service["prefetch"]) - set(prefetch) == {"encounter"}
    assert prefetch["patient"]["resourceType"] == "Patient"
    assert prefetch["conditions"]["entry"]
    assert prefetch["intake"]["entry"]
