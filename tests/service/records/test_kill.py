import os
import random
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from types import ModuleType

import service
from service.records.feedback_log import FeedbackLog
from service.records.feedback_rows import unseal
from service.records.log import DecisionLog, open_log
from service.records.vault import Vault
from service.storage.database import open_store
from tests.service.records import feedback_forever, record_forever

ROOT = Path(service.__file__).parent.parent
KILLS = 8


def acknowledged_before_a_kill(folder: Path, name: str, program: ModuleType = record_forever) -> list[str]:
    """Runs a recorder in the data folder, kills it at a random moment, and returns the ids it had printed by then."""
    printed = folder.parent / f"{name}.txt"
    with printed.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, str(program.__file__), str(folder), name],
            stdout=output,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
    while printed.stat().st_size == 0 and process.poll() is None:
        time.sleep(0.01)
    time.sleep(random.uniform(0.05, 1.0))
    process.kill()

    assert process.wait() == -signal.SIGKILL
    return [line for line in printed.read_text().splitlines(keepends=False) if line]


def test_no_acknowledged_decision_is_lost_when_the_program_is_killed(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    acknowledged = [id for kill in range(KILLS) for id in acknowledged_before_a_kill(folder, f"kill{kill}")]

    store = open_store(folder)
    with closing(store.connect()) as connection:
        rows = dict(connection.execute("SELECT id, count(*) FROM decision GROUP BY id").fetchall())
        (integrity,) = connection.execute("PRAGMA integrity_check").fetchone()
    readable = DecisionLog(store, Vault.open(folder)).latest(len(rows))

    assert len(acknowledged) > KILLS
    assert [id for id in acknowledged if rows.get(id) != 1] == []
    assert integrity == "ok"
    assert {record.id for record in readable} == rows.keys()


def test_no_acknowledged_feedback_is_lost_when_the_program_is_killed(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    acknowledged = [
        id for kill in range(3) for id in acknowledged_before_a_kill(folder, f"kill{kill}", feedback_forever)
    ]

    log = FeedbackLog(open_log(folder))
    kept = [unseal(row[8], row[9], log.vault).card for row in log.all()]

    assert len(acknowledged) > 3
    assert set(acknowledged) <= set(kept)
    assert len(kept) == len(set(kept))
