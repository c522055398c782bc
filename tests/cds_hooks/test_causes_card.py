"""The causes card: the order, what else to consider, scores, and what is said of a condition that is known."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from cds_hooks.cards import make_cards
from cds_hooks.response import Card
from cds_hooks.values import in_a_sentence, score_line
from rules.cases import facts_of
from rules.engine.criteria import ScoreRange
from rules.engine.rule import ScoreRule
from rules.pack import Pack
from tests.cds_hooks.calls import a_basis

HEEL = {"leg-pain": True, "heel-first-step": True, "tinel-tarsal": False, "stocking": False, "joint-swollen": False}
CLOT = {
    "leg-pain": True,
    "swelling": "one-leg",
    "calf-over-3cm": True,
    "immobile-or-surgery": True,
    "tender-deep-veins": True,
    "pregnant": False,
    "pregnancy-status": False,
    "anticoagulant": False,
    "pregnancy-problem": False,
}


def cards(pack: Pack, facts: Mapping[str, Any]) -> dict[str, Card]:
    known = facts_of(pack.library, facts)
    made = make_cards(a_basis(pack, known))
    return {card.source.topic.display or "": card for card in made}


def causes_card(pack: Pack, facts: Mapping[str, Any]) -> Card:
    return cards(pack, facts)["Leg pain likely causes"]


def test_a_mimic_is_named_with_what_tells_it_apart_and_a_link_to_its_label(shipped_pack: Pack) -> None:
    card = causes_card(shipped_pack, HEEL | {"location": "sole"})
    mimic = shipped_pack.library.mimics["plantar-fasciitis"]

    assert f"**Also consider**\n- Plantar fasciitis: {mimic.tell}" in card.detail
    assert f"https://cds.example.org/rules/mimics/plantar-fasciitis/{mimic.version}" in {
        link.url for link in card.links
    }
    assert f"mimics/plantar-fasciitis v{mimic.version}" in card.detail


def test_a_mimic_alone_makes_a_card(shipped_pack: Pack) -> None:
    card = causes_card(shipped_pack, HEEL)

    assert card.summary == "Consider plantar fasciitis."
    assert (card.indicator, card.extension["org.recumbent.urgency"]) == ("info", "routine")
    assert "Likely causes" not in card.detail


def test_the_cause_of_an_emergency_that_is_shown_is_marked_and_stands_first(shipped_pack: Pack) -> None:
    card = causes_card(shipped_pack, CLOT)

    assert "1. **Deep vein thrombosis**: possible; an emergency by the red-flag card." in card.detail
    assert card.extension["org.recumbent.findings"][0]["cause"] == "deep-vein-thrombosis"
    assert [each["rank"] for each in card.extension["org.recumbent.findings"]] == [1, 2, 3, 4, 5, 6]


def test_a_score_is_told_beside_the_cause_it_serves(shipped_pack: Pack) -> None:
    detail = causes_card(shipped_pack, CLOT | {"active-cancer": False}).detail

    assert "**Scores**\n- Wells score for deep vein thrombosis, two-level: 3 to " in detail


def test_an_evidence_line_of_a_score_names_the_items_that_hold_and_not_those_that_do_not(shipped_pack: Pack) -> None:
    facts = CLOT | {"active-cancer": False, "pitting": True, "swelling-whole-leg": False}
    (line,) = [each for each in causes_card(shipped_pack, facts).detail.splitlines() if "Deep vein" in each]

    assert "one calf 3 cm larger or more" in line
    assert "active cancer" not in line


@pytest.mark.parametrize(
    ("title", "inside"),
    [
        ("Gout", "gout"),
        ("Baker cyst", "Baker cyst"),
        ("Guillain-Barre syndrome or spinal cord lesion", "Guillain-Barre syndrome or spinal cord lesion"),
        ("DVT", "DVT"),
    ],
)
def test_a_title_inside_a_sentence(title: str, inside: str) -> None:
    assert in_a_sentence(title) == inside


def a_score(combine: str = "sum", **keys: Any) -> ScoreRule:
    item = {"when": {"fact": "cool", "is": "present"}}
    return ScoreRule.model_validate(
        {
            "id": "wells",
            "version": 1,
            "status": "active",
            "title": "Wells",
            "reviewed": "2026-11-22",
            "limits": "It is only a test of how it is told.",
            "combine": combine,
            "cites": ["a-source"],
            "items": [
                {"id": "one", "points": 1, "label": "I"} | item,
                {"id": "two", "points": 2, "label": "IIa"} | item,
                {"id": "three", "points": 3} | item,
            ],
        }
        | keys
    )


@pytest.mark.parametrize(
    ("combine", "low", "high", "open_items", "line"),
    [
        ("sum", 2, 2, (), "Wells: 2 points"),
        ("sum", 2, 4, ("a", "b"), "Wells: 2 to 4 points, 2 items open"),
        ("sum", 2, 3, ("a",), "Wells: 2 to 3 points, 1 item open"),
        ("highest", 2, 2, (), "Wells: IIa"),
        ("highest", 0, 2, ("a",), "Wells: none to IIa"),
        ("highest", 1, 3, ("a",), "Wells: I to three"),
    ],
)
def test_a_score_as_a_line(combine: str, low: int, high: int, open_items: tuple[str, ...], line: str) -> None:
    total = ScoreRange(Decimal(low), Decimal(high), ("one",), open_items)

    assert score_line(a_score(combine), total) == line


@pytest.mark.parametrize(
    ("low", "high", "line"),
    [
        (3, 3, "Wells: 3 points (likely)"),
        (2, 2, "Wells: 2 points (likely)"),
        (2, 5, "Wells: 2 to 5 points (likely)"),
        (1, 1, "Wells: 1 point (unlikely)"),
        (0, 1, "Wells: 0 to 1 points (unlikely)"),
        (1, 2, "Wells: 1 to 2 points"),
    ],
)
def test_what_a_score_means_is_told_once_no_open_item_can_change_it(low: int, high: int, line: str) -> None:
    cut_offs = {name: {"value": at, "unit": "{score}", "cites": ["a-source"]} for name, at in (("yes", 2), ("no", 1))}
    readings = [{"at-least": "yes", "means": "likely"}, {"at-most": "no", "means": "unlikely"}]
    score = a_score(thresholds=cut_offs, readings=readings)

    assert score_line(score, ScoreRange(Decimal(low), Decimal(high))) == line
