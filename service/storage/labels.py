"""
The labels of rule versions, kept for ever: each content once, under its own hash.

Plain SQL beside the sqlmodel table, since the start of the program needs neither SQLAlchemy nor its import. A test
reads the rows back through the table, so the two cannot drift apart.
"""

import sqlite3
import zlib
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from service.storage.database import Store, StoreError, explain

__all__ = ["LabelStore", "StoredLabel"]


@dataclass(frozen=True, slots=True)
class StoredLabel:
    """
    A label without its content.

    Args:
        sha256: of the content. text_sha256: of the rule as it was written, without what it reads from other files.
        pack_id: the pack in which it stood first. stored_at: when that pack was first loaded.
    """

    sha256: str
    rule: str
    version: int
    text_sha256: str
    pack_id: str
    stored_at: datetime


class LabelStore:
    """The table rule_label. Nothing in it is ever changed or removed."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def known(self) -> frozenset[str]:
        """
        The hashes of all stored contents.

        Raises:
            StoreError: the database cannot be read.
        """
        with self._store.reading() as connection:
            return frozenset(sha256 for (sha256,) in connection.execute("SELECT sha256 FROM rule_label"))

    def keep(self, labels: Iterable[tuple[StoredLabel, bytes]]) -> None:
        """
        Store labels with their contents, all or none; one that is stored already stays as it is.

        Raises:
            StoreError: the database cannot be written.
        """
        rows = [_row(label, content) for label, content in labels]
        try:
            with closing(self._store.connect()) as connection:
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany(_INSERT, rows)
                connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise StoreError(self._store.path, *explain(error)) from error

    def of_version(self, rule: str, version: int) -> tuple[StoredLabel, ...]:
        """
        What was ever stored under a version of a rule, newest first; more than one where its content changed.

        Raises:
            StoreError: the database cannot be read.
        """
        with self._store.reading() as connection:
            rows = connection.execute(_OF_VERSION, (rule, version)).fetchall()
        return tuple(map(_stored, rows))

    def content(self, sha256: str) -> bytes | None:
        """
        The content with this hash.

        Raises:
            StoreError: the database cannot be read.
        """
        with self._store.reading() as connection:
            row = connection.execute("SELECT content FROM rule_label WHERE sha256 = ?", (sha256,)).fetchone()
        return None if row is None else zlib.decompress(row[0])


_INSERT = """
INSERT INTO rule_label (sha256, rule, version, text_sha256, pack_id, stored_at, content)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (sha256) DO NOTHING
"""

# The row id is the order of storing; two packs may be loaded within one tick of the clock.
_OF_VERSION = """
SELECT sha256, rule, version, text_sha256, pack_id, stored_at
FROM rule_label WHERE rule = ? AND version = ? ORDER BY rowid DESC
"""


def _stored(row: tuple[Any, ...]) -> StoredLabel:
    sha256, rule, version, text_sha256, pack_id, moment = row
    stored_at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    return StoredLabel(sha256, rule, version, text_sha256, pack_id, stored_at)


def _row(label: StoredLabel, content: bytes) -> tuple[str | int | bytes, ...]:
    moment = label.stored_at.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
    named = (label.sha256, label.rule, label.version, label.text_sha256, label.pack_id)
    return (*named, moment, zlib.compress(content))
