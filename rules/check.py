"""
`recumbent rules check`: load the library, run every case, see that the cases cover every rule, that texts are fit for a
card and that each label is complete, and compare with the lock.

A rule without a case for each outcome and for both sides of each threshold is a problem like any other.
"""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

from rules.cases import facts_of, run_case
from rules.engine.errors import LibraryError, Problem
from rules.engine.rule import (
    Case,
    CauseRule,
    Definitions,
    FactIs,
    MimicRule,
    Missing,
    OrderCheckRule,
    RedFlagRule,
    Rule,
    ScoreRule,
)
from rules.engine.shape import Shape, Threshold
from rules.label import Label, labels_of
from rules.loader import LIBRARY, Loaded, load, only
from rules.lock import check_lock, write_generated
from rules.texts import check_texts

__all__ = ["check", "facts_of", "run_case", "write_generated"]

_OUTCOMES = ("met", "not-met", "cannot-tell")
_OTHER_SIDE = {"at_least": "below", "above": "above", "at_most": "above", "below": "below", "began_within": "above"}
"""Where the answer differs from that on the threshold itself."""

_Fault = tuple[str, str]


def check(folder: Path = LIBRARY) -> Loaded:
    """
    Load a library and prove it by its cases.

    Raises:
        LibraryError: with every problem: unreadable files, failed cases, missing cases, unfit texts, an edited rule
            without a new version.
    """
    loaded = load(folder)
    problems = [problem for module, rule in loaded.library.rules() for problem in _check_rule(loaded, module, rule)]
    problems += _check_definitions(loaded)
    for label in labels_of(loaded.library, loaded.terminology):
        problems += [*_check_history(label), *_check_attributes(label)]
    problems += check_lock(folder, loaded.library)
    if problems:
        raise LibraryError(problems)
    return loaded


def _check_rule(loaded: Loaded, module: str, rule: Rule) -> Iterator[Problem]:
    if rule.status != "active":
        return
    file, cases = f"{module}/{rule.id}/cases.yaml", loaded.library.cases.get((module, rule.id), ())
    alone = only(loaded, loaded.library, [(module, rule)])
    for place, case in enumerate(cases):
        for wrong in run_case(alone, module, rule, case):
            yield Problem(file, case.name, wrong, "Correct the case, or the rule.")
        if case.name in (before.name for before in cases[:place]):
            yield Problem(file, case.name, "another case has this name.", "Say in what this case differs.")
    for what, mend in _uncovered(rule, cases):
        yield Problem(file, "", what, mend)
    for what, mend in _uncovered_thresholds(rule, rule.thresholds, cases):
        yield Problem(file, "", what, mend)
    yield from check_texts(rule, f"{module}/{rule.id}/rule.yaml")


def _check_definitions(loaded: Loaded) -> Iterator[Problem]:
    """The thresholds of definitions.yaml are covered where any rule has a case for them."""
    definitions = loaded.library.definitions
    cases = [case for each in loaded.library.cases.values() for case in each]
    for what, mend in _uncovered_thresholds(definitions, definitions.thresholds, cases):
        yield Problem("definitions.yaml", "thresholds", what, mend)


# ── labels ───────────────────────────────────────────────────────────────────────────────────────────────────────────

_MISSING = {
    "citation": ("rule.yaml", "it cites no source.", "Cite what it rests on."),
    "dates": (
        "history.yaml",
        "nothing says when the versions of the rule were written, and what changed.",
        "Write the file: version, date and change, newest first, down to version 1.",
    ),
}
"""Source attribute → the file that lacks it, what is wrong, and how to mend it. The others cannot be missing."""


def _check_attributes(label: Label) -> Iterator[Problem]:
    """A rule is not put in force before its label states all that it has to."""
    for attribute in label.attributes:
        if attribute.text is None and label.status == "active":
            file, what, mend = _MISSING[attribute.id]
            yield Problem(f"{label.rule}/{file}", "", what, mend)


def _check_history(label: Label) -> Iterator[Problem]:
    file, history = f"{label.rule}/history.yaml", label.history
    if not history:
        return
    if [each.version for each in history] != list(range(label.version, 0, -1)):
        mend = f"Write one entry for each version, from {label.version} down to 1."
        yield Problem(file, "", f"the rule is at version {label.version}, and the entries do not lead there.", mend)
    if any(newer.date < older.date for newer, older in pairwise(history)):
        yield Problem(file, "", "a newer version has an older date.", "Write the newest first, and correct the dates.")
    if history[0].date > label.reviewed:
        what = f"the newest version is of {history[0].date}, after the last review."
        yield Problem(file, "", what, "Set `reviewed` in rule.yaml to the day of the review, or correct the date.")


# ── coverage ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _uncovered(rule: Rule, cases: Iterable[Case]) -> Iterator[_Fault]:
    """The outcomes that no case shows."""
    if isinstance(rule, RedFlagRule | OrderCheckRule):
        for each in rule.flags if isinstance(rule, RedFlagRule) else rule.checks:
            yield from _uncovered_flag(each.id, _possible(each.when), cases)
    elif isinstance(rule, CauseRule):
        yield from _uncovered_cause(cases)
    elif isinstance(rule, MimicRule):
        for outcome in sorted(set(_OUTCOMES) - {case.expect for case in cases if isinstance(case.expect, str)}):
            yield f"no case shows it as {outcome}.", f"Add one that expects {outcome}."
    elif isinstance(rule, ScoreRule):
        if not any(isinstance(case.expect, int | Decimal) for case in cases):
            yield "no case shows the score as one number.", "Add one with every item answered."
        if not any(isinstance(case.expect, Mapping) for case in cases):
            yield "no case shows the score as a range.", "Add one with unanswered items."


def _possible(criterion: object) -> tuple[str, ...]:
    """The outcomes that a criterion can have: whether a fact is missing can always be told."""
    return _OUTCOMES[:2] if isinstance(criterion, Missing) else _OUTCOMES


def _uncovered_flag(flag: str, outcomes: Iterable[str], cases: Iterable[Case]) -> Iterator[_Fault]:
    seen = {case.expect.get(flag) for case in cases if isinstance(case.expect, Mapping)}
    if "presumed" in seen:
        seen.add("cannot-tell")
    for outcome in outcomes:
        if outcome not in seen:
            yield f"no case shows {flag} as {outcome}.", f"Add one that expects {flag}: {outcome}."


def _uncovered_cause(cases: Iterable[Case]) -> Iterator[_Fault]:
    seen = {case.expect for case in cases if isinstance(case.expect, str)}
    if not seen & {"likely", "very-likely"}:
        yield "no case shows this cause as likely.", "Add one that expects likely or very-likely."
    if not seen & {"unlikely", "excluded"}:
        yield "no case shows this cause as unlikely or excluded.", "Add one that expects unlikely or excluded."
    if not any(case.missing for case in cases):
        yield "no case names a missing fact.", "Add one with `missing`."


def _uncovered_thresholds(
    shape: Rule | Definitions, thresholds: Mapping[str, Threshold], cases: Iterable[Case]
) -> Iterator[_Fault]:
    """Each threshold needs a case that stands exactly on it and one on the side where the answer is another."""
    for fact, name, side in sorted(_comparisons(shape)):
        bound, unit = thresholds[name].value, thresholds[name].unit
        values = [number for case in cases if (number := _value(case.facts.get(fact))) is not None]
        if bound not in values:
            yield f"no case has {fact} at exactly {bound} {unit} ({name}).", "Add one."
        if not any(value > bound if side == "above" else value < bound for value in values):
            yield f"no case has {fact} {side} {bound} {unit} ({name}).", "Add one just across the threshold."


def _value(given: Any) -> Decimal | None:
    given = given["began"] if isinstance(given, Mapping) and "began" in given else given
    return Decimal(given) if isinstance(given, int | Decimal) and not isinstance(given, bool) else None


def _comparisons(shape: object) -> set[tuple[str, str, str]]:
    """(fact, threshold, the side where the answer differs) of every comparison inside a shape."""
    if isinstance(shape, FactIs):
        named = ((getattr(shape, key), side) for key, side in _OTHER_SIDE.items())
        return {(shape.fact, name, side) for name, side in named if name}
    if isinstance(shape, Shape):
        parts: Iterable[object] = (getattr(shape, name) for name in type(shape).model_fields)
    elif isinstance(shape, Mapping):
        parts = shape.values()
    else:
        parts = shape if isinstance(shape, tuple) else ()
    return {found for part in parts for found in _comparisons(part)}
