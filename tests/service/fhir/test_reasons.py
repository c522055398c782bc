"""Every fact is known, absent, or unknown for the right reason."""

from decimal import Decimal
from typing import Any

import pytest

from rules.engine.facts import Absent, Known, Reason, Unknown
from rules.pack import Pack
from service.fhir.chart import Candidate, safe_reference
from service.fhir.coverage import coverage_of
from service.fhir.moments import Moment, read_moment
from service.fhir.read_facts import read_facts
from tests.builders import AS_OF, Patient, a_bundle, a_patient, day
from tests.service.fhir.reading import LEFT_OUT, QUERIES, fact_of, prefetched, read, reason_of

FAILED = {"resourceType": "OperationOutcome", "issue": [{"severity": "error"}]}
NOBODY = a_patient()
KEYS = ("patient", "intake", "encounter", "conditions", "medications", "medication_statements", "observations")


SHOWN: list[tuple[Reason, str, Patient, dict[str, Any]]] = [
    (Reason.NOT_ASKED, "urge-to-move", NOBODY, {}),
    (Reason.NOT_LOOKED, "potassium", NOBODY, {"observations": LEFT_OUT}),
    (Reason.FAILED, "potassium", NOBODY, {"observations": FAILED}),
    (Reason.INCOMPLETE, "potassium", NOBODY, {"observations": a_bundle([], total=1)}),
    (Reason.NONE_RECORDED, "potassium", NOBODY, {}),
    (Reason.TOO_OLD, "potassium", NOBODY.with_lab("2823-3", 3.1, "mmol/L", on=day(99)), {}),
    (Reason.NO_DATE, "potassium", NOBODY.with_lab("2823-3", 3.1, "mmol/L", effectiveDateTime=None), {}),
    (Reason.NO_VALUE, "potassium", NOBODY.with_lab("2823-3"), {}),
    (Reason.NOT_NUMERIC, "potassium", NOBODY.with_lab("2823-3", valueString="low"), {}),
    (Reason.NO_UNIT, "potassium", NOBODY.with_lab("2823-3", 3.1), {}),
    (Reason.UNIT_NOT_CONVERTIBLE, "potassium", NOBODY.with_lab("2823-3", 3.1, "g"), {}),
    (Reason.NO_LIMIT, "rheumatoid-factor", NOBODY.with_lab("11572-5", 42, "[IU]/mL"), {}),
    (Reason.IMPLAUSIBLE, "potassium", NOBODY.with_lab("2823-3", 31, "mmol/L"), {}),
    (Reason.UNREADABLE, "potassium", NOBODY, {"observations": a_bundle([{"resourceType": "Observation", "id": 1}])}),
    (Reason.AMBIGUOUS, "pregnancy-test", NOBODY.with_lab("2106-3", valueString="negative", valueBoolean=True), {}),
]
REASONS = [reason for reason, _, _, _ in SHOWN]


@pytest.mark.parametrize(("reason", "name", "patient", "answers"), SHOWN, ids=[reason.name for reason in REASONS])
def test_each_reason_is_given_where_it_holds(
    reason: Reason, name: str, patient: Patient, answers: dict[str, Any], pack: Pack
) -> None:
    assert reason is reason_of(name, patient, pack, **answers)


def test_no_reason_is_left_untested() -> None:
    assert set(Reason) == set(REASONS)


def test_every_fact_is_answered_or_unknown_and_never_both(pack: Pack) -> None:
    facts = read(a_patient().answered("urge-to-move").with_condition("128053003"), pack).facts

    assert set(pack.library.facts) == set(facts.answered) | set(facts.unknown)
    assert set(facts.answered) & set(facts.unknown) == set()


def test_without_any_answer_nothing_is_absent_and_nobody_looked(pack: Pack) -> None:
    facts = read(NOBODY, pack, **dict.fromkeys(KEYS, LEFT_OUT)).facts

    assert facts.answered == {}
    assert {Unknown(Reason.NOT_LOOKED)} == set(facts.unknown.values())


def test_a_fact_that_no_search_covers_was_not_looked_for(pack: Pack) -> None:
    uncovered = coverage_of(pack.library.facts, {}, {})

    facts = read_facts(prefetched(NOBODY.prefetch(QUERIES)), pack, uncovered, AS_OF).facts

    assert Unknown(Reason.NOT_LOOKED) == facts["thrombosis"] == facts["potassium"] == facts["urge-to-move"]


@pytest.mark.parametrize("answer", [None, a_bundle([])])
def test_where_the_ehr_found_nothing_only_lists_mean_none(answer: Any, pack: Pack) -> None:
    facts = read(NOBODY, pack, **dict.fromkeys(KEYS[1:], answer)).facts

    listed = {name for name, fact in pack.library.facts.items() if getattr(fact, "none_recorded_means_none", False)}
    assert listed | {"deceased"} == {name for name, fact in facts.answered.items() if isinstance(fact, Absent)}


@pytest.mark.parametrize("order", [1, -1])
def test_of_several_values_that_do_not_count_the_newest_says_why(order: int, pack: Pack) -> None:
    patient = a_patient()
    for value, on in ((31, day(5)), (None, day(3)))[::order]:
        patient = patient.with_lab("2823-3", value, "mmol/L", on=on)

    assert reason_of("potassium", patient, pack) is Reason.NO_VALUE


@pytest.mark.parametrize("order", [1, -1])
def test_a_value_without_a_date_may_be_newer_than_all_others(order: int, pack: Pack) -> None:
    undated = NOBODY.with_lab("2823-3", 3.1, "mmol/L", effectiveDateTime=None, id="k1").chart
    old = NOBODY.with_lab("2823-3", 3.4, "mmol/L", on=day(99)).chart
    patient = a_patient()
    for resource in (*undated, *old)[::order]:
        patient = patient.with_resource(resource)

    expected = Unknown(Reason.NO_DATE, Known(Decimal("3.1"), None, "Observation/k1"))
    assert expected == fact_of("potassium", patient, pack)


# ── values of the same moment ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_values_of_one_moment_the_same_one_counts_whatever_the_order(order: int, pack: Pack) -> None:
    patient = a_patient()
    for value in ("3.1", "4.4")[::order]:
        patient = patient.with_lab("2823-3", value, "mmol/L", on=f"{day(1)}T08:00:00Z", id=f"k{value}")

    fact = fact_of("potassium", patient, pack)

    assert isinstance(fact, Known)
    assert fact.value == Decimal("4.4")


def test_the_order_of_choices_does_not_hang_on_how_python_hashes_words() -> None:
    moment = read_moment("2026-11-21")
    assert isinstance(moment, Moment)

    order = Candidate(moment, Known(frozenset({"left", "both", "right"}))).order()

    assert order[1] == "both,left,right"


# ── references ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("reference", "safe"),
    [
        ("Observation/k-1.2", "Observation/k-1.2"),
        ("urn:uuid:0cf3b8a0-0000", "urn:uuid:0cf3b8a0-0000"),
        ("Observation/<b>Jane</b>", "Observation/bJane/b"),
        ("Observation/[x](javascript:1)\n", "Observation/xjavascript:1"),
        ("ServiceRequest/" + "9" * 194, "ServiceRequest/" + "9" * 194),
        ("Observation/" + "9" * 500, "Observation/" + "9" * 308),
    ],
)
def test_a_source_is_fit_for_an_answer(reference: str, safe: str) -> None:
    assert safe == safe_reference(reference)


def test_a_resource_without_an_id_is_named_by_its_url_or_its_type(pack: Pack) -> None:
    anonymous = NOBODY.with_lab("2823-3", 3.1, "mmol/L", id=None).chart[0]
    named = {"resourceType": "Bundle", "entry": [{"fullUrl": "urn:uuid:0cf3", "resource": anonymous}]}

    sources = [
        getattr(fact_of("potassium", NOBODY, pack, observations=sent), "source", None) for sent in (anonymous, named)
    ]
    assert sources == ["Observation", "urn:uuid:0cf3"]
