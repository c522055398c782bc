"""Records, and stores with something wrong with them."""

import json
import sqlite3
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from cds_hooks.feedback import Feedback
from service.records.decision import DecisionRecord
from service.records.feedback_rows import Sender
from service.storage.database import Store

AS_OF = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


def a_record(
    id: str = "decision-1",
    *,
    as_of: datetime = AS_OF,
    hook_instance: str = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
    summary: bytes = b'{"rules": {"restless-legs-syndrome": "met"}}',
    facts: bytes = b'{"ferritin": "32"}',
) -> DecisionRecord:
    return DecisionRecord(
        id=id,
        as_of=as_of,
        tenant="city-hospital",
        client="https://ehr.example.org",
        service="leg-pain",
        hook="patient-view",
        hook_instance=hook_instance,
        pack_id="sha256:0f1e",
        engine_version="1",
        summary=summary,
        facts=facts,
    )


SENDER = Sender("city-hospital", "https://ehr.example.org", "leg-pain")


def a_feedback(card: str = "card-1", reason: str | None = "excluded-by-exam", at: datetime = AS_OF) -> Feedback:
    return Feedback(card, "overridden", at, reason=reason)


def a_record_with_cards(id: str = "decision-1", *cards: str, tenant: str = "city-hospital") -> DecisionRecord:
    """A decision of the patient P that gave these cards, each critical, on the ground "one"."""
    shown = [{"uuid": card, "topic": "legpainredflags", "indicator": "critical", "rules": ["x/y/1"]} for card in cards]
    told = {
        "call": {"user": "Practitioner"},
        "whose": {"patient": "P", "encounter": "E"},
        "cards": dict.fromkeys(cards, (("one",), ("cool",))),
    }
    record = a_record(id, summary=json.dumps({"cards": shown}).encode(), facts=json.dumps(told).encode())
    return replace(record, tenant=tenant)


class TroubledStore(Store):
    """Runs a pragma on each new connection as long as there is trouble, and remembers commits and connections."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.trouble: str | None = None
        self.opened: list[sqlite3.Connection] = []
        self.commits = 0

    def connect(self, patience: float = 5.0) -> sqlite3.Connection:
        connection = super().connect(patience)
        connection.set_trace_callback(self._count)
        if self.trouble is not None:
            connection.execute(self.trouble)
        self.opened.append(connection)
        return connection

    def _count(self, statement: str) -> None:
        self.commits += statement == "COMMIT"


class GatedStore(TroubledStore):
    """Keeps the writer waiting at the door with the first record, until the test opens it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.reached = threading.Event()
        self.gate = threading.Event()

    def connect(self, patience: float = 5.0) -> sqlite3.Connection:
        self.reached.set()
        self.gate.wait()
        return super().connect(patience)
