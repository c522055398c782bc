"""A strict client takes a sound answer, and notices each way in which one may be unsound."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.ehr.strict import problems_of

ANSWER = Path(__file__).parents[1] / "scenarios" / "suspected-clot" / "response.json"
ACTION = {"type": "delete", "description": "Remove this order", "resourceId": "ServiceRequest/1"}
Answer = dict[str, Any]


def damaged(change: Callable[[Answer], Any]) -> Answer:
    """The golden answer after a change of its first card, which has a suggestion with a draft."""
    answer: Answer = json.loads(ANSWER.read_text(encoding="utf-8"))
    change(answer["cards"][0])
    return answer


def test_a_golden_answer_is_sound() -> None:
    assert problems_of(damaged(lambda card: None)) == []


@pytest.mark.parametrize("answer", [None, [], {}, {"cards": None}, {"cards": {}}, {"cards": ["x"]}])
def test_an_answer_without_a_list_of_cards_is_not_sound(answer: Any) -> None:
    assert problems_of(answer) == ["an answer is an object with a list of cards"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda card: card.update(summary="x" * 140), "summary"),
        (lambda card: card.update(summary="💊" * 70), "summary"),
        (lambda card: card.update(summary="a\nb"), "summary"),
        (lambda card: card.update(indicator="hard-stop"), "indicator"),
        (lambda card: card.pop("uuid"), "uuid"),
        (lambda card: card["source"].pop("label"), "source"),
        (lambda card: card["source"].update(url="/rules/x"), "source"),
        (lambda card: card.update(detail="<b>now</b>"), "HTML"),
        (lambda card: card["overrideReasons"][0].pop("display"), "override reason"),
        (lambda card: card["links"][0].update(type="smart"), "link"),
        (lambda card: card["links"][0].update(url="javascript:alert(1)"), "link"),
        (lambda card: card.pop("selectionBehavior"), "selectionBehavior"),
        (lambda card: card["suggestions"][0].pop("uuid"), "suggestion has"),
        (lambda card: card["suggestions"][0]["actions"].append(ACTION), "one action"),
        (lambda card: card["suggestions"][0]["actions"][0].pop("description"), "description"),
        (lambda card: card["suggestions"][0]["actions"][0].update(type="CREATE"), "creates or deletes"),
        (lambda card: card["suggestions"][0]["actions"][0].update(resource="{}"), "new draft"),
        (lambda card: card["suggestions"][0]["actions"][0]["resource"].pop("intent"), "valid FHIR"),
        (lambda card: card["suggestions"][0]["actions"][0]["resource"].update(status="active"), "new draft"),
        (lambda card: card.update(links=[]), "empty"),
        (lambda card: card["source"].update(icon=None), "empty"),
    ],
)
def test_a_damaged_card_is_noticed(change: Callable[[Answer], Any], problem: str) -> None:
    problems = problems_of(damaged(change), ["ServiceRequest/1"])

    assert len(problems) == 1
    assert problem in problems[0]


@pytest.mark.parametrize(("drafts", "number"), [(["ServiceRequest/1"], 0), (["ServiceRequest/2"], 1), ([], 1)])
def test_only_a_draft_of_the_call_may_be_taken_away(drafts: list[str], number: int) -> None:
    answer = damaged(lambda card: card["suggestions"][0].update(actions=[ACTION]))

    assert len(problems_of(answer, drafts)) == number
