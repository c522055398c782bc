"""The reasons for setting a card aside: which card offers which, and what each does."""

from datetime import timedelta
from itertools import product

import pytest

from cds_hooks.basis import Urgency
from cds_hooks.override_reasons import HL7_SYSTEM, OVERRIDE_REASONS, OWN_SYSTEM, FollowUp, Silence, reasons_for

CARDS: list[tuple[Urgency, bool, bool]] = list(
    product(("emergency", "urgent", "routine"), (False, True), (False, True))
)


@pytest.mark.parametrize(
    ("code", "silence", "critical", "follow_up"),
    [
        ("action-completed", timedelta(days=90), "this-encounter", None),
        ("excluded-by-exam", "until-a-new-fact", "until-a-new-fact", None),
        ("patient-ineligible", timedelta(days=30), None, "precision"),
        ("data-wrong", None, None, "data-quality"),
        ("need-more-info", timedelta(days=7), None, None),
        ("inappropriate-recipient", None, None, "targeting"),
        ("wrong-time-workflow", "this-encounter", None, None),
        ("action-not-priority", "this-encounter", None, None),
        ("risk-benefit-ratio", timedelta(days=90), None, None),
        ("patient-contraindication", "until-a-new-fact", None, None),
        ("patient-refuses", timedelta(days=90), None, None),
        ("service-not-available", None, None, "site-report"),
        ("policy-contradicts", None, None, "rule-owner"),
        ("does-not-align-latest-evidence", None, None, "rule-owner"),
    ],
)
def test_each_reason_does_what_the_table_of_reasons_says(
    code: str, silence: Silence | None, critical: Silence | None, follow_up: FollowUp | None
) -> None:
    reason = OVERRIDE_REASONS[code]

    assert (silence, critical, follow_up) == (reason.silence, reason.critical_silence, reason.follow_up)


def test_there_are_fourteen_reasons_each_under_its_code() -> None:
    assert [reason.code for reason in OVERRIDE_REASONS.values()] == list(OVERRIDE_REASONS)
    assert len(OVERRIDE_REASONS) == 14


def test_our_own_codes_and_no_others_have_an_hl7_parent() -> None:
    parents = {reason.code: reason.parent for reason in OVERRIDE_REASONS.values() if reason.coding.system == OWN_SYSTEM}

    assert parents == {"excluded-by-exam": "cds-not-applicable", "data-wrong": "cds-not-applicable"}
    assert {reason.coding.system for reason in OVERRIDE_REASONS.values()} == {OWN_SYSTEM, HL7_SYSTEM}


@pytest.mark.parametrize(("urgency", "suggestions", "drug"), CARDS)
def test_a_card_offers_at_most_seven_different_reasons_each_with_a_display_of_45_characters(
    urgency: Urgency, suggestions: bool, drug: bool
) -> None:
    offered = reasons_for(urgency, has_suggestions=suggestions, about_a_drug=drug)

    assert 0 < len({each.code for each in offered}) == len(offered) <= 7
    assert all(each.display and len(each.display) <= 45 for each in offered)


@pytest.mark.parametrize(("urgency", "suggestions", "drug"), [card for card in CARDS if card[0] == "emergency"])
def test_a_critical_card_offers_only_what_does_not_postpone_it(urgency: Urgency, suggestions: bool, drug: bool) -> None:
    offered = reasons_for(urgency, has_suggestions=suggestions, about_a_drug=drug)

    assert {each.code for each in offered} == {
        "excluded-by-exam",
        "action-completed",
        "data-wrong",
        "inappropriate-recipient",
        "need-more-info",
        "patient-ineligible",
    }


@pytest.mark.parametrize(("urgency", "suggestions", "drug"), CARDS)
def test_what_needs_a_suggestion_or_a_drug_is_offered_only_there(
    urgency: Urgency, suggestions: bool, drug: bool
) -> None:
    codes = {each.code for each in reasons_for(urgency, has_suggestions=suggestions, about_a_drug=drug)}
    quiet = urgency != "emergency"

    assert ("risk-benefit-ratio" in codes) is (drug and quiet)
    assert ({"patient-contraindication", "patient-refuses"} <= codes) is (suggestions and quiet)
    assert suggestions or "service-not-available" not in codes
