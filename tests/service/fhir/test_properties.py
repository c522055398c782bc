"""What holds for every chart: patient data never raise, order does not matter, one resource does not spoil another."""

import copy
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rules.engine.facts import Known, PatientFacts
from rules.pack import Pack
from rules.terminology import LOINC, RXNORM
from service.fhir.gather import from_prefetch
from service.fhir.read_facts import Reading, read_facts
from tests.builders import AS_OF, INTAKE, PATIENT, Resource, a_bundle, a_patient, coded, day, quantity
from tests.service.fhir.reading import QUERIES, coverage, prefetched, read, read_resources

CHART = (
    a_patient()
    .answered("urge-to-move")
    .answered("saddle", False)
    .answered("quality", ["aching", "crawling"])
    .answered("severity", 7, on=day(3))
    .answered("urge-to-move", False, on=day(3))
    .with_lab("2823-3", 3.1, "mmol/L", on=day(3))
    .with_lab("2823-3", 4.4, "mmol/L", on=day(3))
    .with_lab("2823-3", 3.9, on=day(1))
    .with_lab("2823-3", 3.0, "mmol/L", on=day(300))
    .with_lab("2276-4", valueQuantity=quantity(5, "ug/L", "<"))
    .with_lab("2276-4", 32, "ug/L")
    .with_lab("2157-6", 1000, "U/L", referenceRange=[{"high": quantity(250)}])
    .with_lab("76497-7", "0.55", "{ratio}")
    .with_lab("76496-9", "1.02", "{ratio}")
    .with_lab("2160-0", 1.5, "mg/dL")
    .with_lab("2160-0", 1.0, "mg/dL", on=day(1))
    .with_lab("2498-4", 50, "ug/dL")
    .with_lab("2500-7", 400, "ug/dL")
    .with_lab("2106-3", valueString="positive")
    .with_lab("2106-3", valueString="negative")
    .with_lab("85354-9", component=[{"code": coded("8480-6", LOINC), "valueQuantity": quantity(131, "mm[Hg]")}])
    .with_condition("128053003", onsetDateTime=day(10))
    .with_condition(text="DVT", onsetDateTime=day(10))
    .with_condition("35240004", onsetDateTime="2026")
    .with_condition("35240004", onsetDateTime=day(900))
    .with_condition("217082002")
    .with_medication("617311", authoredOn=day(40))
    .with_medication("36567", authoredOn=day(90), status="stopped")
    .with_medication("1191", status="completed")
    .with_medication(medicationReference={"reference": "Medication/m1"})
    .with_statement(text="hydrochlorothiazide")
    .visiting_for(reasonReference=[{"reference": "Condition/leg"}])
    .with_condition("10601006", id="leg")
    .with_resource({"resourceType": "Medication", "id": "m1", "code": coded("197657", RXNORM)})
    .with_resource({"resourceType": "Media", "id": "picture"})
)
RESOURCES = CHART.resources()


def everything(reading: Reading) -> tuple[Any, ...]:
    facts = reading.facts
    return (facts.answered, facts.unknown, reading.left_out, reading.unreadable, reading.gaps, reading.has_patient)


# ── the same, in any order ───────────────────────────────────────────────────────────────────────────────────────────


@given(st.permutations(RESOURCES))
def test_the_order_of_resources_never_matters(pack: Pack, resources: list[Resource]) -> None:
    assert everything(read_resources(RESOURCES, pack)) == everything(read_resources(resources, pack))


@given(st.permutations([each for each in RESOURCES if each["resourceType"] == "Observation"]), st.booleans())
def test_the_order_within_a_search_and_of_the_searches_never_matters(
    pack: Pack, observations: list[Resource], backwards: bool
) -> None:
    sent = CHART.prefetch(QUERIES)
    other = dict(reversed(sent.items())) if backwards else dict(sent)
    other["observations"] = a_bundle(observations, total=len(observations))

    answers = [read_facts(prefetched(each), pack, coverage(pack), AS_OF) for each in (sent, other)]
    assert everything(answers[0]) == everything(answers[1])


def test_the_same_input_gives_the_same_facts(pack: Pack) -> None:
    assert everything(read(CHART, pack)) == everything(read(CHART, pack))


def test_a_chart_that_was_sent_twice_is_read_once(pack: Pack) -> None:
    once = read(CHART, pack, all=a_bundle(RESOURCES))

    assert everything(once) == everything(read(CHART, pack, all=a_bundle(RESOURCES), again=a_bundle(RESOURCES)))


def test_the_chart_of_these_tests_shows_every_kind_of_fact(pack: Pack) -> None:
    """Otherwise the properties would hold of nothing."""
    facts = read(CHART, pack).facts
    kinds = {pack.library.facts[name].kind for name, fact in facts.answered.items() if isinstance(fact, Known)}

    assert {fact.kind for fact in pack.library.facts.values()} == kinds


# ── resources of no concern ──────────────────────────────────────────────────────────────────────────────────────────

UNRELATED: list[Resource] = [
    {"resourceType": "AllergyIntolerance", "id": "x", "code": coded("128053003")},
    {"resourceType": "Observation", "id": "x", "status": "final", "code": coded("8302-2", LOINC), "issued": day(0)},
    {"resourceType": "Condition", "id": "x", "code": coded("59621000", text="Essential hypertension")},
    {
        "resourceType": "MedicationRequest",
        "id": "x",
        "status": "active",
        "medicationCodeableConcept": coded("861007", RXNORM),
    },
    {"resourceType": "Medication", "id": "x", "code": coded("83367", RXNORM)},
    {"resourceType": "FamilyMemberHistory", "id": "x", "condition": [{"code": coded("128053003")}]},
    {"resourceType": "Procedure", "id": "x"},
    {"resourceType": "OperationOutcome", "issue": []},
    {"resourceType": "NoSuchThing", "status": {"deep": [1, None, {"value": "x"}]}},
    {"resourceType": "Binary", "id": "x", "data": "AAAA"},
]


@given(st.sampled_from(UNRELATED))
def test_a_resource_of_no_concern_changes_nothing(pack: Pack, resource: Resource) -> None:
    assert everything(read(CHART, pack)) == everything(read(CHART, pack, more=a_bundle([resource])))


CLINICAL = [each for each in RESOURCES if each["resourceType"] not in ("Medication", "Media")]


@given(st.sampled_from(CLINICAL))
def test_a_resource_of_another_patient_changes_nothing_but_the_count(pack: Pack, resource: Resource) -> None:
    foreign = resource | {"id": "foreign", "subject": {"reference": "Patient/p2"}}
    alone = read(CHART, pack)

    reading = read(CHART, pack, more=a_bundle([foreign]))

    assert alone.facts == reading.facts
    assert Counter(alone.left_out) + Counter([f"{resource['resourceType']}: another patient"]) == reading.left_out


# ── junk ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=10**30),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=12),
    st.sampled_from(["NaN", "sNaN", "Infinity", "1e999999999", "-0", "2026-13-45", "active", "#m1", "Patient/p1", "<"]),
)
JUNK = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)


def places(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of every field and list element inside a resource."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield (*at, key)
        yield from places(inner, (*at, key))


def with_junk(resource: Resource, place: tuple[str | int, ...], junk: Any) -> Resource:
    spoiled = copy.deepcopy(resource)
    inner: Any = spoiled
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = junk
    return spoiled


FIELDS = [(number, place) for number, resource in enumerate(RESOURCES) for place in places(resource)]


@given(st.sampled_from(FIELDS), JUNK)
def test_junk_in_any_field_never_raises_and_costs_no_other_resource(
    pack: Pack, field: tuple[int, tuple[str | int, ...]], junk: Any
) -> None:
    number, place = field
    others = [resource for each, resource in enumerate(RESOURCES) if each != number]
    spoiled = with_junk(RESOURCES[number], place, junk)

    reading = read_resources([*others, spoiled], pack)

    assert sum(reading.unreadable.values()) <= 1
    kind = RESOURCES[number]["resourceType"]
    assert set(reading.unreadable) <= {kind, "resource"}
    if reading.unreadable:
        assert answered_by(reading.facts) == answered_by(read_resources(others, pack).facts)


def answered_by(facts: PatientFacts) -> dict[str, Any]:
    return dict(facts.answered)


@given(st.lists(st.tuples(st.sampled_from(FIELDS), JUNK), max_size=6), JUNK)
def test_however_much_junk_there_is_it_never_raises(
    pack: Pack, spoils: list[tuple[tuple[int, tuple[str | int, ...]], Any]], more: Any
) -> None:
    resources: list[Any] = [*copy.deepcopy(RESOURCES), more]
    for (number, place), junk in spoils:
        try:
            resources[number] = with_junk(resources[number], place, junk)
        except (KeyError, IndexError, TypeError):
            continue  # an earlier spoil has taken this place away

    reading = read_resources(resources, pack)

    assert set(pack.library.facts) == {*reading.facts.answered, *reading.facts.unknown}
    assert all(set(each) <= SAFE for each in (*reading.left_out, *reading.unreadable))


SAFE = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-:, ")
"""Reasons are words of ours: nothing of the record is in them."""


@given(JUNK, st.sampled_from([query.key for query in QUERIES]))
def test_any_json_may_stand_under_a_key(pack: Pack, junk: Any, key: str) -> None:
    reading = read(CHART, pack, **{key: junk})

    assert isinstance(reading.facts, PatientFacts)


@given(st.binary(max_size=60))
@example(b"\xff")
@example(b'{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Condition","code":{"text":"\xff"}}}]}')
@example(b"[" * 50_000)
@example(b'{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Condition","x":' + b"[" * 50_000)
def test_any_bytes_may_stand_under_a_key(pack: Pack, junk: bytes) -> None:
    sent = {"patient": msgspec.Raw(json.dumps(CHART.person).encode()), "conditions": msgspec.Raw(junk)}

    reading = read_facts(from_prefetch(PATIENT, sent, QUERIES), pack, coverage(pack), AS_OF)

    assert reading.has_patient


@pytest.mark.parametrize(
    ("junk", "counted"),
    [
        ({"resourceType": "Observation", "code": "K"}, {"Observation": 1}),
        (
            {"resourceType": "QuestionnaireResponse", "questionnaire": INTAKE, "item": "all"},
            {"QuestionnaireResponse": 1},
        ),
        ({"resourceType": "Claim", "code": 5}, {}),
        ({"resourceType": ["Observation"]}, {"resource": 1}),
        ({"id": "5"}, {"resource": 1}),
        (5, {"resource": 1}),
    ],
)
def test_junk_is_counted_by_its_type(junk: Any, counted: dict[str, int], pack: Pack) -> None:
    assert counted == read(CHART, pack, more=a_bundle([junk])).unreadable


@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1)))  # noqa: DTZ001 - given a zone below
def test_a_chart_can_be_read_at_any_moment(pack: Pack, moment: datetime) -> None:
    reading = read(CHART, pack, as_of=moment.replace(tzinfo=UTC))

    assert set(pack.library.facts) == {*reading.facts.answered, *reading.facts.unknown}
