"""
From the shapes of criteria, definitions and scores to closures.

Every mistake becomes a Problem with its file and key; compilation goes on with a stand-in, so that all mistakes of all
files are reported at once.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from itertools import pairwise

from rules.engine import criteria
from rules.engine.compiled import Answer, CompiledScore
from rules.engine.criteria import Compiled, Look, ScoreRange
from rules.engine.errors import Problem
from rules.engine.facts import Absent, Known
from rules.engine.rule import (
    AllOf,
    AnyOf,
    Count,
    Criterion,
    Defined,
    Definitions,
    FactIs,
    Missing,
    NotMet,
    RedFlagIs,
    RedFlagRule,
    ScoreIs,
    ScoreItem,
    ScoreRule,
    Unless,
)
from rules.engine.shape import Threshold
from rules.engine.truth import CANNOT_TELL, MET
from rules.engine.vocabulary import AnswerFact, FactDefinition, OrderFact, unit_of

__all__ = ["ORDER_CHECKS", "STAND_IN", "Compiler"]

ORDER_CHECKS = "order-checks"
"""The folder and module of the order checks."""

STAND_IN = criteria.is_present("")
"""Takes the place of a criterion that could not be compiled."""

_Where = tuple[str, str]
_Thresholds = Mapping[str, Threshold]


class Compiler:
    """
    Compiles the criteria of one library.

    Args:
        vocabulary: fact id → definition.
        options: choice fact id → the answers its questionnaire item offers.
        definitions, scores, red_flags: the shapes; compiled when first used.
        problems: every mistake found is added to it.
        unreadable: rules, as module/id, that exist but could not be read; to name one of them is no mistake.
    """

    def __init__(
        self,
        vocabulary: Mapping[str, FactDefinition],
        options: Mapping[str, frozenset[str]],
        definitions: Definitions,
        scores: Mapping[str, ScoreRule],
        problems: list[Problem],
        unreadable: frozenset[str] = frozenset(),
        red_flags: Mapping[str, RedFlagRule] | None = None,
    ) -> None:
        self.vocabulary = vocabulary
        self.options = options
        self.problems = problems
        self.unreadable = unreadable
        self._words: dict[str, set[str]] = {}
        self._bounds: dict[str, set[Decimal]] = {}
        self._definitions = definitions
        self._scores = scores
        self._red_flags = red_flags or {}
        self._compiled: dict[str, Compiled] = {}
        self._scored: dict[str, CompiledScore] = {}
        self._open: list[str] = []

    def problem(self, where: _Where, what: str, mend: str) -> None:
        self.problems.append(Problem(*where, what, mend))

    def criterion(self, shape: Criterion, where: _Where, thresholds: _Thresholds) -> Compiled:
        """Compile one criterion. `where` is (file, key); thresholds are those of its file."""
        match shape:
            case FactIs():
                return self._fact(shape, where, thresholds)
            case AllOf():
                return criteria.all_of(self._parts("all", shape.all, where, thresholds))
            case AnyOf():
                return criteria.any_of(self._parts("any", shape.any, where, thresholds))
            case Count():
                return self._count(shape, where, thresholds)
            case NotMet():
                return criteria.not_met(self.criterion(shape.not_, _below(where, "not"), thresholds))
            case Unless():
                return criteria.unless(self.criterion(shape.unless, _below(where, "unless"), thresholds))
            case Missing():
                return self._missing(shape.missing, where)
            case Defined() | ScoreIs() | RedFlagIs():
                return self._named(shape, where)

    def _named(self, shape: Defined | ScoreIs | RedFlagIs, where: _Where) -> Compiled:
        """What another file states."""
        if isinstance(shape, Defined):
            return self._defined(shape.defined, where)
        return self._score_is(shape, where) if isinstance(shape, ScoreIs) else self._red_flag(shape.red_flag, where)

    def _parts(
        self, kind: str, shapes: Iterable[Criterion], where: _Where, thresholds: _Thresholds
    ) -> tuple[Compiled, ...]:
        return tuple(
            self.criterion(shape, _below(where, f"{kind}.{place}"), thresholds) for place, shape in enumerate(shapes, 1)
        )

    def _count(self, shape: Count, where: _Where, thresholds: _Thresholds) -> Compiled:
        parts = len(shape.count)
        if shape.at_least > parts:
            self.problem(
                where,
                f"it asks for {shape.at_least} of {parts} parts, which can never be met.",
                f"Lower at-least to {parts} or less.",
            )
        return criteria.count_of(self._parts("count", shape.count, where, thresholds), shape.at_least)

    # ── one fact ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _fact(self, shape: FactIs, where: _Where, thresholds: _Thresholds) -> Compiled:
        fact = self.vocabulary.get(shape.fact)
        if fact is None:
            mend = "Correct the name, or add the fact there."
            self.problem(where, f"the fact {shape.fact} is not in facts.yaml.", mend)
            return STAND_IN
        if isinstance(fact, OrderFact):
            self._of_an_order(f"the order fact {shape.fact}", where)
        if shape.is_ is not None:
            return self._is(shape.fact, shape.is_, fact, where)
        if shape.began_within is not None:
            return self._began(shape.fact, shape.began_within, fact, where, thresholds)
        unit = unit_of(fact)
        if unit is None:
            mend = "Use `is` with an answer of its choice, `is: present` or `is: absent`."
            self.problem(where, f"{shape.fact} is not a number.", mend)
            return STAND_IN
        return self._number(shape, unit, where, thresholds)

    def _is(self, name: str, words: tuple[str, ...], fact: FactDefinition, where: _Where) -> Compiled:
        choice = self.options.get(name)
        if choice is not None:
            for word in words:
                if word not in choice:
                    mend = f"Its answers are: {', '.join(sorted(choice))}."
                    self.problem(where, f"{word} is not an answer of {name}.", mend)
            self._words.setdefault(name, set()).update(words)
            return criteria.is_one_of(name, frozenset(words))
        if unit_of(fact) is not None:
            mend = "Compare it with a threshold: at-least, above, at-most or below."
            self.problem(where, f"{name} is a number, and `is` asks for a word.", mend)
            return STAND_IN
        if words == ("present",):
            return criteria.is_present(name)
        if words == ("absent",):
            return criteria.is_absent(name)
        mend = "Write `is: present` or `is: absent`."
        self.problem(where, f"{name} can be present or absent, not {' or '.join(words)}.", mend)
        return STAND_IN

    def _began(
        self, name: str, threshold: str, fact: FactDefinition, where: _Where, thresholds: _Thresholds
    ) -> Compiled:
        if fact.kind not in ("condition", "medication") and not (isinstance(fact, AnswerFact) and fact.type == "date"):
            what = f"{name} has no beginning; only conditions, medicines and dates have."
            self.problem(where, what, "Ask for its value instead.")
        return criteria.began_within(name, self._bound(threshold, "the time since a beginning", "d", where, thresholds))

    def _number(self, shape: FactIs, unit: str, where: _Where, thresholds: _Thresholds) -> Compiled:
        def bound(strict: str | None, other: str | None) -> tuple[Decimal, bool] | None:
            name = strict or other
            return (self._bound(name, shape.fact, unit, where, thresholds), strict is not None) if name else None

        lower, upper = bound(shape.above, shape.at_least), bound(shape.below, shape.at_most)
        if lower and upper and (lower[0] > upper[0] or (lower[0] == upper[0] and (lower[1] or upper[1]))):
            self.problem(where, "no number fits between its bounds.", "Exchange the two, or correct one.")
        self._bounds.setdefault(shape.fact, set()).update(each[0] for each in (lower, upper) if each)
        return criteria.in_bounds(shape.fact, lower, upper)

    def _bound(self, name: str, number: str, unit: str, where: _Where, thresholds: _Thresholds) -> Decimal:
        threshold = thresholds.get(name)
        if threshold is None:
            mend = "Add it under thresholds with value, unit and cites, or correct the name."
            self.problem(where, f"the threshold {name} is not defined in this file.", mend)
            return Decimal(0)
        if threshold.unit != unit:
            what = f"it is in {threshold.unit}, but {number} is measured in {unit}."
            self.problem((where[0], f"thresholds.{name}"), what, f"Convert the value, and write unit: {unit}.")
        return threshold.value

    # ── what only order checks ask ───────────────────────────────────────────────────────────────────────────────────

    def _of_an_order(self, what: str, where: _Where) -> bool:
        """Rules of the patient speak whether something is ordered or not, and never because data are missing."""
        if where[0].startswith(f"{ORDER_CHECKS}/"):
            return True
        self.problem(where, f"{what} stands outside the order checks.", "Move it to an order check, or take it out.")
        return False

    def _missing(self, name: str, where: _Where) -> Compiled:
        self._of_an_order("missing", where)
        if name not in self.vocabulary:
            mend = "Correct the name, or add the fact there."
            self.problem(where, f"the fact {name} is not in facts.yaml.", mend)
        return criteria.is_missing(name)

    def _red_flag(self, name: str, where: _Where) -> Compiled:
        """Any flag of an active rule, or the one that is named."""
        if not self._of_an_order("red-flag", where):
            return STAND_IN  # a red flag that asks for red flags could ask for itself
        if f"red-flag {name}" in self._compiled:
            return self._compiled[f"red-flag {name}"]
        rule_id, _, flag_id = name.partition("/")
        rule = self._red_flags.get(rule_id)
        flags = [flag for flag in rule.flags if flag.id == (flag_id or flag.id)] if rule else []
        if rule is None or rule.status != "active" or not flags:
            if f"red-flags/{rule_id}" not in self.unreadable:
                self.problem(
                    where, f"there is no active red flag {name}.", "Correct the name: rule-id, or rule-id/flag-id."
                )
            return STAND_IN
        file = f"red-flags/{rule_id}/rule.yaml"
        parts = tuple(self.criterion(flag.when, (file, f"flags.{flag.id}.when"), rule.thresholds) for flag in flags)
        self._compiled[f"red-flag {name}"] = criteria.remembered(f"red-flag {name}", criteria.any_of(parts))
        return self._compiled[f"red-flag {name}"]

    # ── what other files define ──────────────────────────────────────────────────────────────────────────────────────

    def _defined(self, name: str, where: _Where) -> Compiled:
        shape = self._definitions.definitions.get(name)
        if shape is None:
            self.problem(where, f"{name} is not in definitions.yaml.", "Correct the name, or define it there.")
            return STAND_IN
        if name in self._compiled:
            return self._compiled[name]
        if self._circular(name, where):
            return STAND_IN
        self._open.append(name)
        at = ("definitions.yaml", f"definitions.{name}.when")
        part = self.criterion(shape.when, at, self._definitions.thresholds)
        self._compiled[name] = criteria.remembered(name, part)
        self._open.pop()
        return self._compiled[name]

    def _circular(self, name: str, where: _Where) -> bool:
        """Whether a definition or score is being compiled already, which would make it its own part."""
        if name not in self._open:
            return False
        circle = " → ".join([*self._open[self._open.index(name) :], name])
        self.problem(where, f"{name} is defined by way of itself: {circle}.", "Take one of these steps out.")
        return True

    def definitions(self) -> dict[str, Compiled]:
        """Compile every definition, so that a mistake in one that no rule uses is found too."""
        for name in self._definitions.definitions:
            self._defined(name, ("definitions.yaml", f"definitions.{name}"))
        return {name: self._compiled[name] for name in self._definitions.definitions if name in self._compiled}

    def scores(self) -> dict[str, CompiledScore]:
        """Compile every score."""
        return {name: self._score(name) for name in sorted(self._scores)}

    def _score(self, name: str) -> CompiledScore:
        if name not in self._scored:
            rule, file = self._scores[name], f"scores/{name}/rule.yaml"
            self._open.append(f"score {name}")
            parts = tuple(
                self.criterion(item.when, (file, f"items.{item.id}.when"), rule.thresholds) for item in rule.items
            )
            bar = self.criterion(rule.not_valid, (file, "not-valid"), rule.thresholds) if rule.not_valid else None
            self._open.pop()
            bars = (bar,) if bar else ()
            exceptions = tuple(part for part, item in zip(parts, rule.items, strict=True) if item.presumed_no)
            self._scored[name] = CompiledScore(
                name, _adder(rule, parts, bar), parts + bars, exceptions + bars, frozenset(rule.serves)
            )
        return self._scored[name]

    def _score_is(self, shape: ScoreIs, where: _Where) -> Compiled:
        rule = self._scores.get(shape.score)
        if rule is None:
            if f"scores/{shape.score}" not in self.unreadable:
                mend = f"Correct the name, or add scores/{shape.score}/rule.yaml."
                self.problem(where, f"there is no score {shape.score}.", mend)
            return STAND_IN
        points = rule.cut_offs.get(shape.cut_off)
        if points is None:
            self.problem(where, f"the score {shape.score} has no cut-off {shape.cut_off}.", rule.cut_offs_told)
            return STAND_IN
        if self._circular(f"score {shape.score}", where):
            return STAND_IN
        score = self._score(shape.score)
        largest = max(abs(item.points) for item in rule.items)
        at_least = shape.at_least is not None
        return criteria.score_is(score.total, score.parts, score.exceptions, points, at_least, largest)

    # ── for the missing-data ranking ─────────────────────────────────────────────────────────────────────────────────

    def answers(self, chance_of_yes: float) -> dict[str, tuple[Answer, ...]]:
        """The ways each fact could turn out, as far as rules tell them apart, each with its chance."""
        found: dict[str, tuple[Answer, ...]] = {}
        for fact, definition in self.vocabulary.items():
            if fact in self.options:
                found[fact] = _equal_chances(self._choices(fact))
            elif unit_of(definition) is not None:
                found[fact] = _equal_chances(Known(number) for number in _between(self._bounds.get(fact, set())))
            else:
                found[fact] = (Answer(chance_of_yes, Known(True)), Answer(1 - chance_of_yes, Absent()))
        return found

    def _choices(self, fact: str) -> Iterator[Known]:
        """Each answer that some rule asks about, and one for all the others."""
        words = self._words.get(fact, set())
        yield from (Known(frozenset((word,))) for word in sorted(words))
        if words != self.options[fact]:
            yield Known(frozenset())


def _below(where: _Where, key: str) -> _Where:
    return where[0], f"{where[1]}.{key}"


def _equal_chances(values: Iterable[Known]) -> tuple[Answer, ...]:
    known = tuple(values)
    return tuple(Answer(1 / len(known), value) for value in known)


def _between(bounds: set[Decimal]) -> list[Decimal]:
    """One number in each stretch that the bounds cut out, the bounds themselves included."""
    cuts = sorted(bounds)
    if not cuts:
        return []
    middles = [(low + high) / 2 for low, high in pairwise(cuts)]
    return sorted({cuts[0] - 1, *cuts, *middles, cuts[-1] + 1})


def _adder(rule: ScoreRule, parts: tuple[Compiled, ...], bar: Compiled | None) -> Callable[[Look], ScoreRange | None]:
    """A function that works out a score, once per look; None where the score is not valid, or perhaps is not."""
    key = f"score {rule.id}"
    items = tuple(zip(rule.items, parts, strict=True))
    combine = _add if rule.combine == "sum" else _highest

    def add_up(look: Look) -> ScoreRange | None:
        barred = bar.test(look) if bar else None
        if barred is MET or (barred is CANNOT_TELL and not look.presume):
            return None
        met: list[ScoreItem] = []
        unanswered: list[ScoreItem] = []
        presumed: list[ScoreItem] = []
        for item, part in items:
            truth = part.test(look)
            if truth is MET:
                met.append(item)
            elif truth is CANNOT_TELL:
                (presumed if item.presumed_no and look.presume else unanswered).append(item)
        low, high = combine([item.points for item in met], [item.points for item in unanswered])
        return ScoreRange(low, high, *(tuple(item.id for item in each) for each in (met, unanswered, presumed)))

    def total(look: Look) -> ScoreRange | None:
        if key not in look.cache:
            look.cache[key] = add_up(look)
        score: ScoreRange | None = look.cache[key]
        return score

    return total


def _add(met: list[Decimal], unanswered: list[Decimal]) -> tuple[Decimal, Decimal]:
    """The lowest and the highest sum that is still possible."""
    total, none = sum(met, Decimal(0)), Decimal(0)
    return total + sum((min(each, none) for each in unanswered), none), total + sum(
        (max(each, none) for each in unanswered), none
    )


def _highest(met: list[Decimal], unanswered: list[Decimal]) -> tuple[Decimal, Decimal]:
    """The highest grade that holds, and the highest that may; 0 where none does."""
    reached = max(met, default=Decimal(0))
    return reached, max([reached, *unanswered])
