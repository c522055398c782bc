"""What is sent to one kind of client otherwise than to another, and what is never touched."""

import json
from typing import Any, get_args

import msgspec
import pytest

from cds_hooks.profiles import GENERIC, PROFILES, Profile, recognize, shape
from cds_hooks.request import read_request
from cds_hooks.response import Action, Card, CdsResponse, Coding, Link, Source, Suggestion
from tests.scenarios.scenario import Scenario, scenarios

CALL: dict[str, Any] = {
    "hook": "patient-view",
    "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
    "context": {"userId": "Practitioner/1", "patientId": "p1"},
}
EPIC = {"com.epic.cdshooks.request.bpa-trigger-action": "23"}
ORDER = Suggestion("Order ferritin", "s1", (Action("create", "Iron stores.", {"resourceType": "ServiceRequest"}),))
REMOVE = Suggestion("Remove this order", "s2", (Action("delete", "It goes.", resource_id="MedicationRequest/1"),))
TASK = Suggestion("Ask for the intake", "s3", (Action("create", "A task.", {"resourceType": "Task"}),))


def a_card(*suggestions: Suggestion, flags: tuple[str, ...] = ("cold-leg",)) -> Card:
    return Card(
        uuid="d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        summary="A finding.",
        detail="**Why.**",
        indicator="critical",
        source=Source("A guideline", "https://example.org/1", Coding("legpainredflags", "urn:topic", "Red flags")),
        override_reasons=(Coding("known", "urn:reason", "Known"),),
        links=(Link("Rule", "https://example.org/1", "absolute"),),
        extension={"org.recumbent.findings": [{"rule": f"red-flags/{flag}", "flag": "sign"} for flag in flags]},
        suggestions=suggestions,
        selection_behavior="any" if suggestions else None,
    )


def shaped(card: Card, profile: Profile) -> Card:
    (only,) = shape(CdsResponse((card,), {}), profile).cards
    return only


def topic(*flags: str) -> str:
    return shaped(a_card(flags=flags), "epic").source.topic.code


# ── which client it is ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("extension", "profile"),
    [
        (..., GENERIC),
        ({}, GENERIC),
        (None, GENERIC),
        ([], GENERIC),
        (["com.epic.cdshooks.request.fhir-version"], GENERIC),
        ("com.epic.cdshooks.request.fhir-version", GENERIC),
        ({"com.example": EPIC}, GENERIC),
        ({"com.epic.cdshooks.card.detail.content-type": "text/html"}, GENERIC),
        (EPIC, "epic"),
        ({"com.example": 1, "com.epic.cdshooks.request.fhir-version": None}, "epic"),
    ],
)
def test_epic_is_recognized_by_its_extensions_and_nobody_else_is(extension: Any, profile: Profile) -> None:
    call = {key: value for key, value in (CALL | {"extension": extension}).items() if value is not ...}

    assert profile == read_request("recumbent-patient-view", json.dumps(call).encode(), "https://x").profile


def test_a_profile_that_is_set_holds_whatever_the_client_sends() -> None:
    body = json.dumps(CALL | {"extension": EPIC}).encode()

    assert read_request("recumbent-patient-view", body, "https://x", "oracle").profile == "oracle"


def test_an_extension_that_is_no_json_is_no_profile() -> None:
    assert recognize(msgspec.Raw(b"{")) == GENERIC


def test_every_profile_has_its_steps() -> None:
    assert set(get_args(Profile)) == set(PROFILES)


# ── what no profile touches ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("profile", get_args(Profile))
@pytest.mark.parametrize("scenario", [pytest.param(each, id=each.name) for each in scenarios()])
def test_every_client_gets_the_same_cards_with_the_same_findings(scenario: Scenario, profile: Profile) -> None:
    def told(cards: tuple[Card, ...]) -> list[Any]:
        return [(each.uuid, each.summary, each.detail, each.indicator, each.links, each.extension) for each in cards]

    generic, other = (scenario.decide(each)[1].response for each in (GENERIC, profile))

    assert told(generic.cards) == told(other.cards)
    assert generic.extension == other.extension


@pytest.mark.parametrize("profile", ["generic-2.0.1", "generic-3.0", "sandbox"])
def test_a_client_without_needs_of_its_own_gets_the_cards_as_they_are_made(profile: Profile) -> None:
    card = a_card(ORDER, TASK)

    assert card == shaped(card, profile)


# ── Epic ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_epic_reads_in_the_description_what_an_action_does() -> None:
    card = shaped(a_card(ORDER, REMOVE), "epic")

    assert [each.actions[0].description for each in card.suggestions] == [
        "Order ferritin. Iron stores.",
        "Remove this order. It goes.",
    ]


def test_epic_is_offered_orders_and_no_tasks() -> None:
    assert [each.uuid for each in shaped(a_card(TASK, ORDER, REMOVE), "epic").suggestions] == ["s1", "s2"]


def test_where_nothing_is_left_to_offer_there_is_no_selection_either() -> None:
    card = shaped(a_card(TASK), "epic")

    assert (card.suggestions, card.selection_behavior) == ((), None)


def test_an_override_that_epic_remembers_by_topic_hides_no_other_red_flag() -> None:
    assert topic("cold-leg") == topic("cold-leg")
    assert topic("cold-leg", "clot") == topic("clot", "cold-leg")
    assert len({topic("cold-leg"), topic("clot"), topic("cold-leg", "clot")}) == 3


def test_a_topic_for_epic_is_alphanumeric_and_short_however_much_a_card_says() -> None:
    code = topic(*(f"flag-{number}" for number in range(200)))

    assert code.isalnum()
    assert len(code) <= 100


def test_a_card_without_findings_keeps_its_topic() -> None:
    assert topic() == "legpainredflags"


# ── Oracle ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("suggestions", "expected"), [((), None), ((ORDER,), "at-most-one")])
def test_oracle_gets_the_one_selection_behavior_that_cds_hooks_1_0_knows(
    suggestions: tuple[Suggestion, ...], expected: str | None
) -> None:
    assert expected == shaped(a_card(*suggestions), "oracle").selection_behavior
