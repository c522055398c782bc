"""
Feedback for those who evaluate the rules: which intervention, what was done with it, why, by what kind of user, when
and where (45 CFR 170.315(b)(11): user feedback in a computable form).
"""

import csv
from collections.abc import Iterator
from io import StringIO
from typing import Any

import msgspec

from cds_hooks.override_reasons import OVERRIDE_REASONS
from service.records.feedback_log import FeedbackLog
from service.records.feedback_rows import unseal
from service.records.rows import to_moment

__all__ = ["COLUMNS", "as_csv", "exported"]

COLUMNS = (
    "date",
    "location",
    "client",
    "service",
    "user",
    "topic",
    "indicator",
    "rules",
    "pack",
    "card",
    "decision",
    "action",
    "suggestions",
    "reason",
    "reasonDisplay",
    "hl7Reason",
    "followUp",
    "facts",
    "received",
)
WRITTEN = ("siteReason", "comment")
"""What clients and clinicians wrote: it may name the patient, and is exported only where it is asked for."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


class _Shown(msgspec.Struct):
    uuid: str
    topic: str
    indicator: str
    rules: tuple[str, ...] = ()


class _Summary(msgspec.Struct):
    cards: tuple[_Shown, ...] = ()


def exported(log: FeedbackLog, *, comments: bool) -> Iterator[dict[str, Any]]:
    """
    Each entry with the keys of COLUMNS, oldest first; what is not known is None.

    Args:
        comments: with what clients and clinicians wrote, too.

    Raises:
        StoreError: the database cannot be read.
        VaultError: the key of an entry is missing, or the entry was changed.
    """
    for row in log.all():
        tenant, client, service, card, decision, outcome, at, reason, encrypted, key, received, summary, pack = row
        sealed, shown = unseal(encrypted, key, log.vault), _shown(card, summary)
        known = OVERRIDE_REASONS.get(reason)
        entry = {
            "date": _iso(at),
            "location": tenant,
            "client": client,
            "service": service,
            "user": sealed.user,
            "topic": shown and shown.topic,
            "indicator": shown and shown.indicator,
            "rules": list(shown.rules) if shown else [],
            "pack": pack,
            "card": card,
            "decision": decision,
            "action": outcome,
            "suggestions": list(sealed.suggestions),
            "reason": reason,
            "reasonDisplay": known and known.display,
            "hl7Reason": known and (known.parent or known.code),
            "followUp": known and known.follow_up,
            "facts": list(sealed.facts) if known and known.follow_up == "data-quality" else [],
            "received": _iso(received),
        }
        if comments:
            entry["siteReason"] = " | ".join(filter(None, sealed.site_reason or ())) or None
            entry["comment"] = sealed.comment
        yield entry


def as_csv(entries: Iterator[dict[str, Any]], *, comments: bool) -> str:
    """One line per entry, lists with blanks between; a cell that a spreadsheet would run as a formula is made text."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    columns = COLUMNS + (WRITTEN if comments else ())
    writer.writerow(columns)
    writer.writerows([_cell(entry[column]) for column in columns] for entry in entries)
    return text.getvalue()


def _cell(value: Any) -> str:
    text = " ".join(value) if isinstance(value, list) else str(value or "")
    return f"'{text}" if text.startswith(_FORMULA) else text


def _shown(card: str | None, summary: bytes | None) -> _Shown | None:
    cards = msgspec.json.decode(summary, type=_Summary).cards if summary else ()
    return next((each for each in cards if each.uuid == card), None)


def _iso(text: str) -> str:
    return to_moment(text).isoformat().replace("+00:00", "Z")
