import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError, StatementError
from sqlmodel import Session, select

import service
from service.storage.database import DATABASE_FILE, Store, StoreError, explain, open_store
from service.storage.tables import DecisionRow

ROOT = Path(service.__file__).parent.parent


def a_row(**changes: Any) -> DecisionRow:
    now = datetime.fromisoformat("2026-11-21T09:30:00+00:00")
    texts = dict.fromkeys(("tenant", "client", "service", "hook", "hook_instance", "pack_id", "engine_version"), "x")
    values: dict[str, Any] = {
        "id": "1",
        "as_of": now,
        "recorded_at": now,
        "summary": b"{}",
        "facts": b"",
        "facts_key": "k",
        **texts,
    }
    return DecisionRow(**{**values, **changes})


def pragma(store: Store, name: str) -> object:
    with closing(store.connect()) as connection:
        return connection.execute(f"PRAGMA {name}").fetchone()[0]


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def python(code: str, folder: Path) -> "subprocess.Popen[str]":
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code, str(folder)], stderr=subprocess.PIPE, text=True, env=environment
    )


# ── opening ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_folder_and_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    store = open_store(tmp_path / "new" / "data")

    with closing(store.connect()) as connection:
        connection.execute("BEGIN IMMEDIATE")
        modes = {path.name: mode_of(path) for path in store.path.parent.iterdir()}

    assert mode_of(store.path.parent) == 0o700
    assert modes == {DATABASE_FILE: 0o600, f"{DATABASE_FILE}-wal": 0o600, f"{DATABASE_FILE}-shm": 0o600}


def test_a_commit_is_on_disk_and_readers_do_not_wait_for_the_writer(tmp_path: Path) -> None:
    store = open_store(tmp_path)

    found = {name: pragma(store, name) for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")}

    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}


def test_a_second_opening_keeps_what_is_there(tmp_path: Path) -> None:
    with Session(open_store(tmp_path).engine) as session:
        session.add(a_row())
        session.commit()

    with Session(open_store(tmp_path).engine) as session:
        assert session.exec(select(DecisionRow.id)).all() == ["1"]


def test_a_start_on_the_newest_revision_imports_neither_sqlalchemy_nor_alembic(tmp_path: Path) -> None:
    open_store(tmp_path)
    code = """
import sys
from pathlib import Path
from typing import Any
from service.storage.database import open_store
open_store(Path(sys.argv[1]))
sys.exit(" ".join({"alembic", "sqlalchemy", "sqlmodel"} & sys.modules.keys()))
"""

    _, imported = python(code, tmp_path).communicate()

    assert imported.strip() == ""


def test_four_programs_that_start_at_once_in_a_new_folder_all_open_it(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from typing import Any
from service.records.vault import Vault
from service.storage.database import open_store
store = open_store(Path(sys.argv[1]))
vault = Vault.open(store.path.parent)
sys.exit(repr(vault))
"""
    programs = [python(code, tmp_path / "data") for _ in range(4)]

    answers = {program.communicate()[1] for program in programs}

    assert len(answers) == 1
    assert answers.pop().startswith("Vault(1 key, newest ")


def test_the_folder_may_have_any_name(tmp_path: Path) -> None:
    store = open_store(tmp_path / "50% of {all} data? #1 ü")

    assert pragma(store, "journal_mode") == "wal"


# ── sessions ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_session_undoes_what_it_did_not_commit(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    with Session(store.engine) as session:
        session.add(a_row())
        session.flush()

    with Session(store.engine) as session:
        assert session.exec(select(DecisionRow)).all() == []


def test_an_error_of_a_session_shows_no_values(tmp_path: Path) -> None:
    with Session(open_store(tmp_path).engine) as session:
        session.add(a_row(tenant="secret", summary=None))
        with pytest.raises(IntegrityError) as caught:
            session.commit()

    assert "secret" not in str(caught.value)


def test_a_time_without_a_zone_is_refused(tmp_path: Path) -> None:
    with Session(open_store(tmp_path).engine) as session:
        session.add(a_row(as_of=datetime(2026, 11, 21)))  # noqa: DTZ001  the mistake under test
        with pytest.raises(StatementError, match="must have timezone information"):
            session.commit()


def test_a_reading_connection_cannot_write(tmp_path: Path) -> None:
    store = open_store(tmp_path)

    with pytest.raises(StoreError, match="the database cannot be written"), store.reading() as connection:
        connection.execute("DELETE FROM decision")


# ── what can be wrong ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def others_database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(tmp_path / DATABASE_FILE, isolation_level=None)) as connection:
        yield connection


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(StoreError) as caught:
        open_store(tmp_path / "file" / "data")

    assert str(caught.value) == (
        f"{tmp_path}/file/data: the data folder cannot be made (Not a directory). "
        "Name a folder that the user that runs the program may make, or make it for that user."
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)

    with pytest.raises(StoreError, match=r"the database cannot be made \(Permission denied\)\. Make the data folder"):
        open_store(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_database_that_cannot_be_written_is_found_at_the_start(tmp_path: Path) -> None:
    open_store(tmp_path).path.chmod(0o400)

    with pytest.raises(StoreError, match="Make the file and its folder writable"):
        open_store(tmp_path)


def test_a_folder_in_the_place_of_the_database_is_named(tmp_path: Path) -> None:
    (tmp_path / DATABASE_FILE).mkdir()

    with pytest.raises(StoreError, match=rf"{DATABASE_FILE}: the database cannot be opened\."):
        open_store(tmp_path)


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / DATABASE_FILE
    path.write_bytes(b"Dear diary, " * 100)

    with pytest.raises(StoreError) as caught:
        open_store(tmp_path)

    assert str(caught.value) == (
        f"{path}: the file is not an SQLite database. Name another data folder, or move the file away."
    )
    assert path.read_bytes() == b"Dear diary, " * 100


def test_the_database_of_another_program_is_refused_and_left_alone(
    tmp_path: Path, others_database: sqlite3.Connection
) -> None:
    others_database.execute("CREATE TABLE diary (day)")

    with pytest.raises(StoreError, match="this is the database of another program"):
        open_store(tmp_path)

    assert others_database.execute("SELECT name FROM sqlite_schema").fetchall() == [("diary",)]
    assert others_database.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_a_database_newer_than_the_program_is_refused(tmp_path: Path, others_database: sqlite3.Connection) -> None:
    open_store(tmp_path)
    others_database.execute("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(StoreError, match=r"at revision 9999, and this program .* Run the newer version"):
        open_store(tmp_path)


def test_an_upgrade_that_sqlite_refuses_is_an_error_of_the_store(
    tmp_path: Path, others_database: sqlite3.Connection
) -> None:
    others_database.execute("CREATE TABLE alembic_version (version_num)")
    others_database.execute("CREATE TABLE decision (id)")

    with pytest.raises(StoreError, match="the database answered SQLITE_ERROR"):
        open_store(tmp_path)


@pytest.mark.parametrize(
    ("code", "what"),
    [
        (sqlite3.SQLITE_BUSY, "another program holds the database."),
        (sqlite3.SQLITE_READONLY_DBMOVED, "the database cannot be written."),
        (sqlite3.SQLITE_IOERR_FSYNC, "the disk failed to read or write."),
        (sqlite3.SQLITE_CORRUPT, "the database is damaged."),
        (sqlite3.SQLITE_FULL, "the disk is full."),
    ],
)
def test_what_sqlite_answers_is_said_in_our_words(code: int, what: str) -> None:
    error = sqlite3.OperationalError("secret")
    error.sqlite_errorcode = code

    assert explain(error)[0] == what


def test_an_answer_of_sqlite_that_we_have_no_words_for_is_named() -> None:
    what, mend = explain(sqlite3.ProgrammingError("secret"))

    assert (what, mend) == ("the database answered ProgrammingError.", "Look it up at sqlite.org/rescode.html.")
