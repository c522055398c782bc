"""Cards on draft orders: one an order, the worst first, at most three, and no text of the orders on them."""

from typing import Any

import pytest

from cds_hooks.detail import DETAIL_LIMIT
from cds_hooks.discovery import MODULES
from cds_hooks.response import EVALUATION, Card
from rules.pack import Pack
from rules.texts import LONGEST_SUMMARY, length_of
from service.decide import DataNeededError
from tests.builders import Patient, a_patient, coded
from tests.cds_hooks.calls import answered
from tests.cds_hooks.drafts import drafts_of, quinine, stockings


def cards(pack: Pack, *orders: Any, patient: Patient | None = None, **context: Any) -> tuple[Card, ...]:
    return answered(pack, "order-sign", patient, draftOrders=drafts_of(*orders), **context).response.cards


def orders_of(card: Card) -> list[str]:
    return [each["order"] for each in card.extension["org.recumbent.findings"]]


def test_each_order_has_a_card_of_its_own_the_worst_first(shipped_pack: Pack) -> None:
    told = cards(shipped_pack, stockings(), quinine())

    expected = [("critical", "MedicationRequest/q1"), ("info", "DeviceRequest/s1")]
    assert [(card.indicator, orders_of(card)[0]) for card in told] == expected
    assert len({card.uuid for card in told}) == 2


def test_a_finding_names_check_order_severity_rule_and_evidence(shipped_pack: Pack) -> None:
    (card,) = cards(shipped_pack, quinine())
    finding = card.extension["org.recumbent.findings"][0]

    assert {"check", "order", "kind", "severity", "rule", "version", "evidence", "missing"} == set(finding)
    assert (finding["order"], finding["severity"]) == ("MedicationRequest/q1", "critical")


def test_of_many_orders_three_have_a_card_and_the_last_one_tells_of_the_rest(shipped_pack: Pack) -> None:
    told = cards(shipped_pack, stockings(), *(quinine(f"q{number}") for number in range(1, 6)))

    assert len(told) == 3
    assert {order for card in told for order in orders_of(card)} == {
        "DeviceRequest/s1",
        *(f"MedicationRequest/q{number}" for number in range(1, 6)),
    }
    assert ["**Further orders to look at:** 3." in card.detail for card in told] == [False, False, True]


def test_orders_without_an_id_have_cards_of_their_own(shipped_pack: Pack) -> None:
    told = cards(shipped_pack, quinine(None), stockings(None), quinine(None))

    assert sorted(orders_of(card)[0] for card in told) == [
        "DeviceRequest#2",
        "MedicationRequest#1",
        "MedicationRequest#3",
    ]
    assert len({card.uuid for card in told}) == 3


@pytest.mark.parametrize("count", [1, 3, 12])
def test_summary_and_detail_keep_their_length(shipped_pack: Pack, count: int) -> None:
    told = cards(shipped_pack, *(quinine(f"q{n}") for n in range(count)), *(stockings(f"s{n}") for n in range(count)))

    assert [card.summary for card in told if length_of(card.summary) > LONGEST_SUMMARY] == []
    assert [card.summary for card in told if len(card.detail) > DETAIL_LIMIT] == []


HOSTILE = "Quinine [x](javascript:alert(1)) <script>evil</script> **ruled out** compression stockings"


def test_no_text_of_an_order_is_printed(shipped_pack: Pack) -> None:
    order = quinine(
        "q 1",
        medicationCodeableConcept={"text": HOSTILE, "coding": [{"system": HOSTILE, "code": HOSTILE}]},
        reasonCode=[coded(text=HOSTILE)],
        note=[{"text": HOSTILE}],
        dosageInstruction=[{"text": HOSTILE}],
    )
    body = answered(shipped_pack, "order-sign", None, draftOrders=drafts_of(order)).body

    assert b'"cards":[{' in body
    assert [mark for mark in (b"<script", b"evil", b"ruled out", b"alert") if mark in body] == []


# ── when nothing is said ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("patient", "context"),
    [
        (a_patient().being(birthDate="2015-01-01"), {}),
        (a_patient().being(deceasedBoolean=True), {}),
        (None, {"userId": "Patient/p1"}),
    ],
    ids=["a child", "a dead person", "read by the patient"],
)
def test_nothing_is_said_to_whom_the_rules_are_not_for(
    shipped_pack: Pack, patient: Patient | None, context: dict[str, str]
) -> None:
    assert cards(shipped_pack, quinine(), patient=patient, **context) == ()


def test_nothing_is_said_of_orders_of_no_concern_or_of_none(shipped_pack: Pack) -> None:
    assert (cards(shipped_pack), cards(shipped_pack, LEMONADE)) == ((), ())


def test_of_the_orders_only_those_selected_speak(shipped_pack: Pack) -> None:
    drafts = drafts_of(quinine(), stockings())
    told = {
        chosen: answered(shipped_pack, "order-select", None, draftOrders=drafts, selections=list(chosen)).response.cards
        for chosen in ((), ("DeviceRequest/s1",), ("MedicationRequest/q1", "DeviceRequest/s1"))
    }

    assert [len(each) for each in told.values()] == [0, 1, 2]


def test_an_order_that_cannot_be_read_and_a_selection_that_was_not_sent_are_named(shipped_pack: Pack) -> None:
    drafts = drafts_of(quinine(status=7))
    decision = answered(shipped_pack, "order-select", None, draftOrders=drafts, selections=["ServiceRequest/x"])

    assert decision.response.cards == ()
    assert set(decision.response.extension[EVALUATION]["degraded"]) == {
        "draft MedicationRequest: 1 could not be read",
        "selected order: 1 could not be read",
    }


def test_the_module_can_be_switched_off(shipped_pack: Pack) -> None:
    off = MODULES - {"order-checks"}
    decision = answered(shipped_pack, "order-sign", None, off, draftOrders=drafts_of(quinine()))

    assert decision.response.cards == ()
    assert {each.reason for each in decision.findings.not_evaluated} == {"module is switched off"}


# ── what a call must hold ────────────────────────────────────────────────────────────────────────────────────────────


GABAPENTIN = quinine(medicationCodeableConcept=coded(text="Gabapentin 300 mg capsule"))
LEMONADE = quinine(medicationCodeableConcept=coded(text="Lemonade"))


@pytest.mark.parametrize("kept", [(), ("conditions", "medications"), ("patient",)], ids=str)
def test_an_order_is_refused_where_there_is_nothing_to_check_it_against(
    shipped_pack: Pack, kept: tuple[str, ...]
) -> None:
    with pytest.raises(DataNeededError):
        answered(shipped_pack, "order-sign", None, draftOrders=drafts_of(GABAPENTIN), keys=kept)


@pytest.mark.parametrize(
    ("order", "kept", "told"),
    [
        (quinine(), (), 1),
        (LEMONADE, (), 0),
        (GABAPENTIN, ("patient", "conditions"), 0),
        (GABAPENTIN, ("patient", "medications"), 0),
    ],
    ids=["a finding that stands on the order alone", "an order of no concern", "the problems", "the medicines"],
)
def test_an_order_is_answered_where_enough_was_sent(
    shipped_pack: Pack, order: Any, kept: tuple[str, ...], told: int
) -> None:
    decision = answered(shipped_pack, "order-sign", None, draftOrders=drafts_of(order), keys=kept)

    assert len(decision.response.cards) == told
