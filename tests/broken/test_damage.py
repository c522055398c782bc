"""Whatever happens to a file, the answer is a list of problems or a sound library, never a crash."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.check import check
from rules.engine.errors import LibraryError, Problem
from tests.broken.small_library import SMALL_LIBRARY, copy_library

FILES = sorted(path.relative_to(SMALL_LIBRARY).as_posix() for path in SMALL_LIBRARY.rglob("*") if path.is_file())
SCRAPS = ("", ":", "- ", "{", "}", "[", "]", '"', "\n", "\t", "#", "&a ", "*a", "!!int ", "? ", "null", "-1", "a")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_library(tmp_path_factory.mktemp("damage"))


@settings(max_examples=200)
@given(data=st.data())
def test_damage_to_one_file_is_never_a_crash(folder: Path, data: st.DataObject) -> None:
    path = folder / data.draw(st.sampled_from(FILES))
    whole = path.read_bytes()
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(len(whole), start + 60)))
    scrap = data.draw(st.sampled_from(SCRAPS)).encode() + data.draw(st.binary(max_size=2))
    path.write_bytes(whole[:start] + scrap + whole[end:])
    problems: tuple[Problem, ...] | None = None
    try:
        check(folder)
    except LibraryError as error:
        problems = error.problems
    finally:
        path.write_bytes(whole)

    assert problems != ()
    assert [each for each in problems or () if not (each.file and each.what and each.mend)] == []
