"""
The embedded database: one SQLite file in the data folder, opened once at the start.

    open_store(folder) ──▶ folder 0700, file 0600 ──▶ ours? ──▶ WAL ──▶ newest revision ──▶ Store

SQLAlchemy and alembic are imported inside the functions that need them: a start that finds the newest revision needs
neither, and importing them takes longer than all the rest of it.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rules.engine.errors import RecumbentError

if TYPE_CHECKING:
    from sqlalchemy import Engine

__all__ = ["DATABASE_FILE", "Reader", "Store", "StoreError", "explain", "open_store", "revisions"]

DATABASE_FILE = "recumbent.db"
_PATIENCE = 5.0
_REVISIONS = Path(__file__).parent / "migrations" / "versions"

# By SQLite's primary result code: what is wrong, and what to do.
_MOVE = "Name another data folder, or move the file away."
_FREE = "Wait for the other program, or stop it."
_ALLOW = "Make the file and its folder writable for the user that runs the program."
_RESTORE = "Restore it from a backup."
_CAUSES = {
    sqlite3.SQLITE_PERM: ("the database may not be opened.", _ALLOW),
    sqlite3.SQLITE_BUSY: ("another program holds the database.", _FREE),
    sqlite3.SQLITE_LOCKED: ("another program holds the database.", _FREE),
    sqlite3.SQLITE_READONLY: ("the database cannot be written.", _ALLOW),
    sqlite3.SQLITE_IOERR: ("the disk failed to read or write.", "Look at the disk and the system's log."),
    sqlite3.SQLITE_CORRUPT: ("the database is damaged.", _RESTORE),
    sqlite3.SQLITE_FULL: ("the disk is full.", "Free some space."),
    sqlite3.SQLITE_CANTOPEN: ("the database cannot be opened.", _ALLOW),
    sqlite3.SQLITE_NOTADB: ("the file is not an SQLite database.", _MOVE),
}


class StoreError(RecumbentError):
    """
    The data folder or its database cannot be used: where, what, and how to mend it. Holds no values.

    Args:
        place: the folder or file.
    """

    def __init__(self, place: Path, what: str, mend: str) -> None:
        super().__init__(f"{place}: {what} {mend}")


class Store:
    """
    The opened database; hands out connections and keeps none.

    Args:
        path: the database file, which exists and is at the newest revision.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __repr__(self) -> str:
        return f"Store({str(self.path)!r})"

    def connect(self, patience: float = _PATIENCE) -> sqlite3.Connection:
        """
        A new connection in autocommit mode, so that transactions stand in the code; may be used from any thread.

        Args:
            patience: seconds to wait while another connection writes.

        Raises:
            sqlite3.Error: the file cannot be opened; a missing one is not made.
        """
        where = f"{self.path.absolute().as_uri()}?mode=rw"
        connection = sqlite3.connect(where, patience, uri=True, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA synchronous = FULL")  # a commit is on disk, also when the power fails
            connection.execute("PRAGMA foreign_keys = ON")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """
        A connection that cannot write, for the length of a with-block.

        Raises:
            StoreError: the database cannot be read.
        """
        with _explained(self.path), closing(self.connect()) as connection:
            connection.execute("PRAGMA query_only = ON")
            yield connection

    @cached_property
    def engine(self) -> "Engine":
        """For sqlmodel sessions. Opens a connection for each: a few hundred µs, and none is left open at the end."""
        from sqlalchemy import URL, NullPool, create_engine, event

        # hide_parameters: an error of SQLAlchemy would print the values of the row into the log.
        url = URL.create("sqlite", database=str(self.path))
        engine = create_engine(url, creator=self.connect, poolclass=NullPool, hide_parameters=True)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
        return engine


class Reader:
    """
    A connection that is kept open for reading, since opening one costs 30 times as much as a look-up by an index.

    For any thread, one at a time. After a failure it is opened anew.

    Args:
        patience: seconds to wait while another program holds the whole database; all other readers wait behind.
    """

    def __init__(self, store: Store, patience: float = 0.1) -> None:
        self._store = store
        self._patience = patience
        self._one_at_a_time = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def fetch(self, query: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """
        The rows of a query. Reads the disk: from async code, call it in a thread.

        Raises:
            StoreError: the database cannot be read.
        """
        with self._one_at_a_time, _explained(self._store.path):
            try:
                if self._connection is None:
                    self._connection = self._store.connect(self._patience)
                    self._connection.execute("PRAGMA query_only = ON")
                return self._connection.execute(query, values).fetchall()
            except sqlite3.Error:
                self._drop()
                raise

    def close(self) -> None:
        """Close the connection; the next fetch opens another."""
        with self._one_at_a_time:
            self._drop()

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def open_store(folder: Path) -> Store:
    """
    Open the database of a data folder; makes both when they are missing, and brings the tables up to date.

    Args:
        folder: where the program keeps its data; its parent exists or can be made.

    Raises:
        StoreError: the folder or file cannot be made or written, the file is not our database, or it is newer than
            this program.
    """
    store = Store(folder / DATABASE_FILE)
    _make_folder(folder)
    _make_file(store.path)
    with _explained(store.path):
        revision = _revision(store)  # first: another program's file is left as it is
        _use_wal(store)
    if revision != revisions()[-1]:
        _upgrade(store)
    return store


def explain(error: sqlite3.Error) -> tuple[str, str]:
    """What is wrong, and what to do about it, in words without values or paths."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest of the code is detail
    return _CAUSES.get(code, (f"the database answered {_error_name(error)}.", "Look it up at sqlite.org/rescode.html."))


def revisions() -> list[str]:
    """All revisions, oldest first, from the names of their files: 0001_decision.py is revision 0001."""
    return sorted(path.name.split("_")[0] for path in _REVISIONS.glob("[0-9]*_*.py"))


def _error_name(error: sqlite3.Error) -> str:
    return getattr(error, "sqlite_errorname", type(error).__name__)


@contextmanager
def _explained(place: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(place, *explain(error)) from error


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            folder,
            f"the data folder cannot be made ({error.strerror}).",
            "Name a folder that the user that runs the program may make, or make it for that user.",
        ) from error


def _make_file(path: Path) -> None:
    """SQLite would make it too, but readable for others; its -wal and -shm files take the permissions of this one."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return
    except OSError as error:
        raise StoreError(
            path,
            f"the database cannot be made ({error.strerror}).",
            "Make the data folder writable for the user that runs the program.",
        ) from error


def _use_wal(store: Store) -> None:
    """Readers and the writer do not wait for each other then, and a commit is one flush. The file remembers it."""
    with closing(store.connect()) as connection:
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise StoreError(
            store.path,
            "the file system cannot hold a database in WAL mode.",
            "Name a data folder on a local disk; network file systems do not work.",
        )


def _revision(store: Store) -> str | None:
    """
    The revision that the database is at; None for a new one. Also proves that it can be written.

    Raises:
        StoreError: some other program's database, or made by a newer version of this one.
    """
    with closing(store.connect()) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("PRAGMA user_version = 0")  # fails where BEGIN would quietly only read; undone at the end
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        if not tables:
            return None
        if "alembic_version" not in tables:
            raise StoreError(store.path, "this is the database of another program.", _MOVE)
        found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    revision = found[0] if found else None
    if revision is not None and revision not in revisions():
        raise StoreError(
            store.path,
            f"the database is at revision {revision}, and this program knows it only up to {revisions()[-1]}.",
            "Run the newer version of the program that wrote it, or restore a backup from before the update.",
        )
    return revision


def _upgrade(store: Store) -> None:
    from sqlalchemy.exc import DBAPIError

    from service.storage.migrations.run import upgrade

    try:
        upgrade(store.path)
    except DBAPIError as error:
        if isinstance(error.orig, sqlite3.Error):
            raise StoreError(store.path, *explain(error.orig)) from error
        raise
