"""
The feedback log: what clinicians did with cards is on disk before the client hears that it came, and holds from the
next call on.

    entries ──▶ the decision of each card ──▶ rows, sealed ──▶ one job of the writer      record()
    a call  ──▶ the last override of each card of the patient ──▶ what is quiet now       quiet_for()
"""

import asyncio
import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec

from cds_hooks.feedback import Feedback
from cds_hooks.quiet import Quiet, in_force
from cds_hooks.request import HookRequest
from service.records.facts_json import Whose, read_told
from service.records.feedback_rows import ALL, CARD, INSERT, OVERRIDES, Given, Sender, to_override, to_row
from service.records.log import DecisionLog
from service.storage.database import Reader

__all__ = ["FeedbackLog"]


class _Shown(msgspec.Struct):
    uuid: str
    indicator: str


class _Summary(msgspec.Struct):
    cards: tuple[_Shown, ...] = ()


class FeedbackLog:
    """
    Records feedback durably, and says what earlier feedback keeps quiet.

    Args:
        decisions: the log of the decisions that gave the cards; feedback goes into the same database by the same
            writer, which is started and stopped there.
    """

    def __init__(self, decisions: DecisionLog) -> None:
        self.vault = decisions.vault
        self._writer = decisions.writer
        self._reader = Reader(decisions.store)

    def close(self) -> None:
        """Close the connection for reading; the next look-up opens another."""
        self._reader.close()

    def whose(self, tenant: str, request: HookRequest) -> Whose:
        """Patient and encounter of a call in pseudonyms, which differ from tenant to tenant."""
        encounter = (request.encounter_id or "").removeprefix("Encounter/")
        return Whose(
            self.vault.pseudonym("patient", tenant, request.patient_id),
            self.vault.pseudonym("encounter", tenant, encounter) if encounter else None,
        )

    async def record(self, entries: Sequence[Feedback], sender: Sender, at: datetime) -> int:
        """
        Record entries, all or none; returns only after the commit that holds them. The same entry twice is one row.

        Args:
            at: when they came.

        Returns:
            How many are about a card that is not known here; they are kept and silence nothing.

        Raises:
            WriteError: they were not recorded, or it is not certain that they were. Sending them again is safe.
            StoreError, VaultError: the decisions of their cards cannot be read.
        """
        rows, unknown = await asyncio.to_thread(self._rows, entries, sender, at)

        def insert(connection: sqlite3.Connection) -> None:
            connection.executemany(INSERT, rows)

        await self._writer.write(insert)
        return unknown

    async def quiet_for(self, tenant: str, whose: Whose, as_of: datetime) -> tuple[Quiet, ...]:
        """
        What is quiet for a patient at this moment.

        Raises:
            StoreError, VaultError: it cannot be read.
        """
        return await asyncio.to_thread(self._quiet_for, tenant, whose, as_of)

    def all(self) -> Iterator[tuple[Any, ...]]:
        """
        The rows of feedback_rows.ALL, in the order in which they came.

        Raises:
            StoreError: the database cannot be read.
        """
        return iter(self._reader.fetch(ALL))

    # ── in a thread ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _quiet_for(self, tenant: str, whose: Whose, as_of: datetime) -> tuple[Quiet, ...]:
        rows = self._reader.fetch(OVERRIDES, (tenant, whose.patient))
        return in_force((to_override(row, self.vault) for row in rows), as_of, whose.encounter)

    def _rows(self, entries: Sequence[Feedback], sender: Sender, at: datetime) -> tuple[list[tuple[Any, ...]], int]:
        """The rows, and how many of them are about an unknown card."""
        given = {card: self._given(card, sender) for card in dict.fromkeys(entry.card for entry in entries)}
        rows = [to_row(entry, given[entry.card], sender, self.vault, at) for entry in entries]
        return rows, sum(given[entry.card] is None for entry in entries)

    def _given(self, card: str, sender: Sender) -> Given | None:
        rows = self._reader.fetch(CARD, (card, sender.tenant, sender.service))
        if not rows:
            return None
        decision, summary, facts, facts_key = rows[0]
        cards = msgspec.json.decode(summary, type=_Summary).cards
        critical = any(each.uuid == card and each.indicator == "critical" for each in cards)
        return Given(decision, critical, read_told(zlib.decompress(self.vault.decrypt(facts_key, facts))))
