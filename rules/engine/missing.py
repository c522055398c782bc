"""
Which missing fact would decide: the unknown facts ranked by the information their answer is expected to give.

For each unknown fact and each way it could turn out, the rules that wait for it are asked again. What the answer would
tell is measured in bits: for a cause, how far its probability would move (the divergence of the new from the old
probability, weighted with the chance of the answer); for a red flag that the fact alone would make fire, a fixed worth.
Chances and worth stand in scale.yaml.
"""

import math
from collections.abc import Iterable, Iterator, Mapping

from rules.engine.attempts import Attempts
from rules.engine.compiled import CompiledFlag, CompiledRules
from rules.engine.criteria import Compiled, Look, deciders, unknowns
from rules.engine.findings import MissingData
from rules.engine.truth import CANNOT_TELL, MET, NOT_MET
from rules.engine.weigh import Ranking, Standing, probability, weigh_again

__all__ = ["MISSING_AT_MOST", "flag_bits", "missing_data"]

MISSING_AT_MOST = 5
_LEADING = 3
_ALWAYS = 2
_WITHIN_REACH = 0.1
_LEAST_BITS = 0.01
_LEAST_SHIFT = 0.5
"""Of log-odds: a row that speaks more softly (1.5 to 1) is not worth a question of its own."""
_POSSIBLE = 0.49
"""The probability at which a cause is held whose required facts are unknown: just not likely, as its word is."""
_BARRED = 0.02
"""The probability of a cause that is excluded or whose required facts are absent: that of a rare cause beforehand."""


def missing_data(
    rules: CompiledRules,
    open_flags: Iterable[CompiledFlag],
    resting: Iterable[tuple[CompiledFlag, Mapping[str, float]]],
    ranking: tuple[Ranking, ...],
    look: Look,
    attempt: Attempts,
) -> tuple[MissingData, ...]:
    """
    At most five unknown facts, the most informative first.

    Args:
        resting: the open flags that nothing in this record touches, with what their facts are worth.
        look: the patient, with unknown exceptions taken for no. Only facts that a person can go and get are named.
    """
    supposed = _Supposed(rules, look)
    bits: dict[str, float] = {}
    decides: dict[str, dict[str, None]] = {}

    def add(rule: str, gains: Mapping[str, float] | None) -> None:
        for fact, gain in (gains or {}).items():
            bits[fact] = bits.get(fact, 0.0) + gain
            decides.setdefault(fact, {})[rule] = None

    for flag in open_flags:
        add(flag.name, attempt(flag.name, flag_bits, rules, flag, look, supposed))
    for flag, gains in resting:
        add(flag.name, gains)
    for each in _leading(ranking):
        rule = f"causes/{each.cause.id}"
        add(rule, attempt(rule, _cause_bits, rules, each, look, supposed))
    ranked = sorted(((gain, fact) for fact, gain in bits.items() if gain >= _LEAST_BITS), key=lambda x: (-x[0], x[1]))
    return tuple(MissingData(fact, round(gain, 4), tuple(decides[fact])) for gain, fact in ranked[:MISSING_AT_MOST])


def _leading(ranking: tuple[Ranking, ...]) -> Iterator[Ranking]:
    """The first causes, without those so improbable that no single answer brings them forward."""
    for place, each in enumerate(ranking[:_LEADING]):
        if place < _ALWAYS or probability(each.log_odds) >= _WITHIN_REACH:
            yield each


class _Supposed:
    """
    The same patient with one more fact answered, in each way it could turn out, with its chance.

    One look serves all: it holds an answer only until the next is asked for.
    """

    def __init__(self, rules: CompiledRules, look: Look) -> None:
        self._rules = rules
        self._known = look.cache
        self._values = dict(look.values)
        self._look = Look(self._values, presume=True)

    def __call__(self, fact: str) -> Iterator[tuple[float, Look]]:
        moved = self._rules.remembered.get(fact, ())
        for answer in self._rules.answers[fact]:
            self._values[fact] = answer.value
            cache = self._look.cache = dict(self._known)
            for name in moved:
                cache.pop(name, None)
            yield answer.chance, self._look
        self._values.pop(fact, None)


def _askable(rules: CompiledRules, criterion: Compiled, look: Look) -> Iterator[str]:
    """
    The facts a criterion waits for that a person can go and get.

    A fact with an answer that does not decide (a result of "<5", a condition without a date) is not asked for again.
    """
    return (fact for fact in unknowns(criterion, look) if _can_be_got(rules, fact, look))


def _can_be_got(rules: CompiledRules, fact: str, look: Look) -> bool:
    return fact in rules.askable and fact not in look.values


def flag_bits(
    rules: CompiledRules, flag: CompiledFlag, look: Look, supposed: _Supposed | None = None
) -> dict[str, float]:
    """Of an open flag the facts that could each alone make it fire, with what the question is worth in bits."""
    supposed = supposed or _Supposed(rules, look)
    worth, criterion = rules.flag_worth[flag.urgency], flag.criterion
    found: dict[str, float] = {}
    if (criterion.reads & rules.askable) <= look.values.keys():
        return found
    for fact in dict.fromkeys(deciders(criterion, look)):
        if _can_be_got(rules, fact, look):
            chance = sum(chance for chance, then in supposed(fact) if criterion.test(then) is MET)
            if chance:
                found[fact] = chance * worth
    return found


def _cause_bits(rules: CompiledRules, ranking: Ranking, look: Look, supposed: _Supposed) -> dict[str, float]:
    before = _standing(ranking)
    facts = dict.fromkeys(fact for part in _waiting(ranking, look) for fact in _askable(rules, part, look))
    found = {}
    for fact in facts:
        gain = 0.0
        for chance, then in supposed(fact):
            after = _standing(weigh_again(rules, ranking, fact, then))
            if after != before:
                gain += chance * _divergence(after, before)
        if gain:
            found[fact] = gain
    return found


def _waiting(ranking: Ranking, look: Look) -> Iterator[Compiled]:
    """The parts of a cause that an unknown fact keeps from an answer."""
    yield from (row.criterion for row in ranking.open_rows if max(abs(row.met), abs(row.not_met)) >= _LEAST_SHIFT)
    for part in (ranking.cause.requires, ranking.cause.excludes):
        if part is not None and part.test(look) is CANNOT_TELL:
            yield part


def _standing(ranking: Ranking | Standing | None) -> float:
    """The probability of a cause, for the worth of a question; None is an excluded cause."""
    if ranking is None:
        return _BARRED
    likely = probability(ranking.log_odds)
    if ranking.required is CANNOT_TELL:
        return min(likely, _POSSIBLE)
    return min(likely, _BARRED) if ranking.required is NOT_MET else likely


def _divergence(new: float, old: float) -> float:
    """Bits gained about a yes-or-no question when its probability moves from old to new (Kullback, Leibler 1951)."""
    return sum(a * math.log2(a / b) for a, b in ((new, old), (1 - new, 1 - old)))
