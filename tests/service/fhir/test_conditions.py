from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from rules.engine.facts import Absent, Fact, Interval, Known, Reason, Unknown
from rules.pack import Pack
from rules.terminology import ICD10, ICD10CM
from tests.builders import Patient, Resource, a_bundle, a_patient, coded, day
from tests.service.fhir.reading import LEFT_OUT, fact_of, read, reason_of

DVT, PREVIOUS_DVT, IRON, FALL, DIABETES, LEG_PAIN = (
    *("128053003", "161508001", "35240004"),
    *("217082002", "44054006", "10601006"),
)


def states(patient: Patient, pack: Pack, *facts: str) -> list[type[Fact]]:
    found = read(patient, pack).facts
    return [type(found[name]) for name in facts]


# ── which conditions count ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_condition_is_known_with_its_onset_and_how_long_ago_that_was(pack: Pack) -> None:
    patient = a_patient().with_condition(DVT, onsetDateTime=f"{day(10)}T08:00:00Z", id="c1")

    assert Known(True, day(10), "Condition/c1", Decimal(10)) == fact_of("thrombosis", patient, pack)


def test_a_condition_without_a_date_is_known_without_one(pack: Pack) -> None:
    patient = a_patient().with_condition(DVT, id="c1")

    assert Known(True, None, "Condition/c1") == fact_of("thrombosis", patient, pack)


@pytest.mark.parametrize(
    ("fields", "date"),
    [
        ({"onsetDateTime": day(10), "recordedDate": day(3)}, day(10)),
        ({"onsetPeriod": {"start": day(10), "end": day(9)}}, day(10)),
        ({"onsetString": "last week", "recordedDate": day(3)}, day(3)),
        ({"onsetDateTime": "2019"}, "2019"),
        ({"onsetDateTime": "2026-11-21<script>"}, None),
    ],
)
def test_a_condition_began_at_its_onset_or_else_when_it_was_recorded(
    fields: Resource, date: str | None, pack: Pack
) -> None:
    fact = fact_of("thrombosis", a_patient().with_condition(DVT, **fields), pack)

    assert isinstance(fact, Known)
    assert date == fact.date


def test_an_onset_in_a_year_began_some_time_in_it(pack: Pack) -> None:
    fact = fact_of("thrombosis", a_patient().with_condition(DVT, onsetDateTime="2025"), pack)

    assert isinstance(fact, Known)
    assert Interval(Decimal(325), Decimal(689)) == fact.days


def status(code: str | None = None, text: str | None = None) -> Resource:
    return coded(code, "http://terminology.hl7.org/CodeSystem/condition-clinical", text)


@pytest.mark.parametrize(
    ("clinical", "now"),
    [
        (status("active"), Known),
        (status("recurrence"), Known),
        (status("relapse"), Known),
        (status("Active"), Known),
        (status(text="active"), Known),
        (None, Known),
        ("active", Known),
        (status("resolved"), Absent),
        (status("inactive"), Absent),
        (status("remission"), Absent),
        (status(text="Resolved"), Absent),
        ("resolved", Absent),
        (status("something-else"), Absent),
    ],
)
def test_a_condition_that_is_over_counts_only_as_history(clinical: Any, now: type[Fact], pack: Pack) -> None:
    patient = a_patient().with_condition(DVT, clinicalStatus=clinical)

    assert [now, Known] == states(patient, pack, "thrombosis", "thrombosis-ever")


@pytest.mark.parametrize(
    ("fields", "now"),
    [
        ({"abatementDateTime": day(3)}, Absent),
        ({"abatementPeriod": {"start": day(9), "end": day(3)}}, Absent),
        ({"abatementPeriod": {"start": day(9)}}, Absent),
        ({"abatementPeriod": {"end": day(3)}}, Absent),
        ({"abatementPeriod": {"start": day(9), "end": day(-90)}}, Known),
        ({"abatementPeriod": {}}, Known),
        ({"abatementAge": {"value": 60, "unit": "a"}}, Absent),
        ({"abatementString": "last year"}, Absent),
        ({"abatementDateTime": "some time ago"}, Absent),
        ({"abatementDateTime": day(-90)}, Known),  # such as the expected end of a pregnancy
        ({"abatementString": None}, Known),
    ],
)
def test_a_condition_that_has_abated_is_over(fields: Resource, now: type[Fact], pack: Pack) -> None:
    patient = a_patient().with_condition(DVT)
    patient.chart[0].update(fields)

    assert [now, Known] == states(patient, pack, "thrombosis", "thrombosis-ever")


@pytest.mark.parametrize(
    ("verification", "said"),
    [
        (status("refuted"), "refuted"),
        (status("entered-in-error"), "entered-in-error"),
        (status(text="Entered in error"), "entered-in-error"),
        ("refuted", "refuted"),
    ],
)
def test_a_refuted_condition_never_counts(verification: Any, said: str, pack: Pack) -> None:
    patient = a_patient().with_condition(DVT, verificationStatus=verification)

    assert [Absent, Absent] == states(patient, pack, "thrombosis", "thrombosis-ever")
    assert {f"Condition: {said}": 1} == read(patient, pack).left_out


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"subject": {"reference": "Patient/p2"}}, "another patient"),
        ({"onsetDateTime": day(-2)}, "dated in the future"),
        ({"code": None}, "no code"),
        ({"clinicalStatus": status("resolved"), "code": coded(LEG_PAIN)}, "not current"),
        ({"code": coded(IRON), "onsetDateTime": day(31)}, "only an older value on record"),
        ({"code": coded(text="No deep vein thrombosis")}, "its text denies or doubts it"),
    ],
)
def test_a_condition_that_does_not_count_is_left_out_with_its_reason(fields: Resource, said: str, pack: Pack) -> None:
    reading = read(a_patient().with_condition(**fields), pack)

    assert {f"Condition: {said}": 1} == reading.left_out
    assert {Absent} == {type(reading.facts[name]) for name in ("thrombosis", "pain-in-leg", "iron-deficiency-lately")}


def test_a_condition_of_no_interest_is_not_counted_as_left_out(pack: Pack) -> None:
    assert read(a_patient().with_condition("59621000", text="Essential hypertension"), pack).left_out == {}


def test_the_newest_of_several_onsets_counts(pack: Pack) -> None:
    patient = a_patient().with_condition(DVT, onsetDateTime=day(900)).with_condition(DVT, onsetDateTime=day(9))
    patient = patient.with_condition(DVT)

    fact = fact_of("thrombosis", patient, pack)

    assert isinstance(fact, Known)
    assert fact.date == day(9)


def test_one_with_a_date_however_old_counts_before_one_without(pack: Pack) -> None:
    patient = a_patient().with_condition(DVT, onsetDateTime="1961-05-03").with_condition(DVT)

    fact = fact_of("thrombosis", patient, pack)

    assert isinstance(fact, Known)
    assert fact.date == "1961-05-03"


# ── within a look-back ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("onset", "believed", "not_believed"),
    [
        (day(14), Known, Known),
        # Began longer ago: none began lately, which is believed where none recorded means none.
        (day(31), Absent, Unknown),
        # It may have begun lately: neither yes nor no.
        (None, Unknown, Unknown),
        ("2026", Unknown, Unknown),
        ("2026-10", Unknown, Unknown),
        ("2025", Absent, Unknown),
    ],
)
def test_a_condition_with_a_look_back_must_have_begun_within_it(
    onset: str | None, believed: type[Fact], not_believed: type[Fact], pack: Pack
) -> None:
    patient = a_patient().with_condition(IRON, onsetDateTime=onset).with_condition(FALL, onsetDateTime=onset)

    assert [believed, not_believed] == states(patient, pack, "iron-deficiency-lately", "fall-lately")


@pytest.mark.parametrize(("today", "reason"), [(30, Reason.NO_DATE), (31, None)])
def test_a_month_that_touches_the_look_back_may_be_within_it(today: int, reason: Reason | None, pack: Pack) -> None:
    """The last of October is 30 days before the 30th of November, and the look-back is 30 days."""
    patient = a_patient().with_condition(IRON, onsetDateTime="2026-10")
    as_of = datetime(2026, 10, 31, tzinfo=UTC) + timedelta(days=today)

    fact = read(patient, pack, as_of=as_of).facts["iron-deficiency-lately"]

    assert reason == (fact.reason if isinstance(fact, Unknown) else None)


@pytest.mark.parametrize("order", [1, -1])
def test_one_without_a_date_keeps_an_older_one_from_meaning_none(order: int, pack: Pack) -> None:
    patient = a_patient()
    for onset in (day(900), None)[::order]:
        patient = patient.with_condition(IRON, onsetDateTime=onset)

    assert reason_of("iron-deficiency-lately", patient, pack) is Reason.NO_DATE


def test_one_that_began_lately_counts_beside_one_without_a_date(pack: Pack) -> None:
    patient = a_patient().with_condition(IRON).with_condition(IRON, onsetDateTime=day(3))

    assert [Known] == states(patient, pack, "iron-deficiency-lately")


# ── none recorded ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("answer", "thrombosis", "fall"),
    [
        (a_bundle([]), None, Reason.NONE_RECORDED),
        (None, None, Reason.NONE_RECORDED),
        (LEFT_OUT, Reason.NOT_LOOKED, Reason.NOT_LOOKED),
        ({"resourceType": "OperationOutcome"}, Reason.FAILED, Reason.FAILED),
        (a_bundle([], link=[{"relation": "next"}]), Reason.INCOMPLETE, Reason.INCOMPLETE),
        (5, Reason.UNREADABLE, Reason.UNREADABLE),
    ],
)
def test_none_recorded_means_none_only_after_a_complete_look(
    answer: Any, thrombosis: Reason | None, fall: Reason, pack: Pack
) -> None:
    facts = read(a_patient(), pack, conditions=answer).facts

    assert (Absent() if thrombosis is None else Unknown(thrombosis)) == facts["thrombosis"]
    assert Unknown(fall) == facts["fall-lately"]


@pytest.mark.parametrize(
    "junk",
    [
        {"resourceType": "Condition", "code": "DVT"},
        {"resourceType": "Condition", "onsetDateTime": 2026},
        {"resourceType": 5},
        {"id": "no-type"},
        7,
    ],
)
def test_a_condition_that_cannot_be_read_may_be_any(junk: Any, pack: Pack) -> None:
    reading = read(a_patient().with_condition(DIABETES), pack, more=a_bundle([junk]))

    assert isinstance(reading.facts["diabetes"], Known)
    assert Unknown(Reason.UNREADABLE) == reading.facts["thrombosis"]
    assert sum(reading.unreadable.values()) == 1


def test_an_unreadable_result_says_nothing_of_conditions(pack: Pack) -> None:
    reading = read(a_patient(), pack, more={"resourceType": "Observation", "code": 5})

    assert Absent() == reading.facts["thrombosis"]
    assert Unknown(Reason.UNREADABLE) == reading.facts["potassium"]


# ── codes ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("system", "code", "found"),
    [
        (ICD10CM, "I70.221", Known),
        (ICD10CM, "I70221", Known),
        (ICD10CM, "i70.221", Known),
        (ICD10CM, "I70.22", Known),
        ("urn:oid:2.16.840.1.113883.6.90", "I70.221", Known),
        (ICD10CM, "I70.2", Absent),
        (ICD10CM, "I70.231", Absent),
        (ICD10CM, "I7022", Known),
        (ICD10, "I70.2", Known),
        (ICD10, "I70.20", Known),
        (ICD10, "I70.1", Absent),
        ("urn:oid:2.16.840.1.113883.6.3", "I702", Known),
        (ICD10CM, "", Absent),
        ("http://snomed.info/sct", "I70.221", Absent),
        (None, "I70.221", Absent),
    ],
)
def test_icd_codes_match_by_prefix_with_and_without_the_dot(
    system: str | None, code: str, found: type[Fact], pack: Pack
) -> None:
    patient = a_patient().with_condition(code=coded(code, system))

    assert [found] == states(patient, pack, "artery-disease")


@pytest.mark.parametrize("code", [399957001, "399957001"])
@pytest.mark.parametrize("system", ["http://snomed.info/sct", "urn:oid:2.16.840.1.113883.6.96"])
def test_a_code_may_be_a_number_and_its_system_an_oid(code: Any, system: str, pack: Pack) -> None:
    assert [Known] == states(a_patient().with_condition(code=coded(code, system)), pack, "artery-disease")


def test_each_coding_of_a_condition_counts(pack: Pack) -> None:
    code = {"coding": [{"system": ICD10CM, "code": "I70.221"}, None, {"system": ICD10CM, "code": "E11.9"}]}

    assert [Known, Known] == states(a_patient().with_condition(code=code), pack, "artery-disease", "diabetes")


def test_an_answer_of_one_fact_is_not_one_of_another_kind(pack: Pack) -> None:
    """The code of a laboratory test as a condition is no result."""
    patient = a_patient().with_condition(code=coded("2823-3", "http://loinc.org"))

    assert reason_of("potassium", patient, pack) is Reason.NONE_RECORDED


# ── texts ────────────────────────────────────────────────────────────────────────────────────────────────────────────

LOCAL = {"system": "urn:clinic", "code": "17"}


@pytest.mark.parametrize(
    "code",
    [
        {"text": "Deep vein thrombosis"},
        {"text": "Acute DVT, left calf"},
        {"coding": [LOCAL], "text": "DVT"},
        {"coding": [LOCAL | {"display": "Deep venous thrombosis"}]},
        {"coding": [LOCAL | {"display": "other"}], "text": "dvt"},
    ],
)
def test_a_condition_without_a_known_code_is_known_by_its_text_and_marked(code: Resource, pack: Pack) -> None:
    patient = a_patient().with_condition(code=code, id="c1")

    assert Known(True, None, "Condition/c1", from_text=True) == fact_of("thrombosis", patient, pack)


def test_a_known_code_goes_before_the_text(pack: Pack) -> None:
    patient = a_patient().with_condition(DVT, text="Type 2 diabetes mellitus; no DVT", id="c1")

    facts = read(patient, pack).facts

    assert Known(True, None, "Condition/c1") == facts["thrombosis"]
    assert Absent() == facts["diabetes"]


def test_a_text_of_the_past_is_history(pack: Pack) -> None:
    patient = a_patient().with_condition(text="DVT, status post treatment")

    assert [Absent, Known] == states(patient, pack, "thrombosis", "thrombosis-ever")


def test_a_longer_name_is_not_also_the_shorter_one_inside_it(pack: Pack) -> None:
    patient = a_patient().with_condition(text="History of deep vein thrombosis")

    assert [Absent, Known] == states(patient, pack, "thrombosis", "thrombosis-ever")


def test_what_one_text_denies_another_does_not_restore(pack: Pack) -> None:
    code = {"coding": [LOCAL | {"display": "Deep vein thrombosis"}], "text": "DVT ruled out"}

    assert [Absent] == states(a_patient().with_condition(code=code), pack, "thrombosis")


# ── the reason of the visit ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "reason",
    [
        {"reasonCode": [coded(LEG_PAIN)]},
        {"reasonCode": [None, coded("386661006"), coded(LEG_PAIN)]},
        {"reasonCode": coded(LEG_PAIN)},
        {"reasonCode": [coded(text="65 year old with leg pain at night")]},
        {"reasonReference": [{"reference": "Condition/c1"}]},
        {"reasonReference": [{"reference": "https://ehr.example/fhir/Condition/c1/_history/2"}]},
        {"reasonReference": [{"display": "Leg pain"}]},
    ],
)
def test_the_reason_of_the_visit_is_known(reason: Resource, pack: Pack) -> None:
    patient = a_patient().with_condition(LEG_PAIN, id="c1").visiting_for(id="e1", **reason)

    fact = fact_of("leg-reason", patient, pack)

    assert isinstance(fact, Known)
    assert (fact.source, fact.date, fact.days) == ("Encounter/e1", day(0), Decimal(0))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"status": "cancelled"}, "cancelled"),
        ({"status": "entered-in-error"}, "entered-in-error"),
        ({"status": "finished", "period": {"start": day(30), "end": day(30)}}, "over before today"),
        ({"status": "finished", "period": {"start": day(30)}}, "over before today"),
        ({"period": {"start": day(30), "end": day(1)}}, "over before today"),
        ({"status": "planned", "period": {"start": day(-9)}}, "dated in the future"),
        ({"subject": {"reference": "Patient/p2"}}, "another patient"),
    ],
)
def test_the_reason_of_another_visit_is_not_the_reason_of_this_one(fields: Resource, said: str, pack: Pack) -> None:
    reading = read(a_patient().visiting_for(LEG_PAIN, **fields), pack)

    assert Absent() == reading.facts["leg-reason"]
    assert {f"Encounter: {said}": 1} == reading.left_out


@pytest.mark.parametrize(
    "fields",
    [
        {"period": {"start": day(30)}},  # an inpatient
        {"status": "finished", "period": {"start": day(30), "end": day(0)}},  # being discharged
        {"status": "finished", "period": {"start": day(0)}},
        {"status": None, "period": None},
    ],
)
def test_a_visit_that_is_not_over_is_this_one(fields: Resource, pack: Pack) -> None:
    assert [Known] == states(a_patient().visiting_for(LEG_PAIN, **fields), pack, "leg-reason")


def test_a_visit_of_this_afternoon_is_this_one_in_an_evening_clinic(pack: Pack) -> None:
    """At 20:00 in New York it is already tomorrow in UTC."""
    period = {"start": "2026-11-21T14:00:00-05:00", "end": "2026-11-21T15:00:00-05:00"}
    patient = a_patient().visiting_for(LEG_PAIN, status="finished", period=period)

    reading = read(patient, pack, as_of=datetime(2026, 11, 22, 1, 0, tzinfo=UTC))

    assert isinstance(reading.facts["leg-reason"], Known)


@pytest.mark.parametrize(
    "reason",
    [
        {"reasonCode": [coded(text="History of leg pain")]},
        {"reasonCode": [coded(text="Cough, no leg pain")]},
        {"reasonReference": [{"reference": "Condition/refuted"}]},
        {},
    ],
)
def test_a_visit_for_something_else_has_no_leg_complaint_as_its_reason(reason: Resource, pack: Pack) -> None:
    refuted = a_patient().with_condition(LEG_PAIN, id="refuted", verificationStatus=status("refuted"))

    assert [Absent] == states(refuted.visiting_for(**reason), pack, "leg-reason")


def test_a_reason_that_was_not_sent_may_be_any(pack: Pack) -> None:
    patient = a_patient().visiting_for(reasonReference=[{"reference": "Condition/elsewhere"}])

    assert reason_of("leg-reason", patient, pack) is Reason.INCOMPLETE


def test_without_a_visit_the_reason_is_not_known(pack: Pack) -> None:
    assert reason_of("leg-reason", a_patient(), pack, encounter=LEFT_OUT) is Reason.NOT_LOOKED


def test_an_unreadable_visit_may_have_any_reason(pack: Pack) -> None:
    visit = {"resourceType": "Encounter", "reasonCode": "leg pain"}

    assert reason_of("leg-reason", a_patient(), pack, encounter=visit) is Reason.UNREADABLE


def test_a_problem_on_the_list_is_not_the_reason_of_the_visit(pack: Pack) -> None:
    assert [Known, Absent] == states(a_patient().with_condition(LEG_PAIN), pack, "pain-in-leg", "leg-reason")
