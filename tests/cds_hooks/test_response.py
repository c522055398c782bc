"""The answer as JSON: empty attributes are left out, but for the lists that stay by specification or contract."""

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from cds_hooks.response import EVALUATION, Card, CdsResponse, Coding, Link, Source, encode, unrecorded

SOURCE = Source("A guideline", "https://example.org/1", Coding("legpain", "urn:topic", "Leg pain"))


def a_card(**extension: Any) -> Card:
    return Card(
        uuid="d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        summary="A finding.",
        detail="Why.",
        indicator="info",
        source=SOURCE,
        override_reasons=(Coding("known", "urn:reason", "Known"),),
        links=(Link("Rule", "https://example.org/1", "absolute"),),
        extension=extension,
    )


def a_response(*cards: Card, **evaluation: Any) -> CdsResponse:
    return CdsResponse(cards, {EVALUATION: {"packId": "sha256:1", "recorded": True} | evaluation})


def sent(response: CdsResponse) -> Any:
    return json.loads(encode(response))


def test_no_cards_is_an_empty_list() -> None:
    assert sent(a_response()) == {"cards": [], "extension": {EVALUATION: {"packId": "sha256:1", "recorded": True}}}


def test_a_card_has_the_names_of_cds_hooks() -> None:
    card = sent(a_response(a_card(**{"org.recumbent.urgency": "routine"})))["cards"][0]

    assert card == {
        "uuid": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "summary": "A finding.",
        "detail": "Why.",
        "indicator": "info",
        "source": {
            "label": "A guideline",
            "url": "https://example.org/1",
            "topic": {"code": "legpain", "system": "urn:topic", "display": "Leg pain"},
        },
        "overrideReasons": [{"code": "known", "system": "urn:reason", "display": "Known"}],
        "links": [{"label": "Rule", "url": "https://example.org/1", "type": "absolute"}],
        "extension": {"org.recumbent.urgency": "routine"},
    }


@pytest.mark.parametrize("empty", [None, "", [], {}, (), {"inner": None}, {"inner": {"deeper": []}}])
def test_an_empty_attribute_is_left_out(empty: Any) -> None:
    assert sent(a_response(a_card(some=empty, other=1)))["cards"][0]["extension"] == {"other": 1}


@pytest.mark.parametrize("value", [False, 0, 0.0, "0", " "])
def test_a_false_or_zero_is_a_value(value: Any) -> None:
    assert value == sent(a_response(some=value))["extension"][EVALUATION]["some"]


@pytest.mark.parametrize("name", ["evaluated", "notEvaluated", "degraded"])
def test_an_empty_list_of_the_evaluation_is_left_out(name: str) -> None:
    assert name not in sent(a_response(**{name: []}))["extension"][EVALUATION]


def test_the_lists_that_our_contract_names_for_a_finding_are_always_there() -> None:
    finding: dict[str, Any] = {"cause": "x", "evidence": [], "missing": [], "unit": None, "with": []}
    card = sent(a_response(a_card(**{"org.recumbent.findings": [finding]})))["cards"][0]

    assert card["extension"]["org.recumbent.findings"] == [{"cause": "x", "evidence": [], "missing": []}]


def test_a_card_without_findings_says_so() -> None:
    card = sent(a_response(a_card(**{"org.recumbent.findings": []})))["cards"][0]

    assert card["extension"]["org.recumbent.findings"] == []


def test_optional_attributes_of_a_card_are_left_out_where_they_are_empty() -> None:
    card = msgspec.structs.replace(a_card(), override_reasons=(), links=(), detail="")

    assert {"uuid", "summary", "indicator", "source"} == set(sent(a_response(card))["cards"][0])


def test_numbers_keep_their_digits() -> None:
    body = encode(a_response(weight=Decimal("5.10"), many=[Decimal("0.140")]))

    assert b'"weight":5.10,"many":[0.140]' in body


def test_the_same_answer_is_the_same_bytes() -> None:
    assert encode(a_response(a_card(a=1))) == encode(a_response(a_card(a=1)))


def test_an_unrecorded_answer_says_so_and_changes_nothing_else() -> None:
    response = a_response(a_card(), degraded=["a"])
    expected = sent(response)
    expected["extension"][EVALUATION]["recorded"] = False

    assert expected == sent(unrecorded(response))
    assert sent(response)["extension"][EVALUATION]["recorded"]
