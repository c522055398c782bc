import json
from typing import Any

import msgspec
import pytest

from cds_hooks.discovery import Query
from rules.engine.facts import Reason
from service.fhir.gather import PatientResources, from_bundle, from_prefetch
from service.fhir.resources import decode_bundle
from tests.builders import Resource, a_bundle

CONDITIONS = Query("conditions", "Condition", "Condition?patient=1", frozenset())
ENCOUNTER = Query("encounter", "Encounter", "Encounter/1", frozenset())

CONDITION: Resource = {"resourceType": "Condition", "id": "c1"}
NEXT = {"link": [{"relation": "self", "url": "…"}, {"relation": "next", "url": "…"}]}


def outcome(severity: str) -> Resource:
    return {"resourceType": "OperationOutcome", "issue": [{"severity": severity, "code": "processing"}]}


def with_outcome(severity: str, *resources: Resource, **entry: Any) -> Resource:
    bundle = a_bundle(resources)
    bundle["entry"].append({"resource": outcome(severity)} | entry)
    return bundle


def gathered(**prefetch: Any) -> PatientResources:
    raw = {key: msgspec.Raw(json.dumps(value).encode()) for key, value in prefetch.items()}
    return from_prefetch("p1", raw, (CONDITIONS, ENCOUNTER))


def test_a_key_that_is_missing_was_not_looked_for() -> None:
    assert gathered().looked == {"conditions": Reason.NOT_LOOKED, "encounter": Reason.NOT_LOOKED}


@pytest.mark.parametrize(
    ("answer", "look"),
    [
        (None, Reason.NONE_RECORDED),
        (a_bundle([]), Reason.NONE_RECORDED),
        ({"resourceType": "Bundle", "type": "searchset", "total": 0}, Reason.NONE_RECORDED),
        (a_bundle([CONDITION], total=1), Reason.NONE_RECORDED),
        # The EHR found nothing and says so in words; that is a complete look. One that says it failed is not.
        (with_outcome("warning", search={"mode": "outcome"}), Reason.NONE_RECORDED),
        (with_outcome("information"), Reason.NONE_RECORDED),
        (with_outcome("error", search={"mode": "outcome"}), Reason.FAILED),
        (with_outcome("fatal", CONDITION), Reason.FAILED),
        (outcome("error"), Reason.FAILED),
        (a_bundle([]) | {"entry": [{"resource": outcome("x") | {"issue": 5}}]}, Reason.FAILED),
        # A first page.
        (a_bundle([CONDITION], **NEXT), Reason.INCOMPLETE),
        (a_bundle([CONDITION], total=2), Reason.INCOMPLETE),
        (a_bundle([], link={"relation": "next"}), Reason.INCOMPLETE),
        # The answer to another question.
        (a_bundle([{"resourceType": "Observation"}]), Reason.NOT_LOOKED),
        ({"resourceType": "Observation"}, Reason.NOT_LOOKED),
        # Not an answer at all.
        ({}, Reason.UNREADABLE),
        ([], Reason.UNREADABLE),
        ("", Reason.UNREADABLE),
        (0, Reason.UNREADABLE),
        ({"resourceType": "Bundle", "entry": "many"}, Reason.UNREADABLE),
    ],
)
def test_what_the_ehr_sends_says_how_completely_it_looked(answer: Any, look: Reason) -> None:
    assert look is gathered(conditions=answer).looked["conditions"]


@pytest.mark.parametrize(("total", "look"), [(1, Reason.NONE_RECORDED), (2, Reason.INCOMPLETE)])
def test_an_included_resource_does_not_count_towards_the_total(total: int, look: Reason) -> None:
    bundle = a_bundle([CONDITION], total=total)
    bundle["entry"].append({"resource": {"resourceType": "Patient"}, "search": {"mode": "include"}})

    assert look is gathered(conditions=bundle).looked["conditions"]


def test_a_read_is_answered_by_the_resource_itself() -> None:
    assert gathered(encounter={"resourceType": "Encounter"}).looked["encounter"] is Reason.NONE_RECORDED


def test_data_under_a_key_of_the_customer_are_read_but_are_no_look() -> None:
    found = gathered(problemList=a_bundle([CONDITION]))

    assert [json.loads(bytes(raw)) for _, raw in found.entries] == [CONDITION]
    assert found.looked == {"conditions": Reason.NOT_LOOKED, "encounter": Reason.NOT_LOOKED}


def test_what_was_sent_beside_a_failure_is_read() -> None:
    found = gathered(conditions=with_outcome("error", CONDITION))

    assert [json.loads(bytes(raw)) for _, raw in found.entries] == [CONDITION]


def test_a_resource_that_two_searches_found_is_there_once() -> None:
    found = gathered(conditions=a_bundle([CONDITION]), all=a_bundle([CONDITION, {"resourceType": "Patient"}]))

    assert len(found.entries) == 2


@pytest.mark.parametrize(("urls", "times"), [(("a", "a"), 1), (("a", "b"), 2), ((None, None), 1), ((None, "a"), 2)])
def test_the_same_resource_under_two_urls_may_be_pointed_at_by_both(urls: tuple[str, str], times: int) -> None:
    entries = [{"resource": CONDITION, "fullUrl": url} for url in urls]

    found = gathered(conditions={"resourceType": "Bundle", "entry": entries})

    assert times == len(found.entries)


# ── Bundles with junk in them ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "junk", [5, "text", [], True, {"search": "match", "resource": 5}, {"fullUrl": 7, "resource": []}]
)
def test_an_entry_that_is_junk_stands_as_one_resource_and_hides_no_other(junk: Any) -> None:
    bundle = a_bundle([CONDITION])
    bundle["entry"].insert(0, junk)

    found = gathered(conditions=bundle)

    assert len(found.entries) == 2
    assert json.loads(bytes(found.entries[1][1])) == CONDITION


@pytest.mark.parametrize("entry", [{"fullUrl": 7}, {"search": "match"}, {"search": {"mode": 1}}, {"fullUrl": {"a": 1}}])
def test_junk_around_a_resource_does_not_cost_the_resource(entry: Resource) -> None:
    found = gathered(conditions={"resourceType": "Bundle", "entry": [entry | {"resource": CONDITION}]})

    assert [json.loads(bytes(raw)) for _, raw in found.entries] == [CONDITION]


@pytest.mark.parametrize("entry", [None, {}, {"resource": None}, {"fullUrl": "urn:uuid:1"}])
def test_an_entry_without_a_resource_is_nothing(entry: Any) -> None:
    assert gathered(conditions={"resourceType": "Bundle", "entry": [entry]}).entries == ()


@pytest.mark.parametrize("field", [{"link": 5}, {"link": [None, 7]}, {"total": "many"}, {"total": None}, {"type": 3}])
def test_junk_beside_the_entries_is_ignored(field: Resource) -> None:
    found = gathered(conditions=a_bundle([CONDITION]) | field)

    assert (found.looked["conditions"], len(found.entries)) == (Reason.NONE_RECORDED, 1)


# ── a whole record in one Bundle ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("bundle", "look"),
    [
        (a_bundle([CONDITION]), Reason.NONE_RECORDED),
        (a_bundle([CONDITION], **NEXT), Reason.INCOMPLETE),
        (with_outcome("error", CONDITION), Reason.FAILED),
        (a_bundle([{"resourceType": "Observation"}]), Reason.NOT_LOOKED),
        (a_bundle([]), Reason.NOT_LOOKED),
    ],
)
def test_a_record_is_a_complete_look_for_the_types_it_holds(bundle: Resource, look: Reason) -> None:
    decoded = decode_bundle(json.dumps(bundle).encode())

    assert look is from_bundle("p1", decoded, (CONDITIONS,)).looked["conditions"]
