from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from rules.engine.facts import Absent, Fact, Interval, Known, Reason, Unknown
from rules.pack import Pack
from rules.terminology import LOINC
from tests.builders import Patient, Resource, a_patient, coded, day, quantity
from tests.service.fhir.reading import fact_of, read, reason_of

POTASSIUM, FERRITIN, CK, CREATININE = "2823-3", "2276-4", "2157-6", "2160-0"
RHEUMATOID_FACTOR = "11572-5"
FEU, DDU = "48065-7", "48066-5"
ABI, ABI_LEFT, ABI_RIGHT = "77194-9", "76497-7", "76496-9"
BLOOD_PRESSURE, SYSTOLIC, DIASTOLIC = "85354-9", "8480-6", "8462-4"


def value_of(fact: Fact) -> Any:
    return fact.value if isinstance(fact, Known) else fact


def with_potassium(**fields: Any) -> Patient:
    return a_patient().with_lab(POTASSIUM, 3.1, "mmol/L", **fields)


# ── which results count ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_result_is_known_with_its_date_and_source(pack: Pack) -> None:
    expected = Known(Decimal("3.1"), day(3), "Observation/k1")

    assert expected == fact_of("potassium", with_potassium(on=day(3), id="k1"), pack)


@pytest.mark.parametrize("status", ["final", "amended", "corrected"])
def test_a_final_result_counts(status: str, pack: Pack) -> None:
    assert value_of(fact_of("potassium", with_potassium(status=status), pack)) == Decimal("3.1")


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("preliminary", "preliminary"),
        ("registered", "registered"),
        ("cancelled", "cancelled"),
        ("entered-in-error", "entered-in-error"),
        ("unknown", "unknown"),
        ("<b>Smith</b>", "not final"),
        (None, "not final"),
    ],
)
def test_a_result_that_is_not_final_is_left_out_and_said_so(status: str | None, said: str, pack: Pack) -> None:
    reading = read(with_potassium(status=status), pack)

    assert Unknown(Reason.NONE_RECORDED) == reading.facts["potassium"]
    assert {f"Observation: {said}": 1} == reading.left_out


def test_a_result_of_another_patient_is_left_out(pack: Pack) -> None:
    reading = read(with_potassium(subject={"reference": "Patient/p2"}), pack)

    assert Unknown(Reason.NONE_RECORDED) == reading.facts["potassium"]
    assert reading.left_out == {"Observation: another patient": 1}


@pytest.mark.parametrize(
    "name", ["Patient/p1", "https://ehr.example/fhir/Patient/p1", "Patient/p1/_history/3", "urn:uuid:0"]
)
def test_a_result_may_name_the_patient_in_any_way_that_fhir_allows(name: str, pack: Pack) -> None:
    patient = with_potassium(subject={"reference": name})
    person = {"resourceType": "Bundle", "entry": [{"fullUrl": "urn:uuid:0", "resource": patient.person}]}

    assert value_of(fact_of("potassium", patient, pack, patient=person)) == Decimal("3.1")


def test_a_result_may_name_the_patient_by_the_url_it_was_sent_under(pack: Pack) -> None:
    patient = with_potassium(subject={"reference": "https://ehr.example/people/7"})
    entry = {"fullUrl": "https://ehr.example/people/7", "resource": patient.person}

    fact = fact_of("potassium", patient, pack, patient={"resourceType": "Bundle", "entry": [entry]})

    assert value_of(fact) == Decimal("3.1")


@pytest.mark.parametrize("name", ["Patient/p10", "Patient/xp1", "Group/p1", "p1", "#p1", "urn:uuid:1", ""])
def test_a_name_that_only_looks_like_the_patient_is_another(name: str, pack: Pack) -> None:
    assert reason_of("potassium", with_potassium(subject={"reference": name}), pack) is Reason.NONE_RECORDED


@pytest.mark.parametrize(
    ("days", "month", "week"),
    [
        (7, Decimal("3.1"), Decimal("3.1")),
        (8, Decimal("3.1"), Reason.TOO_OLD),
        (90, Decimal("3.1"), Reason.TOO_OLD),
        (91, Reason.TOO_OLD, Reason.TOO_OLD),
    ],
)
def test_a_result_counts_for_each_fact_as_long_as_its_look_back_says(
    days: int, month: Decimal | Reason, week: Decimal | Reason, pack: Pack
) -> None:
    facts = read(with_potassium(on=day(days)), pack).facts

    found = [value_of(facts[name]) for name in ("potassium", "potassium-of-the-week")]
    assert [month, week] == [fact.reason if isinstance(fact, Unknown) else fact for fact in found]


def test_a_result_that_is_too_old_is_shown_but_not_used(pack: Pack) -> None:
    patient = with_potassium(on=day(300), id="older").with_lab(POTASSIUM, 3.4, "mmol/L", on=day(200), id="newer")

    fact = fact_of("potassium", patient, pack)

    assert Unknown(Reason.TOO_OLD, Known(Decimal("3.4"), day(200), "Observation/newer")) == fact


@pytest.mark.parametrize(
    ("on", "found"),
    [
        (day(-1), Decimal("3.1")),  # a time zone, or a clock that is fast
        (f"{day(-1)}T12:00:00Z", Decimal("3.1")),
        (f"{day(-1)}T12:00:01Z", Reason.NONE_RECORDED),
        (day(-2), Reason.NONE_RECORDED),
        ("2099-01-01", Reason.NONE_RECORDED),
    ],
)
def test_a_result_of_the_future_is_left_out(on: str, found: Decimal | Reason, pack: Pack) -> None:
    fact = fact_of("potassium", with_potassium(on=on), pack)

    assert found == (fact.reason if isinstance(fact, Unknown) else value_of(fact))


@pytest.mark.parametrize(
    ("on", "found"),
    [
        ("2026-11", Known(Decimal("3.1"), "2026-11", "Observation/k1")),  # all of it is within 90 days
        ("2026-08", Reason.NO_DATE),  # only some of it is
        ("2026", Reason.NO_DATE),
        ("2025", Reason.TOO_OLD),
        ("last week", Reason.NO_DATE),
    ],
)
def test_a_partial_date_counts_only_where_all_of_it_is_within_the_look_back(
    on: str, found: Known | Reason, pack: Pack
) -> None:
    fact = fact_of("potassium", with_potassium(on=on, id="k1"), pack)

    assert found == (fact.reason if isinstance(fact, Unknown) else fact)


@pytest.mark.parametrize(
    "fields",
    [
        {"effectiveInstant": f"{day(3)}T08:00:00Z"},
        {"effectivePeriod": {"start": day(9), "end": day(3)}},
        {"effectivePeriod": {"start": day(3)}},
        {"issued": f"{day(3)}T08:00:00Z"},
    ],
)
def test_a_result_may_be_dated_in_several_ways(fields: Resource, pack: Pack) -> None:
    patient = with_potassium(effectiveDateTime=None, **fields)

    fact = fact_of("potassium", patient, pack)

    assert isinstance(fact, Known)
    assert fact.date == day(3)


def test_a_result_without_a_date_does_not_count(pack: Pack) -> None:
    assert reason_of("potassium", with_potassium(effectiveDateTime=None), pack) is Reason.NO_DATE


def test_the_newest_result_counts(pack: Pack) -> None:
    patient = with_potassium(on=day(9)).with_lab(POTASSIUM, 4.2, "mmol/L", on=day(2)).with_lab(POTASSIUM, 9, on=day(5))

    assert value_of(fact_of("potassium", patient, pack)) == Decimal("4.2")


@pytest.mark.parametrize(
    "newer",
    [
        {"status": "preliminary"},
        {"valueQuantity": quantity(3.9)},
        {"valueQuantity": quantity(39, "mmol/L")},
        {"valueQuantity": None, "valueString": "hemolyzed"},
        {"subject": {"reference": "Patient/p2"}},
    ],
)
def test_an_older_valid_result_counts_behind_a_newer_that_cannot_be_used(newer: Resource, pack: Pack) -> None:
    patient = with_potassium(on=day(9)).with_lab(POTASSIUM, 3.9, "mmol/L", on=day(1), **newer)

    assert value_of(fact_of("potassium", patient, pack)) == Decimal("3.1")


# ── what the value may be ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"valueQuantity": quantity(3.1)}, Reason.NO_UNIT),
        ({"valueQuantity": quantity(3.1, "")}, Reason.NO_UNIT),
        ({"valueInteger": 3}, Reason.NO_UNIT),
        ({"valueQuantity": quantity(3.1, "ng/mL")}, Reason.UNIT_NOT_CONVERTIBLE),
        ({"valueQuantity": quantity(3.1, "MMOL/L")}, Reason.UNIT_NOT_CONVERTIBLE),
        ({"valueQuantity": quantity(0.9, "mmol/L")}, Reason.IMPLAUSIBLE),
        ({"valueQuantity": quantity(10.1, "mmol/L")}, Reason.IMPLAUSIBLE),
        ({"valueQuantity": quantity(-3.1, "mmol/L")}, Reason.IMPLAUSIBLE),
        ({"valueQuantity": quantity("1e999999", "mg/dL")}, Reason.IMPLAUSIBLE),
        ({"valueQuantity": quantity("1e-999999", "mg/dL")}, Reason.IMPLAUSIBLE),
        ({"valueInteger": 10**400}, Reason.IMPLAUSIBLE),
        ({"valueQuantity": quantity("NaN", "mmol/L")}, Reason.NOT_NUMERIC),
        ({"valueQuantity": quantity("sNaN", "mg/dL")}, Reason.NOT_NUMERIC),
        ({"valueQuantity": quantity("-Infinity", "mmol/L")}, Reason.NOT_NUMERIC),
        ({"valueQuantity": quantity(3.1, "mmol/L", "ad")}, Reason.NOT_NUMERIC),
        ({"valueString": "3.1 mmol/L"}, Reason.NOT_NUMERIC),
        ({"valueString": "see comment"}, Reason.NOT_NUMERIC),
        ({"valueBoolean": False}, Reason.NOT_NUMERIC),
        ({"valueCodeableConcept": coded("260347006", text="+")}, Reason.NOT_NUMERIC),
        ({}, Reason.NO_VALUE),
        ({"valueQuantity": {}}, Reason.NO_VALUE),
        ({"valueQuantity": {"unit": "mmol/L", "comparator": "<"}}, Reason.NO_VALUE),
        ({"valueRange": {"low": quantity(3), "high": quantity(4)}}, Reason.NO_VALUE),
        ({"dataAbsentReason": coded("error")}, Reason.NO_VALUE),
        ({"dataAbsentReason": coded("error"), "valueQuantity": quantity(3.1, "mmol/L")}, Reason.NO_VALUE),
    ],
)
def test_a_value_that_cannot_be_used_says_why(value: Resource, reason: Reason, pack: Pack) -> None:
    reading = read(a_patient().with_lab(POTASSIUM, **value), pack)

    fact = reading.facts["potassium"]
    assert isinstance(fact, Unknown)
    assert reason is fact.reason
    assert {f"Observation: {reason.value}": 1} == reading.left_out
    assert reading.unreadable == {}


@pytest.mark.parametrize("value", [1, 10, "3.1", 3.10])
def test_a_value_at_the_edge_of_the_plausible_range_counts(value: Any, pack: Pack) -> None:
    assert value_of(fact_of("potassium", a_patient().with_lab(POTASSIUM, value, "mmol/L"), pack)) == Decimal(str(value))


def test_a_value_keeps_the_digits_it_was_recorded_with(pack: Pack) -> None:
    patient = a_patient().with_lab(POTASSIUM, "5.10", "mmol/L")

    assert str(value_of(fact_of("potassium", patient, pack))) == "5.10"


@pytest.mark.parametrize(
    ("comparator", "interval"),
    [
        ("<", Interval(high=Decimal(5), high_open=True)),
        ("<=", Interval(high=Decimal(5))),
        (">", Interval(low=Decimal(5), low_open=True)),
        (">=", Interval(low=Decimal(5))),
    ],
)
def test_a_comparator_makes_an_interval(comparator: str, interval: Interval, pack: Pack) -> None:
    patient = a_patient().with_lab(FERRITIN, valueQuantity=quantity(5, "ug/L", comparator))

    assert interval == value_of(fact_of("ferritin", patient, pack))


def test_the_bound_of_a_comparator_is_converted_too(pack: Pack) -> None:
    patient = a_patient().with_lab(FERRITIN, valueQuantity=quantity("0.5", "ug/dL", "<"))

    assert Interval(high=Decimal("5.0"), high_open=True) == value_of(fact_of("ferritin", patient, pack))


@pytest.mark.parametrize("value", [1, "0.9"])
def test_a_ratio_needs_no_unit(value: Any, pack: Pack) -> None:
    patient = a_patient().with_lab(ABI, valueQuantity=quantity(value))

    assert value_of(fact_of("ankle-brachial-index", patient, pack)) == Decimal(value)


def test_an_integer_is_a_ratio_too(pack: Pack) -> None:
    assert value_of(fact_of("ankle-brachial-index", a_patient().with_lab(ABI, valueInteger=1), pack)) == Decimal(1)


def test_waveforms_are_not_read_and_change_nothing(pack: Pack) -> None:
    waveform: Resource = {"valueSampledData": {"origin": {"value": 0}, "period": 10, "dimensions": 1, "data": "1 2 3"}}
    without = read(with_potassium(), pack)

    reading = read(with_potassium().with_lab(POTASSIUM, 5.5, "mmol/L", **waveform), pack)

    assert without.facts == reading.facts
    assert reading.left_out == {"Observation: waveform, not used": 1}


def test_a_null_where_a_waveform_could_be_is_no_waveform(pack: Pack) -> None:
    patient = with_potassium()
    patient.chart[0]["valueSampledData"] = None

    assert value_of(fact_of("potassium", patient, pack)) == Decimal("3.1")


@pytest.mark.parametrize("kind", ["Media", "ImagingStudy"])
def test_pictures_are_not_read_and_change_nothing(kind: str, pack: Pack) -> None:
    without = read(with_potassium(), pack)

    reading = read(with_potassium(), pack, pictures={"resourceType": kind, "status": "completed"})

    assert without.facts == reading.facts
    assert {f"{kind}: picture, not used": 1} == reading.left_out


# ── units ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("unit", ["ng/mL", "ug/L", "µg/L", "mcg/L", "ng/ml"])
def test_ferritin_in_ug_per_liter_is_the_same_number_in_ng_per_milliliter(unit: str, pack: Pack) -> None:
    assert value_of(fact_of("ferritin", a_patient().with_lab(FERRITIN, 32, unit), pack)) == Decimal(32)


@pytest.mark.parametrize(
    ("code", "unit"),
    [
        ("mg/dL", "mg/dl"),
        ("mg/dL", "milligrams per deciliter"),
        ("mg/dL", None),
        (None, "mg/dL"),
        ("no-code", "mg/dL"),
    ],
)
def test_the_unit_is_read_from_its_code_or_as_printed(code: str | None, unit: str | None, pack: Pack) -> None:
    patient = a_patient().with_lab(CREATININE, valueQuantity={"value": 1.1, "code": code, "unit": unit})

    assert value_of(fact_of("creatinine", patient, pack)) == Decimal("1.1")


def test_a_unit_printed_otherwise_than_it_is_coded_is_not_believed(pack: Pack) -> None:
    patient = a_patient().with_lab(CREATININE, valueQuantity={"value": 1.1, "code": "mg/dL", "unit": "mmol/L"})

    assert reason_of("creatinine", patient, pack) is Reason.UNIT_NOT_CONVERTIBLE


@pytest.mark.parametrize(
    ("value", "unit", "converted"),
    [
        ("141", "umol/L", "1.59502"),
        ("88.4", "umol/L", "1"),
        ("1000", "umol/L", "11.3122"),
        ("1.123456789", "mg/dL", "1.12346"),
    ],
)
def test_a_converted_value_has_at_most_six_digits(value: str, unit: str, converted: str, pack: Pack) -> None:
    found = value_of(fact_of("creatinine", a_patient().with_lab(CREATININE, value, unit), pack))

    assert converted == str(found)


@pytest.mark.parametrize(("value", "written"), [("1e3", "1000"), ("1.5E+2", "150"), ("98765.43", "98765.4")])
def test_a_large_value_is_written_out(value: str, written: str, pack: Pack) -> None:
    found = value_of(fact_of("ferritin", a_patient().with_lab(FERRITIN, value, "ug/L"), pack))

    assert written == str(found)


@pytest.mark.parametrize(
    ("code", "unit", "found"),
    [
        (FEU, "ng/mL{FEU}", Decimal(400)),
        (FEU, "ng/mL FEU", Decimal(400)),
        (FEU, "ug/L", Decimal(400)),
        (DDU, "ng/mL{DDU}", Decimal(800)),
        (DDU, "ng/mL DDU", Decimal(800)),
        (DDU, "ng/mL", Decimal(800)),
        (FEU, "ng/mL{DDU}", Reason.UNIT_NOT_CONVERTIBLE),
        (FEU, None, Reason.NO_UNIT),
        (DDU, None, Reason.NO_UNIT),
    ],
)
def test_d_dimer_is_told_apart_by_its_units(code: str, unit: str | None, found: Decimal | Reason, pack: Pack) -> None:
    fact = fact_of("d-dimer", a_patient().with_lab(code, 400, unit), pack)

    assert found == (fact.reason if isinstance(fact, Unknown) else value_of(fact))


def test_d_dimer_coded_as_feu_and_printed_as_ddu_is_not_believed(pack: Pack) -> None:
    patient = a_patient().with_lab(FEU, valueQuantity={"value": 400, "code": "ng/mL", "unit": "ng/mL DDU"})

    assert reason_of("d-dimer", patient, pack) is Reason.UNIT_NOT_CONVERTIBLE


# ── creatine kinase as a multiple of the upper limit ─────────────────────────────────────────────────────────────────

ASSUMED = "upper limit of normal assumed to be 200 U/L"


@pytest.mark.parametrize(
    ("ranges", "multiple", "note"),
    [
        ([{"high": quantity(250, "U/L")}], "4", None),
        ([{"high": quantity(250)}], "4", None),
        ({"high": quantity(250, "IU/L")}, "4", None),
        ([{"low": quantity(30, "U/L"), "high": quantity("4.166667", "ukat/L")}], "4", None),
        ([None, {"text": "30-250"}, {"high": quantity(250)}], "4", None),
        ([{"high": quantity(500), "type": coded("critical")}, {"high": quantity(250)}], "4", None),
        ([{"high": quantity(250), "type": coded("normal")}], "4", None),
        ([{"high": quantity(20)}], "50", None),
        ([{"high": quantity(2000)}], "0.5", None),
        # What cannot be the upper limit of a healthy person is not taken for it.
        ([], "5", ASSUMED),
        ([{"high": quantity(0)}], "5", ASSUMED),
        ([{"high": quantity("NaN")}], "5", ASSUMED),
        ([{"high": quantity("sNaN")}], "5", ASSUMED),
        ([{"high": quantity("Infinity")}], "5", ASSUMED),
        ([{"high": quantity("1e-999999")}], "5", ASSUMED),
        ([{"high": quantity(19)}], "5", ASSUMED),
        ([{"high": quantity(2001)}], "5", ASSUMED),
        ([{"high": quantity(999999)}], "5", ASSUMED),
        ([{"high": quantity(-250)}], "5", ASSUMED),
        ([{"high": quantity(250, "mg/dL")}], "5", ASSUMED),
        ([{"high": quantity(500), "type": coded("critical")}], "5", ASSUMED),
    ],
)
def test_creatine_kinase_is_a_multiple_of_the_reports_own_limit_or_of_the_assumed_one(
    ranges: Any, multiple: str, note: str | None, pack: Pack
) -> None:
    fact = fact_of("ck", a_patient().with_lab(CK, 1000, "U/L", referenceRange=ranges), pack)

    assert isinstance(fact, Known)
    assert (Decimal(multiple), note) == (fact.value, fact.note)


def test_a_limit_without_a_unit_is_in_the_unit_of_the_result(pack: Pack) -> None:
    ranges = [{"high": quantity("4.166667")}]
    fact = fact_of("ck", a_patient().with_lab(CK, "16.66667", "ukat/L", referenceRange=ranges), pack)

    assert isinstance(fact, Known)
    assert (Decimal("4"), None) == (fact.value, fact.note)


@pytest.mark.parametrize(
    ("ranges", "multiple"),
    [
        ([{"high": quantity(14, "[IU]/mL")}], "3"),
        ([{"high": quantity(14)}], "3"),
        ([{"low": quantity(0), "high": quantity(14)}], "3"),
        ([], Reason.NO_LIMIT),
        ([{"text": "< 14"}], Reason.NO_LIMIT),
        ([{"low": quantity(0)}], Reason.NO_LIMIT),
        ([{"high": quantity(999999)}], Reason.NO_LIMIT),
        ([{"high": quantity(0)}], Reason.NO_LIMIT),
        ([{"high": quantity(14, "mg/dL")}], Reason.NO_LIMIT),
        ([{"high": quantity(14), "type": coded("critical")}], Reason.NO_LIMIT),
    ],
)
def test_where_the_limit_must_be_stated_a_report_without_a_believable_one_tells_nothing(
    ranges: Any, multiple: str | Reason, pack: Pack
) -> None:
    patient = a_patient().with_lab(RHEUMATOID_FACTOR, 42, "[IU]/mL", referenceRange=ranges)
    fact = fact_of("rheumatoid-factor", patient, pack)

    assert multiple == (fact.reason if isinstance(fact, Unknown) else str(getattr(fact, "value", None)))


def test_creatine_kinase_without_a_unit_is_no_multiple(pack: Pack) -> None:
    patient = a_patient().with_lab(CK, 1000, referenceRange=[{"high": quantity(250)}])

    assert reason_of("ck", patient, pack) is Reason.NO_UNIT


# ── sides ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("order", [1, -1])
def test_the_lower_of_two_sides_counts(order: int, pack: Pack) -> None:
    patient = a_patient()
    for code, value in ((ABI_LEFT, "0.55"), (ABI_RIGHT, "1.02"))[::order]:
        patient = patient.with_lab(code, value, "{ratio}")

    assert value_of(fact_of("ankle-brachial-index", patient, pack)) == Decimal("0.55")


def test_of_each_side_the_newest_counts(pack: Pack) -> None:
    patient = (
        a_patient()
        .with_lab(ABI_LEFT, "0.40", "{ratio}", on=day(60))
        .with_lab(ABI_LEFT, "0.95", "{ratio}", on=day(2))
        .with_lab(ABI_RIGHT, "0.80", "{ratio}", on=day(30))
    )

    assert value_of(fact_of("ankle-brachial-index", patient, pack)) == Decimal("0.80")


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (coded("51636004"), coded("6685009")),
        (coded(text="left ankle"), coded(text="right ankle")),
        ({"coding": {"display": "left ankle"}}, {"coding": [{"display": "right ankle"}, None]}),
    ],
)
def test_the_body_site_tells_the_sides_apart(left: Resource, right: Resource, pack: Pack) -> None:
    patient = (
        a_patient()
        .with_lab(ABI, "0.55", "{ratio}", on=day(3), bodySite=left)
        .with_lab(ABI, "1.02", "{ratio}", on=day(2), bodySite=right)
    )

    assert value_of(fact_of("ankle-brachial-index", patient, pack)) == Decimal("0.55")


@pytest.mark.parametrize(("comparator", "found"), [("<", Interval(high=Decimal("0.9"), high_open=True)), (">", "0.95")])
def test_a_side_with_a_comparator_is_as_low_as_it_may_be(comparator: str, found: Any, pack: Pack) -> None:
    patient = (
        a_patient()
        .with_lab(ABI_LEFT, valueQuantity=quantity("0.9" if comparator == "<" else "1.4", "{ratio}", comparator))
        .with_lab(ABI_RIGHT, "0.95", "{ratio}")
    )

    assert (Decimal(found) if isinstance(found, str) else found) == value_of(
        fact_of("ankle-brachial-index", patient, pack)
    )


def test_a_result_of_this_morning_is_of_today_in_an_evening_clinic(pack: Pack) -> None:
    """At 20:00 in New York it is already tomorrow in UTC."""
    patient = a_patient().with_lab(ABI, "0.55", "{ratio}", on="2026-11-21T09:00:00-05:00")

    reading = read(patient, pack, as_of=datetime(2026, 11, 22, 1, 0, tzinfo=UTC))

    assert value_of(reading.facts["index-of-today"]) == Decimal("0.55")


# ── components ───────────────────────────────────────────────────────────────────────────────────────────────────────


def with_blood_pressure(*components: Any, **fields: Any) -> Patient:
    return a_patient().with_lab(BLOOD_PRESSURE, component=list(components), **fields)


SYSTOLIC_131 = {"code": coded(SYSTOLIC, LOINC), "valueQuantity": quantity(131, "mmHg")}
DIASTOLIC_82 = {"code": coded(DIASTOLIC, LOINC), "valueQuantity": quantity(82, "mm[Hg]")}


def test_each_component_of_a_blood_pressure_is_its_own_result(pack: Pack) -> None:
    facts = read(with_blood_pressure(SYSTOLIC_131, DIASTOLIC_82, id="bp"), pack).facts

    assert Known(Decimal(131), day(0), "Observation/bp") == facts["systolic-pressure"]
    assert Known(Decimal(82), day(0), "Observation/bp") == facts["diastolic-pressure"]


def test_a_component_without_a_value_leaves_the_others(pack: Pack) -> None:
    missing = {"code": coded(DIASTOLIC, LOINC), "dataAbsentReason": coded("not-performed")}
    reading = read(with_blood_pressure(SYSTOLIC_131, missing, None), pack)

    assert value_of(reading.facts["systolic-pressure"]) == Decimal(131)
    assert Unknown(Reason.NO_VALUE) == reading.facts["diastolic-pressure"]
    assert reading.left_out == {}


def test_a_component_counts_only_if_its_observation_does(pack: Pack) -> None:
    patient = with_blood_pressure(SYSTOLIC_131, status="preliminary")

    assert reason_of("systolic-pressure", patient, pack) is Reason.NONE_RECORDED


# ── codes and texts ──────────────────────────────────────────────────────────────────────────────────────────────────

LOCAL = {"system": "urn:lab", "code": "K"}


@pytest.mark.parametrize(
    "code",
    [
        {"coding": [LOCAL, {"system": LOINC, "code": POTASSIUM}]},
        {"coding": {"system": LOINC, "code": POTASSIUM}},
        {"coding": [None, {"system": "urn:oid:2.16.840.1.113883.6.1", "code": POTASSIUM}]},
    ],
)
def test_one_known_code_is_enough(code: Resource, pack: Pack) -> None:
    assert value_of(fact_of("potassium", with_potassium(code=code), pack)) == Decimal("3.1")


@pytest.mark.parametrize(
    "code",
    [
        {"text": "Potassium"},
        {"text": "POTASSIUM."},
        {"coding": [LOCAL], "text": "Potassium"},
        {"coding": [LOCAL | {"display": "Potassium"}], "text": "K, serum"},
    ],
)
def test_a_result_with_only_a_local_code_is_known_by_its_whole_name_and_marked(code: Resource, pack: Pack) -> None:
    fact = fact_of("potassium", with_potassium(code=code, id="k1"), pack)

    assert Known(Decimal("3.1"), day(0), "Observation/k1", from_text=True) == fact


@pytest.mark.parametrize(
    "code",
    [
        {"text": "Potassium, urine"},
        {"text": "Serum potassium"},
        {"text": ""},
        {"text": "钾"},
        {},
        # A LOINC code that no value set holds says that it is another potassium, whatever its text.
        {"coding": [{"system": LOINC, "code": "2828-2", "display": "Potassium"}], "text": "Potassium"},
        {"coding": [{"code": POTASSIUM}]},
        {"coding": [{"system": "http://snomed.info/sct", "code": POTASSIUM}]},
    ],
)
def test_no_other_text_or_code_is_taken_for_it(code: Resource, pack: Pack) -> None:
    assert reason_of("potassium", with_potassium(code=code), pack) is Reason.NONE_RECORDED


def test_a_condition_coded_as_an_observation_is_neither(pack: Pack) -> None:
    reading = read(with_potassium(code=coded("128053003")), pack)

    assert Absent() == reading.facts["thrombosis"]
    assert reading.left_out == {}


# ── results that are words ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"valueString": "Positive"}, True),
        ({"valueString": " negative "}, False),
        ({"valueBoolean": True}, True),
        ({"valueBoolean": False}, False),
        ({"valueCodeableConcept": coded("x", text="POSITIVE")}, True),
        ({"valueCodeableConcept": {"coding": [{"code": "negative"}]}}, False),
        ({"valueCodeableConcept": {"coding": {"display": "Negative"}}}, False),
        ({"valueCodeableConcept": {"coding": [{"display": "positive"}], "text": "negative"}}, Reason.AMBIGUOUS),
        ({"valueString": "indeterminate"}, Reason.UNREADABLE),
        ({"valueString": "not positive"}, Reason.UNREADABLE),
        ({"valueString": ""}, Reason.NO_VALUE),
        ({"valueCodeableConcept": {"coding": [{"system": "urn:lab"}]}}, Reason.NO_VALUE),
        ({"valueQuantity": quantity(25, "m[IU]/mL")}, Reason.NO_VALUE),
        ({"valueString": "positive", "dataAbsentReason": coded("error")}, Reason.NO_VALUE),
        ({}, Reason.NO_VALUE),
    ],
)
def test_a_word_means_yes_or_no_or_neither(value: Resource, found: bool | Reason, pack: Pack) -> None:
    fact = fact_of("pregnancy-test", a_patient().with_lab("2106-3", id="h1", **value), pack)

    expected: dict[Any, Fact] = {
        True: Known(True, day(0), "Observation/h1"),
        False: Absent(day(0), "Observation/h1"),
    }
    assert expected.get(found, Unknown(found) if isinstance(found, Reason) else None) == fact


@pytest.mark.parametrize(("newest", "found"), [("negative", Absent), ("positive", Known)])
def test_the_newest_word_counts_whether_yes_or_no(newest: str, found: type, pack: Pack) -> None:
    older = {"negative": "positive", "positive": "negative"}[newest]
    patient = (
        a_patient().with_lab("2106-3", valueString=newest, on=day(1)).with_lab("2106-3", valueString=older, on=day(9))
    )

    assert isinstance(fact_of("pregnancy-test", patient, pack), found)


# ── worked out from others ───────────────────────────────────────────────────────────────────────────────────────────

IRON, TIBC, SATURATION = "2498-4", "2500-7", "2502-3"


def with_iron(iron_on: str, tibc_on: str) -> Patient:
    return a_patient().with_lab(IRON, 50, "ug/dL", on=iron_on, id="i1").with_lab(TIBC, 400, "ug/dL", on=tibc_on)


def test_saturation_is_worked_out_from_iron_and_binding_capacity_of_one_day(pack: Pack) -> None:
    # 100 × 50 / 400 = 12.5 %
    expected = Known(Decimal("12.50"), day(2), "Observation/i1", note="worked out from iron and tibc")

    assert expected == fact_of("saturation", with_iron(f"{day(2)}T07:00:00Z", f"{day(2)}T19:00:00Z"), pack)


@pytest.mark.parametrize(("iron_on", "tibc_on"), [(day(2), day(3)), ("2026-11", "2026-11")])
def test_saturation_is_not_worked_out_across_days(iron_on: str, tibc_on: str, pack: Pack) -> None:
    assert Unknown(Reason.NONE_RECORDED) == fact_of("saturation", with_iron(iron_on, tibc_on), pack)


def test_a_measured_saturation_goes_before_one_that_is_worked_out(pack: Pack) -> None:
    patient = with_iron(day(2), day(2)).with_lab(SATURATION, 18, "%", on=day(5))

    assert value_of(fact_of("saturation", patient, pack)) == Decimal(18)


def test_saturation_is_not_worked_out_from_an_interval(pack: Pack) -> None:
    patient = a_patient().with_lab(IRON, valueQuantity=quantity(50, "ug/dL", "<")).with_lab(TIBC, 400, "ug/dL")

    assert reason_of("saturation", patient, pack) is Reason.NONE_RECORDED


@pytest.mark.parametrize(
    ("unit", "on", "reason"),
    [
        (None, day(2), Reason.NO_UNIT),
        ("mmol/L", day(2), Reason.UNIT_NOT_CONVERTIBLE),
        ("ug/dL", day(200), Reason.TOO_OLD),
    ],
)
def test_what_cannot_be_worked_out_says_what_is_wrong_with_its_parts(
    unit: str | None, on: str, reason: Reason, pack: Pack
) -> None:
    patient = a_patient().with_lab(IRON, 50, unit, on=on).with_lab(TIBC, 400, "ug/dL", on=day(2))

    assert reason is reason_of("saturation", patient, pack)


def test_what_cannot_be_worked_out_says_that_nobody_looked(pack: Pack) -> None:
    patient = a_patient()

    reading = read(patient, pack, observations={"resourceType": "OperationOutcome"})

    assert [Unknown(Reason.FAILED)] * 2 == [reading.facts[name] for name in ("saturation", "creatinine-rise")]


def creatinines(*values: tuple[str, str]) -> Patient:
    patient = a_patient()
    for on, value in values:
        patient = patient.with_lab(CREATININE, value, "mg/dL", on=on)
    return patient


@pytest.mark.parametrize(
    ("values", "rise", "ratio"),
    [
        # newest − lowest earlier within 48 hours; newest ÷ lowest earlier within 7 days
        ([(day(0), "1.5"), (day(1), "1.0")], "0.5", "1.5"),
        ([(day(0), "1.5"), (day(1), "1.2"), (day(2), "1.0"), (day(6), "0.5")], "0.5", "3"),
        ([(day(0), "1.5"), (day(2), "1.0")], "0.5", "1.5"),
        ([(day(0), "1.5"), (day(3), "1.0")], None, "1.5"),
        ([(day(0), "1.5"), (day(7), "1.0")], None, "1.5"),
        ([(day(0), "1.5"), (day(8), "1.0")], None, None),
        ([(day(0), "1.0"), (day(1), "1.5")], "-0.5", "0.666667"),
        ([(day(0), "1.5")], None, None),
        ([(day(0), "1.5"), (day(0), "1.0")], None, None),
        ([(f"{day(0)}T08:00:00Z", "1.5"), (f"{day(2)}T08:00:00Z", "1.0")], "0.5", "1.5"),
        ([(f"{day(0)}T08:00:01Z", "1.5"), (f"{day(2)}T08:00:00Z", "1.0")], None, "1.5"),
        ([], None, None),
    ],
)
def test_a_rise_of_creatinine_is_of_the_newest_over_the_lowest_before(
    values: list[tuple[str, str]], rise: str | None, ratio: str | None, pack: Pack
) -> None:
    facts = read(creatinines(*values), pack).facts

    expected = [Decimal(each) if each is not None else Unknown(Reason.NONE_RECORDED) for each in (rise, ratio)]
    assert expected == [value_of(facts[name]) for name in ("creatinine-rise", "creatinine-ratio")]


def test_a_rise_is_not_taken_from_older_results_where_the_newest_is_no_number(pack: Pack) -> None:
    patient = creatinines((day(1), "1.5"), (day(2), "1.0"))
    patient = patient.with_lab(CREATININE, valueQuantity=quantity("0.5", "mg/dL", "<"))

    assert reason_of("creatinine-rise", patient, pack) is Reason.NONE_RECORDED


def test_results_in_different_units_are_compared_in_one(pack: Pack) -> None:
    patient = a_patient().with_lab(CREATININE, "176.8", "umol/L").with_lab(CREATININE, "1.0", "mg/dL", on=day(1))

    assert value_of(fact_of("creatinine-ratio", patient, pack)) == Decimal(2)
