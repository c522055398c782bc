"""
One mistake in a library, one file in mistakes/: what to change in the small library, and what the message should say.

    in: causes/restless-legs/rule.yaml      the file that is changed
    instead-of: "value: 75,"                this text, which stands in it once (without it, the whole file) …
    write: "value: 75 ng/mL,"               … becomes this; or `remove: true` takes the file or folder away,
                                            or `write-bytes` writes the whole file in Latin-1
    and-in, and-instead-of, and-write       a second change, where one is not enough
    after-locking: true                     lock.json is written before the change
    says: {where: …, what: …, mend: …}      where the message begins, and words of its two sentences
    also: [words, …]                        other messages that follow from the same mistake; there are none besides

A message tells where, what is wrong and what to do about it, so all three are asked for.
"""

import shutil
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field

from rules.check import check, write_generated
from rules.engine.errors import LibraryError, Problem
from rules.loader import load
from tests.broken.small_library import copy_library

MISTAKES = sorted((Path(__file__).parent / "mistakes").glob("*.yaml"))


class Says(BaseModel):
    model_config = ConfigDict(extra="forbid")

    where: str
    what: str
    mend: str


class Mistake(BaseModel):
    model_config = ConfigDict(
        extra="forbid", alias_generator=lambda name: name.strip("_").replace("_", "-"), validate_by_name=False
    )

    in_: str
    instead_of: str | None = None
    write: str | None = None
    write_bytes: str | None = None
    remove: bool = False
    and_in: str | None = None
    and_instead_of: str | None = None
    and_write: str | None = None
    after_locking: bool = False
    says: Says
    also: list[str] = Field(default=[])


def change(path: Path, old: str | None, new: str) -> None:
    text = new if old is None else path.read_text(encoding="utf-8")
    if old is not None:
        assert text.count(old) == 1, f"{path.name} should hold this once: {old}"
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


def make(mistake: Mistake, folder: Path) -> None:
    path = folder / mistake.in_
    if mistake.remove and path.is_dir():
        shutil.rmtree(path)
    elif mistake.remove:
        path.unlink()
    elif mistake.write_bytes is not None:
        path.write_bytes(mistake.write_bytes.encode("latin-1"))
    else:
        change(path, mistake.instead_of, mistake.write or "")
    if mistake.and_in is not None:
        change(folder / mistake.and_in, mistake.and_instead_of, mistake.and_write or "")


def problems_of(folder: Path) -> tuple[Problem, ...]:
    try:
        check(folder)
    except LibraryError as error:
        return error.problems
    return ()


def place(problem: Problem) -> str:
    return f"{problem.file}: {problem.key}" if problem.key else problem.file


@pytest.mark.parametrize("file", MISTAKES, ids=lambda file: file.stem)
def test_a_mistake_is_told_where_it_is_what_it_is_and_how_to_mend_it(file: Path, tmp_path: Path) -> None:
    mistake = Mistake.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    folder = copy_library(tmp_path)
    if mistake.after_locking:
        write_generated(folder, load(folder).library)
    make(mistake, folder)
    problems = problems_of(folder)
    says = mistake.says
    ours = [each for each in problems if says.what in each.what]

    assert [str(each) for each in problems if each in ours] == [str(each) for each in ours[:1]] != []
    assert (says.where, True) == (place(ours[0]), says.mend in ours[0].mend)
    assert len(mistake.also) == len(problems) - 1
    assert [words for words in mistake.also if not any(words in each.what for each in problems)] == []


def test_the_small_library_is_without_mistakes(tmp_path: Path) -> None:
    assert problems_of(copy_library(tmp_path)) == ()


def test_all_mistakes_of_all_rules_are_told_at_once(tmp_path: Path) -> None:
    folder = copy_library(tmp_path)
    change(folder / "red-flags/cold-leg/rule.yaml", "class: urgent", "class: soon")
    change(folder / "causes/restless-legs/rule.yaml", "pre-test: common\n", "")
    change(folder / "causes/restless-legs/cases.yaml", "expect: possible", "expect: []")
    change(folder / "scores/small-score/rule.yaml", "{fact: cool, is: present}", "{fact: colder, is: present}")

    assert [place(each) for each in problems_of(folder)] == [
        "causes/restless-legs/cases.yaml: 3.expect",
        "causes/restless-legs/rule.yaml: pre-test",
        "red-flags/cold-leg/rule.yaml: flags.cool-alone.class",
        "scores/small-score/rule.yaml: items.cool.when",
    ]


def test_a_mistake_in_a_shared_file_is_not_told_again_for_every_rule_that_names_it(tmp_path: Path) -> None:
    folder = copy_library(tmp_path)
    change(folder / "facts.yaml", "cool: {kind: answer", "cool: {kind: answr")

    assert [place(each) for each in problems_of(folder)] == ["facts.yaml: facts.cool"]


def test_a_rule_that_cannot_be_read_is_not_said_to_be_missing(tmp_path: Path) -> None:
    folder = copy_library(tmp_path)
    change(folder / "scores/small-score/rule.yaml", "points: 1, when: {fact: cool", "pints: 1, when: {fact: cool")

    assert {each.file for each in problems_of(folder)} == {"scores/small-score/rule.yaml"}


@pytest.mark.parametrize("status", ["draft", "retired"])
def test_a_rule_that_is_not_in_use_needs_no_cases(status: str, tmp_path: Path) -> None:
    folder = copy_library(tmp_path)
    change(folder / "causes/restless-legs/rule.yaml", "status: active", f"status: {status}")
    change(folder / "causes/restless-legs/rule.yaml", "defined: short-of-iron", "defined: low-iron")

    assert [place(each) for each in problems_of(folder)] == []


def test_a_message_of_several_problems_counts_them_and_gives_each_a_line() -> None:
    one, two = Problem("b.yaml", "", "it is wrong.", "Mend it."), Problem("a.yaml", "key", "it is too.", "Mend it too.")

    assert str(LibraryError([one, two, one])) == (
        "2 problems in the rule library:\n  a.yaml: key: it is too. Mend it too.\n  b.yaml: it is wrong. Mend it."
    )
    assert str(LibraryError([one])).startswith("1 problem in the rule library:\n")
