"""Junk in the data is never fatal: it is named on the card, in the answer and on the record."""

import json

import pytest

from cds_hooks.request import read_request
from rules.pack import Pack
from service.decide import Decision, decide
from service.fhir.gather import from_prefetch
from service.records.keep import record_of
from tests.builders import AS_OF, Resource, a_bundle, a_patient

SERVICE = "recumbent-patient-view"
JUNK: list[Resource] = [
    {"resourceType": "Observation", "code": "2823-3"},
    {"resourceType": "Observation", "status": 5},
    {"resourceType": "Condition", "code": "DVT"},
]


def call(pack: Pack, *junk: Resource) -> bytes:
    body = json.loads(a_patient().answered("urge-to-move").hook_body(pack))
    body["prefetch"]["junk"] = a_bundle(junk)
    return json.dumps(body).encode()


def decided(pack: Pack, *junk: Resource) -> Decision:
    request = read_request(SERVICE, call(pack, *junk), "https://cds.example")
    queries = ()
    return decide(request, from_prefetch(request.patient_id, request.prefetch, queries), pack, AS_OF)


def test_junk_is_counted_by_type_on_a_card(pack: Pack) -> None:
    details = "\n".join(card.detail for card in decided(pack, *JUNK).response.cards)

    assert "2 Observation entries could not be read" in details
    assert "1 Condition entry could not be read" in details


def test_junk_is_counted_by_type_in_the_answer(pack: Pack) -> None:
    evaluation = decided(pack, *JUNK).response.extension["org.recumbent.evaluation"]

    assert {"Condition: 1 could not be read", "Observation: 2 could not be read"} <= set(evaluation["degraded"])


def test_junk_is_counted_by_type_on_the_record(pack: Pack) -> None:
    request = read_request(SERVICE, call(pack, *JUNK), "https://cds.example")

    record = record_of(request, decided(pack, *JUNK), pack, {}, "tenant", "client")

    assert json.loads(record.summary)["unreadable"] == {"Condition": 1, "Observation": 2}


def test_what_was_left_out_is_on_the_record_with_its_reason(pack: Pack) -> None:
    preliminary = {"resourceType": "Observation", "status": "preliminary"}
    request = read_request(SERVICE, call(pack, preliminary), "https://cds.example")

    record = record_of(request, decided(pack, preliminary), pack, {}, "tenant", "client")

    assert json.loads(record.summary)["leftOut"] == {"Observation: preliminary": 1}


@pytest.mark.parametrize("marker", ["Jane Doe", "1965-03-14T00:00:01", "<img src=x>", "[link](https://evil.example)"])
def test_nothing_of_the_junk_itself_is_repeated(marker: str, pack: Pack) -> None:
    junk: list[Resource] = [
        {"resourceType": marker, "code": marker},
        {"resourceType": "Observation", "status": marker, "code": 5},
        {"resourceType": "Observation", "status": marker, "id": marker},
        {"resourceType": "Condition", "code": {"text": marker}, "clinicalStatus": {"text": marker}},
        {"resourceType": "MedicationRequest", "status": marker, "intent": marker},
        {"resourceType": "QuestionnaireResponse", "questionnaire": marker, "status": marker},
        {"resourceType": "Encounter", "status": marker, "period": {"start": marker}},
    ]
    request = read_request(SERVICE, call(pack, *junk), "https://cds.example")

    decision = decided(pack, *junk)

    summary = record_of(request, decision, pack, {}, "tenant", "client").summary
    assert marker not in decision.body.decode() + summary.decode()
