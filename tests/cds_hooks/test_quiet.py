"""Repeat control through time: what each reason keeps away, until when, and what brings it back."""

from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec
import pytest

from cds_hooks.override_reasons import OVERRIDE_REASONS
from cds_hooks.quiet import Override, Quiet, in_force, silence
from cds_hooks.response import Card, Coding, Source

THEN = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
CARD = Card(
    uuid="c1",
    summary="A finding: consider a step.",
    detail="Why now.",
    indicator="warning",
    source=Source("A source", "https://cds.example.org/rules/x", Coding("legpainredflags", "urn:topic", "Flags")),
    override_reasons=(),
    links=(),
    extension={},
)


def an_override(
    reason: str | None, *, critical: bool = False, encounter: str | None = "e1", at: datetime = THEN
) -> Override:
    return Override(reason, at, critical, encounter, ("one",))


def is_quiet(override: Override, after: timedelta, encounter: str | None = "e1") -> bool:
    """Whether a card of the same grounds and urgency stays away so long after the override."""
    card = msgspec.structs.replace(CARD, indicator="critical" if override.critical else "warning")
    shown, silenced = silence([card], {"c1": ("one",)}, in_force([override], THEN + after, encounter))
    assert len(shown) + len(silenced) == 1
    return bool(silenced)


# ── for days ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("reason", "days"),
    [
        ("action-completed", 90),
        ("patient-ineligible", 30),
        ("need-more-info", 7),
        ("risk-benefit-ratio", 90),
        ("patient-refuses", 90),
    ],
)
@pytest.mark.parametrize("encounter", ["e1", "e2", None])
def test_a_card_stays_away_for_the_days_of_the_reason_in_every_encounter_and_then_returns(
    reason: str, days: int, encounter: str | None
) -> None:
    length = timedelta(days=days)
    states = [is_quiet(an_override(reason), after, encounter) for after in (0 * SECOND, length - SECOND, length)]

    assert states == [True, True, False]


# ── for an encounter ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("reason", "critical"),
    [("wrong-time-workflow", False), ("action-not-priority", False), ("action-completed", True)],
)
def test_a_card_stays_away_in_this_encounter_and_returns_in_another(reason: str, critical: bool) -> None:
    override = an_override(reason, critical=critical)
    states = [is_quiet(override, timedelta(days=300), encounter) for encounter in ("e1", "e2", None)]

    assert states == [True, False, False]


def test_without_an_encounter_there_is_no_this_encounter() -> None:
    override = an_override("wrong-time-workflow", encounter=None)

    assert not is_quiet(override, SECOND, None)
    assert not is_quiet(override, SECOND, "e1")


# ── until a new fact ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("reason", "critical"),
    [("excluded-by-exam", False), ("excluded-by-exam", True), ("patient-contraindication", False)],
)
def test_a_card_stays_away_for_years_while_nothing_is_new(reason: str, critical: bool) -> None:
    assert is_quiet(an_override(reason, critical=critical), timedelta(days=3650), None)


@pytest.mark.parametrize("reason", [each for each in OVERRIDE_REASONS if OVERRIDE_REASONS[each].silence])
def test_a_new_fact_brings_the_card_back_whatever_the_reason(reason: str) -> None:
    quiet = in_force([an_override(reason)], THEN, "e1")
    shown, silenced = silence([CARD], {"c1": ("one", "new")}, quiet)

    assert (shown, silenced) == ((CARD,), ())


def test_a_card_that_now_says_less_stays_away() -> None:
    override = Override("excluded-by-exam", THEN, False, None, ("one", "two"))
    _, silenced = silence([CARD], {"c1": ("two",)}, in_force([override], THEN, None))

    assert [each.reasons for each in silenced] == [("excluded-by-exam",)]


def test_a_card_stays_away_where_two_overrides_together_cover_it() -> None:
    first = Override("excluded-by-exam", THEN, False, None, ("one",))
    second = Override("need-more-info", THEN, False, None, ("two",))
    _, silenced = silence([CARD], {"c1": ("one", "two")}, in_force([first, second], THEN, None))

    assert [each.reasons for each in silenced] == [("excluded-by-exam", "need-more-info")]


# ── never ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "reason",
    [
        "data-wrong",
        "inappropriate-recipient",
        "service-not-available",
        "policy-contradicts",
        "does-not-align-latest-evidence",
        "other",
        "made-up",
        None,
    ],
)
@pytest.mark.parametrize("critical", [False, True])
def test_these_reasons_silence_nothing(reason: str | None, critical: bool) -> None:
    assert not is_quiet(an_override(reason, critical=critical), 0 * SECOND)


@pytest.mark.parametrize("reason", sorted(set(OVERRIDE_REASONS) - {"excluded-by-exam", "action-completed"}))
def test_a_critical_card_is_silenced_by_no_other_reason(reason: str) -> None:
    assert not is_quiet(an_override(reason, critical=True), 0 * SECOND)


@pytest.mark.parametrize("reason", OVERRIDE_REASONS)
def test_what_was_said_of_a_card_that_was_not_critical_does_not_silence_a_critical_one(reason: str) -> None:
    critical = msgspec.structs.replace(CARD, indicator="critical")
    shown, _ = silence([critical], {"c1": ("one",)}, in_force([an_override(reason)], THEN, "e1"))

    assert shown == (critical,)


@pytest.mark.parametrize("indicator", ["warning", "info"])
def test_what_was_said_of_a_critical_card_silences_a_lesser_one_too(indicator: Literal["warning", "info"]) -> None:
    card = msgspec.structs.replace(CARD, indicator=indicator)
    quiet = in_force([an_override("excluded-by-exam", critical=True)], THEN, None)

    assert silence([card], {"c1": ("one",)}, quiet)[0] == ()


def test_an_override_that_is_still_to_come_silences_nothing() -> None:
    assert not is_quiet(an_override("excluded-by-exam"), -SECOND)


# ── the value that is passed on ──────────────────────────────────────────────────────────────────────────────────────


def test_what_is_in_force_is_the_same_in_whatever_order_and_however_often_it_was_said() -> None:
    known, examined = an_override("action-completed"), an_override("excluded-by-exam")

    expected = (Quiet("one", "action-completed", False), Quiet("one", "excluded-by-exam", False))
    assert in_force([known, examined], THEN, None) == expected
    assert in_force([examined, known, examined], THEN, None) == expected


def test_without_overrides_every_card_is_shown() -> None:
    assert silence([CARD], {"c1": ("one",)}, ()) == ((CARD,), ())
