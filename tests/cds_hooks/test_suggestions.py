"""What cards offer to do: complete drafts that are valid FHIR R4, one action each, and the removal of drafts alone."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import msgspec
import pytest
from fhir.resources.R4B.medicationrequest import MedicationRequest
from fhir.resources.R4B.servicerequest import ServiceRequest
from fhir.resources.R4B.task import Task

from cds_hooks.cards import each_offer_once
from cds_hooks.response import Action, Card, Suggestion
from cds_hooks.suggestions import Offered, suggestions_of
from rules.engine.facts import PatientFacts
from rules.pack import Pack
from tests.builders import a_patient
from tests.cds_hooks.calls import A_CALL, a_basis, answered
from tests.cds_hooks.drafts import drafts_of, quinine, stockings

_KINDS: dict[str, Any] = {"ServiceRequest": ServiceRequest, "MedicationRequest": MedicationRequest, "Task": Task}
CARD = "6f1d5a0e-5f0e-5b7e-9a53-2f5c1e6b8d10"
SUSPECT = a_patient().answered("leg-pain").answered("saddle").answered("back-pain").answered("urge-to-move")


def all_offers(pack: Pack, encounter: str | None = None) -> Iterator[tuple[str, Suggestion]]:
    """Every offer of suggestions.yaml, as a card would make it."""
    basis = a_basis(pack, PatientFacts(), request=replace(A_CALL, encounter_id=encounter))
    for name in pack.library.suggestions:
        (made,) = suggestions_of(basis, CARD, "A finding: consider a step.", [Offered(name)])
        yield name, made


def suggestions(cards: tuple[Card, ...]) -> list[Suggestion]:
    return [each for card in cards for each in card.suggestions]


def removed(cards: tuple[Card, ...]) -> list[str | None]:
    return [each.actions[0].resource_id for each in suggestions(cards) if each.actions[0].type == "delete"]


# ── drafts ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("encounter", [None, "e1", "Encounter/e1"])
def test_every_offer_is_a_whole_valid_draft_for_this_patient(shipped_pack: Pack, encounter: str | None) -> None:
    for name, made in all_offers(shipped_pack, encounter):
        (action,) = made.actions
        content = action.resource or {}
        read = _KINDS[content["resourceType"]].model_validate(content)

        assert (name, read.status, read.intent) == (name, "draft", "order")
        assert (content.get("subject") or content["for"]) == {"reference": "Patient/p1"}
        assert content.get("encounter") == ({"reference": "Encounter/e1"} if encounter else None)
        assert content["authoredOn"] == "2026-11-21T12:00:00Z"
        assert (action.type, action.resource_id) == ("create", None)


@pytest.mark.parametrize("encounter", ["<script>", "e1 or e2", "../Patient/p2", "e\n1", "9" * 300])
def test_an_encounter_that_is_no_id_is_left_out_and_never_echoed(shipped_pack: Pack, encounter: str) -> None:
    assert {"encounter" in (made.actions[0].resource or {}) for _, made in all_offers(shipped_pack, encounter)} == {
        False
    }


def test_a_draft_of_the_pack_stays_as_it_is_when_it_is_filled(shipped_pack: Pack) -> None:
    basis = a_basis(shipped_pack, PatientFacts())
    before = {name: dict(draft) for name, draft in basis.drafts.items()}
    list(all_offers(shipped_pack))

    assert basis.drafts == before


HOOKS: list[tuple[str, dict[str, Any]]] = [
    ("patient-view", {}),
    ("encounter-start", {"encounterId": "e1"}),
    ("encounter-discharge", {"encounterId": "e1"}),
    ("order-sign", {"draftOrders": drafts_of(quinine(), stockings())}),
    ("order-select", {"draftOrders": drafts_of(quinine(), stockings()), "selections": ["DeviceRequest/s1"]}),
    ("problem-list-item-create", {"conditions": drafts_of(a_patient().with_condition("32914008").chart[0])}),
]


@pytest.mark.parametrize(("hook", "context"), HOOKS, ids=[hook for hook, _ in HOOKS])
def test_in_each_hook_suggestions_have_one_action_and_labels_that_fit(
    shipped_pack: Pack, hook: str, context: dict[str, Any]
) -> None:
    cards = answered(shipped_pack, hook, SUSPECT, **context).response.cards
    made = suggestions(cards)

    assert made
    assert {len(each.actions) for each in made} == {1}
    assert [each.label for each in made if len(each.label) > 60 or not each.actions[0].description] == []
    assert len({each.uuid for each in made}) == len(made)
    assert {UUID(each.uuid).version for each in made} == {5}
    assert {card.selection_behavior for card in cards if card.suggestions} == {"any"}
    assert {card.selection_behavior for card in cards if not card.suggestions} <= {None}


@pytest.mark.parametrize(("hook", "context"), HOOKS, ids=[hook for hook, _ in HOOKS])
def test_the_same_call_gives_the_same_bytes(shipped_pack: Pack, hook: str, context: dict[str, Any]) -> None:
    assert (
        answered(shipped_pack, hook, SUSPECT, **context).body == answered(shipped_pack, hook, SUSPECT, **context).body
    )


@pytest.mark.parametrize(("hook", "context"), HOOKS, ids=[hook for hook, _ in HOOKS])
def test_nothing_is_offered_twice_in_one_answer(shipped_pack: Pack, hook: str, context: dict[str, Any]) -> None:
    made = suggestions(answered(shipped_pack, hook, SUSPECT, **context).response.cards)
    said = [(each.label, each.actions[0].resource_id) for each in made]

    assert len(set(said)) == len(said)


def test_a_later_card_does_not_offer_what_an_earlier_one_did(shipped_pack: Pack) -> None:
    one, two = (Suggestion(label, "u", (Action("create", "d", {"id": label}),)) for label in ("one", "two"))
    card = answered(shipped_pack, "order-sign", draftOrders=drafts_of(stockings())).response.cards[0]
    first, second = (msgspec.structs.replace(card, suggestions=each) for each in ((one,), (one, two)))
    again = list(each_offer_once((first, second, first)))

    assert [[each.label for each in left.suggestions] for left in again] == [["one"], ["two"], []]
    assert [left.selection_behavior for left in again] == ["any", "any", None]


# ── removal ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (quinine(), ["MedicationRequest/q1"]),
        (quinine("e" + "9" * 199), ["MedicationRequest/e" + "9" * 199]),
        (quinine(status=None), ["MedicationRequest/q1"]),
        (quinine(status="active"), []),
        (quinine(None), []),
        (quinine("a/b"), []),
        (quinine("a b"), []),
        (quinine("../Patient/p1"), []),
        (quinine(subject={"reference": "Patient/another"}), []),
    ],
    ids=[
        "a draft",
        "a long id",
        "no status",
        "signed before",
        "no id",
        "a slash",
        "a blank",
        "a path",
        "another patient",
    ],
)
def test_only_a_draft_of_this_call_that_the_client_can_find_is_offered_for_removal(
    shipped_pack: Pack, order: Any, expected: list[str]
) -> None:
    assert removed(answered(shipped_pack, "order-sign", draftOrders=drafts_of(order)).response.cards) == expected


def test_of_two_orders_of_one_id_neither_is_offered_for_removal(shipped_pack: Pack) -> None:
    cards = answered(shipped_pack, "order-sign", draftOrders=drafts_of(quinine(), quinine())).response.cards

    assert (len(cards), removed(cards)) == (2, [])


def test_a_medicine_of_the_record_is_never_offered_for_removal(shipped_pack: Pack) -> None:
    taking = a_patient().with_medication(text="Quinine 324 mg", id="q1")
    cards = answered(shipped_pack, "order-sign", taking, draftOrders=drafts_of(stockings())).response.cards

    assert removed(cards) == []
