"""Feedback on disk: each entry once, joined to its card, for its own tenant alone, and readable by nobody else."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlmodel import Session, select

from cds_hooks.feedback import Feedback
from cds_hooks.quiet import Quiet
from cds_hooks.request import HookRequest
from service.records.facts_json import Whose
from service.records.feedback_export import as_csv, exported
from service.records.feedback_log import FeedbackLog
from service.records.log import DecisionLog, open_log
from service.records.vault import KEY_FILE, Vault, VaultError
from service.records.writer import WriteError
from service.storage.database import StoreError, open_store
from service.storage.tables import FeedbackRow
from tests.cds_hooks.calls import A_CALL
from tests.service.records.builders import AS_OF, SENDER, TroubledStore, a_feedback, a_record_with_cards

pytestmark = pytest.mark.anyio

WHOSE = Whose("P", "E")
TENANT = SENDER.tenant
QUIET = (Quiet("one", "excluded-by-exam", True),)


@pytest.fixture
def store(tmp_path: Path) -> TroubledStore:
    return TroubledStore(open_store(tmp_path / "data").path)


@pytest.fixture
async def decisions(store: TroubledStore) -> AsyncIterator[DecisionLog]:
    log = DecisionLog(store, Vault.open(store.path.parent))
    log.start()
    await log.record(a_record_with_cards("decision-1", "card-1", "card-2"))
    yield log
    await log.stop()


@pytest.fixture
async def log(decisions: DecisionLog) -> AsyncIterator[FeedbackLog]:
    log = FeedbackLog(decisions)
    yield log
    log.close()


def kept(log: FeedbackLog) -> list[dict[str, Any]]:
    return list(exported(log, comments=True))


# ── each entry once ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_same_entry_twice_is_one_row_in_one_call_and_in_several(log: FeedbackLog) -> None:
    entry = a_feedback()
    await log.record([entry, entry], SENDER, AS_OF)
    await asyncio.gather(*(log.record([entry], SENDER, AS_OF + timedelta(days=1)) for _ in range(20)))

    assert [each["received"] for each in kept(log)] == ["2026-11-21T09:30:00Z"]


@pytest.mark.parametrize(
    "other",
    [
        Feedback("card-1", "accepted", AS_OF, ("s1",)),
        a_feedback("card-2"),
        a_feedback(reason="data-wrong"),
        a_feedback(at=AS_OF + timedelta(milliseconds=1)),
        replace(a_feedback(), comment="seen"),
    ],
    ids=["accepted", "another card", "another reason", "a millisecond later", "with a comment"],
)
async def test_what_differs_in_anything_is_another_row(log: FeedbackLog, other: Feedback) -> None:
    await log.record([a_feedback(), other], SENDER, AS_OF)

    assert len(kept(log)) == 2


async def test_entries_of_one_call_are_kept_all_or_none(log: FeedbackLog) -> None:
    no_outcome = replace(a_feedback("card-2"), outcome=None)  # type: ignore[arg-type]  # under test
    with pytest.raises(WriteError, match="SQLITE_CONSTRAINT_NOTNULL"):
        await log.record([a_feedback(), no_outcome], SENDER, AS_OF)

    assert kept(log) == []


# ── the card it is about ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_unknown_cards_are_counted(log: FeedbackLog) -> None:
    assert await log.record([a_feedback(), a_feedback("gone"), a_feedback("123456")], SENDER, AS_OF) == 2


@pytest.mark.parametrize(
    "sender", [msgspec.structs.replace(SENDER, tenant="other"), msgspec.structs.replace(SENDER, service="other")]
)
async def test_a_card_of_another_tenant_or_service_is_unknown(log: FeedbackLog, sender: Any) -> None:
    assert await log.record([a_feedback()], sender, AS_OF) == 1
    assert await log.quiet_for(TENANT, WHOSE, AS_OF) == ()
    assert await log.quiet_for("other", WHOSE, AS_OF) == ()


async def test_a_call_that_was_answered_twice_takes_the_later_answer(log: FeedbackLog, decisions: DecisionLog) -> None:
    await decisions.record(a_record_with_cards("decision-2", "card-1"))
    await log.record([a_feedback()], SENDER, AS_OF)

    assert [each["decision"] for each in kept(log)] == ["decision-2"]


async def test_a_card_of_a_decision_from_before_this_version_is_known_and_silences_nothing(tmp_path: Path) -> None:
    old = open_log(tmp_path)
    old.start()
    await old.record(replace(a_record_with_cards("old", "card-1"), facts=b'{"call": {"user": "Practitioner"}}'))
    log = FeedbackLog(old)
    unknown = await log.record([a_feedback()], SENDER, AS_OF)
    quiet = await log.quiet_for(TENANT, Whose(None, None), AS_OF)
    log.close()
    await old.stop()

    assert (unknown, quiet) == (0, ())


# ── what it keeps quiet ──────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_override_is_in_force_once_it_is_recorded(log: FeedbackLog) -> None:
    before = await log.quiet_for(TENANT, WHOSE, AS_OF)
    await log.record([a_feedback()], SENDER, AS_OF)

    assert (before, await log.quiet_for(TENANT, WHOSE, AS_OF)) == ((), QUIET)


async def test_an_override_holds_in_another_process_at_once(log: FeedbackLog, store: TroubledStore) -> None:
    other = FeedbackLog(DecisionLog(store, log.vault))
    before = await other.quiet_for(TENANT, WHOSE, AS_OF)
    await log.record([a_feedback()], SENDER, AS_OF)
    after = await other.quiet_for(TENANT, WHOSE, AS_OF)
    other.close()

    assert (before, after) == ((), QUIET)


async def test_the_last_word_on_a_card_counts_even_if_it_came_first(log: FeedbackLog) -> None:
    later = AS_OF + timedelta(hours=1)
    await log.record([a_feedback(at=later)], SENDER, later)
    await log.record([a_feedback(reason="data-wrong")], SENDER, later)

    assert await log.quiet_for(TENANT, WHOSE, later) == QUIET


async def test_of_two_words_at_one_moment_the_one_that_came_later_counts(log: FeedbackLog) -> None:
    await log.record([a_feedback()], SENDER, AS_OF)
    await log.record([a_feedback(reason="data-wrong")], SENDER, AS_OF + timedelta(seconds=1))

    assert await log.quiet_for(TENANT, WHOSE, AS_OF) == ()


async def test_ten_thousand_entries_on_one_card_are_one_override(log: FeedbackLog) -> None:
    for hundred in range(100):
        moments = (AS_OF - timedelta(microseconds=hundred * 100 + number) for number in range(100))
        await log.record([a_feedback(at=at) for at in moments], SENDER, AS_OF)

    assert await log.quiet_for(TENANT, WHOSE, AS_OF) == QUIET


# ── who can read it ──────────────────────────────────────────────────────────────────────────────────────────────────


def a_call(**fields: Any) -> HookRequest:
    return replace(A_CALL, **fields)


async def test_pseudonyms_differ_by_tenant_patient_and_encounter_and_name_neither(log: FeedbackLog) -> None:
    calls = [a_call(), a_call(patient_id="p2"), a_call(encounter_id="p1"), a_call(encounter_id="e2")]
    names = [log.whose(tenant, call) for call in calls for tenant in ("a", "b")]
    distinct = {name for each in names for name in (each.patient, each.encounter) if name}

    assert len(distinct) == 8
    assert all(len(name) == 32 for name in distinct)
    assert log.whose("a", a_call(encounter_id="Encounter/e2")) == log.whose("a", a_call(encounter_id="e2"))


async def test_sqlmodel_reads_a_row_as_the_log_wrote_it(log: FeedbackLog, store: TroubledStore) -> None:
    await log.record([replace(a_feedback(), comment="seen")], SENDER, AS_OF)

    with Session(store.engine) as session:
        row = session.exec(select(FeedbackRow)).one()

    assert (row.tenant, row.client, row.service) == (TENANT, SENDER.client, SENDER.service)
    assert (row.card, row.decision, row.patient, row.critical) == ("card-1", "decision-1", "P", True)
    assert (row.outcome, row.reason, row.outcome_at, row.recorded_at) == (
        "overridden",
        "excluded-by-exam",
        AS_OF,
        AS_OF,
    )


async def test_feedback_that_was_changed_is_an_error_and_not_a_silence(log: FeedbackLog, store: TroubledStore) -> None:
    await log.record([a_feedback()], SENDER, AS_OF)
    with closing(sqlite3.connect(store.path)) as connection, connection:
        connection.execute("UPDATE feedback SET sealed = substr(sealed, 2)")

    with pytest.raises(VaultError, match="damaged or were changed"):
        await log.quiet_for(TENANT, WHOSE, AS_OF)


async def test_a_folder_with_feedback_alone_does_not_get_a_new_key(tmp_path: Path) -> None:
    decisions = open_log(tmp_path)
    decisions.start()
    log = FeedbackLog(decisions)
    await log.record([a_feedback()], SENDER, AS_OF)
    log.close()
    await decisions.stop()
    (tmp_path / KEY_FILE).unlink()

    with pytest.raises(VaultError, match="the key file is missing"):
        open_log(tmp_path)


# ── trouble ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_after_trouble_with_reading_the_next_look_up_works(log: FeedbackLog, store: TroubledStore) -> None:
    await log.record([a_feedback()], SENDER, AS_OF)
    log.close()
    aside = store.path.rename(store.path.with_suffix(".aside"))
    with pytest.raises(StoreError, match="the database cannot be opened"):
        await log.quiet_for(TENANT, WHOSE, AS_OF)
    aside.rename(store.path)

    assert await log.quiet_for(TENANT, WHOSE, AS_OF) == QUIET


async def test_feedback_is_refused_when_nothing_can_be_written(log: FeedbackLog, decisions: DecisionLog) -> None:
    await decisions.stop()

    with pytest.raises(WriteError, match="the database is not open for writing"):
        await log.record([a_feedback()], SENDER, AS_OF)


async def test_a_stopped_log_leaves_no_file_of_its_own(log: FeedbackLog, decisions: DecisionLog) -> None:
    await log.record([a_feedback()], SENDER, AS_OF)
    log.close()
    await decisions.stop()

    folder = decisions.store.path.parent
    assert {path.name for path in folder.iterdir()} == {decisions.store.path.name, KEY_FILE}


# ── the export ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "\n"])
async def test_what_a_spreadsheet_would_run_is_text_in_a_csv(log: FeedbackLog, sign: str) -> None:
    formula = f"{sign}HYPERLINK(1)"
    await log.record([replace(a_feedback(), comment=formula)], SENDER, AS_OF)
    text = as_csv(exported(log, comments=True), comments=True)

    assert f"'{formula}" in text
    assert f",{formula}" not in text


async def test_a_csv_has_a_line_of_names_and_one_for_each_entry(log: FeedbackLog) -> None:
    await log.record([a_feedback(), a_feedback("gone", None)], SENDER, AS_OF)

    assert as_csv(exported(log, comments=False), comments=False).splitlines() == [
        "date,location,client,service,user,topic,indicator,rules,pack,card,decision,action,suggestions,reason,"
        "reasonDisplay,hl7Reason,followUp,facts,received",
        "2026-11-21T09:30:00Z,city-hospital,https://ehr.example.org,leg-pain,Practitioner,legpainredflags,critical,"
        "x/y/1,sha256:0f1e,card-1,decision-1,overridden,,excluded-by-exam,Examined: finding excluded,"
        "cds-not-applicable,,,2026-11-21T09:30:00Z",
        "2026-11-21T09:30:00Z,city-hospital,https://ehr.example.org,leg-pain,,,,,,,,overridden,,,,,,,"
        "2026-11-21T09:30:00Z",
    ]
