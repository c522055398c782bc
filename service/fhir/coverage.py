"""
Which search covers which fact, and what follows for a fact that no resource speaks of.

Facts that are searched for together share their fate: a complete look at the problem list makes all problems that it
does not name Absent, a failed one makes them Unknown. It is worked out once a group and call, however many facts there
are.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from rules.engine.facts import Absent, Known, Reason, Unknown
from rules.engine.vocabulary import ChangeFact, ConditionFact, DerivedFact, FactDefinition, OrderFact, list_of

__all__ = ["Coverage", "Defaults", "Group", "coverage_of"]

_NONE = Absent()
_UNKNOWN = {reason: Unknown(reason) for reason in Reason}


@dataclass(frozen=True, slots=True)
class Group:
    """
    Facts of one kind that the same searches cover.

    Args:
        kind: "condition", "reason", "medication", "measurement", … keys: the searches that a complete look needs.
        others: searches that may be missing, but whose answer, cut off after its first page, hides the rest of a list.
        listed: none recorded means none.
    """

    kind: str
    keys: tuple[str, ...]
    others: tuple[str, ...]
    listed: bool
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds for the facts that no resource speaks of. `complete` as in PatientFacts."""

    answered: dict[str, Known | Absent]
    unknown: dict[str, Unknown]
    complete: frozenset[str]


@dataclass(frozen=True, slots=True, eq=False)
class Coverage:
    """All facts of a vocabulary by group; `late` are those worked out from others."""

    groups: tuple[Group, ...]
    late: tuple[tuple[str, DerivedFact | ChangeFact], ...]

    def states(self, looked: Mapping[str, Reason], doubts: Mapping[str, Reason | None]) -> tuple[Reason | None, ...]:
        """
        Of each group why its look was not complete, or None.

        Args:
            looked: search key → how complete the look was.
            doubts: kind → why even a complete look is not to be believed.
        """
        return tuple(
            _lacking(group.keys, looked) or _cut_off(group.others, looked) or doubts.get(group.kind)
            for group in self.groups
        )

    def defaults(self, states: tuple[Reason | None, ...]) -> Defaults:
        """What follows from the states of the groups."""
        answered: dict[str, Known | Absent] = {}
        unknown: dict[str, Unknown] = {}
        complete: set[str] = set()
        for group, state in zip(self.groups, states, strict=True):
            if state is None and group.listed:
                answered.update(dict.fromkeys(group.facts, _NONE))
                complete.add(group.kind)
            else:
                none = Reason.NOT_ASKED if group.kind == "answer" else Reason.NONE_RECORDED
                unknown.update(dict.fromkeys(group.facts, _UNKNOWN[state or none]))
        return Defaults(answered, unknown, frozenset(complete))


def coverage_of(
    facts: Mapping[str, FactDefinition],
    fact_keys: Mapping[str, tuple[str, ...]],
    other_keys: Mapping[str, tuple[str, ...]],
) -> Coverage:
    """
    Group the facts of a vocabulary.

    Args:
        fact_keys: fact → the search keys that a complete look needs. other_keys: fact → those it can do without.
    """
    groups: dict[tuple[str, tuple[str, ...], tuple[str, ...], bool], list[str]] = {}
    late: list[tuple[str, DerivedFact | ChangeFact]] = []
    for name, fact in facts.items():
        if isinstance(fact, OrderFact):
            continue  # of a draft order, not of the record
        if isinstance(fact, DerivedFact | ChangeFact):
            late.append((name, fact))
            continue
        kind = "reason" if isinstance(fact, ConditionFact) and fact.status == "reason" else fact.kind
        keys = fact_keys.get(name, ()), other_keys.get(name, ())
        groups.setdefault((kind, *keys, list_of(fact) is not None), []).append(name)
    return Coverage(tuple(Group(*key, tuple(names)) for key, names in groups.items()), tuple(late))


def _lacking(keys: tuple[str, ...], looked: Mapping[str, Reason]) -> Reason | None:
    """Why the look was not complete; None where all searches were, and there is one at all."""
    for key in keys:
        state = looked.get(key, Reason.NOT_LOOKED)
        if state is not Reason.NONE_RECORDED:
            return state
    return None if keys else Reason.NOT_LOOKED


def _cut_off(keys: tuple[str, ...], looked: Mapping[str, Reason]) -> Reason | None:
    return Reason.INCOMPLETE if any(looked.get(key) is Reason.INCOMPLETE for key in keys) else None
