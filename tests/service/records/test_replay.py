"""An old call can be answered again from its record alone, to the same bytes, whichever hook it was of."""

import json
from typing import Any

import pytest

from cds_hooks.discovery import modules_of, queries_of
from cds_hooks.request import read_request
from rules.pack import Pack
from service.decide import Decision, decide
from service.fhir.gather import from_call
from service.records.decision import DecisionRecord
from service.records.keep import record_of, replay
from tests.builders import AS_OF, a_bundle, a_patient, coded, day

ORDER = {
    "resourceType": "MedicationRequest",
    "id": "q1",
    "status": "draft",
    "intent": "order",
    "medicationCodeableConcept": coded(text="Quinine 324 mg"),
    "dosageInstruction": [
        {
            "timing": {"repeat": {"frequency": 1, "period": 8, "periodUnit": "h", "boundsDuration": {"value": 2}}},
            "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "capsule"}}],
        }
    ],
}
STOCKINGS = {"resourceType": "DeviceRequest", "codeCodeableConcept": coded(text="Compression stockings")}
SIGNED = ORDER | {"id": "q2", "status": "active"}
STOPPED = ORDER | {"id": "q3", "status": "stopped"}
ORDERS = a_bundle([ORDER, STOCKINGS, SIGNED, STOPPED, {"resourceType": "ServiceRequest", "status": 7}])
PROBLEM = a_patient().with_condition("32914008", id="new").chart[0]
CALLS: dict[str, dict[str, Any]] = {
    "order-sign": {"draftOrders": ORDERS},
    "order-select": {"draftOrders": ORDERS, "selections": ["MedicationRequest/q1"], "encounterId": "e1"},
    "encounter-discharge": {"encounterId": "e1"},
    "problem-list-item-create": {"conditions": a_bundle([PROBLEM])},
}
PATIENT = (
    a_patient()
    .answered("leg-pain")
    .answered("saddle")
    .with_medication(text="Quinine 324 mg", authoredOn=day(30))
    .with_lab("33914-3", 45, "mL/min/{1.73_m2}")
)


def recorded(pack: Pack, hook: str, body: bytes) -> tuple[Decision, DecisionRecord]:
    request = read_request(f"recumbent-{hook}", body, "https://cds.example.org")
    decision = decide(request, from_call(request, queries_of(pack, modules_of(hook))), pack, AS_OF)
    return decision, record_of(request, decision, pack, {}, "default", "test")


@pytest.mark.parametrize("hook", CALLS)
def test_a_replay_gives_the_same_bytes(shipped_pack: Pack, hook: str) -> None:
    decision, record = recorded(shipped_pack, hook, PATIENT.hook_body(shipped_pack, hook, **CALLS[hook]))

    assert decision.response.cards
    assert replay(record, shipped_pack) == decision.body


@pytest.mark.parametrize("hook", CALLS)
def test_the_part_of_the_record_that_is_not_encrypted_names_no_order_and_no_problem(
    shipped_pack: Pack, hook: str
) -> None:
    context = json.loads(json.dumps(CALLS[hook]).replace("q1", "marker-1").replace("new", "marker-2"))
    _, record = recorded(shipped_pack, hook, PATIENT.hook_body(shipped_pack, hook, **context))

    assert b"marker" not in record.summary
