"""
A DecisionRecord as a row of the table decision, and back.

    record ──▶ compressed ──▶ encrypted ──▶ row     to_row, INSERT; the cards that it gave: card_rows, CARDS
    record ◀── inflated   ◀── decrypted ◀── row     to_record, FIND, LATEST

Plain SQL beside the sqlmodel table: the log writes one row per call, and SQLAlchemy would cost more than the rest of
the recording together. A test reads the rows back through the table, so the two cannot drift apart.
"""

import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from service.records.decision import DecisionRecord
from service.records.vault import Vault

__all__ = ["ANY", "CARDS", "FIND", "INSERT", "LATEST", "card_rows", "to_moment", "to_record", "to_row", "to_text"]

# Not INSERT OR IGNORE, which would also swallow a row with a missing value and let it count as recorded.
INSERT = """
INSERT INTO decision (
    id, as_of, tenant, client, service, hook, hook_instance, pack_id, engine_version,
    summary, facts, facts_key, recorded_at
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO NOTHING
"""

CARDS = "INSERT INTO card (uuid, decision) VALUES (?, ?) ON CONFLICT (uuid, decision) DO NOTHING"

ANY = "SELECT EXISTS (SELECT * FROM decision) OR EXISTS (SELECT * FROM feedback)"

FIND = """
SELECT id, as_of, tenant, client, service, hook, hook_instance, pack_id, engine_version, summary, facts, facts_key
FROM decision WHERE id = ?
"""

# The row id is the order of recording; as_of comes from callers with clocks of their own.
LATEST = """
SELECT id, as_of, tenant, client, service, hook, hook_instance, pack_id, engine_version, summary, facts, facts_key
FROM decision ORDER BY rowid DESC LIMIT ?
"""

_FASTEST = 1
"""zlib level: facts shrink to under a third, and a slower level gains a tenth of that for twice the time."""


class _Given(msgspec.Struct):
    uuid: str


class _Summary(msgspec.Struct):
    cards: tuple[_Given, ...] = ()


_summary = msgspec.json.Decoder(_Summary)


def to_row(record: DecisionRecord, vault: Vault, recorded_at: datetime) -> tuple[str | bytes, ...]:
    """The values of INSERT, with the facts compressed and encrypted."""
    facts_key, facts = vault.encrypt(zlib.compress(record.facts, _FASTEST))
    return (
        record.id,
        to_text(record.as_of),
        record.tenant,
        record.client,
        record.service,
        record.hook,
        record.hook_instance,
        record.pack_id,
        record.engine_version,
        record.summary,
        facts,
        facts_key,
        to_text(recorded_at),
    )


def card_rows(record: DecisionRecord) -> Iterator[tuple[str, str]]:
    """The values of CARDS, one for each card of the decision."""
    return ((card.uuid, record.id) for card in _summary.decode(record.summary).cards)


def to_record(row: tuple[Any, ...], vault: Vault) -> DecisionRecord:
    """
    A row of FIND or LATEST as the record it was made from.

    Raises:
        VaultError: the facts' key is not in the vault, or the facts were changed.
    """
    id_, as_of, tenant, client, service, hook, hook_instance, pack_id, engine_version, summary, facts, facts_key = row
    return DecisionRecord(
        id=id_,
        as_of=to_moment(as_of),
        tenant=tenant,
        client=client,
        service=service,
        hook=hook,
        hook_instance=hook_instance,
        pack_id=pack_id,
        engine_version=engine_version,
        summary=summary,
        facts=zlib.decompress(vault.decrypt(facts_key, facts)),
    )


def to_text(moment: datetime) -> str:
    """UTC without an offset and always with microseconds: how SQLAlchemy keeps a datetime in SQLite; sorts as text."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def to_moment(text: str) -> datetime:
    """What to_text gave, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
