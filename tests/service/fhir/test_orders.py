"""Draft orders as real clients send them, and how they stand to the medicines of the record."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rules.engine.facts import Known
from rules.pack import Pack
from rules.terminology import ATC, NDC, RXNORM
from tests.builders import Patient, Resource, a_bundle, a_patient, coded
from tests.service.fhir.order_library import ATORVASTATIN, a_draft, a_medicine, order_of, read_orders, said_of
from tests.service.fhir.reading import LEFT_OUT

SCAN, STOCKINGS, THROMBOSIS = coded("700000001"), coded("700000002"), coded("128053003")
DAILY = {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}}


def tablets(number: int) -> list[Resource]:
    """Tablets a day."""
    return [{"timing": DAILY, "doseAndRate": [{"doseQuantity": {"value": number, "unit": "tablet"}}]}]


def taking(concept: Resource = ATORVASTATIN, /, **fields: Any) -> Patient:
    """A patient whose record holds an active order of atorvastatin, r1."""
    return a_patient().with_medication(**{"id": "r1", "medicationCodeableConcept": concept} | fields)


# ── what is ordered ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("order", "fact"),
    [
        (a_medicine(), "order-statin"),
        (a_medicine(coded("C10AA05", ATC)), "order-statin"),
        (a_medicine(coded("00071-0155-23", NDC)), "order-statin"),
        (a_medicine(coded(text="Lipitor 40 mg")), "order-statin"),
        (a_medicine(coded("17", "urn:local", "atorvastatin 40 mg")), "order-statin"),
        (a_medicine(None, medicationReference={"display": "Zocor"}), "order-statin"),
        (
            a_medicine(
                None,
                medicationReference={"reference": "#m"},
                contained=[{"resourceType": "Medication", "id": "m", "code": ATORVASTATIN}],
            ),
            "order-statin",
        ),
        (a_draft("ServiceRequest", code=SCAN), "order-scan"),
        (a_draft("ServiceRequest", code=coded(text="Duplex scan, both legs")), "order-scan"),
        (a_draft("DeviceRequest", codeCodeableConcept=coded(text="Graduated elastic hose")), "order-compression"),
        (a_draft("ServiceRequest", code=coded("9", "urn:local"), orderDetail=[SCAN]), "order-scan"),
        (a_draft("DeviceRequest", codeCodeableConcept=STOCKINGS), "order-compression"),
        (a_draft("DeviceRequest", codeCodeableConcept=coded(text="Compression stockings")), "order-compression"),
        (a_draft("DeviceRequest", codeReference={"display": "compression stocking"}), "order-compression"),
        (a_draft("NutritionOrder", oralDiet={"type": [coded(text="Tonic water at night")]}), "order-tonic-water"),
        (a_draft("NutritionOrder", supplement={"productName": "Tonic water"}), "order-tonic-water"),
        (a_draft("CommunicationRequest", payload=[{"contentString": "Elevate both legs."}]), "order-elevation"),
    ],
    ids=str,
)
def test_an_order_is_known_by_its_code_or_its_words(order_pack: Pack, order: Resource, fact: str) -> None:
    read = order_of(order_pack, order)

    held = {name for name in read.facts if order_pack.order_facts.get(name) and said_of(read, name) is True}
    assert {fact} == held


@pytest.mark.parametrize(
    "text", ["No compression stockings", "Remove compression stockings", "stockings", "compressionstockings", ""]
)
def test_words_that_are_denied_or_not_all_there_order_nothing(order_pack: Pack, text: str) -> None:
    order = a_draft("DeviceRequest", codeCodeableConcept=coded(text=text))

    assert said_of(order_of(order_pack, order), "order-compression") is False


def test_a_code_settles_what_is_ordered_and_its_text_is_searched_only_for_what_has_no_code(order_pack: Pack) -> None:
    order = a_draft("DeviceRequest", codeCodeableConcept=STOCKINGS | {"text": "Compression 40 mmHg, leg scan before"})
    read = order_of(order_pack, order)

    told = ("order-compression", "order-strong-compression", "order-scan")
    assert tuple(said_of(read, fact) for fact in told) == (True, True, False)


def test_a_medication_beside_the_orders_tells_what_they_hold(order_pack: Pack) -> None:
    """Epic sends them so since 2024."""
    order = a_medicine(None, medicationReference={"reference": "https://ehr.example.org/Medication/m"})
    beside = {"resourceType": "Medication", "id": "m", "code": ATORVASTATIN}
    reading = read_orders(order_pack, order, beside)

    assert [said_of(each, "order-statin") for each in reading.orders] == [True]
    assert not reading.left_out


@pytest.mark.parametrize(
    "order",
    [
        a_medicine(None),
        a_medicine(None, intent=None, subject=None, status=None),
        a_medicine(None, medicationReference={"reference": "Medication/not-sent"}),
        a_draft("ServiceRequest"),
    ],
    ids=str,
)
def test_an_order_that_does_not_say_what_it_is_of_is_read_and_is_none_of_ours(
    order_pack: Pack, order: Resource
) -> None:
    read = order_of(order_pack, order)

    assert said_of(read, "order-statin") is False
    assert said_of(read, "order-change") is None


# ── why it is ordered ────────────────────────────────────────────────────────────────────────────────────────────────

WITH_CLOT = a_patient().with_condition("128053003", id="c1")


@pytest.mark.parametrize(
    ("reasons", "expected"),
    [
        ({}, None),
        ({"reasonCode": [THROMBOSIS]}, True),
        ({"reasonCode": [coded(text="Clot in the leg?")]}, True),
        ({"reasonCode": coded("399957001")}, False),
        ({"reasonReference": [{"reference": "Condition/c1"}]}, True),
        ({"reasonReference": [{"reference": "https://ehr.example.org/Condition/c1"}]}, True),
        ({"reasonReference": [{"reference": "Condition/x", "display": "deep vein thrombosis"}]}, True),
        ({"reasonReference": [{"reference": "Condition/not-sent"}]}, None),
        ({"reasonCode": [coded("399957001")], "reasonReference": [{"reference": "Condition/not-sent"}]}, None),
        ({"reasonCode": [THROMBOSIS], "reasonReference": [{"reference": "Condition/not-sent"}]}, True),
    ],
    ids=str,
)
def test_a_reason_holds_is_another_or_is_not_known(order_pack: Pack, reasons: Resource, expected: bool | None) -> None:
    order = order_of(order_pack, a_draft("ServiceRequest", code=SCAN, **reasons), patient=WITH_CLOT)

    assert said_of(order, "order-for-thrombosis") is expected


# ── beside what is taken now ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("ordered", "taken", "change"),
    [(2, 1, "raise"), (1, 2, "lower"), (1, 1, "renew")],
)
def test_the_dose_tells_how_an_order_stands_to_what_is_taken(
    order_pack: Pack, ordered: int, taken: int, change: str
) -> None:
    order = a_medicine(dosageInstruction=tablets(ordered))
    read = order_of(order_pack, order, patient=taking(dosageInstruction=tablets(taken)))

    assert (change, 40 * ordered) == (said_of(read, "order-change"), said_of(read, "order-daily-dose"))


def test_a_strength_is_that_of_an_rxnorm_product_and_of_no_other_code_that_looks_the_same(order_pack: Pack) -> None:
    local = {"coding": [{"system": RXNORM, "code": "83367"}, {"system": "urn:local", "code": "617311"}]}
    read = order_of(order_pack, a_medicine(local, dosageInstruction=tablets(1)))

    assert said_of(read, "order-daily-dose") is None


@pytest.mark.parametrize("status", ["stopped", "cancelled", "on-hold"])
def test_an_order_that_ends_a_medicine_stops_it(order_pack: Pack, status: str) -> None:
    read = order_of(order_pack, a_medicine(status=status), patient=taking())

    assert (read.stops, read.removable, said_of(read, "order-change")) == (True, False, "stop")


def changed(pack: Pack, patient: Patient, /, **how: Any) -> tuple[Any, Any]:
    """Whether it is a start, and whether it is taken already."""
    read = order_of(pack, a_medicine(**how.pop("order", {})), patient=patient, **how)
    return said_of(read, "order-change"), said_of(read, "order-taken-already")


@pytest.mark.parametrize(
    "patient",
    [
        a_patient(),
        taking(coded("861007", RXNORM)),
        taking(status="stopped"),
        taking(status="draft"),
        taking(intent="plan"),
        taking(doNotPerform=True),
        taking(subject={"reference": "Patient/another"}),
        a_patient().with_statement("617311", effectivePeriod={"end": "2026-05-01"}),
    ],
    ids=[
        "an empty list",
        "another medicine",
        "stopped",
        "a draft",
        "planned",
        "not to be taken",
        "another patient",
        "over",
    ],
)
def test_a_medicine_that_the_patient_does_not_take_is_started(order_pack: Pack, patient: Patient) -> None:
    assert changed(order_pack, patient) == ("start", False)


@pytest.mark.parametrize(
    ("patient", "answers"),
    [
        (a_patient(), {"medications": LEFT_OUT}),
        (a_patient(), {"medications": a_bundle([], total=3)}),
        (a_patient(), {"medications": {"resourceType": "OperationOutcome"}}),
        (a_patient(), {"medications": a_bundle([{"resourceType": "MedicationRequest", "status": 7}])}),
        (taking(coded(text="atorvastatin")), {}),
        (taking({}, medicationReference={"reference": "Medication/not-sent"}, medicationCodeableConcept=None), {}),
    ],
    ids=["not sent", "a page of it", "failed", "unreadable", "the same in words", "a medicine that was not sent"],
)
def test_from_a_list_that_is_not_wholly_known_nothing_is_concluded(
    order_pack: Pack, patient: Patient, answers: dict[str, Any]
) -> None:
    assert changed(order_pack, patient, **answers) == (None, None)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ({}, True),
        ({"priorPrescription": {"reference": "MedicationRequest/r1"}}, False),
        ({"priorPrescription": {"reference": "https://ehr.example.org/MedicationRequest/r1"}}, False),
        ({"id": "r1", "status": "active"}, False),
        ({"id": None}, True),
    ],
    ids=["another order", "one that it continues", "the same by its address", "itself, signed again", "without an id"],
)
def test_the_same_medicine_is_taken_already_unless_it_is_the_order_itself_or_its_forerunner(
    order_pack: Pack, order: Resource, expected: bool
) -> None:
    assert changed(order_pack, taking(), order=order)[1] is expected


def test_an_order_that_is_signed_again_is_not_counted_as_taken_beside_itself(order_pack: Pack) -> None:
    read = order_of(order_pack, a_medicine(id="r1", status="active"), patient=taking())

    assert said_of(read, "statin") is False
    assert not read.removable


def test_a_medicine_ordered_beside_it_counts_as_taken(order_pack: Pack) -> None:
    thiazide = a_medicine(coded("5487", RXNORM), id="o2")
    scan = order_of(order_pack, a_draft("ServiceRequest", code=SCAN), thiazide)

    beside = scan.facts["thiazide"]
    assert isinstance(beside, Known)
    assert (beside.source, beside.note) == ("MedicationRequest/o2", "ordered beside it")


def test_a_medicine_whose_end_is_ordered_beside_it_is_not_counted_as_taken(order_pack: Pack) -> None:
    stop = a_medicine(coded("5487", RXNORM), id="o2", doNotPerform=True)

    assert "thiazide" not in order_of(order_pack, a_draft("ServiceRequest", code=SCAN), stop).facts


# ── which orders ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("order", "reading"),
    [
        (a_medicine(subject={"reference": "Patient/another"}), ({"draft MedicationRequest: another patient": 1}, {})),
        (a_medicine(status="entered-in-error"), ({"draft MedicationRequest: entered-in-error": 1}, {})),
        (a_draft("Appointment"), ({"draft order: not of a kind that is checked": 1}, {})),
        ("junk", ({"draft order: not of a kind that is checked": 1}, {})),
        (a_medicine(status=7), ({}, {"draft MedicationRequest": 1})),
        (a_medicine(dosageInstruction="daily"), ({}, {"draft MedicationRequest": 1})),
    ],
    ids=["another patient", "an error", "no order", "junk", "a status that is a number", "a dosage that is a text"],
)
def test_an_order_that_is_not_read_is_counted_with_its_reason(
    order_pack: Pack, order: Any, reading: tuple[dict[str, int], dict[str, int]]
) -> None:
    read = read_orders(order_pack, order, a_medicine(id="o2"))

    assert reading == (read.left_out, read.unreadable)
    assert [each.reference for each in read.orders] == ["MedicationRequest/o2"]


def test_only_selected_orders_are_asked_about_and_the_others_count_beside_them(order_pack: Pack) -> None:
    scan, statin = a_draft("ServiceRequest", id="o2", code=SCAN), a_medicine()
    read = read_orders(order_pack, statin, scan, selected=["ServiceRequest/o2"])

    assert [each.reference for each in read.orders] == ["ServiceRequest/o2"]
    assert said_of(read.orders[0], "statin") is True


def test_without_a_selection_no_order_is_asked_about(order_pack: Pack) -> None:
    assert read_orders(order_pack, a_medicine(), selected=[]).orders == ()


def test_a_selected_order_that_was_not_sent_is_named(order_pack: Pack) -> None:
    read = read_orders(order_pack, a_medicine(), selected=["MedicationRequest/o1", "o1", "ServiceRequest/x"])

    assert [each.reference for each in read.orders] == ["MedicationRequest/o1"]
    assert read.unreadable == {"selected order": 2}


@pytest.mark.parametrize("id", ["o1", "e.7-x_Y:1", "e" + "9" * 199, "9" * 256])
def test_an_order_is_called_by_its_id_however_long_and_can_be_removed(order_pack: Pack, id: str) -> None:
    read = order_of(order_pack, a_medicine(id=id), selected=[f"MedicationRequest/{id}"])

    assert (f"MedicationRequest/{id}", True) == (read.reference, read.removable)


@pytest.mark.parametrize("id", [None, "", "..", "a/b", "a b", "<b>", "x\n", "\u0663", "9" * 257, "../Patient/p1"])
def test_an_order_whose_id_cannot_be_given_back_is_called_by_its_place_and_cannot_be_removed(
    order_pack: Pack, id: str | None
) -> None:
    read = order_of(order_pack, a_medicine(id=id))

    assert (read.reference, read.removable) == ("MedicationRequest#1", False)


def test_two_orders_of_one_id_are_told_apart_and_neither_can_be_removed(order_pack: Pack) -> None:
    read = read_orders(order_pack, a_medicine(), a_medicine(coded("5487", RXNORM)))

    expected = [("MedicationRequest#1", False), ("MedicationRequest#2", False)]
    assert expected == [(each.reference, each.removable) for each in read.orders]


@pytest.mark.parametrize(("status", "removable"), [("draft", True), (None, True), ("active", False), ("sent", False)])
def test_only_what_is_still_a_draft_can_be_removed(order_pack: Pack, status: str | None, removable: bool) -> None:
    assert order_of(order_pack, a_medicine(status=status)).removable is removable


# ── whatever is sent ─────────────────────────────────────────────────────────────────────────────────────────────────

_SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
_NUMBERS = st.sampled_from(["NaN", "sNaN", "-Infinity", "1e999999", "1e-999999", -1, 0, 1, 1e308, "x", None, True])
_JSON = st.recursive(
    _SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=8), inner), max_leaves=8
)
_FULL: Resource = a_medicine(
    dosageInstruction=[
        {
            "sequence": 1,
            "timing": {
                "repeat": {
                    "boundsDuration": {"value": 7, "code": "d"},
                    "frequency": 2,
                    "frequencyMax": 3,
                    "period": 1,
                    "periodUnit": "d",
                    "when": ["MORN"],
                },
                "code": coded("BID"),
            },
            "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "tablet"}}],
            "maxDosePerPeriod": {"numerator": {"value": 3, "unit": "mg"}, "denominator": {"value": 1, "code": "d"}},
        }
    ],
    dispenseRequest={"expectedSupplyDuration": {"value": 30, "code": "d"}, "numberOfRepeatsAllowed": 2},
    reasonReference=[{"reference": "Condition/c1", "display": "clot"}],
    reasonCode=[THROMBOSIS],
    priorPrescription={"reference": "MedicationRequest/r1"},
    contained=[{"resourceType": "Medication", "id": "m", "code": ATORVASTATIN}],
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, each in inner for place in _places(each, (*path, key)))]


def _with(value: Any, path: tuple[Any, ...], junk: Any) -> Any:
    if not path:
        return junk
    if isinstance(value, dict):
        return value | {path[0]: _with(value[path[0]], path[1:], junk)}
    return [_with(each, path[1:], junk) if place == path[0] else each for place, each in enumerate(value)]


@given(st.sampled_from(_places(_FULL)), _NUMBERS | _JSON)
@example(("dosageInstruction", 0, "timing", "repeat", "period"), "sNaN")
def test_junk_anywhere_in_an_order_never_raises_and_never_vanishes(
    order_pack: Pack, place: tuple[Any, ...], junk: Any
) -> None:
    record = _with(_FULL, place, junk)
    patient = a_patient().with_resource(record if isinstance(record, dict) else {}).with_condition("128053003", id="c1")
    read = read_orders(order_pack, record, patient=patient)

    drafts = [each for each in (*read.left_out, *read.unreadable) if each.startswith("draft")]
    assert len(read.orders) + len(drafts) == (0 if _is_nothing(record) else 1)


def _is_nothing(record: Any) -> bool:
    """A Medication is no order, and is not counted as one."""
    return isinstance(record, dict) and record.get("resourceType") == "Medication"


@given(_JSON)
def test_any_json_among_the_orders_never_raises(order_pack: Pack, junk: Any) -> None:
    read = read_orders(order_pack, junk, a_medicine())

    assert [each.reference for each in read.orders] == ["MedicationRequest/o1"]
