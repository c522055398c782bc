"""
The decision log: a call is answered only after its record is on disk.

The writer also compresses and encrypts, so the event loop only queues.
"""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from service.records.decision import DecisionRecord
from service.records.rows import ANY, CARDS, FIND, INSERT, LATEST, card_rows, to_record, to_row
from service.records.vault import Vault
from service.records.writer import WriteError, Writer
from service.storage.database import Store, open_store

__all__ = ["DecisionLog", "RecordingError", "open_log"]


class RecordingError(WriteError):
    """
    A decision was not recorded, or it is not certain that it was. Its text holds no path and nothing of the record.

    Recording the same decision again is safe: it is stored once.
    """

    def __init__(self, why: str) -> None:
        super().__init__(f"The decision was not recorded: {why}")


class DecisionLog:
    """
    Records decisions durably and finds them again.

    Args:
        store: the opened database. vault: the keys for the facts.
        writer: of that database; others may write with it too. Without one, the log has its own.
    """

    def __init__(self, store: Store, vault: Vault, writer: Writer | None = None) -> None:
        self.store = store
        self.vault = vault
        self.writer = writer or Writer(store)

    def start(self) -> None:
        """Start the writer; does nothing if it runs."""
        self.writer.start()

    async def stop(self) -> None:
        """Refuse new records, write all that wait, and close the database; does nothing if it does not run."""
        await self.writer.stop()

    @property
    def healthy(self) -> bool:
        """Whether the writer runs and its last commit succeeded."""
        return self.writer.healthy

    async def record(self, record: DecisionRecord) -> None:
        """
        Record a decision; returns only after the commit that holds it. The same id twice is one record, the first.

        A caller may be cancelled, such as by a timeout; its record is then most likely stored, and no other suffers.

        Raises:
            RecordingError: not running, too many waiting, or the commit failed.
        """

        def insert(connection: sqlite3.Connection) -> None:
            connection.execute(INSERT, to_row(record, self.vault, datetime.now(UTC)))
            connection.executemany(CARDS, card_rows(record))

        try:
            await self.writer.write(insert)
        except WriteError as error:
            raise RecordingError(str(error)) from None

    def find(self, id: str) -> DecisionRecord | None:
        """
        The record with this id. Reads the disk: from async code, call it in a thread.

        Raises:
            StoreError: the database cannot be read.
            VaultError: the key of its facts is missing, or the facts were changed.
        """
        with self.store.reading() as connection:
            row = connection.execute(FIND, (id,)).fetchone()
        return None if row is None else to_record(row, self.vault)

    def latest(self, n: int) -> list[DecisionRecord]:
        """
        The n records stored last, newest first. Reads the disk: from async code, call it in a thread.

        Raises:
            StoreError: the database cannot be read.
            VaultError: the key of some facts is missing, or the facts were changed.
        """
        with self.store.reading() as connection:
            rows = connection.execute(LATEST, (n,)).fetchall()
        return [to_record(row, self.vault) for row in rows]


def open_log(folder: Path) -> DecisionLog:
    """
    The decision log of a data folder, not yet started; makes the folder, the database and the key if they are missing.

    Raises:
        StoreError: the folder or the database cannot be used.
        VaultError: the key file cannot be used, or it is missing while there are decisions.
    """
    store = open_store(folder)
    with store.reading() as connection:
        (used,) = connection.execute(ANY).fetchone()
    return DecisionLog(store, Vault.open(folder, used=bool(used)))
