"""What a rule reads: its facts, through definitions, scores and facts that are worked out from others."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rules.engine.compile import COMPLAINT
from rules.engine.rule import (
    CauseRule,
    Criterion,
    Defined,
    FactIs,
    MimicRule,
    Missing,
    OrderCheckRule,
    RedFlagIs,
    Rule,
    ScoreIs,
)
from rules.engine.shape import Shape
from rules.engine.vocabulary import ChangeFact, DemographicFact, DerivedFact, FactDefinition
from rules.loader import Library

__all__ = ["Reads", "bounds_of", "reads_of"]

_SCOPE = ("age", "deceased")
"""Read for every rule: nothing is said of a child, or of a person who died."""


@dataclass(frozen=True, slots=True)
class Reads:
    """
    What one rule reads, each in the order of its file.

    Args:
        facts: fact ids. definitions: ids of definitions.yaml. scores: ids of scores.
    """

    facts: tuple[str, ...]
    definitions: tuple[str, ...]
    scores: tuple[str, ...]


def reads_of(library: Library, rule: Rule) -> Reads:
    """
    All that decides what a rule says of a patient, directly or not.

    Causes and mimics speak only where there is a leg complaint, so that they read what makes one.
    """
    reading = _Reading(library)
    reading.follow(rule)
    if isinstance(rule, CauseRule | MimicRule):
        reading.define(COMPLAINT)
    if isinstance(rule, CauseRule) and rule.known_by:
        reading.fact(rule.known_by)
    if isinstance(rule, OrderCheckRule):
        for order in rule.orders:
            reading.fact(order)
    for name, fact in library.facts.items():
        if isinstance(fact, DemographicFact) and fact.of in _SCOPE:
            reading.fact(name)
    return Reads(
        _in_order(reading.facts, library.facts),
        _in_order(reading.definitions, library.definitions.definitions),
        _in_order(reading.scores, library.scores),
    )


def bounds_of(criterion: Criterion) -> set[str]:
    """The names of the thresholds that a criterion compares facts with."""
    facts = [each for each in _leaves(criterion) if isinstance(each, FactIs)]
    bounds = (each for fact in facts for each in (fact.at_least, fact.at_most, fact.above, fact.below))
    return {name for name in (*bounds, *(fact.began_within for fact in facts)) if name}


class _Reading:
    """Gathers what is read; each definition and score is gone through once."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.facts: set[str] = set()
        self.definitions: set[str] = set()
        self.scores: set[str] = set()

    def follow(self, shape: Any) -> None:
        for each in _leaves(shape):
            match each:
                case FactIs():
                    self.fact(each.fact)
                case Missing():
                    self.fact(each.missing)
                case Defined():
                    self.define(each.defined)
                case RedFlagIs():
                    self.red_flag(each.red_flag)
                case ScoreIs():
                    self.score(each.score)

    def fact(self, name: str) -> None:
        if name not in self.facts:
            self.facts.add(name)
            for part in _parts(self.library.facts[name]):
                self.fact(part)

    def define(self, name: str) -> None:
        if name not in self.definitions:
            self.definitions.add(name)
            self.follow(self.library.definitions.definitions[name].when)

    def red_flag(self, name: str) -> None:
        """All flags of a rule, or the one that is named."""
        rule_id, _, flag_id = name.partition("/")
        for flag in self.library.red_flags[rule_id].flags:
            if flag_id in ("", flag.id):
                self.follow(flag.when)

    def score(self, name: str) -> None:
        if name not in self.scores:
            self.scores.add(name)
            self.follow(self.library.scores[name])


def _leaves(value: Any) -> Iterator[FactIs | Missing | Defined | ScoreIs | RedFlagIs]:
    """The criteria inside a shape that ask for a fact, a definition, a score or a red flag."""
    if isinstance(value, FactIs | Missing | Defined | ScoreIs | RedFlagIs):
        yield value
    elif isinstance(value, Shape):
        for name in type(value).model_fields:
            yield from _leaves(getattr(value, name))
    elif isinstance(value, tuple):
        for each in value:
            yield from _leaves(each)


def _parts(fact: FactDefinition) -> tuple[str, ...]:
    """The facts that a fact is worked out from."""
    if isinstance(fact, DerivedFact):
        return (*fact.of, *filter(None, (fact.instead_of,)))
    return (fact.of,) if isinstance(fact, ChangeFact) else ()


def _in_order(found: Iterable[str], file: Mapping[str, Any]) -> tuple[str, ...]:
    wanted = set(found)
    return tuple(name for name in file if name in wanted)
