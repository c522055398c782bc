import json
from pathlib import Path

import pytest

from rules.check import check
from rules.loader import load
from rules.lock import write_generated
from rules.schema import write_schemas
from tests.broken.small_library import copy_library


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return copy_library(tmp_path)


def test_generated_files_are_written_once_and_then_left_alone(folder: Path) -> None:
    library = load(folder).library

    assert write_generated(folder, library) == ["lock.json", "INDEX.md"]
    assert write_generated(folder, library) == []


def test_schemas_are_written_once_and_then_left_alone(folder: Path) -> None:
    assert "schema/cause.schema.json" in write_schemas(folder)
    assert write_schemas(folder) == []


def test_the_index_lists_every_rule_with_its_class_version_and_sources(folder: Path) -> None:
    write_generated(folder, load(folder).library)
    rows = (folder / "INDEX.md").read_text(encoding="utf-8").splitlines()[4:]

    assert rows == [
        "| rule | class | version | status | reviewed | sources |",
        "| --- | --- | --- | --- | --- | --- |",
        "| red-flags/cold-leg | emergency, urgent | 2 | active | 2026-11-21 | a-guideline |",
        "| causes/restless-legs | common | 1 | active | 2026-11-21 | a-guideline |",
        "| scores/small-score | score | 1 | active | 2026-11-21 | a-guideline |",
    ]


def test_the_lock_holds_version_and_hash_of_every_rule_and_value_set(folder: Path) -> None:
    write_generated(folder, load(folder).library)
    lock = json.loads((folder / "lock.json").read_text(encoding="utf-8"))

    assert [(name, entry["version"], len(entry["sha256"])) for name, entry in lock.items()] == [
        ("red-flags/cold-leg", 2, 64),
        ("causes/restless-legs", 1, 64),
        ("scores/small-score", 1, 64),
        ("value-sets/ferritin", "", 64),
        ("value-sets/heart-attack", "", 64),
        ("value-sets/iron", "", 64),
    ]


def test_an_edited_rule_with_a_new_version_is_accepted_and_locked_anew(folder: Path) -> None:
    write_generated(folder, load(folder).library)
    path = folder / "causes/restless-legs/rule.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("version: 1", "version: 2").replace("Cramps and", "Cramps or"), encoding="utf-8")
    history = [{"version": each, "date": "2026-11-21", "change": "One word differs."} for each in (2, 1)]
    path.with_name("history.yaml").write_text(json.dumps(history), encoding="utf-8")

    assert write_generated(folder, check(folder).library) == ["lock.json", "INDEX.md"]


def test_a_new_rule_is_accepted_although_the_lock_does_not_know_it(folder: Path) -> None:
    write_generated(folder, load(folder).library)
    lock = json.loads((folder / "lock.json").read_text(encoding="utf-8"))
    del lock["scores/small-score"]
    (folder / "lock.json").write_text(json.dumps(lock), encoding="utf-8")

    assert write_generated(folder, check(folder).library) == ["lock.json"]
