"""What a card rests on: the same grounds give the same fingerprints, and anything new gives another."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from cds_hooks.cards import make_cards
from cds_hooks.discovery import modules_of, queries_of
from cds_hooks.fingerprint import facts_of_card, fingerprints
from cds_hooks.request import read_request
from rules.engine.facts import Absent, Known, PatientFacts
from rules.pack import Pack
from service.decide import decide
from service.fhir.gather import from_call
from tests.cds_hooks.calls import A_CALL, a_basis
from tests.scenarios.scenario import Scenario, scenarios

COLD_LEG = {"leg-pain": True, "onset": "under-24-hours", "cool": True, "pulses-absent": True}
RESTLESS: dict[str, Any] = {
    "leg-pain": True,
    "urge-to-move": True,
    "worse-rest": True,
    "better-movement": True,
    "time-of-day": "evening-or-night",
    "ferritin": Decimal(32),
}
FLAGS, CAUSES, MISSING = "legpainredflags", "legpaincauses", "legpainmissingdata"


def facts(given: Mapping[str, Any], date: str = "2026-11-21") -> PatientFacts:
    def fact(value: Any) -> Known | Absent:
        if value is False:
            return Absent(date, "QuestionnaireResponse/q")
        return Known(frozenset((value,)) if isinstance(value, str) else value, date, "QuestionnaireResponse/q")

    return PatientFacts({name: fact(value) for name, value in given.items()})


def prints(pack: Pack, known: PatientFacts) -> dict[str, tuple[str, ...]]:
    """The fingerprints of each card, by its topic."""
    basis = a_basis(pack, known)
    return {card.source.topic.code: fingerprints(card, basis) for card in make_cards(basis)}


def test_the_same_facts_give_the_same_fingerprints_in_another_call(shipped_pack: Pack) -> None:
    known = facts(COLD_LEG)
    basis = a_basis(shipped_pack, known)
    again = replace(basis, request=replace(A_CALL, hook_instance="another", base_url="https://another.example.org"))

    expected = [fingerprints(card, basis) for card in make_cards(basis)]
    assert expected == [fingerprints(card, again) for card in make_cards(again)]


def test_a_red_flag_card_has_one_fingerprint_for_each_flag_and_a_new_flag_adds_one(shipped_pack: Pack) -> None:
    before = prints(shipped_pack, facts(COLD_LEG))[FLAGS]
    after = prints(shipped_pack, facts(COLD_LEG | {"saddle": True, "back-pain": True}))[FLAGS]

    assert len(before) == 1
    assert set(before) < set(after)


def test_a_sign_of_danger_that_is_recorded_again_is_a_new_sign(shipped_pack: Pack) -> None:
    first = prints(shipped_pack, facts(COLD_LEG))[FLAGS]
    again = prints(shipped_pack, facts(COLD_LEG, date="2026-11-22"))[FLAGS]

    assert not set(first) & set(again)


def test_a_cause_on_the_same_values_of_another_day_is_the_same(shipped_pack: Pack) -> None:
    first = prints(shipped_pack, facts(RESTLESS))
    again = prints(shipped_pack, facts(RESTLESS, date="2026-11-22"))

    assert (first[CAUSES], first[MISSING]) == (again[CAUSES], again[MISSING])


@pytest.mark.parametrize("ferritin", [31, 33])
def test_a_new_value_that_a_cause_uses_is_a_new_ground(shipped_pack: Pack, ferritin: int) -> None:
    before = prints(shipped_pack, facts(RESTLESS))[CAUSES]
    after = prints(shipped_pack, facts(RESTLESS | {"ferritin": Decimal(ferritin)}))[CAUSES]

    assert set(after) - set(before)


def test_a_value_that_nothing_on_the_card_uses_changes_nothing(shipped_pack: Pack) -> None:
    before = prints(shipped_pack, facts(COLD_LEG))[FLAGS]
    after = prints(shipped_pack, facts(COLD_LEG | {"ferritin": Decimal(32)}))[FLAGS]

    assert before == after


def test_a_fact_that_is_no_longer_missing_leaves_the_other_missing_facts_as_they_were(shipped_pack: Pack) -> None:
    basis = a_basis(shipped_pack, facts(RESTLESS))
    fewer = replace(basis, findings=replace(basis.findings, missing=basis.findings.missing[1:]))
    before, after = (
        next(fingerprints(card, each) for card in make_cards(each) if card.source.topic.code == MISSING)
        for each in (basis, fewer)
    )

    assert set(after) < set(before)


def test_a_mimic_is_a_ground_of_its_own(shipped_pack: Pack) -> None:
    heel = {"leg-pain": True, "heel-first-step": True, "location": "sole"}
    basis = a_basis(shipped_pack, facts(heel))
    without = replace(basis, findings=replace(basis.findings, mimics=()))
    with_it, bare = (
        {card.source.topic.code: set(fingerprints(card, each)) for card in make_cards(each)}
        for each in (basis, without)
    )

    assert basis.findings.mimics
    assert len(with_it[CAUSES] - bare.get(CAUSES, set())) == len(basis.findings.mimics)


def test_a_new_version_of_a_rule_is_a_new_ground(shipped_pack: Pack) -> None:
    known = facts(COLD_LEG)
    basis = a_basis(shipped_pack, known)
    card = make_cards(basis)[0]
    findings = card.extension["org.recumbent.findings"]
    newer = [entry | {"version": entry["version"] + 1} for entry in findings]
    before = fingerprints(card, basis)
    card.extension["org.recumbent.findings"] = newer

    assert not set(before) & set(fingerprints(card, basis))


def test_the_card_that_says_who_the_rules_are_for_has_a_fingerprint_too(shipped_pack: Pack) -> None:
    child = PatientFacts({"leg-pain": Known(True, "2026-11-21"), "age": Known(Decimal(9))})

    assert [len(each) for each in prints(shipped_pack, child).values()] == [1]


def test_the_facts_of_a_card_are_those_it_names_as_evidence(shipped_pack: Pack) -> None:
    known = facts(COLD_LEG)
    card = make_cards(a_basis(shipped_pack, known))[0]

    assert {"cool", "pulses-absent"} <= set(facts_of_card(card)) <= set(COLD_LEG)


@pytest.mark.parametrize("scenario", [pytest.param(each, id=each.name) for each in scenarios()])
def test_time_alone_is_no_new_ground(scenario: Scenario, shipped_pack: Pack) -> None:
    """An hour later nothing of the record has changed, so that every card would stay away."""
    request = read_request(scenario.story["service"], scenario.body, "https://cds.example.org")
    resources = from_call(request, queries_of(shipped_pack, modules_of(request.hook)))
    now, later = (
        decide(request, resources, shipped_pack, scenario.as_of + after) for after in (timedelta(0), timedelta(hours=1))
    )

    assert now.fingerprints == later.fingerprints
    assert len(now.fingerprints) == len(now.response.cards)
