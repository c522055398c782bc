from pathlib import Path

import pytest

from rules.pack import content_hash, load_pack
from tests.broken.small_library import copy_library


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return copy_library(tmp_path)


def test_the_same_files_in_another_place_are_the_same_pack(folder: Path, tmp_path: Path) -> None:
    other = copy_library(tmp_path / "elsewhere")

    assert content_hash(folder) == content_hash(other)


def test_the_id_of_a_pack_is_a_sha256(folder: Path) -> None:
    kind, digits = load_pack(folder).id.split(":")

    assert (kind, len(digits), set(digits) - set("0123456789abcdef")) == ("sha256", 64, set())


@pytest.mark.parametrize(
    "name",
    [
        "facts.yaml",
        "causes/restless-legs/rule.yaml",
        "causes/restless-legs/cases.yaml",
        "value-sets/iron.json",
        "intake/intake-1.0.0.json",
        "terminology/units.csv",
        "terminology/ndc-ingredients.csv.gz",
    ],
)
def test_any_edit_makes_another_pack(folder: Path, name: str) -> None:
    before = content_hash(folder)
    (folder / name).write_bytes((folder / name).read_bytes() + b" ")

    assert content_hash(folder) != before


def test_a_file_that_moves_makes_another_pack(folder: Path) -> None:
    before = content_hash(folder)
    (folder / "value-sets/iron.json").rename(folder / "value-sets/irons.json")

    assert content_hash(folder) != before


@pytest.mark.parametrize("name", ["INDEX.md", "lock.json", "schema/cause.schema.json", ".DS_Store", "causes/.DS_Store"])
def test_a_generated_or_hidden_file_makes_no_other_pack(folder: Path, name: str) -> None:
    before = content_hash(folder)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("anything", encoding="utf-8")

    assert content_hash(folder) == before


def test_a_pack_is_read_once_in_a_process(folder: Path) -> None:
    assert load_pack(folder) is load_pack(folder)


def test_a_pack_finds_facts_by_their_item_of_the_intake_and_by_what_the_patient_is(folder: Path) -> None:
    pack = load_pack(folder)

    assert sorted(pack.answer_facts) == ["cool", "leg-pain", "time-of-day", "urge-to-move"]
    assert pack.answer_facts["cool"] == ("cool", pack.library.facts["cool"])
    assert list(pack.demographic_facts) == ["sex"]
