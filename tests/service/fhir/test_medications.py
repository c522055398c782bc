from decimal import Decimal
from typing import Any

import pytest

from rules.engine.facts import Absent, Fact, Interval, Known, Reason, Unknown
from rules.pack import Pack
from rules.terminology import ATC, NDC, RXNORM
from tests.builders import Patient, Resource, a_bundle, a_patient, coded, day
from tests.service.fhir.reading import LEFT_OUT, fact_of, read, reason_of

ATORVASTATIN, ATORVASTATIN_TABLET, METFORMIN_TABLET = "83367", "617311", "861007"
TAKEN = ("statin", "statin-stopped", "statin-stopped-ever")


def states(patient: Patient, pack: Pack, *facts: str, **answers: Any) -> list[type[Fact]]:
    found = read(patient, pack, **answers).facts
    return [type(found[name]) for name in facts]


# ── what is taken, and what was stopped ──────────────────────────────────────────────────────────────────────────────


def test_a_medicine_is_known_since_it_was_ordered(pack: Pack) -> None:
    patient = a_patient().with_medication(ATORVASTATIN, authoredOn=day(40), id="m1")

    assert Known(True, day(40), "MedicationRequest/m1", Decimal(40)) == fact_of("statin", patient, pack)


def test_a_medicine_is_taken_since_its_first_order(pack: Pack) -> None:
    patient = a_patient()
    for days in (40, 400, 4):
        patient = patient.with_medication(ATORVASTATIN, authoredOn=day(days))

    fact = fact_of("statin", patient, pack)

    assert isinstance(fact, Known)
    assert (fact.date, fact.days) == (day(400), Decimal(400))


def test_an_order_without_a_date_may_be_the_first(pack: Pack) -> None:
    patient = a_patient().with_medication(ATORVASTATIN, authoredOn=day(40)).with_medication(ATORVASTATIN)

    fact = fact_of("statin", patient, pack)

    assert isinstance(fact, Known)
    assert fact.days is None


@pytest.mark.parametrize(
    ("fields", "states_expected"),
    [
        ({"status": "active"}, [Known, Absent, Absent]),
        ({"status": "stopped"}, [Absent, Unknown, Known]),
        ({"status": "completed"}, [Absent, Unknown, Known]),
        ({"status": "draft"}, [Absent, Absent, Absent]),
        ({"status": "on-hold"}, [Absent, Absent, Absent]),
        ({"status": "cancelled"}, [Absent, Absent, Absent]),
        ({"status": "entered-in-error"}, [Absent, Absent, Absent]),
        ({"status": "unknown"}, [Absent, Absent, Absent]),
        ({"status": None}, [Absent, Absent, Absent]),
        ({"intent": "proposal"}, [Absent, Absent, Absent]),
        ({"intent": "plan"}, [Absent, Absent, Absent]),
        ({"intent": None}, [Known, Absent, Absent]),
        ({"intent": "original-order"}, [Known, Absent, Absent]),
        ({"doNotPerform": True}, [Absent, Absent, Absent]),
        ({"doNotPerform": False}, [Known, Absent, Absent]),
        ({"authoredOn": day(-2)}, [Absent, Absent, Absent]),
        ({"subject": {"reference": "Patient/p2"}}, [Absent, Absent, Absent]),
    ],
)
def test_the_status_of_an_order_says_whether_it_is_taken(
    fields: Resource, states_expected: list[type[Fact]], pack: Pack
) -> None:
    assert states_expected == states(a_patient().with_medication(ATORVASTATIN, **fields), pack, *TAKEN)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"status": "draft"}, "draft"),
        ({"status": "Smith, John"}, "not active"),
        ({"status": None}, "not active"),
        ({"intent": "plan"}, "plan"),
        ({"intent": "Smith, John"}, "not an order"),
        ({"doNotPerform": True}, "not to be taken"),
        ({"authoredOn": day(-2)}, "dated in the future"),
        ({"subject": {"reference": "Patient/p2"}}, "another patient"),
        ({"medicationCodeableConcept": coded(text="no atorvastatin")}, "its text denies or doubts it"),
        ({"medicationCodeableConcept": None}, "its medicine was not sent"),
    ],
)
def test_an_order_that_does_not_count_is_left_out_with_its_reason(fields: Resource, said: str, pack: Pack) -> None:
    reading = read(a_patient().with_medication(ATORVASTATIN, **fields), pack)

    assert {f"MedicationRequest: {said}": 1} == reading.left_out


def test_a_stopped_medicine_that_no_fact_asks_for_is_left_out(pack: Pack) -> None:
    reading = read(a_patient().with_medication("4083", status="stopped"), pack)

    assert Absent() == reading.facts["estrogen"]
    assert reading.left_out == {"MedicationRequest: not taken now": 1}


@pytest.mark.parametrize("status", ["active", "stopped"])
def test_a_medicine_in_no_class_is_not_counted_as_left_out(status: str, pack: Pack) -> None:
    assert read(a_patient().with_medication(METFORMIN_TABLET, status=status), pack).left_out == {}


def test_a_medicine_of_which_only_the_past_matters_is_not_left_out_while_it_is_taken(pack: Pack) -> None:
    reading = read(a_patient().with_medication("1191"), pack)

    assert Absent() == reading.facts["aspirin-stopped"]
    assert reading.left_out == {}


# ── when it was stopped ──────────────────────────────────────────────────────────────────────────────────────────────


def validity(end: str) -> Resource:
    return {"dispenseRequest": {"validityPeriod": {"end": end}}}


@pytest.mark.parametrize(
    ("end", "lately"),
    [
        (day(0), Known),
        (day(56), Known),
        (day(57), Absent),
        ("2025", Absent),
        ("2026", Unknown),
        (day(-90), Unknown),  # the order was valid for longer; when it was stopped is not said
    ],
)
def test_a_medicine_was_stopped_when_its_order_ended(end: str, lately: type[Fact], pack: Pack) -> None:
    patient = a_patient().with_medication(ATORVASTATIN, status="stopped", **validity(end))

    assert [Absent, lately, Known] == states(patient, pack, *TAKEN)


def test_when_it_was_stopped_is_how_long_ago_it_began_to_be_stopped(pack: Pack) -> None:
    patient = a_patient().with_medication(
        ATORVASTATIN, status="stopped", authoredOn=day(900), id="m1", **validity(day(20))
    )

    assert Known(True, day(20), "MedicationRequest/m1", Decimal(20)) == fact_of("statin-stopped", patient, pack)


def test_of_several_stops_the_last_counts(pack: Pack) -> None:
    patient = a_patient()
    for end in (day(50), day(9), day(30)):
        patient = patient.with_medication(ATORVASTATIN, status="stopped", **validity(end))

    fact = fact_of("statin-stopped", patient, pack)

    assert isinstance(fact, Known)
    assert fact.date == day(9)


def test_an_order_that_ran_out_is_still_taken_until_it_is_stopped(pack: Pack) -> None:
    patient = a_patient().with_medication(ATORVASTATIN, **validity(day(20)))

    assert [Known, Absent, Absent] == states(patient, pack, *TAKEN)


def test_one_that_is_taken_again_is_both(pack: Pack) -> None:
    patient = a_patient().with_medication(ATORVASTATIN).with_medication("36567", status="stopped", **validity(day(9)))

    assert [Known, Known, Known] == states(patient, pack, *TAKEN)


# ── statements ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("fields", "states_expected"),
    [
        ({}, [Known, Absent, Absent]),
        ({"effectivePeriod": {"start": day(90)}}, [Known, Absent, Absent]),
        ({"effectivePeriod": {"start": day(90), "end": day(-30)}}, [Known, Absent, Absent]),
        ({"effectivePeriod": {"start": day(90), "end": day(0)}}, [Known, Absent, Absent]),
        ({"effectivePeriod": {"start": day(90), "end": day(20)}}, [Absent, Known, Known]),
        ({"status": "completed", "effectivePeriod": {"end": day(90)}}, [Absent, Absent, Known]),
        ({"status": "intended"}, [Absent, Absent, Absent]),
        ({"status": "not-taken"}, [Absent, Absent, Absent]),
        ({"status": "entered-in-error"}, [Absent, Absent, Absent]),
    ],
)
def test_a_statement_says_what_is_taken_and_until_when(
    fields: Resource, states_expected: list[type[Fact]], pack: Pack
) -> None:
    assert states_expected == states(a_patient().with_statement(ATORVASTATIN, **fields), pack, *TAKEN)


@pytest.mark.parametrize(
    "fields",
    [
        {"effectiveDateTime": day(40), "dateAsserted": day(1)},
        {"effectivePeriod": {"start": day(40)}, "dateAsserted": day(1)},
        {"dateAsserted": day(40)},
    ],
)
def test_a_statement_is_dated_by_when_the_medicine_was_begun(fields: Resource, pack: Pack) -> None:
    fact = fact_of("statin", a_patient().with_statement(ATORVASTATIN, **fields), pack)

    assert isinstance(fact, Known)
    assert fact.date == day(40)


def test_a_partial_date_leaves_open_how_long_ago(pack: Pack) -> None:
    fact = fact_of("statin", a_patient().with_medication(ATORVASTATIN, authoredOn="2026-10"), pack)

    assert isinstance(fact, Known)
    assert (fact.date, fact.days) == ("2026-10", Interval(Decimal(21), Decimal(51)))


# ── which medicine ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("system", "code", "classes"),
    [
        # RxNorm: product → ingredient → class, by the route of the product
        (RXNORM, ATORVASTATIN, {"statin"}),
        (RXNORM, ATORVASTATIN_TABLET, {"statin"}),
        ("urn:oid:2.16.840.1.113883.6.88", 617311, {"statin"}),
        (RXNORM, "1190795", {"statin"}),
        (RXNORM, "198316", {"potassium-sparing", "thiazide"}),
        (RXNORM, "4083", {"estrogen"}),
        (RXNORM, "197657", {"estrogen"}),
        (RXNORM, "999001", {"estrogen"}),
        (RXNORM, "999002", set()),
        (RXNORM, "310197", set()),
        (RXNORM, METFORMIN_TABLET, set()),
        # NDC: 11 digits in any spelling, else its 9 digits of the product
        (NDC, "00071015523", {"statin"}),
        (NDC, "0071-0155-23", {"statin"}),
        (NDC, "00071-155-23", {"statin"}),
        (NDC, "000710155", {"statin"}),
        (NDC, "0071-0155", {"statin"}),
        ("urn:oid:2.16.840.1.113883.6.69", "00071015599", {"statin"}),
        (NDC, "00123456701", {"statin"}),
        (NDC, "00123456789", set()),  # this package holds something else
        (NDC, "0007101552", set()),  # 10 digits without dashes: where they belong is not known
        (NDC, "0007101552399", set()),
        # ATC: the code itself, else what it begins with
        (ATC, "C10AA05", {"statin"}),
        (ATC, "c10aa05", {"statin"}),
        (ATC, "C10AA", {"statin"}),
        (ATC, "C10BA05", {"statin"}),
        (ATC, "C10BA02", set()),
        (ATC, "C10", set()),
        (ATC, "C03AA03", {"thiazide"}),
        (ATC, "C03DB02", {"potassium-sparing"}),
        ("urn:oid:2.16.840.1.113883.6.73", "C10AA05", {"statin"}),
        # not a code of any of these
        ("urn:pharmacy", ATORVASTATIN, set()),
        (None, ATORVASTATIN, set()),
    ],
)
def test_a_medicine_belongs_to_the_classes_of_its_ingredients(
    system: str | None, code: Any, classes: set[str], pack: Pack
) -> None:
    patient = a_patient().with_medication(medicationCodeableConcept=coded(code, system))

    facts = read(patient, pack).facts

    names = ("statin", "estrogen", "thiazide", "potassium-sparing")
    assert classes == {name for name in names if isinstance(facts[name], Known)}


@pytest.mark.parametrize("text", ["Lipitor 40 mg", "ATORVASTATIN (as calcium) 40 mg tablet", "zocor"])
def test_a_medicine_without_a_known_code_is_known_by_its_name_and_marked(text: str, pack: Pack) -> None:
    fact = fact_of("statin", a_patient().with_medication(text=text, id="m1"), pack)

    assert Known(True, None, "MedicationRequest/m1", from_text=True) == fact


@pytest.mark.parametrize("text", ["Allergic to atorvastatin", "no statin: atorvastatin", "atorvastatinum", "Lipitor?"])
def test_a_medicine_that_a_text_denies_is_not_taken(text: str, pack: Pack) -> None:
    assert [Absent] == states(a_patient().with_medication(text=text), pack, "statin")


def test_what_a_product_contains_is_not_guessed_from_a_text_beside_its_code(pack: Pack) -> None:
    patient = a_patient().with_medication("4083", text="atorvastatin")

    assert [Known, Absent] == states(patient, pack, "estrogen", "statin")


ESTRADIOL_CREAM = "310197"


def test_a_known_product_of_another_route_is_not_taken_for_the_class_that_its_name_says(pack: Pack) -> None:
    assert [Absent] == states(a_patient().with_medication(ESTRADIOL_CREAM, text="estradiol"), pack, "estrogen")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Atorvastatin 10 MG/ML Topical Cream", Absent),
        ("atorvastatin ear drops", Absent),
        ("atorvastatin 10 mg", Known),
    ],
)
def test_a_text_that_says_skin_eye_ear_or_nose_is_not_believed(text: str, expected: type[Fact], pack: Pack) -> None:
    assert [expected] == states(a_patient().with_medication(text=text), pack, "statin")


# ── a medicine that stands elsewhere ─────────────────────────────────────────────────────────────────────────────────

URN = "urn:uuid:0cf3b8a0-0000-4000-8000-000000000000"


def medication(**fields: Any) -> Resource:
    return {"resourceType": "Medication", "id": "m1"} | fields


def pointing(reference: str | None, display: str | None = None, **fields: Any) -> Patient:
    pointer = {"reference": reference, "display": display}
    return a_patient().with_medication(medicationReference=pointer, **fields)


TABLET = medication(code=coded(ATORVASTATIN_TABLET, RXNORM))


@pytest.mark.parametrize(
    "reference",
    ["Medication/m1", "https://ehr.example/fhir/Medication/m1", "Medication/m1/_history/2", URN],
)
def test_a_medicine_may_be_pointed_at_in_any_way_that_fhir_allows(reference: str, pack: Pack) -> None:
    sent = {"resourceType": "Bundle", "entry": [{"fullUrl": URN, "resource": TABLET}]}

    assert [Known] == states(pointing(reference), pack, "statin", medication=sent)


def test_a_medicine_without_an_id_is_known_by_its_url(pack: Pack) -> None:
    anonymous = {key: value for key, value in TABLET.items() if key != "id"}
    sent = {"resourceType": "Bundle", "entry": [{"fullUrl": "https://ehr.example/m/1", "resource": anonymous}]}

    assert [Known] == states(pointing("https://ehr.example/m/1"), pack, "statin", medication=sent)


@pytest.mark.parametrize("kind", ["with_medication", "with_statement"])
def test_a_contained_medicine_is_read(kind: str, pack: Pack) -> None:
    patient: Patient = getattr(a_patient(), kind)(
        medicationReference={"reference": "#m1"}, contained=[{"resourceType": "Practitioner", "id": "m0"}, TABLET]
    )

    assert [Known] == states(patient, pack, "statin")


def test_a_medicine_is_known_by_all_its_ingredients(pack: Pack) -> None:
    parts = [{"itemCodeableConcept": coded(code, RXNORM)} for code in ("10763", "5487")]
    both = medication(code=coded("17", "urn:pharmacy"), ingredient=[None, *parts])

    assert [Known, Known] == states(pointing("Medication/m1"), pack, "potassium-sparing", "thiazide", medication=both)


def test_a_medicine_is_known_by_its_text_where_no_part_of_it_is_coded(pack: Pack) -> None:
    worded = medication(code=coded(text="Zocor"), ingredient={"itemCodeableConcept": coded(text="simvastatin")})

    fact = fact_of("statin", pointing("Medication/m1"), pack, medication=worded)

    assert isinstance(fact, Known)
    assert fact.from_text


def test_an_ingredient_that_is_coded_goes_before_the_text_of_the_product(pack: Pack) -> None:
    mixed = medication(code=coded(text="Zocor"), ingredient=[{"itemCodeableConcept": coded("5487", RXNORM)}])

    assert [Absent, Known] == states(pointing("Medication/m1"), pack, "statin", "thiazide", medication=mixed)


def test_a_medicine_that_was_not_sent_is_known_by_the_name_beside_its_pointer(pack: Pack) -> None:
    fact = fact_of("statin", pointing("Medication/elsewhere", display="Lipitor 40 mg tablet"), pack)

    assert isinstance(fact, Known)
    assert fact.from_text


@pytest.mark.parametrize(
    ("patient", "reason"),
    [
        (pointing("Medication/elsewhere"), Reason.INCOMPLETE),
        (pointing("#elsewhere"), Reason.INCOMPLETE),
        (pointing(None), Reason.INCOMPLETE),
        (a_patient().with_medication(), Reason.INCOMPLETE),
        (pointing("#m1", contained=[medication(code=5)]), Reason.UNREADABLE),
    ],
)
def test_a_medicine_that_was_not_sent_may_be_any(patient: Patient, reason: Reason, pack: Pack) -> None:
    reading = read(patient.with_medication("5487"), pack)

    assert isinstance(reading.facts["thiazide"], Known)
    assert Unknown(reason) == reading.facts["statin"]
    assert reading.left_out == {"MedicationRequest: its medicine was not sent": 1}


def test_a_medicine_of_another_name_is_none_of_ours(pack: Pack) -> None:
    assert [Absent] == states(pointing("Medication/elsewhere", display="lisinopril 10 mg"), pack, "statin")


def test_an_order_of_the_past_that_cannot_be_resolved_leaves_the_facts_open(pack: Pack) -> None:
    patient = a_patient().with_medication(medicationReference={"reference": "Medication/x"}, status="draft")

    assert [Absent] == states(patient, pack, "statin")


# ── none recorded ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        ({"medications": a_bundle([])}, None),
        ({"medications": None}, None),
        ({"medications": LEFT_OUT}, Reason.NOT_LOOKED),
        ({"medications": {"resourceType": "OperationOutcome"}}, Reason.FAILED),
        ({"medications": a_bundle([], total=9)}, Reason.INCOMPLETE),
        ({"more": {"resourceType": "MedicationRequest", "status": 5}}, Reason.UNREADABLE),
        ({"more": {"resourceType": "Medication", "code": 5}}, Reason.UNREADABLE),
        # Statements are a second source; a system that keeps none has looked all the same.
        ({"medication_statements": LEFT_OUT}, None),
    ],
)
def test_none_recorded_means_none_only_after_a_complete_look(
    answers: dict[str, Any], found: Reason | None, pack: Pack
) -> None:
    fact = fact_of("statin", a_patient(), pack, **answers)

    assert (Absent() if found is None else Unknown(found)) == fact


def test_a_medicine_that_was_found_is_known_even_if_the_look_was_not_complete(pack: Pack) -> None:
    orders = a_bundle(a_patient().with_medication(ATORVASTATIN).chart, link=[{"relation": "next"}])

    assert [Known] == states(a_patient(), pack, "statin", medications=orders)
    assert reason_of("thiazide", a_patient(), pack, medications=orders) is Reason.INCOMPLETE
