"""Feedback over HTTP: what is received, and what it does to the calls that follow, with the clock in our hands."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from cds_hooks.override_reasons import HL7_SYSTEM, OVERRIDE_REASONS
from cds_hooks.response import EVALUATION
from rules.engine.errors import RecumbentError
from rules.pack import Pack, load_pack
from service.app import create_app
from service.records.feedback_export import exported
from service.records.feedback_log import FeedbackLog
from service.records.keep import replay
from service.records.log import open_log
from service.settings import Settings
from tests.builders import AS_OF, Patient, a_patient, day
from tests.mini_library import CAUSE, FLAG, write_library
from tests.service.api.calls import PATIENT_VIEW, a_call, outcome_text, post
from tests.service.logs import caught_logs

FEEDBACK = f"{PATIENT_VIEW}/feedback"
MARKER = "Marker8c1f6e0b7a"
FLAGS, CAUSES = "legpainredflags", "legpaincauses"
FLAGGED = a_patient().answered("saddle").answered("leg-pain")
RESTLESS = a_patient().answered("urge-to-move").with_lab("2276-4", 32, "ug/L")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def lasting(days_later: int = 0) -> Patient:
    """A chart whose complaint is on the problem list and whose ferritin is the same at every visit."""
    return a_patient().with_condition("10601006").with_lab("2276-4", 32, "ug/L", on=day(-days_later))


COMPLAINT = {"any": [CAUSE, {"fact": "leg-pain", "is": "present"}, {"fact": "pain-in-leg", "is": "present"}]}


@pytest.fixture(scope="module")
def two_flags(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of two emergencies, and one cause that ferritin speaks for."""
    flags = {"cauda-equina-syndrome": FLAG, "acute-limb-ischemia": {"fact": "side", "is": "left"}}
    cause = {"any": [CAUSE, {"fact": "ferritin", "at-most": "low"}]}
    folder = tmp_path_factory.mktemp("two-flags")
    return write_library(folder, flags=flags, causes={"restless-legs-syndrome": cause}, complaint=COMPLAINT)


@dataclass
class Site:
    """A service with a clock that stands still until it is moved, and an EHR that calls it."""

    client: TestClient
    pack: Pack
    settings: Settings
    clock: list[datetime]
    calls: int = 0

    def call(self, patient: Patient, encounter: str | None = "e1", **fields: Any) -> dict[str, Any]:
        self.calls += 1
        context = {"userId": "Practitioner/1", "patientId": patient.person["id"]}
        context |= {"encounterId": encounter} if encounter else {}
        instance = f"00000000-0000-4000-8000-{self.calls:012}"
        answer = post(self.client, a_call(self.pack, patient, hookInstance=instance, context=context, **fields))
        assert answer.status_code == 200
        body: dict[str, Any] = answer.json()
        return body

    def say(self, *entries: dict[str, Any]) -> Response:
        return post(self.client, {"feedback": entries}, FEEDBACK)

    def override(self, body: dict[str, Any], reason: str | None, topic: str = FLAGS, **fields: Any) -> dict[str, Any]:
        """Override the card of an answer as the sandbox does it, and return the entry that was sent."""
        entry: dict[str, Any] = {
            "card": card_of(body, topic),
            "outcome": "overridden",
            "outcomeTimestamp": moment(self.clock[0]),
        }
        entry |= {"overrideReason": {"reason": {"code": reason}}} if reason else {}
        answer = self.say(entry | fields)
        assert (answer.status_code, answer.content) == (200, b"")
        return entry | fields

    def topics(self, patient: Patient, encounter: str | None = "e1") -> list[str]:
        return topics(self.call(patient, encounter))

    def later(self, after: timedelta) -> None:
        self.clock[0] += after

    @property
    def kept(self) -> list[dict[str, Any]]:
        return list(exported(FeedbackLog(open_log(self.settings.data)), comments=True))


def moment(at: datetime) -> str:
    return at.isoformat().replace("+00:00", ".000Z")


def topics(body: dict[str, Any]) -> list[str]:
    return [
        card["source"]["topic"]["code"] for card in body["cards"] if "missing" not in card["source"]["topic"]["code"]
    ]


def card_of(body: dict[str, Any], topic: str = FLAGS) -> str:
    (card,) = (each["uuid"] for each in body["cards"] if each["source"]["topic"]["code"] == topic)
    return str(card)


def silenced(body: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = body["extension"][EVALUATION].get("silenced", [])
    return found


@pytest.fixture
def site(two_flags: Path, tmp_path: Path) -> Iterator[Site]:
    settings = Settings(library=two_flags, data=tmp_path)
    clock = [AS_OF]
    with TestClient(create_app(settings, lambda: clock[0])) as client:
        yield Site(client, load_pack(two_flags), settings, clock)


# ── what an override does to the calls that follow ───────────────────────────────────────────────────────────────────


def test_the_same_call_after_an_override_is_quiet_and_says_that_a_card_was_silenced(site: Site) -> None:
    site.override(site.call(FLAGGED), "excluded-by-exam")
    body = site.call(FLAGGED)

    assert topics(body) == []
    assert silenced(body) == [{"topic": FLAGS, "indicator": "critical", "reasons": ["excluded-by-exam"]}]


def test_the_same_request_fired_again_is_answered_with_the_same_bytes(site: Site) -> None:
    site.override(site.call(FLAGGED), "excluded-by-exam")
    call = a_call(site.pack, FLAGGED)

    assert post(site.client, call).content == post(site.client, call).content


def test_a_critical_card_that_was_examined_stays_away_in_every_encounter_and_returns_with_a_new_sign(
    site: Site,
) -> None:
    site.override(site.call(FLAGGED), "excluded-by-exam")
    site.later(13 * DAY)
    quiet = site.topics(FLAGGED, "e2")

    assert quiet == []
    assert site.topics(FLAGGED.answered("side", "left"), "e2") == [FLAGS]


def test_a_sign_of_danger_that_is_answered_again_on_another_day_brings_the_card_back(site: Site) -> None:
    site.override(site.call(FLAGGED), "excluded-by-exam")
    site.later(DAY)
    anew = a_patient().answered("saddle", on=day(-1)).answered("leg-pain", on=day(-1))

    assert site.topics(anew) == [FLAGS]


def test_a_critical_card_that_is_being_worked_up_stays_away_in_this_encounter_only(site: Site) -> None:
    site.override(site.call(FLAGGED), "action-completed")

    assert [site.topics(FLAGGED, encounter) for encounter in ("e1", "Encounter/e1", "e2", None)] == [
        [],
        [],
        [FLAGS],
        [FLAGS],
    ]


@pytest.mark.parametrize(
    "reason", [*sorted(set(OVERRIDE_REASONS) - {"excluded-by-exam", "action-completed"}), "site-7", None]
)
def test_a_critical_card_comes_again_after_any_other_answer(site: Site, reason: str | None) -> None:
    site.override(site.call(FLAGGED), reason)

    assert site.topics(FLAGGED) == [FLAGS]


@pytest.mark.parametrize(
    ("reason", "days"), [("need-more-info", 7), ("patient-ineligible", 30), ("action-completed", 90)]
)
def test_a_causes_card_stays_away_for_the_days_of_the_reason(site: Site, reason: str, days: int) -> None:
    site.override(site.call(lasting()), reason, CAUSES)
    site.later(days * DAY - HOUR)
    before = site.topics(lasting(days - 1), "e2")
    site.later(HOUR)

    assert before == []
    assert site.topics(lasting(days - 1), "e2") == [CAUSES]


def test_a_new_lab_value_brings_the_causes_card_back(site: Site) -> None:
    site.override(site.call(RESTLESS), "action-completed", CAUSES)
    same_value = RESTLESS.with_lab("2276-4", 32, "ug/L", on=day(0))
    new_value = a_patient().answered("urge-to-move").with_lab("2276-4", 31, "ug/L")

    assert site.topics(same_value) == []
    assert site.topics(new_value) == [CAUSES]


def test_a_new_red_flag_brings_the_whole_merged_card_back(site: Site) -> None:
    both = FLAGGED.answered("side", "left")
    site.override(site.call(FLAGGED), "excluded-by-exam")
    body = site.call(both)
    (card,) = (each for each in body["cards"] if each["source"]["topic"]["code"] == FLAGS)

    assert {each["rule"] for each in card["extension"]["org.recumbent.findings"]} == {
        "red-flags/cauda-equina-syndrome",
        "red-flags/acute-limb-ischemia",
    }


def test_of_two_flags_that_were_excluded_together_one_alone_stays_away(site: Site) -> None:
    site.override(site.call(FLAGGED.answered("side", "left")), "excluded-by-exam")

    assert site.topics(FLAGGED) == []


def test_another_patient_gets_the_card_all_the_same(site: Site) -> None:
    site.override(site.call(FLAGGED), "excluded-by-exam")
    other = replace(FLAGGED, person=a_patient("p2").person)

    assert site.topics(other) == [FLAGS]


def test_a_later_answer_to_the_same_card_takes_the_place_of_the_earlier_one(site: Site) -> None:
    body = site.call(FLAGGED)
    site.override(body, "excluded-by-exam")
    site.later(HOUR)
    site.override(body, "data-wrong")

    assert site.topics(FLAGGED) == [FLAGS]


def test_accepting_a_card_changes_nothing_about_its_override(site: Site) -> None:
    body = site.call(FLAGGED)
    entry = site.override(body, "excluded-by-exam")
    accepted = {"outcome": "accepted", "acceptedSuggestions": [{"id": "s1"}]}
    site.say({"card": entry["card"], "outcomeTimestamp": moment(AS_OF + HOUR), **accepted})

    assert site.topics(FLAGGED) == []
    assert [entry["action"] for entry in site.kept] == ["overridden", "accepted"]


# ── repeated, late, from a wrong clock ───────────────────────────────────────────────────────────────────────────────


def test_an_entry_that_is_sent_again_is_kept_once_and_prolongs_nothing(site: Site) -> None:
    entry = site.override(site.call(lasting()), "need-more-info", CAUSES)
    site.later(6 * DAY)
    assert site.say(entry, entry).status_code == 200
    site.later(DAY)

    assert len(site.kept) == 1
    assert site.topics(lasting()) == [CAUSES]


def test_feedback_that_comes_late_counts_from_when_it_was_said(site: Site) -> None:
    body = site.call(lasting())
    site.later(6 * DAY)
    site.override(body, "need-more-info", CAUSES, outcomeTimestamp=moment(AS_OF))
    in_time = site.topics(lasting())
    site.later(DAY)

    assert in_time == []
    assert site.topics(lasting()) == [CAUSES]


def test_an_older_answer_that_comes_late_does_not_take_the_place_of_a_newer_one(site: Site) -> None:
    body = site.call(FLAGGED)
    site.later(2 * HOUR)
    site.override(body, "data-wrong")
    site.override(body, "excluded-by-exam", outcomeTimestamp=moment(AS_OF + HOUR))

    assert site.topics(FLAGGED) == [FLAGS]


def test_a_moment_in_the_future_counts_from_when_it_came(site: Site) -> None:
    site.override(site.call(lasting()), "need-more-info", CAUSES, outcomeTimestamp="2126-01-01T00:00:00Z")
    at_once = site.topics(lasting())
    site.later(7 * DAY)

    assert at_once == []
    assert site.topics(lasting()) == [CAUSES]


# ── what is received ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_shapes_of_epic_are_received_and_counted(site: Site) -> None:
    card = card_of(site.call(FLAGGED))
    named = "com.epic.cdshooks.feedback.overrideReason."
    entry = {"outcome": "overridden", "outcomeTimestamp": "2022-05-19T19:44:04Z"}
    coded = {"reason": {"code": "excluded-by-exam", "display": "x"}, "userComment": "free"}
    built = {"extension": {f"{named}reasonDisplay": "Does not meet criteria"}, "userComment": "free"}
    answer = site.say(
        {"card": "123456", "overrideReasons": coded, **entry},
        {"card": card, "overrideReasons": built, **entry},
        {"card": card.upper(), "overrideReasons": coded, **entry, "outcomeTimestamp": moment(AS_OF)},
    )

    assert answer.status_code == 200
    assert [(each["card"], each["reason"], each["comment"]) for each in site.kept] == [
        (None, "excluded-by-exam", "free"),
        (card, "other", "free"),
        (card, "excluded-by-exam", "free"),
    ]
    assert site.topics(FLAGGED) == []


def test_an_unknown_card_is_kept_counted_and_silences_nothing(site: Site) -> None:
    site.call(FLAGGED)
    with caught_logs() as logs:
        answer = site.say({"card": "gone", "outcome": "overridden", "outcomeTimestamp": moment(AS_OF)})
    (line,) = map(json.loads, logs.getvalue().splitlines())

    assert answer.status_code == 200
    assert {key: line[key] for key in ("event", "entries", "unknown", "refused")} == {
        "event": "feedback",
        "entries": 1,
        "unknown": 1,
        "refused": 0,
    }
    assert [(each["card"], each["decision"], each["topic"]) for each in site.kept] == [(None, None, None)]
    assert site.topics(FLAGGED) == [FLAGS]


def test_a_card_of_another_service_is_an_unknown_card(site: Site) -> None:
    card = card_of(site.call(FLAGGED))
    reason = {"reason": {"code": "excluded-by-exam"}}
    entry = {"card": card, "outcome": "overridden", "outcomeTimestamp": moment(AS_OF), "overrideReason": reason}
    answer = post(site.client, {"feedback": [entry]}, "/cds-services/recumbent-encounter-start/feedback")

    assert answer.status_code == 200
    assert [each["card"] for each in site.kept] == [None]
    assert site.topics(FLAGGED) == [FLAGS]


def test_a_malformed_entry_is_a_400_that_names_it_and_the_others_are_kept(site: Site) -> None:
    card = card_of(site.call(FLAGGED))
    good = {"card": card, "outcome": "overridden", "outcomeTimestamp": moment(AS_OF)}
    answer = site.say({MARKER: MARKER}, good)

    assert answer.status_code == 400
    assert outcome_text(answer) == (
        "feedback[0].outcome should be accepted or overridden. "
        "Every other entry was recorded; mend these and send them again."
    )
    assert [each["card"] for each in site.kept] == [card]


def test_of_many_malformed_entries_the_first_are_named_and_the_rest_are_counted(site: Site) -> None:
    text = outcome_text(site.say(*[{}] * 8))

    assert text.count("should be accepted or overridden") == 5
    assert "feedback[4].outcome" in text
    assert " And 3 more. " in text


@pytest.mark.parametrize(
    ("address", "content", "status"),
    [
        (f"/cds-services/{MARKER}/feedback", b"{}", 404),
        (FEEDBACK, b"", 400),
        (FEEDBACK, b"{}", 400),
        (FEEDBACK, b"[" * 100_000, 400),
        (FEEDBACK, b" " * ((4 << 20) + 1), 413),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_right_status(
    client: TestClient, address: str, content: bytes, status: int
) -> None:
    answer = post(client, content, address)

    assert answer.status_code == status
    assert MARKER not in outcome_text(answer)


def test_another_content_type_or_a_compressed_body_is_a_415(client: TestClient) -> None:
    assert post(client, b"{}", FEEDBACK, Content_Type="text/plain").status_code == 415
    assert post(client, b"{}", FEEDBACK, Content_Encoding="gzip").status_code == 415


def test_feedback_is_sent_and_not_fetched(client: TestClient) -> None:
    answer = client.get(FEEDBACK)

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@given(st.binary(max_size=200))
def test_any_bytes_are_received_or_refused(client: TestClient, content: bytes) -> None:
    assert post(client, content, FEEDBACK).status_code in (200, 400)


# ── trouble ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_feedback_that_cannot_be_recorded_is_a_503_so_that_it_is_sent_again(two_flags: Path, tmp_path: Path) -> None:
    client = TestClient(
        create_app(Settings(library=two_flags, data=tmp_path), lambda: AS_OF)
    )  # the writer never starts
    entry = {"card": MARKER, "outcome": "overridden", "outcomeTimestamp": moment(AS_OF)}
    answer = post(client, {"feedback": [entry]}, FEEDBACK)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert outcome_text(answer) == (
        "It is not certain that the feedback was recorded. Send all of it again: nothing is stored twice."
    )


class BlindLog(FeedbackLog):
    """A feedback log that cannot look anything up."""

    async def quiet_for(self, tenant: str, whose: Any, as_of: datetime) -> Any:
        raise RecumbentError(MARKER)


def test_where_overrides_cannot_be_looked_up_every_card_is_shown_and_the_answer_says_so(site: Site) -> None:
    site.override(site.call(FLAGGED), "excluded-by-exam")
    state = site.client.app.state  # type: ignore[attr-defined]  # the ASGI app is ours
    state.recumbent = replace(state.recumbent, feedback=BlindLog(state.recumbent.decisions))
    answer = post(site.client, a_call(site.pack, FLAGGED))
    body = answer.json()
    record = open_log(site.settings.data).find(body["extension"][EVALUATION]["decisionId"])

    assert topics(body) == [FLAGS]
    assert body["extension"][EVALUATION]["degraded"] == [
        "overrides: could not be looked up, so that every card is shown"
    ]
    assert record is not None
    assert replay(record, site.pack) == answer.content


# ── the record, and what nobody may read ─────────────────────────────────────────────────────────────────────────────


def test_an_answer_with_a_silenced_card_is_on_record_and_made_again_byte_for_byte(site: Site) -> None:
    site.override(site.call(FLAGGED), "excluded-by-exam")
    answer = post(site.client, a_call(site.pack, FLAGGED))
    record = open_log(site.settings.data).find(answer.json()["extension"][EVALUATION]["decisionId"])
    assert record is not None
    (card,) = json.loads(record.summary)["silenced"]

    assert {key: card[key] for key in ("topic", "reasons", "rules")} == {
        "topic": FLAGS,
        "reasons": ["excluded-by-exam"],
        "rules": ["red-flags/cauda-equina-syndrome/3"],
    }
    assert silenced(answer.json())
    assert replay(record, site.pack) == answer.content


def test_nothing_that_was_written_is_logged_or_stored_in_the_clear(site: Site) -> None:
    reason = {"reason": {"code": MARKER, "system": MARKER, "display": MARKER}, "userComment": MARKER}
    patient = replace(FLAGGED, person=a_patient(MARKER).person)
    patient = replace(patient, person=patient.person | {"id": MARKER})
    with caught_logs() as logs:
        body = site.call(patient, MARKER)
        site.override(body, None, overrideReason=reason)
        site.say({"card": MARKER, "outcome": "overridden", "outcomeTimestamp": moment(AS_OF), MARKER: MARKER})
        accepted = {"outcome": "accepted", "acceptedSuggestions": [{"id": MARKER}]}
        site.say({"card": MARKER, "outcomeTimestamp": moment(AS_OF), **accepted})
        site.say({"card": MARKER, "outcome": MARKER})
    stored = b"".join(path.read_bytes() for path in site.settings.data.rglob("*") if path.is_file())

    assert b"overridden" in stored  # the search does find what is stored plainly
    assert MARKER.encode() not in stored
    assert MARKER.lower().encode() not in stored
    assert MARKER not in logs.getvalue()
    assert [each["siteReason"] for each in site.kept] == [f"{MARKER} | {MARKER} | {MARKER}", None, None]
    assert [each["comment"] for each in site.kept] == [MARKER, None, None]


def test_what_is_kept_is_joined_with_the_card_its_rules_and_the_call(site: Site) -> None:
    body = site.call(FLAGGED)
    entry = site.override(body, "data-wrong")
    (kept,) = site.kept

    assert kept == {
        "date": "2026-11-21T12:00:00Z",
        "location": "default",
        "client": "loopback",
        "service": "recumbent-patient-view",
        "user": "Practitioner",
        "topic": FLAGS,
        "indicator": "critical",
        "rules": ["red-flags/cauda-equina-syndrome/3"],
        "pack": site.pack.id,
        "card": entry["card"],
        "decision": body["extension"][EVALUATION]["decisionId"],
        "action": "overridden",
        "suggestions": [],
        "reason": "data-wrong",
        "reasonDisplay": "Chart data wrong or out of date",
        "hl7Reason": "cds-not-applicable",
        "followUp": "data-quality",
        "facts": ["saddle"],
        "received": "2026-11-21T12:00:00Z",
        "siteReason": None,
        "comment": None,
    }


def test_hl7_codes_are_understood_with_their_system(site: Site) -> None:
    reason = {"reason": {"code": "action-completed", "system": HL7_SYSTEM}}
    site.override(site.call(FLAGGED), None, overrideReason=reason)

    assert site.topics(FLAGGED) == []
