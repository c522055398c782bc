"""Cards: at most three, short, complete, and free of any text of the patient's record."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cds_hooks.cards import make_cards
from cds_hooks.detail import DETAIL_LIMIT
from cds_hooks.response import Card
from rules.engine.facts import Absent, Interval, Known, PatientFacts, Reason
from rules.engine.vocabulary import AnswerFact, ConditionFact, MeasurementFact, MedicationFact
from rules.pack import Pack, load_pack
from rules.texts import LONGEST_SUMMARY
from tests.cds_hooks.calls import a_basis

_COLD_LEG = {"leg-pain": True, "onset": "under-24-hours", "cool": True, "pulses-absent": True, "numb": True}
_RESTLESS = {
    "leg-pain": True,
    "urge-to-move": True,
    "worse-rest": True,
    "better-movement": True,
    "time-of-day": "evening-or-night",
}


def _facts(given: Mapping[str, Any]) -> PatientFacts:
    answered: dict[str, Known | Absent] = {}
    for name, value in given.items():
        if value is False:
            answered[name] = Absent("2026-11-21", "QuestionnaireResponse/q")
        else:
            said = value if value is True or not isinstance(value, str) else frozenset((value,))
            answered[name] = Known(said, "2026-11-21", "QuestionnaireResponse/q")
    return PatientFacts(answered)


def _cards(facts: PatientFacts, **basis: Any) -> tuple[Card, ...]:
    pack = load_pack()
    return make_cards(a_basis(pack, facts, **basis))


def test_a_red_flag_comes_first_and_is_critical_for_an_emergency() -> None:
    first = _cards(_facts(_COLD_LEG))[0]

    assert (first.indicator, first.extension["org.recumbent.urgency"]) == ("critical", "emergency")
    assert first.source.topic.code == "legpainredflags"


def test_all_red_flags_stand_in_one_card_and_nothing_is_lost() -> None:
    cards = _cards(
        _facts(_COLD_LEG | {"saddle": True, "breathless": False, "blue-black": True, "joint-swollen": False})
    )

    red = [card for card in cards if card.source.topic.code == "legpainredflags"]
    assert len(red) == 1
    causes = {each["cause"] for each in red[0].extension["org.recumbent.findings"]}
    assert {"acute-limb-ischemia", "cauda-equina-syndrome"} <= causes


def test_no_complaint_gives_no_card() -> None:
    assert _cards(_facts({"smoker": True, "diabetes": True, "leg-pain": False})) == ()


def test_a_child_with_a_complaint_is_told_that_the_rules_are_for_adults() -> None:
    facts = _facts(_COLD_LEG)
    child = PatientFacts({**facts.answered, "age": Known(Decimal(9))})

    cards = _cards(child)

    assert [card.source.topic.code for card in cards] == ["legpainscope"]
    assert "under 18 years" in cards[0].summary


def test_what_could_not_be_read_and_what_was_not_sent_is_named() -> None:
    cards = _cards(_facts(_RESTLESS), gaps={"medications": Reason.FAILED}, unreadable={"Observation": 3})

    text = cards[-1].detail
    assert "medicine list: could not be fetched" in text
    assert "3 Observation entries could not be read" in text


def test_the_same_call_pack_and_kind_give_the_same_uuid_and_kinds_differ() -> None:
    one, two = _cards(_facts(_COLD_LEG)), _cards(_facts(_COLD_LEG))

    assert [card.uuid for card in one] == [card.uuid for card in two]
    assert len(one) == len({card.uuid for card in one})


def test_the_source_link_is_the_label_of_the_rule_version() -> None:
    pack = load_pack()

    card = _cards(_facts(_COLD_LEG))[0]

    version = pack.library.red_flags["acute-limb-ischemia"].version
    expected = f"https://cds.example.org/rules/red-flags/acute-limb-ischemia/{version}"
    assert expected == card.source.url
    assert expected in {link.url for link in card.links}


def test_a_known_problem_is_said_to_be_known() -> None:
    cards = _cards(_facts(_RESTLESS | {"restless-legs-problem": True}))

    causes = next(card for card in cards if card.source.topic.code == "legpaincauses")
    assert "known" in causes.summary
    assert causes.extension["org.recumbent.findings"][0]["known"] is True


def test_the_rank_of_a_cause_is_the_same_on_every_card() -> None:
    cards = _cards(
        _facts(_RESTLESS | {"better-dangling": True, "worse-lying": True, "location": "foot", "wakes": True})
    )

    ranks: dict[str, set[int]] = {}
    for card in cards:
        for each in card.extension["org.recumbent.findings"]:
            if "rank" in each:
                ranks.setdefault(each["cause"], set()).add(each["rank"])
    assert {1} == {len(found) for found in ranks.values()}
    assert 1 in {rank for found in ranks.values() for rank in found}


# ── any patient ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _chart(pack: Pack) -> st.SearchStrategy[PatientFacts]:
    """Charts with any facts of the vocabulary, numbers anywhere in their plausible range."""

    def value(name: str) -> st.SearchStrategy[Known | Absent]:
        fact = pack.library.facts[name]
        if name in pack.library.options:
            words = st.sets(st.sampled_from(sorted(pack.library.options[name])), min_size=1, max_size=3)
            return words.map(lambda chosen: Known(frozenset(chosen), "2026-11-21", "QuestionnaireResponse/q"))
        if isinstance(fact, MeasurementFact):
            low, high = fact.plausible
            exact = st.decimals(low, high, places=2).map(lambda number: Known(number, "2026-11-03", "Observation/o"))
            return exact | st.decimals(low, high, places=1).map(
                lambda n: Known(Interval(high=n, high_open=True), "2026")
            )
        if isinstance(fact, AnswerFact) and fact.type == "integer":
            return st.integers(0, 10).map(lambda n: Known(Decimal(n), "2026-11-21"))
        if isinstance(fact, AnswerFact | ConditionFact | MedicationFact):
            return st.sampled_from([Known(True, "2020-05", "Condition/c"), Absent()])
        return st.nothing()

    names = [name for name in pack.library.facts if not value(name).is_empty]
    chosen = st.lists(st.sampled_from(names), min_size=5, max_size=60, unique=True)
    return chosen.flatmap(lambda some: st.fixed_dictionaries({name: value(name) for name in some})).map(
        lambda answered: PatientFacts({"leg-pain": Known(True, "2026-11-21"), **answered})
    )


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.data())
def test_every_card_keeps_every_limit_for_any_patient(data: st.DataObject) -> None:
    cards = _cards(data.draw(_chart(load_pack())))

    assert len(cards) <= 3
    assert sum(card.indicator == "critical" for card in cards) <= 1
    for card in cards:
        assert len(card.summary) <= LONGEST_SUMMARY
        assert len(card.summary.encode("utf-16-le")) // 2 <= LONGEST_SUMMARY
        assert len(card.detail) <= DETAIL_LIMIT
        assert not any(sign in card.summary + card.detail for sign in ("<", "|", "](", "://", "@", "`", "\n#"))
        assert not any(word in card.detail.lower() for word in ("ruled out", "rule out", "diagnosis is", " must "))
        assert card.source.label
        assert card.source.url.startswith("https://cds.example.org/rules/")
        assert card.source.topic.code.isalnum()
        assert card.override_reasons
        assert {"org.recumbent.urgency", "org.recumbent.findings"} == set(card.extension)
        assert "Rules: " in card.detail
        json.dumps(card.extension, default=str)
