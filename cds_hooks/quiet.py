"""
Repeat control: which cards stay away because a clinician answered them. Pure; the moment is an argument.

    feedback ──▶ Override, the last word on a card ──▶ in_force ──▶ Quiet ──▶ silence ──▶ the cards that are shown

A card stays away only if everything that it says was overridden; one new red flag, cause or fact brings it back whole.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from cds_hooks.override_reasons import OVERRIDE_REASONS
from cds_hooks.response import Card

__all__ = ["Override", "Quiet", "Silenced", "in_force", "silence"]


@dataclass(frozen=True, slots=True)
class Override:
    """
    A clinician's last word on one card.

    Args:
        reason: a code of OVERRIDE_REASONS; any other, or None, silences nothing.
        at: when it was said, with time zone.
        critical: the card was critical.
        encounter: in which it was said; any name of it that is always the same. None where the client did not tell.
        fingerprints: of the card.
    """

    reason: str | None
    at: datetime
    critical: bool
    encounter: str | None
    fingerprints: tuple[str, ...]


@dataclass(frozen=True, slots=True, order=True)
class Quiet:
    """One thing that is not to be said again now, and why. critical: so that it holds for a critical card too."""

    fingerprint: str
    reason: str
    critical: bool


@dataclass(frozen=True, slots=True)
class Silenced:
    """A card that was made and not shown."""

    card: Card
    reasons: tuple[str, ...]


def in_force(overrides: Iterable[Override], as_of: datetime, encounter: str | None) -> tuple[Quiet, ...]:
    """
    What the overrides keep quiet at this moment and in this encounter, each once, sorted.

    Args:
        encounter: of the call. An override for its encounter alone is in force only where both are known and the same.
    """
    found = {
        Quiet(fingerprint, each.reason, each.critical)
        for each in overrides
        if each.reason is not None and _holds(each, as_of, encounter)
        for fingerprint in each.fingerprints
    }
    return tuple(sorted(found))


def _holds(override: Override, as_of: datetime, encounter: str | None) -> bool:
    reason = OVERRIDE_REASONS.get(override.reason or "")
    if reason is None or override.at > as_of:
        return False
    length = reason.critical_silence if override.critical else reason.silence
    if isinstance(length, timedelta):
        return as_of < override.at + length
    if length == "this-encounter":
        return encounter is not None and encounter == override.encounter
    return length == "until-a-new-fact"


def silence(
    cards: Iterable[Card], fingerprints: Mapping[str, tuple[str, ...]], quiet: Iterable[Quiet]
) -> tuple[tuple[Card, ...], tuple[Silenced, ...]]:
    """
    The cards to show, and those that stay away.

    Args:
        fingerprints: of each card, by its uuid.
        quiet: what is in force. For a critical card only that which was said of a critical card counts.
    """
    quiet = tuple(quiet)
    shown, silenced = [], []
    for card in cards:
        reasons = _reasons(fingerprints[card.uuid], quiet, card.indicator == "critical")
        if reasons:
            silenced.append(Silenced(card, reasons))
        else:
            shown.append(card)
    return tuple(shown), tuple(silenced)


def _reasons(fingerprints: tuple[str, ...], quiet: tuple[Quiet, ...], critical: bool) -> tuple[str, ...]:
    """Why all of a card stays away; none where any of it does not."""
    counting = [each for each in quiet if each.critical or not critical]
    why = [{each.reason for each in counting if each.fingerprint == one} for one in fingerprints]
    return tuple(sorted(set().union(*why))) if why and all(why) else ()
