"""A draft order against the shipped library: whose it is, how much it gives, and whether it starts or stops."""

import dataclasses
import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from rules.engine.facts import DraftOrder, Known
from rules.pack import Pack
from rules.terminology import RXNORM
from service.fhir.read_facts import Reading, read_facts
from tests.builders import AS_OF, PATIENT, Resource, coded
from tests.service.fhir.reading import coverage, prefetched

GABAPENTIN = coded("310431", RXNORM)
"""Gabapentin 300 mg oral capsule."""
THREE_TIMES = {"repeat": {"frequency": 3, "period": 1, "periodUnit": "d"}}
TWO = {"doseQuantity": {"value": 2, "unit": "capsule"}}


def read(pack: Pack, **fields: Any) -> Reading:
    draft: Resource = {"resourceType": "MedicationRequest", "id": "d", "status": "draft", "intent": "order"}
    order = draft | {"medicationCodeableConcept": GABAPENTIN} | fields
    drafts = ((None, msgspec.Raw(json.dumps(order).encode())),)
    return read_facts(dataclasses.replace(prefetched({}), orders=drafts), pack, coverage(pack), AS_OF)


def the_order(pack: Pack, **fields: Any) -> DraftOrder:
    [order] = read(pack, **fields).orders
    return order


@pytest.mark.parametrize("subject", [f"Patient/{PATIENT}", f"https://example.org/fhir/Patient/{PATIENT}"])
def test_an_order_of_the_patient_is_asked_about(subject: str, shipped_pack: Pack) -> None:
    order = the_order(shipped_pack, subject={"reference": subject})

    assert isinstance(order.facts["order-gabapentin"], Known)


def test_an_order_of_another_patient_is_not_asked_about_and_is_counted(shipped_pack: Pack) -> None:
    reading = read(shipped_pack, subject={"reference": "Patient/somebody-else"})

    assert reading.orders == ()
    assert reading.left_out == {"draft MedicationRequest: another patient": 1}


def test_a_daily_dose_is_strength_times_pieces_times_a_day(shipped_pack: Pack) -> None:
    order = the_order(shipped_pack, dosageInstruction=[{"timing": THREE_TIMES, "doseAndRate": [TWO]}])

    dose = order.facts["order-daily-dose"]
    assert isinstance(dose, Known)
    assert Decimal(1800) == dose.value


@pytest.mark.parametrize(
    "instruction",
    [
        {"text": "2 capsules three times a day"},
        {"timing": THREE_TIMES},
        {"doseAndRate": [TWO]},
        {"timing": THREE_TIMES, "doseAndRate": [{"doseQuantity": {"value": 10, "unit": "mL"}}]},
        {"timing": THREE_TIMES, "doseAndRate": [{"doseQuantity": {"value": -2, "unit": "capsule"}}]},
    ],
)
def test_a_dose_that_is_not_fully_stated_is_unknown_and_never_guessed(
    instruction: Resource, shipped_pack: Pack
) -> None:
    assert the_order(shipped_pack, dosageInstruction=[instruction]).facts["order-daily-dose"] is None


@pytest.mark.parametrize("fields", [{"status": "stopped"}, {"status": "cancelled"}, {"doNotPerform": True}])
def test_an_order_that_stops_a_medicine_is_not_taken_for_one_that_starts_it(
    fields: Resource, shipped_pack: Pack
) -> None:
    order = the_order(shipped_pack, **fields)

    change = order.facts["order-change"]
    assert order.stops
    assert isinstance(change, Known)
    assert change.value == frozenset(("stop",))
