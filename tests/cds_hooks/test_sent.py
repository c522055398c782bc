"""What CDS Hooks asks of every answer and no schema can say: true of all hooks, scenarios and kinds of clients."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class

from tests.cds_hooks.answers import CALLS, REST_PAIN, answers, answers_of, call_of, scenario_of, sent

_STAY_EMPTY = {"cards", "org.recumbent.findings", "evidence", "missing"}
"""Lists that are sent empty: the one that CDS Hooks names, and those of our contract for the findings."""


def all_cards() -> list[dict[str, Any]]:
    return [card for answer in answers().values() for card in answer["cards"]]


def all_actions() -> list[dict[str, Any]]:
    suggestions = [suggestion for card in all_cards() for suggestion in card.get("suggestions", ())]
    return [action for suggestion in suggestions for action in suggestion["actions"]]


def empties(value: Any, name: str = "") -> Iterator[str]:
    """The names of attributes that hold nothing."""
    if value is None or value in ("", [], {}):
        yield name
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from empties(each, key)
    elif isinstance(value, list):
        for each in value:
            yield from empties(each, name)


def test_nothing_empty_is_sent_but_the_lists_that_may_be() -> None:
    assert {name for answer in answers().values() for name in empties(answer)} <= _STAY_EMPTY


def test_a_summary_is_one_line_below_140_characters_however_they_are_counted() -> None:
    summaries = [card["summary"] for card in all_cards()]

    assert max(max(len(text), len(text.encode("utf-16-le")) // 2) for text in summaries) < 140
    assert not [text for text in summaries if "\n" in text or text != text.strip()]


@pytest.mark.parametrize("sign", ["<", "|", "](", "://", "`", "\n#", "!["])
def test_a_detail_is_plain_markdown_without_html_tables_links_and_images(sign: str) -> None:
    assert not [card["detail"] for card in all_cards() if sign in card["detail"]]


def test_no_two_cards_and_suggestions_of_one_answer_share_a_uuid() -> None:
    for answer in answers().values():
        cards = answer["cards"]
        named = cards + [suggestion for card in cards for suggestion in card.get("suggestions", ())]

        assert max(Counter(each["uuid"] for each in named).values(), default=1) == 1


def test_another_call_gets_other_uuids() -> None:
    scenario = scenario_of(REST_PAIN)
    call = call_of("order-sign", scenario) | {"hookInstance": "11111111-1111-1111-1111-111111111111"}
    other = sent(call, "generic-2.0.1", scenario.as_of)

    assert other["cards"]
    assert not {card["uuid"] for card in other["cards"]} & {card["uuid"] for card in answers_of("order-sign")["cards"]}


def test_a_topic_is_the_same_in_another_call() -> None:
    scenario = scenario_of(REST_PAIN)
    call = call_of("order-sign", scenario) | {"hookInstance": "11111111-1111-1111-1111-111111111111"}
    topics = [
        [card["source"]["topic"] for card in answer["cards"]]
        for answer in (sent(call, "epic", scenario.as_of), answers_of("order-sign", "epic"))
    ]

    assert topics[0] == topics[1]


def test_the_source_of_a_card_is_among_its_links_and_every_link_is_a_rule_label() -> None:
    for card in all_cards():
        links = [link["url"] for link in card["links"]]

        assert card["source"]["url"] in links
        assert all(url.startswith("https://cds.example.org/rules/") for url in links)


def test_every_resource_to_create_is_a_valid_fhir_r4_draft() -> None:
    drafts = [action["resource"] for action in all_actions() if action["type"] == "create"]
    for draft in drafts:
        get_fhir_model_class(draft["resourceType"]).model_validate(draft)

    assert {draft["resourceType"] for draft in drafts} == {"ServiceRequest", "Task"}


def test_only_a_draft_order_of_the_very_request_is_ever_removed() -> None:
    removed = {action["resourceId"] for action in all_actions() if action["type"] == "delete"}

    assert removed == {"DeviceRequest/draft-1", "ServiceRequest/d-dimer-draft"}


@pytest.mark.parametrize("hook", CALLS)
def test_attributes_of_other_clients_and_versions_change_no_card(hook: str) -> None:
    scenario = scenario_of(REST_PAIN)
    call = call_of(hook, scenario)
    extra = {"extension": {"org.example": {"x": [None]}}, "unknown": {"y": 1}, "fhirServer": "https://fhir.example.org"}
    with_extra = call | extra | {"context": call["context"] | extra}

    assert sent(call, "generic-2.0.1", scenario.as_of) == sent(with_extra, "generic-2.0.1", scenario.as_of)


@pytest.mark.parametrize("hook", CALLS)
def test_the_same_call_at_the_same_moment_gets_the_same_answer(hook: str) -> None:
    scenario = scenario_of(REST_PAIN)

    assert answers_of(hook) == sent(call_of(hook, scenario), "generic-2.0.1", scenario.as_of)
