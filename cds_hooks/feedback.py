"""
Feedback: what clinicians did with cards. Strict on what an entry needs, lenient on how real clients write it. Pure.

An entry that cannot be read is named by its place and field, and takes no other with it. Errors are fixed texts.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from cds_hooks.discovery import SERVICES
from cds_hooks.override_reasons import OTHER, OVERRIDE_REASONS
from cds_hooks.request import NOT_JSON, BadRequestError, UnknownServiceError, require_sound

__all__ = ["MAX_COMMENT", "MAX_ENTRIES", "Batch", "Feedback", "read_feedback"]

MAX_ENTRIES = 100
"""Entries of one call."""
MAX_COMMENT = 4000
"""Characters of a comment. A longer one is cut, since an override matters more than the end of its comment."""
_MAX_SUGGESTIONS = 20
_MAX_WORD = 200
"""Characters of an id, a code, a system or a display."""

_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)")
_FRACTION = re.compile(r"\.(\d+)")
_DISPLAY = "reasonDisplay"


@dataclass(frozen=True, slots=True)
class Feedback:
    """
    One entry.

    Args:
        card: as the client named it, in lower case and without "urn:uuid:"; it may be none of ours.
        at: outcomeTimestamp in UTC.
        suggestions: ids of the accepted suggestions.
        reason: a code of OVERRIDE_REASONS, `other` for a code or wording of the client, None where none was given.
        site_reason: the client's code, system and display where the reason is `other`, as it sent them.
        comment: what the user wrote. It may name the patient.
    """

    card: str
    outcome: Literal["accepted", "overridden"]
    at: datetime
    suggestions: tuple[str, ...] = ()
    reason: str | None = None
    site_reason: tuple[str, str, str] | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """The entries of one call in order, and what is wrong with those that cannot be read."""

    entries: tuple[Feedback, ...]
    problems: tuple[str, ...]


class _EntryError(Exception):
    """One entry cannot be read. Its text names field and remedy."""


def read_feedback(service_id: str, body: bytes) -> Batch:
    """
    Read the body of POST /cds-services/{id}/feedback.

    Raises:
        UnknownServiceError: no such id.
        BadRequestError: malformed or too deep JSON, no entries or too many. An entry that is malformed raises nothing:
            it is named in `problems`.
    """
    if service_id not in SERVICES:
        raise UnknownServiceError("There is no CDS service of this id. GET /cds-services lists them.")
    require_sound(body)
    try:
        content = msgspec.json.decode(body)
    except msgspec.DecodeError:
        raise BadRequestError(NOT_JSON) from None
    listed = content.get("feedback") if isinstance(content, dict) else None
    if not isinstance(listed, list) or not listed:
        raise BadRequestError("feedback is missing or holds no entry. Send an object with a list of entries.")
    if len(listed) > MAX_ENTRIES:
        raise BadRequestError(f"feedback holds more than {MAX_ENTRIES} entries. Send them in several calls.")
    entries: list[Feedback] = []
    problems: list[str] = []
    for number, each in enumerate(listed):
        try:
            entries.append(_entry(each))
        except _EntryError as error:
            problems.append(f"feedback[{number}]{error}")
    return Batch(tuple(entries), tuple(problems))


def _entry(entry: Any) -> Feedback:
    _require(isinstance(entry, dict), " should be an object.")
    outcome = entry.get("outcome")
    _require(outcome in ("accepted", "overridden"), ".outcome should be accepted or overridden.")
    card = entry.get("card")
    _require(_is_word(card), f".card should be the uuid of a card, a string of at most {_MAX_WORD} characters.")
    card = str(card).lower().removeprefix("urn:uuid:")
    at = _moment(entry.get("outcomeTimestamp"))
    if outcome == "accepted":
        return Feedback(card, "accepted", at, _suggestions(entry.get("acceptedSuggestions")))
    return Feedback(card, "overridden", at, (), *_override(entry))


def _suggestions(value: Any) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else []
    ids = [each.get("id") if isinstance(each, dict) else None for each in listed]
    _require(
        0 < len(ids) <= _MAX_SUGGESTIONS and all(map(_is_word, ids)),
        f".acceptedSuggestions should list the accepted suggestions by id, 1 to {_MAX_SUGGESTIONS} of them.",
    )
    return tuple(str(each) for each in dict.fromkeys(ids))


def _override(entry: dict[str, Any]) -> tuple[str | None, tuple[str, str, str] | None, str | None]:
    """Reason, the client's own reason, comment; under the specification's name, or in the plural that Epic sends."""
    given = entry.get("overrideReason") or entry.get("overrideReasons") or {}
    given = given[0] if isinstance(given, list) and len(given) == 1 else given
    _require(isinstance(given, dict), ".overrideReason should be an object, with one reason.")
    comment = given.get("userComment")
    _require(comment is None or isinstance(comment, str), ".overrideReason.userComment should be a string.")
    coding = given.get("reason") or {}
    _require(isinstance(coding, dict), ".overrideReason.reason should be a coding.")
    words = [coding.get(part) or "" for part in ("code", "system", "display")]
    words[2] = words[2] or _said_in(given.get("extension")) or _said_in(entry.get("extension")) or ""
    _require(
        all(isinstance(word, str) and len(word) <= _MAX_WORD for word in words),
        f".overrideReason.reason should have a code, a system and a display of at most {_MAX_WORD} characters.",
    )
    return *_reason(*words), _comment(comment)


def _reason(code: str, system: str, display: str) -> tuple[str | None, tuple[str, str, str] | None]:
    """A code of ours without a system is ours, as some clients leave it out; with another system it is not."""
    known = OVERRIDE_REASONS.get(code)
    if known is not None and system in ("", known.coding.system):
        return code, None
    return (OTHER, (code, system, display)) if code or display else (None, None)


def _said_in(extension: Any) -> Any:
    """The display of a reason that was built in the client: Epic sends it alone, in an extension."""
    named = extension.items() if isinstance(extension, dict) else ()
    return next((value for key, value in named if key.split(".")[-1] == _DISPLAY), None)


def _comment(text: str | None) -> str | None:
    if text is not None and len(text) > MAX_COMMENT:
        return text[: MAX_COMMENT - 1] + "…"
    return text or None


def _moment(text: Any) -> datetime:
    """RFC 3339 with any number of digits in the fraction of a second."""
    sound = isinstance(text, str) and len(text) <= _MAX_WORD and _INSTANT.fullmatch(text)
    _require(bool(sound), _NO_MOMENT)
    try:
        return datetime.fromisoformat(_FRACTION.sub(_microseconds, text.upper())).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _EntryError(_NO_MOMENT) from None


_NO_MOMENT = ".outcomeTimestamp should be a moment with time zone, such as 2026-11-21T09:30:00Z."


def _microseconds(fraction: re.Match[str]) -> str:
    return f".{fraction[1][:6]:0<6}"


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _MAX_WORD


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise _EntryError(otherwise)
