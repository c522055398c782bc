"""
Criteria compiled to closures: each becomes a function `test(look) -> Truth`.

One function per kind of criterion. A compiled criterion also knows which facts it reads, which of them made its answer
(`reasons`), which unknown ones could still change it (`unknowns`) and which of those were taken for no (`presumed`);
these are asked only for what is shown.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from rules.engine.facts import Absent, Interval, Known
from rules.engine.truth import CANNOT_TELL, MET, NOT, NOT_MET, Truth

__all__ = [
    "Compiled",
    "Look",
    "ScoreRange",
    "Standing",
    "all_of",
    "any_of",
    "began_within",
    "carrying",
    "count_of",
    "deciders",
    "in_bounds",
    "is_absent",
    "is_missing",
    "is_one_of",
    "is_present",
    "not_met",
    "presumed",
    "reasons",
    "remembered",
    "score_is",
    "standing",
    "unknowns",
    "unless",
]


class Look:
    """
    One look at one patient: the answered facts, and what was worked out from them so far.

    Args:
        values: fact id → Known or Absent; an unknown fact is not in it.
        presume: read an unknown exception ("unless pregnant") as not met. A red flag is looked at both ways: strictly,
            which gives its outcome, and presuming, which decides whether it is shown.
    """

    __slots__ = ("cache", "presume", "values")

    def __init__(self, values: Mapping[str, Known | Absent], presume: bool = False) -> None:
        self.values = values
        self.presume = presume
        self.cache: dict[str, Any] = {}


Test = Callable[[Look], Truth]


@dataclass(frozen=True, slots=True, eq=False)
class Compiled:
    """
    A criterion ready to run.

    Args:
        presumes: looking strictly and presuming can differ.
        exceptions: of an `unless` or a score, the parts whose unknown facts are taken for no when presuming.
        near: of a score, whether one more item could carry it across its cut-off.
        present: the fact of which it asks only whether it is there; groups of these are the hottest part of the engine.
    """

    kind: str
    test: Test
    reads: frozenset[str]
    parts: tuple["Compiled", ...] = ()
    presumes: bool = False
    exceptions: tuple["Compiled", ...] = ()
    near: Callable[[Look], bool] | None = None
    present: str | None = None


@dataclass(frozen=True, slots=True)
class ScoreRange:
    """A score as far as it is known: the total lies between low and high; equal where every item is answered."""

    low: Decimal
    high: Decimal
    met: tuple[str, ...] = ()
    unanswered: tuple[str, ...] = ()
    presumed: tuple[str, ...] = ()


def _fact(test: Test, fact: str) -> Compiled:
    return Compiled("fact", test, frozenset((fact,)))


def _group(kind: str, test: Test, parts: tuple[Compiled, ...]) -> Compiled:
    reads = frozenset().union(*(part.reads for part in parts))
    return Compiled(kind, test, reads, parts, any(part.presumes for part in parts))


def is_present(fact: str) -> Compiled:
    def test(look: Look) -> Truth:
        value = look.values.get(fact)
        if value is None:
            return CANNOT_TELL
        return MET if type(value) is Known else NOT_MET

    return Compiled("fact", test, frozenset((fact,)), present=fact)


def is_absent(fact: str) -> Compiled:
    def test(look: Look) -> Truth:
        value = look.values.get(fact)
        if value is None:
            return CANNOT_TELL
        return NOT_MET if type(value) is Known else MET

    return _fact(test, fact)


def is_one_of(fact: str, wanted: frozenset[str]) -> Compiled:
    def test(look: Look) -> Truth:
        value = look.values.get(fact)
        if value is None:
            return CANNOT_TELL
        if type(value) is not Known or not isinstance(value.value, frozenset):
            return NOT_MET
        return NOT_MET if wanted.isdisjoint(value.value) else MET

    return _fact(test, fact)


def _at_most(number: Any, bound: Decimal, strict: bool) -> Truth:
    """Is the number at most the bound (below it, if strict)? An interval may straddle it: cannot tell."""
    if type(number) is Decimal:
        return MET if (number < bound if strict else number <= bound) else NOT_MET
    if type(number) is not Interval:
        return CANNOT_TELL
    high, low = number.high, number.low
    if high is not None and (high < bound or (high == bound and (number.high_open or not strict))):
        return MET
    if low is not None and (low > bound or (low == bound and (number.low_open or strict))):
        return NOT_MET
    return CANNOT_TELL


def _within(number: Any, lower: tuple[Decimal, bool] | None, upper: tuple[Decimal, bool] | None) -> Truth:
    """Between the bounds? Each bound is (value, strict)."""
    under = MET if upper is None else _at_most(number, *upper)
    over = MET if lower is None else NOT[_at_most(number, lower[0], not lower[1])]
    if under is NOT_MET or over is NOT_MET:
        return NOT_MET
    return MET if under is MET and over is MET else CANNOT_TELL


def in_bounds(fact: str, lower: tuple[Decimal, bool] | None, upper: tuple[Decimal, bool] | None) -> Compiled:
    """A number between bounds; each bound is (value in the fact's unit, strict). No number on record: cannot tell."""

    def test(look: Look) -> Truth:
        known = look.values.get(fact)
        return _within(known.value, lower, upper) if type(known) is Known else CANNOT_TELL

    return _fact(test, fact)


def began_within(fact: str, days: Decimal) -> Compiled:
    """A condition or medicine that began at most so many days ago; without a start date: cannot tell."""

    def test(look: Look) -> Truth:
        known = look.values.get(fact)
        if type(known) is Known:
            return _at_most(known.days, days, False)
        return CANNOT_TELL if known is None else NOT_MET

    return _fact(test, fact)


def is_missing(fact: str) -> Compiled:
    """A fact without an answer; it is the one criterion that an unknown fact meets."""

    def test(look: Look) -> Truth:
        return NOT_MET if fact in look.values else MET

    return Compiled("missing", test, frozenset((fact,)))


def all_of(parts: tuple[Compiled, ...]) -> Compiled:
    return _group("all", _decided_by(NOT_MET, MET, parts), parts)


def any_of(parts: tuple[Compiled, ...]) -> Compiled:
    return _group("any", _decided_by(MET, NOT_MET, parts), parts)


def _decided_by(decisive: Truth, otherwise: Truth, parts: tuple[Compiled, ...]) -> Callable[[Look], Truth]:
    """One decisive part decides; without one, an open part leaves it open. Plain questions are asked first."""
    plain = tuple(part.present for part in parts if part.present is not None)
    tests = tuple(part.test for part in parts if part.present is None)
    wanted = Known if decisive is MET else Absent

    def test(look: Look) -> Truth:
        outcome, values = otherwise, look.values
        for fact in plain:
            value = values.get(fact)
            if value is None:
                outcome = CANNOT_TELL
            elif type(value) is wanted:
                return decisive
        for each in tests:
            truth = each(look)
            if truth is decisive:
                return decisive
            if truth is CANNOT_TELL:
                outcome = CANNOT_TELL
        return outcome

    return test


def count_of(parts: tuple[Compiled, ...], least: int) -> Compiled:
    tests = tuple(part.test for part in parts)

    def test(look: Look) -> Truth:
        met = open_ = 0
        for each in tests:
            truth = each(look)
            met += truth is MET
            open_ += truth is CANNOT_TELL
        if met >= least:
            return MET
        return CANNOT_TELL if met + open_ >= least else NOT_MET

    return _group("count", test, parts)


def not_met(part: Compiled) -> Compiled:
    inner = part.test
    return _group("not", lambda look: NOT[inner(look)], (part,))


def unless(part: Compiled) -> Compiled:
    inner = part.test

    def test(look: Look) -> Truth:
        truth = inner(look)
        if truth is CANNOT_TELL and look.presume:
            return MET
        return NOT[truth]

    return Compiled("unless", test, part.reads, (part,), True, (part,))


def remembered(name: str, part: Compiled) -> Compiled:
    """A definition: worked out once per look, however many rules use it."""
    inner = part.test

    def test(look: Look) -> Truth:
        truth: Truth | None = look.cache.get(name)
        if truth is None:
            truth = look.cache[name] = inner(look)
        return truth

    return _group("defined", test, (part,))


def score_is(
    total: Callable[[Look], ScoreRange | None],
    parts: tuple[Compiled, ...],
    exceptions: tuple[Compiled, ...],
    bound: Decimal,
    at_least: bool,
    largest: Decimal,
) -> Compiled:
    """
    A score against a cut-off: an answer once no open item can carry it across; cannot tell where it is not valid.

    Args:
        largest: the most points of any item, for `near`.
    """

    def test(look: Look) -> Truth:
        score = total(look)
        if score is None:
            return CANNOT_TELL
        reached = Interval(score.low, score.high)
        return NOT[_at_most(reached, bound, True)] if at_least else _at_most(reached, bound, False)

    def near(look: Look) -> bool:
        score = total(look)
        return score is None or (bound - score.low if at_least else score.high - bound) <= largest

    reads = frozenset().union(*(part.reads for part in parts))
    presumes = bool(exceptions) or any(part.presumes for part in parts)
    return Compiled("high-score" if at_least else "low-score", test, reads, parts, presumes, exceptions, near)


def reasons(criterion: Compiled, look: Look) -> Iterator[str]:
    """
    The facts that made the criterion what it is, in reading order: of an `any` the parts that carried it, of a high
    score the items that hold, of a low one those that do not.
    """
    outcome = criterion.test(look)
    if criterion.kind in ("fact", "missing"):
        if outcome is not CANNOT_TELL:
            yield from criterion.reads
        return
    for part in criterion.parts:
        truth = part.test(look)
        if criterion.kind in ("all", "any", "count", "high-score"):
            relevant = truth is outcome
        elif criterion.kind == "low-score":
            relevant = truth is NOT[outcome]
        else:
            relevant = truth is not CANNOT_TELL
        if relevant:
            yield from reasons(part, look)


def carrying(criterion: Compiled, look: Look) -> Iterator[str]:
    """The facts that carry what fired, without those that only failed to except it."""
    if criterion.kind == "unless":
        return
    if criterion.kind == "all":
        for part in criterion.parts:
            yield from carrying(part, look)
    else:
        yield from reasons(criterion, look)


def unknowns(criterion: Compiled, look: Look) -> Iterator[str]:
    """The unknown facts that keep the criterion from an answer, in reading order."""
    if criterion.kind == "fact":
        if criterion.test(look) is CANNOT_TELL:
            yield from criterion.reads
        return
    for part in criterion.parts:
        if part.test(look) is CANNOT_TELL or part.kind == "unless":
            yield from unknowns(part, look)


def deciders(criterion: Compiled, look: Look) -> tuple[str, ...]:
    """
    The unknown facts that might, each alone, make an open criterion met; the caller asks the criterion to be sure.

    It leaves out what cannot: of two open parts of an `all`, neither alone decides.
    """
    kind = criterion.kind
    if kind == "fact":
        return tuple(criterion.reads)
    if criterion.near is not None and not criterion.near(look):
        return ()
    if kind in ("not", "unless", "high-score", "low-score"):
        return tuple(unknowns(criterion, look))
    waiting = [part for part in criterion.parts if part.test(look) is CANNOT_TELL]
    if kind == "all" and len(waiting) > 1:
        shared = waiting[0].reads.intersection(*(part.reads for part in waiting[1:]))
        return tuple(fact for fact in deciders(waiting[0], look) if fact in shared) if shared else ()
    return tuple(fact for part in waiting for fact in deciders(part, look))


class Standing(NamedTuple):
    """
    How what may be shown stands: strictly, and where that cannot be told, with unknown exceptions taken for no.

    Args:
        outcome: the strict answer. fires: shown; with outcome cannot-tell unless one of `presumed` turns out otherwise.
        facts: those that made it fire. presumed: unknown facts that were taken for no.
    """

    outcome: Truth
    fires: bool
    facts: tuple[str, ...] = ()
    presumed: tuple[str, ...] = ()


def standing(criterion: Compiled, look: Look, presuming: Look) -> Standing:
    """Args: presuming: the same look with unknown exceptions taken for no."""
    outcome = criterion.test(look)
    open_ = outcome is CANNOT_TELL
    if outcome is not MET and not (open_ and criterion.presumes and criterion.test(presuming) is MET):
        return Standing(outcome, False)
    unless = presumed(criterion, look, presuming) if open_ else ()
    return Standing(outcome, True, tuple(dict.fromkeys(carrying(criterion, presuming))), tuple(dict.fromkeys(unless)))


def presumed(criterion: Compiled, look: Look, presuming: Look) -> Iterator[str]:
    """The unknown facts that were taken for no: with another answer, what holds when presuming may not hold."""
    for part in criterion.exceptions:
        if part.test(look) is CANNOT_TELL:
            yield from unknowns(part, look)
    for part in criterion.parts:
        if part.presumes and part.test(look) is CANNOT_TELL and part.test(presuming) is not CANNOT_TELL:
            yield from presumed(part, look, presuming)
