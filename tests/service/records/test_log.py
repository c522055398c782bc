import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from sqlmodel import Session, select

from service.records.log import DecisionLog, RecordingError, open_log
from service.records.vault import KEY_FILE, Vault, VaultError
from service.records.writer import Writer
from service.storage.database import Store, open_store
from service.storage.tables import DecisionRow
from tests.service.records.builders import AS_OF, GatedStore, TroubledStore, a_record

pytestmark = pytest.mark.anyio

MARKER = b"marker-8c1f6e0b7a"


@pytest.fixture
def store(tmp_path: Path) -> TroubledStore:
    return TroubledStore(open_store(tmp_path / "data").path)


@pytest.fixture
def vault(store: Store) -> Vault:
    return Vault.open(store.path.parent)


@pytest.fixture
async def log(store: TroubledStore, vault: Vault) -> AsyncIterator[DecisionLog]:
    log = DecisionLog(store, vault, Writer(store, patience=0.05, retry=60))
    log.start()
    yield log
    await log.stop()


@pytest.fixture
def gated(store: TroubledStore) -> Iterator[GatedStore]:
    gated = GatedStore(store.path)
    yield gated
    gated.gate.set()


async def with_the_writer_at_the_gate(log: DecisionLog, gated: GatedStore) -> asyncio.Task[None]:
    """Starts the log; the writer has then taken decision-0 alone and waits, so all that follows queues behind it."""
    log.start()
    first = asyncio.create_task(log.record(a_record("decision-0")))
    await asyncio.to_thread(gated.reached.wait)
    return first


async def queued(log: DecisionLog, *ids: str) -> list[asyncio.Task[None]]:
    tasks = [asyncio.create_task(log.record(a_record(id))) for id in ids]
    await asyncio.sleep(0)
    return tasks


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110  the writer thread sets no event
        await asyncio.sleep(0.01)


def stored_ids(store: Store) -> list[str]:
    with closing(sqlite3.connect(store.path)) as connection:
        return sorted(id for (id,) in connection.execute("SELECT id FROM decision"))


# ── the data folder ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_folder_whose_key_was_lost_is_refused_instead_of_given_a_new_key(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.start()
    await log.record(a_record("decision-0"))
    await log.stop()
    (tmp_path / KEY_FILE).unlink()

    with pytest.raises(VaultError, match="the key file is missing, and the database beside it holds facts"):
        open_log(tmp_path)

    assert not (tmp_path / KEY_FILE).exists()


def test_a_folder_without_decisions_gets_a_key_as_often_as_it_needs_one(tmp_path: Path) -> None:
    open_log(tmp_path)
    (tmp_path / KEY_FILE).unlink()

    open_log(tmp_path)

    assert (tmp_path / KEY_FILE).exists()


# ── what was recorded is found again ─────────────────────────────────────────────────────────────────────────────────


async def test_a_recorded_decision_is_found_as_it_was(log: DecisionLog) -> None:
    record = a_record(facts=os.urandom(20_000))

    await log.record(record)

    assert log.find("decision-1") == record


async def test_a_decision_that_was_not_recorded_is_none(log: DecisionLog) -> None:
    assert log.find("decision-1") is None


async def test_a_time_in_another_zone_comes_back_as_the_same_moment_in_utc(log: DecisionLog) -> None:
    await log.record(a_record(as_of=AS_OF.astimezone(timezone(timedelta(hours=-5)))))

    found = log.find("decision-1")
    assert found is not None
    assert (found.as_of, found.as_of.utcoffset()) == (AS_OF, timedelta(0))


async def test_the_latest_come_first_and_no_more_than_asked_for(log: DecisionLog) -> None:
    for id in ("decision-1", "decision-2", "decision-3"):
        await log.record(a_record(id))

    assert [record.id for record in log.latest(2)] == ["decision-3", "decision-2"]


async def test_the_same_decision_twice_is_one_row_and_the_first_stays(log: DecisionLog, store: Store) -> None:
    await log.record(a_record(summary=b"{}"))
    await asyncio.gather(log.record(a_record()), log.record(a_record()))

    assert stored_ids(store) == ["decision-1"]
    assert log.latest(9) == [a_record(summary=b"{}")]


async def test_sqlmodel_reads_a_row_as_the_log_wrote_it(log: DecisionLog, store: Store, vault: Vault) -> None:
    before = datetime.now(UTC)
    record = a_record()
    await log.record(record)

    with Session(store.engine) as session:
        row = session.exec(select(DecisionRow)).one()

    kept = {name: getattr(row, name) for name in record.__slots__}
    assert replace(record, facts=row.facts) == type(record)(**kept)
    assert row.facts_key == vault.encrypt(b"")[0]
    assert before <= row.recorded_at <= datetime.now(UTC)


async def test_facts_cannot_be_read_in_any_file(log: DecisionLog, store: Store) -> None:
    await log.record(a_record(summary=b'{"silent": "%b"}' % MARKER[::-1], facts=MARKER))

    content = b"".join(path.read_bytes() for path in store.path.parent.iterdir() if path.name != KEY_FILE)
    assert MARKER[::-1] in content  # the search does find what is stored plainly
    assert MARKER not in content


async def test_facts_of_a_lost_key_are_a_clear_error(log: DecisionLog, store: Store) -> None:
    await log.record(a_record())
    (store.path.parent / KEY_FILE).write_bytes(Fernet.generate_key())
    other = DecisionLog(store, Vault.open(store.path.parent))

    with pytest.raises(VaultError, match="which is not in the file"):
        other.find("decision-1")


# ── many callers ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_64_callers_at_once_share_two_commits(gated: GatedStore, vault: Vault) -> None:
    log = DecisionLog(gated, vault)
    first = await with_the_writer_at_the_gate(log, gated)
    others = await queued(log, *(f"decision-{number}" for number in range(1, 64)))
    gated.gate.set()
    await asyncio.gather(first, *others)
    await log.stop()

    assert len(stored_ids(gated)) == 64
    assert gated.commits == 2


async def test_more_than_fit_in_one_commit_are_all_stored(log: DecisionLog, store: Store) -> None:
    await asyncio.gather(*(log.record(a_record(f"decision-{number}")) for number in range(600)))

    assert len(stored_ids(store)) == 600


async def test_a_caller_that_gives_up_takes_no_other_along(gated: GatedStore, vault: Vault) -> None:
    log = DecisionLog(gated, vault)
    first = await with_the_writer_at_the_gate(log, gated)
    leaving, staying = await queued(log, "decision-1", "decision-2")
    leaving.cancel()
    gated.gate.set()
    await asyncio.gather(first, staying)
    await log.stop()

    assert leaving.cancelled()
    assert stored_ids(gated) == ["decision-0", "decision-1", "decision-2"]


async def test_one_more_than_may_wait_is_refused_at_once(gated: GatedStore, vault: Vault) -> None:
    log = DecisionLog(gated, vault, Writer(gated, queue_limit=2))
    first = await with_the_writer_at_the_gate(log, gated)
    waiting = await queued(log, "decision-1", "decision-2")

    with pytest.raises(RecordingError, match="not recorded: 2 others are waiting already"):
        await log.record(a_record("decision-3"))

    gated.gate.set()
    await asyncio.gather(first, *waiting)
    await log.stop()
    assert stored_ids(gated) == ["decision-0", "decision-1", "decision-2"]


def test_a_caller_whose_event_loop_is_gone_does_not_stop_the_writer(gated: GatedStore, vault: Vault) -> None:
    log = DecisionLog(gated, vault)

    async def leave_early() -> None:
        (await with_the_writer_at_the_gate(log, gated)).cancel()

    asyncio.run(leave_early())
    gated.gate.set()
    asyncio.run(log.record(a_record("decision-1")))
    asyncio.run(log.stop())

    assert stored_ids(gated) == ["decision-0", "decision-1"]


# ── start and stop ───────────────────────────────────────────────────────────────────────────────────────────────────


async def test_stop_writes_all_that_wait(gated: GatedStore, vault: Vault) -> None:
    log = DecisionLog(gated, vault)
    first = await with_the_writer_at_the_gate(log, gated)
    waiting = await queued(log, "decision-1", "decision-2")
    stopping = asyncio.create_task(log.stop())
    await asyncio.sleep(0)
    gated.gate.set()
    await asyncio.gather(first, *waiting, stopping)

    assert stored_ids(gated) == ["decision-0", "decision-1", "decision-2"]


async def test_a_stopped_log_leaves_one_file_refuses_records_and_can_start_again(
    store: TroubledStore, vault: Vault
) -> None:
    log = DecisionLog(store, vault)
    log.start()
    await log.record(a_record())
    await log.stop()

    assert {path.name for path in store.path.parent.iterdir()} == {store.path.name, KEY_FILE}
    with pytest.raises(RecordingError, match="not recorded: the database is not open for writing"):
        await log.record(a_record("decision-2"))
    log.start()
    await log.record(a_record("decision-3"))
    await log.stop()
    assert stored_ids(store) == ["decision-1", "decision-3"]


async def test_a_log_that_does_not_run_is_not_healthy(store: TroubledStore, vault: Vault) -> None:
    log = DecisionLog(store, vault)

    before = log.healthy
    log.start()
    during = log.healthy
    await log.stop()

    assert (before, during, log.healthy) == (False, True, False)


async def test_start_and_stop_twice_do_no_harm(log: DecisionLog) -> None:
    log.start()
    await log.record(a_record())
    await log.stop()
    await log.stop()

    assert log.find("decision-1") == a_record()


# ── trouble ──────────────────────────────────────────────────────────────────────────────────────────────────────────

TROUBLE = {
    "PRAGMA max_page_count = 1": "The decision was not recorded: the disk is full. Free some space.",
    "PRAGMA query_only = ON": "The decision was not recorded: the database cannot be written. "
    "Make the file and its folder writable for the user that runs the program.",
}


@pytest.mark.parametrize(("trouble", "text"), TROUBLE.items(), ids=["disk full", "read-only"])
async def test_after_trouble_the_log_goes_on_without_a_restart(
    log: DecisionLog, store: TroubledStore, trouble: str, text: str
) -> None:
    store.trouble = trouble
    results = await asyncio.gather(
        *(log.record(a_record(f"decision-{number}", facts=os.urandom(50_000))) for number in range(3)),
        return_exceptions=True,
    )
    unhealthy = not log.healthy
    store.trouble = None
    await log.record(a_record("decision-9"))

    assert [str(result) for result in results] == [text] * 3
    assert {type(result) for result in results} == {RecordingError}
    assert unhealthy
    assert log.healthy
    assert stored_ids(store) == ["decision-9"]


async def test_a_database_held_by_another_program_is_tried_again(log: DecisionLog, store: TroubledStore) -> None:
    await log.record(a_record("decision-1"))
    with closing(store.connect()) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(RecordingError, match="not recorded: another program holds the database"):
            await log.record(a_record("decision-2"))
        unhealthy = not log.healthy
    await log.record(a_record("decision-3"))

    assert unhealthy
    assert log.healthy
    assert stored_ids(store) == ["decision-1", "decision-3"]


async def test_a_log_that_failed_recovers_without_a_further_record(store: TroubledStore, vault: Vault) -> None:
    log = DecisionLog(store, vault, Writer(store, retry=0.01))
    log.start()
    store.trouble = "PRAGMA query_only = ON"
    with pytest.raises(RecordingError):
        await log.record(a_record())
    await until(lambda: len(store.opened) > 3)  # it tries, and fails, again and again
    unhealthy = not log.healthy
    store.trouble = None
    await until(lambda: log.healthy)
    await log.stop()

    assert unhealthy
    assert stored_ids(store) == []


async def test_a_connection_that_broke_is_opened_anew(log: DecisionLog, store: TroubledStore) -> None:
    await log.record(a_record("decision-1"))
    store.opened[-1].close()

    with pytest.raises(RecordingError, match="the database answered ProgrammingError"):
        await log.record(a_record("decision-2"))

    await log.record(a_record("decision-3"))
    assert stored_ids(store) == ["decision-1", "decision-3"]


async def test_a_database_that_was_taken_away_is_not_made_anew(log: DecisionLog, store: TroubledStore) -> None:
    aside = store.path.rename(store.path.with_suffix(".aside"))

    with pytest.raises(RecordingError, match="the database cannot be opened"):
        await log.record(a_record("decision-1"))

    assert not store.path.exists()
    aside.rename(store.path)
    await log.record(a_record("decision-2"))
    assert stored_ids(store) == ["decision-2"]


async def test_a_record_that_cannot_be_written_fails_alone_and_is_not_quoted(gated: GatedStore, vault: Vault) -> None:
    log = DecisionLog(gated, vault)
    first = await with_the_writer_at_the_gate(log, gated)
    half_a_pair = asyncio.create_task(log.record(a_record("decision-1", hook_instance="secret \ud800")))
    no_summary = asyncio.create_task(log.record(a_record("decision-2", summary=None)))  # type: ignore[arg-type]  # under test
    (good,) = await queued(log, "decision-3")
    gated.gate.set()
    results = await asyncio.gather(first, half_a_pair, no_summary, good, return_exceptions=True)
    healthy = log.healthy
    await log.stop()

    assert [str(result) for result in results] == [
        "None",
        "The decision was not recorded: it raised UnicodeEncodeError.",
        "The decision was not recorded: the database answered SQLITE_CONSTRAINT_NOTNULL. "
        "Look it up at sqlite.org/rescode.html.",
        "None",
    ]
    assert healthy
    assert stored_ids(gated) == ["decision-0", "decision-3"]
