"""Records, and stores with something wrong with them."""

import sqlite3
import threading
from datetime import UTC, datetime
from pathlib import Path

from service.records.decision import DecisionRecord
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
