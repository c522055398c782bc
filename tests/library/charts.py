"""
Full charts drawn from the vocabulary: an answer to every fact, numbers and dates on and around the thresholds.

A chart is drawn as one byte for each fact, which takes one of the ways in which the fact may turn out.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import cache
from itertools import pairwise, product
from typing import Any

from hypothesis import strategies as st

from rules.engine.criteria import Compiled, Look, score_is
from rules.engine.facts import Absent, Interval, Known
from rules.engine.shape import Threshold
from rules.engine.vocabulary import FactDefinition, unit_of
from rules.pack import Pack

__all__ = ["Chart", "criteria_of", "full_charts", "some_facts"]

Chart = dict[str, Known | Absent]

_SEXES = ("male", "female", "other")
_STEP = Decimal("0.01")
_BOTH = (False, True)


@cache
def some_facts(pack: Pack) -> st.SearchStrategy[set[str]]:
    """Any set of facts: a few, half of them, nearly all."""
    names = sorted(set(pack.library.facts) - pack.order_facts.keys())
    bytes_ = st.binary(min_size=len(names), max_size=len(names))

    def chosen(drawn: tuple[bytes, int]) -> set[str]:
        return {name for name, byte in zip(names, drawn[0], strict=True) if byte < drawn[1]}

    return st.tuples(bytes_, st.sampled_from([8, 64, 128, 192, 248])).map(chosen)


@cache
def full_charts(pack: Pack) -> st.SearchStrategy[Chart]:
    """An answer to every fact about the patient."""
    facts = {name: fact for name, fact in pack.library.facts.items() if name not in pack.order_facts}
    ways = {name: _ways(pack, name, fact) for name, fact in facts.items()}

    def chart(drawn: bytes) -> Chart:
        return {name: ways[name][byte % len(ways[name])] for name, byte in zip(ways, drawn, strict=True)}

    return st.binary(min_size=len(ways), max_size=len(ways)).map(chart)


def _ways(pack: Pack, name: str, fact: FactDefinition) -> list[Known | Absent]:
    options = pack.library.options.get(name, _SEXES if fact.kind == "demographic" and fact.of == "sex" else ())
    if options:
        one = [frozenset((word,)) for word in options]
        return [Known(words) for words in (*one, frozenset[str](), *(a | b for a, b in pairwise(one)))]
    if unit_of(fact) is not None:
        bounds = [answer.value.value for answer in pack.rules.answers[name] if isinstance(answer.value, Known)]
        return [Known(number) for number in _around(each for each in bounds if isinstance(each, Decimal))]
    if fact.kind in ("condition", "medication") or getattr(fact, "type", None) == "date":
        days = _around(threshold.value for threshold in _thresholds(pack) if threshold.unit == "d")
        return [Absent(), Known(True), Absent(), *(Known(True, days=each) for each in days)]
    return [Absent(), Known(True)]


def _around(bounds: Iterable[Decimal]) -> list[Decimal | Interval]:
    """On each bound, a little to each side of it, and every kind of interval that ends there."""
    numbers = sorted({each + step for each in bounds for step in (-_STEP, Decimal(0), _STEP)}) or [Decimal(1)]
    found: list[Decimal | Interval] = [*numbers]
    for number, is_open in product(numbers, _BOTH):
        found += [Interval(low=number, low_open=is_open), Interval(high=number, high_open=is_open)]
    found += [Interval(low, high) for low, high in pairwise(numbers)]
    return found[:256]


def _thresholds(pack: Pack) -> Iterator[Threshold]:
    yield from pack.library.definitions.thresholds.values()
    for _, rule in pack.library.rules():
        yield from rule.thresholds.values()


@cache
def criteria_of(pack: Pack) -> dict[str, Compiled]:
    """Every criterion that decides something, by a name for the reader of a failure."""
    rules = pack.rules
    found: dict[str, Any] = {f"definition {name}": each for name, each in rules.definitions.items()}
    found |= {f"flag {flag.rule}/{flag.id}": flag.criterion for flag in rules.flags}
    found |= {f"mimic {mimic.id}": mimic.criterion for mimic in rules.mimics}
    for cause in rules.causes:
        found |= {f"row {cause.id}/{row.id}": row.criterion for row in cause.rows}
        found |= {f"requires {cause.id}": cause.requires, f"excludes {cause.id}": cause.excludes}
    for name, rule in pack.library.scores.items():
        score = rules.scores[name]
        widest = score.total(Look({}, presume=True))
        for cut, threshold in rule.thresholds.items():
            if threshold.unit != "{score}":
                continue  # a bound of one of its items
            if widest and not widest.low < threshold.value < widest.high:
                continue  # the top or the bottom of the scale, which every total keeps
            for at_least in _BOTH:
                key = f"score {name} {'at least' if at_least else 'at most'} {cut}"
                found[key] = score_is(
                    score.total, score.parts, score.exceptions, threshold.value, at_least, largest=Decimal(0)
                )
    return {name: each for name, each in found.items() if each is not None}
