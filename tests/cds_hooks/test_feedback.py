"""Feedback as real clients send it, and what is not understood."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_hooks.feedback import MAX_COMMENT, MAX_ENTRIES, Batch, Feedback, read_feedback
from cds_hooks.override_reasons import HL7_SYSTEM, OWN_SYSTEM
from cds_hooks.request import BadRequestError, UnknownServiceError

SERVICE = "recumbent-patient-view"
CARD = "9368d37b-283f-44a0-93ea-547cebab93ed"
AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
MARKER = "Marker8c1f6e0b7a"
OVERRIDDEN: dict[str, Any] = {"card": CARD, "outcome": "overridden", "outcomeTimestamp": "2026-11-21T09:30:00Z"}
ACCEPTED = OVERRIDDEN | {"outcome": "accepted", "acceptedSuggestions": [{"id": "s1"}]}


def read(*entries: Any) -> Batch:
    return read_feedback(SERVICE, json.dumps({"feedback": entries}).encode())


def read_one(**fields: Any) -> Feedback:
    batch = read(OVERRIDDEN | fields)
    assert batch.problems == ()
    return batch.entries[0]


def coded(code: str | None = None, system: str | None = None, display: str | None = None) -> dict[str, Any]:
    parts = {"code": code, "system": system, "display": display}
    return {"reason": {key: value for key, value in parts.items() if value is not None}}


# ── what real clients send ───────────────────────────────────────────────────────────────────────────────────────────


def test_the_accepted_suggestion_of_the_specification_is_read() -> None:
    assert read(ACCEPTED).entries == (Feedback(CARD, "accepted", AT, ("s1",)),)


def test_an_override_without_a_reason_is_read() -> None:
    assert read_one() == Feedback(CARD, "overridden", AT)


def test_an_override_with_a_comment_only_is_read() -> None:
    assert read_one(overrideReason={"userComment": "seen today"}).comment == "seen today"


@pytest.mark.parametrize(
    "reason",
    [
        coded("data-wrong", OWN_SYSTEM, "Chart data wrong or out of date"),
        coded("data-wrong", OWN_SYSTEM),
        coded("data-wrong"),
        coded("data-wrong", "", "Other words"),
    ],
    ids=["whole", "without display", "without system", "empty system"],
)
def test_a_reason_of_ours_is_known_as_the_sandbox_and_others_send_it(reason: dict[str, Any]) -> None:
    entry = read_one(overrideReason=reason)

    assert (entry.reason, entry.site_reason) == ("data-wrong", None)


@pytest.mark.parametrize("code", ["data-wrong", "contraindicated", "cds-not-applicable"])
def test_a_code_of_another_system_is_kept_as_other(code: str) -> None:
    entry = read_one(overrideReason=coded(code, "http://example.org/reasons", "bad"))

    assert (entry.reason, entry.site_reason) == ("other", (code, "http://example.org/reasons", "bad"))


def test_an_unknown_code_under_our_system_is_kept_as_other() -> None:
    assert read_one(overrideReason=coded("made-up", HL7_SYSTEM)).reason == "other"


@pytest.mark.parametrize("wrap", [lambda reason: reason, lambda reason: [reason]], ids=["object", "list of one"])
def test_the_plural_that_epic_sends_is_read(wrap: Any) -> None:
    given = coded("need-more-info", HL7_SYSTEM, "Waiting") | {"userComment": "free text"}
    entry = read_one(card="123456", overrideReasons=wrap(given))

    assert (entry.card, entry.reason, entry.comment) == ("123456", "need-more-info", "free text")


def test_a_reason_that_was_built_in_epic_is_kept_by_its_display() -> None:
    named = "com.epic.cdshooks.feedback.overrideReason."
    extension = {f"{named}reasonCategory": "45", f"{named}reasonDisplay": "Does not meet criteria"}
    entry = read_one(overrideReasons={"extension": extension, "userComment": "free text"})

    assert (entry.reason, entry.site_reason) == ("other", ("", "", "Does not meet criteria"))
    assert entry.comment == "free text"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-21T09:30:00Z", AT),
        ("2026-11-21T09:30:00z", AT),
        ("2026-11-21T09:30:00+00:00", AT),
        ("2026-11-21T04:30:00-05:00", AT),
        ("2026-11-21T09:30:00.5Z", AT.replace(microsecond=500_000)),
        ("2026-11-21T09:30:00.123Z", AT.replace(microsecond=123_000)),
        ("2026-11-21T09:30:00.1234567Z", AT.replace(microsecond=123_456)),
    ],
)
def test_a_moment_is_read_with_any_zone_and_fraction(text: str, moment: datetime) -> None:
    assert read_one(outcomeTimestamp=text).at == moment


@pytest.mark.parametrize("card", [CARD, CARD.upper(), f"urn:uuid:{CARD}"])
def test_a_card_is_the_same_however_its_uuid_is_written(card: str) -> None:
    assert read_one(card=card).card == CARD


def test_attributes_that_nobody_knows_change_nothing() -> None:
    assert read_one(extension={"com.example": [1]}, ignored=None) == read_one()


def test_several_cards_and_repeats_are_read_in_order() -> None:
    batch = read(OVERRIDDEN, ACCEPTED, OVERRIDDEN, OVERRIDDEN | {"card": "another"})

    assert [entry.outcome for entry in batch.entries] == ["overridden", "accepted", "overridden", "overridden"]


def test_a_comment_of_the_longest_length_is_kept_whole_and_a_longer_one_is_cut() -> None:
    whole, cut = (read_one(overrideReason={"userComment": "x" * length}).comment for length in (4000, 1_000_000))

    assert whole == "x" * MAX_COMMENT
    assert cut == "x" * (MAX_COMMENT - 1) + "…"


# ── what is not understood ───────────────────────────────────────────────────────────────────────────────────────────

CARD_WRONG = "feedback[0].card should be the uuid of a card, a string of at most 200 characters."
MOMENT_WRONG = "feedback[0].outcomeTimestamp should be a moment with time zone, such as 2026-11-21T09:30:00Z."
SUGGESTIONS_WRONG = "feedback[0].acceptedSuggestions should list the accepted suggestions by id, 1 to 20 of them."
REASON_LONG = "feedback[0].overrideReason.reason should have a code, a system and a display of at most 200 characters."


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (MARKER, "feedback[0] should be an object."),
        (OVERRIDDEN | {"outcome": MARKER}, "feedback[0].outcome should be accepted or overridden."),
        (OVERRIDDEN | {"outcome": [MARKER]}, "feedback[0].outcome should be accepted or overridden."),
        (OVERRIDDEN | {"card": None}, CARD_WRONG),
        (OVERRIDDEN | {"card": ""}, CARD_WRONG),
        (OVERRIDDEN | {"card": 7}, CARD_WRONG),
        (OVERRIDDEN | {"card": MARKER * 20}, CARD_WRONG),
        (OVERRIDDEN | {"outcomeTimestamp": None}, MOMENT_WRONG),
        (OVERRIDDEN | {"outcomeTimestamp": 1_700_000_000}, MOMENT_WRONG),
        (OVERRIDDEN | {"outcomeTimestamp": "2026-11-21"}, MOMENT_WRONG),
        (OVERRIDDEN | {"outcomeTimestamp": "2026-11-21T09:30:00"}, MOMENT_WRONG),
        (OVERRIDDEN | {"outcomeTimestamp": "2026-13-41T09:30:00Z"}, MOMENT_WRONG),
        (OVERRIDDEN | {"outcomeTimestamp": "0001-01-01T00:00:00+14:00"}, MOMENT_WRONG),
        (OVERRIDDEN | {"outcomeTimestamp": f"2026-11-21T09:30:00.{'1' * 300}Z"}, MOMENT_WRONG),
        (ACCEPTED | {"acceptedSuggestions": None}, SUGGESTIONS_WRONG),
        (ACCEPTED | {"acceptedSuggestions": []}, SUGGESTIONS_WRONG),
        (ACCEPTED | {"acceptedSuggestions": [MARKER]}, SUGGESTIONS_WRONG),
        (ACCEPTED | {"acceptedSuggestions": [{"id": None}]}, SUGGESTIONS_WRONG),
        (ACCEPTED | {"acceptedSuggestions": [{"id": "s"}] * 21}, SUGGESTIONS_WRONG),
        (OVERRIDDEN | {"overrideReason": MARKER}, "feedback[0].overrideReason should be an object, with one reason."),
        (
            OVERRIDDEN | {"overrideReasons": [coded("a"), coded("b")]},
            "feedback[0].overrideReason should be an object, with one reason.",
        ),
        (
            OVERRIDDEN | {"overrideReason": {"userComment": 7}},
            "feedback[0].overrideReason.userComment should be a string.",
        ),
        (OVERRIDDEN | {"overrideReason": {"reason": MARKER}}, "feedback[0].overrideReason.reason should be a coding."),
        (OVERRIDDEN | {"overrideReason": {"reason": {"code": 7}}}, REASON_LONG),
        (OVERRIDDEN | {"overrideReason": coded(MARKER * 20)}, REASON_LONG),
        (OVERRIDDEN | {"overrideReason": {"extension": {"x.reasonDisplay": {MARKER: 1}}}}, REASON_LONG),
    ],
)
def test_a_malformed_entry_is_named_by_place_and_field_and_not_repeated(entry: Any, problem: str) -> None:
    batch = read(entry)

    assert (batch.entries, batch.problems) == ((), (problem,))


def test_a_malformed_entry_takes_no_other_with_it() -> None:
    batch = read(OVERRIDDEN, {}, ACCEPTED, None)

    assert [entry.outcome for entry in batch.entries] == ["overridden", "accepted"]
    assert [problem.split("]")[0] for problem in batch.problems] == ["feedback[1", "feedback[3"]


NO_ENTRY = "feedback is missing or holds no entry. Send an object with a list of entries."
NOT_JSON = "The body is not valid JSON in UTF-8. Send one JSON object."
DEEP = "The body nests deeper than 64 levels, or its brackets do not match. Send FHIR JSON."


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", NOT_JSON),
        (b"\xff", NOT_JSON),
        (b'{"feedback": [NaN]}', NOT_JSON),
        (b"[" * 100_000, DEEP),
        (b"[]", NO_ENTRY),
        (b"{}", NO_ENTRY),
        (b'{"feedback": []}', NO_ENTRY),
        (b'{"feedback": {"card": "x"}}', NO_ENTRY),
        (
            json.dumps({"feedback": [OVERRIDDEN] * (MAX_ENTRIES + 1)}).encode(),
            "feedback holds more than 100 entries. Send them in several calls.",
        ),
    ],
)
def test_a_body_without_readable_entries_is_refused_whole(body: bytes, text: str) -> None:
    with pytest.raises(BadRequestError) as refused:
        read_feedback(SERVICE, body)

    assert str(refused.value) == text


def test_as_many_entries_as_are_allowed_are_read() -> None:
    assert len(read(*[OVERRIDDEN] * MAX_ENTRIES).entries) == MAX_ENTRIES


def test_a_service_that_does_not_exist_is_an_error_of_its_own() -> None:
    with pytest.raises(UnknownServiceError):
        read_feedback("no-such-service", b"")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
_FIELDS = (
    "card",
    "outcome",
    "outcomeTimestamp",
    "acceptedSuggestions",
    "overrideReason",
    "overrideReasons",
    "extension",
)


@given(st.sampled_from([OVERRIDDEN, ACCEPTED]), st.sampled_from(_FIELDS), _JSON)
def test_any_value_in_any_field_is_read_or_named(entry: dict[str, Any], field: str, value: Any) -> None:
    batch = read(entry | {field: value})

    assert len(batch.entries) + len(batch.problems) == 1
