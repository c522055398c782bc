"""
The one writer of the database: whoever writes waits until it is on disk.

    write() ──▶ queue ──▶ writer thread: everything that waits ──▶ one commit ──▶ all its callers go on

One commit with synchronous=FULL costs a disk flush, and many callers share it. Whatever goes wrong, the callers of that
batch get a WriteError, and the writer tries the next batch on a new connection; without a next one, it tries by itself.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from rules.engine.errors import RecumbentError
from service.storage.database import Store, explain

__all__ = ["Job", "WriteError", "Writer"]

Job = Callable[[sqlite3.Connection], None]
"""What one caller writes, inside the transaction of the batch; it neither begins nor commits one."""

_QUEUE_LIMIT = 1000
"""Jobs that may wait: well under a second of work for a disk in order, and at most some 50 MB of memory."""

_BATCH_LIMIT = 256
"""Jobs in one commit: so many that a flush costs each almost nothing, so few that the first need not wait long."""

_PATIENCE = 1.0
"""Seconds to wait while another program holds the database; a caller with less time cancels its own waiting."""

_RETRY = 1.0
"""Seconds after a failure until the writer tries by itself whether the database can be written again."""

_FAULTS_OF_ONE_JOB = (
    sqlite3.DataError,
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
    AttributeError,
    TypeError,
    ValueError,
)


class WriteError(RecumbentError):
    """Something was not written, or it is not certain that it was. Its text holds no path and nothing of the rows."""


@dataclass(slots=True, eq=False)
class _Call:
    """One caller that waits; failure is set by the writer before it answers."""

    job: Job
    stored: asyncio.Future[None]
    failure: str | None = None

    def answer(self) -> None:
        if self.stored.done():  # cancelled meanwhile; the rows are kept all the same
            return
        if self.failure is None:
            self.stored.set_result(None)
        else:
            self.stored.set_exception(WriteError(self.failure))


class Writer:
    """
    Runs jobs durably, in the order in which they come.

    Args:
        store: the opened database.
        queue_limit: how many jobs may wait; one more is refused at once.
        patience: seconds to wait while another program holds the database.
        retry: seconds after a failure until the database is tried without a job.
    """

    def __init__(
        self, store: Store, *, queue_limit: int = _QUEUE_LIMIT, patience: float = _PATIENCE, retry: float = _RETRY
    ) -> None:
        self._store = store
        self._queue_limit = queue_limit
        self._patience = patience
        self._retry = retry
        self._queue: SimpleQueue[_Call | None] = SimpleQueue()
        self._open = False
        self._gate = threading.Lock()  # nothing may enter the queue behind the end mark, where nobody would read it
        self._thread: threading.Thread | None = None
        self._connection: sqlite3.Connection | None = None
        self._failing = False

    # ── for callers ──────────────────────────────────────────────────────────────────────────────────────────────────

    def start(self) -> None:
        """Start the writer; does nothing if it runs."""
        if self._thread is not None:
            return
        self._open = True
        # A daemon, so that a program that forgot stop() can still end; what was acknowledged is on disk by then.
        self._thread = threading.Thread(target=self._run, name="database-writer", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """Refuse new jobs, write all that wait, and close the database; does nothing if it does not run."""
        with self._gate:
            if self._open:
                self._queue.put(None)
            self._open = False
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)
            self._thread = None

    @property
    def healthy(self) -> bool:
        """
        Whether the writer runs and its last commit succeeded.

        It recovers without calls too, so a probe that turns them away while it is False does not keep it so.
        """
        return self._open and not self._failing

    async def write(self, job: Job) -> None:
        """
        Run a job; returns only after the commit that holds it. A job that fails leaves nothing of itself.

        A caller may be cancelled, such as by a timeout; its rows are then most likely stored, and no other suffers.

        Raises:
            WriteError: not running, too many waiting, or the commit failed.
        """
        call = _Call(job, asyncio.get_running_loop().create_future())
        self._enqueue(call)
        await call.stored

    def _enqueue(self, call: _Call) -> None:
        with self._gate:
            if not self._open:
                raise WriteError("the database is not open for writing.")
            if self._queue.qsize() >= self._queue_limit:
                raise WriteError(f"{self._queue_limit} others are waiting already.")
            self._queue.put(call)

    # ── in the writer thread ─────────────────────────────────────────────────────────────────────────────────────────

    def _run(self) -> None:
        for batch in self._batches():
            self._store_batch(batch)
            _answer(batch)
        self._disconnect()

    def _batches(self) -> Iterator[list[_Call]]:
        """All that waits, again and again, until the end mark."""
        batch: list[_Call] = []
        for call in iter(self._next, None):
            batch.append(call)
            if len(batch) >= _BATCH_LIMIT or self._queue.empty():
                yield batch
                batch = []
        if batch:
            yield batch

    def _next(self) -> _Call | None:
        while self._failing:
            with suppress(Empty):
                return self._queue.get(timeout=self._retry)
            self._store_batch([])
        return self._queue.get()

    def _store_batch(self, batch: list[_Call]) -> None:
        try:
            self._commit(batch)
        except Exception as error:  # noqa: BLE001  a writer that ends would leave every later caller waiting for ever
            self._disconnect()  # which also rolls back; a new connection has none of the old one's trouble
            self._failing = True
            for call in batch:
                call.failure = _why(error)
        else:
            self._failing = False

    def _commit(self, batch: list[_Call]) -> None:
        if self._connection is None:
            self._connection = self._store.connect(self._patience)
        self._connection.execute("BEGIN IMMEDIATE")
        if not batch:
            self._connection.execute("PRAGMA user_version = 0")  # or the commit would write nothing, and prove nothing
        for call in batch:
            _do(self._connection, call)
        self._connection.execute("COMMIT")

    def _disconnect(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error), closing(self._connection):
                self._connection = None


def _do(connection: sqlite3.Connection, call: _Call) -> None:
    """A job that cannot be done, such as with half a surrogate pair, fails alone."""
    connection.execute("SAVEPOINT job")
    try:
        call.job(connection)
    except _FAULTS_OF_ONE_JOB as error:
        call.failure = _why(error)
        connection.execute("ROLLBACK TO job")
    connection.execute("RELEASE job")


def _answer(batch: list[_Call]) -> None:
    """Wake the callers: once per event loop, since each waking costs a system call."""
    for loop in {call.stored.get_loop() for call in batch}:
        calls = [call for call in batch if call.stored.get_loop() is loop]
        with suppress(RuntimeError):  # the loop is closed, so nobody waits
            loop.call_soon_threadsafe(_answer_all, calls)


def _answer_all(calls: list[_Call]) -> None:
    for call in calls:
        call.answer()


def _why(error: Exception) -> str:
    """In our words: those of the error may hold a value of the rows."""
    if isinstance(error, sqlite3.Error):
        return " ".join(explain(error))
    return f"it raised {type(error).__name__}."
