"""
How evidence for one cause adds up.

Likelihood ratios multiply the odds, so their logarithms add up. Published ratios count as they are; the sum of all
expert classes stays between two bounds. Two rows that read the same answer are not two pieces of evidence.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from rules.engine.compiled import CompiledCause, CompiledRow, CompiledRules
from rules.engine.criteria import Look
from rules.engine.truth import CANNOT_TELL, MET, Truth

__all__ = ["Ranking", "Standing", "probability", "weigh", "weigh_again"]

_Weight = tuple[float, CompiledRow]
_SURE = 30.0
"""Log-odds beyond this are all the same; a probability then stays off 0 and 1, where a logarithm has no value."""


class Standing(NamedTuple):
    """What the rank and the word of a cause depend on."""

    log_odds: float
    required: Truth


@dataclass(frozen=True, slots=True)
class Ranking:
    """
    One cause as weighed.

    Args:
        required: whether its required facts are there.
        heard: the rows that speak, each with the logarithm it adds; counted: those that count, the strongest first.
        open_rows: the rows that an unknown fact keeps from speaking.
        published, expert: the sums of the logarithms of published ratios and of expert classes, before the cap.
    """

    cause: CompiledCause
    log_odds: float
    required: Truth
    heard: tuple[_Weight, ...]
    counted: tuple[_Weight, ...]
    open_rows: tuple[CompiledRow, ...]
    published: float
    expert: float

    @property
    def used(self) -> dict[bool, set[str]]:
        """The tokens of the rows that count, by direction: True is for, False is against."""
        tokens: dict[bool, set[str]] = {True: set(), False: set()}
        for weight, row in self.counted:
            tokens[weight > 0] |= row.tokens
        return tokens


def weigh(rules: CompiledRules, cause: CompiledCause, look: Look) -> Ranking | None:
    """Add up the evidence for one cause; None where the cause is excluded."""
    if cause.excludes is not None and cause.excludes.test(look) is MET:
        return None
    required = cause.requires.test(look) if cause.requires is not None else MET
    heard, open_rows = _listen(cause.rows, look)
    return _add_up(rules, cause, required, heard, open_rows)


def weigh_again(rules: CompiledRules, ranking: Ranking, fact: str, look: Look) -> Standing | None:
    """How the cause would stand if `fact` alone was answered since it was weighed; asks only the rows that read it."""
    cause, required = ranking.cause, ranking.required
    if cause.excludes is not None and fact in cause.excludes.reads and cause.excludes.test(look) is MET:
        return None
    if cause.requires is not None and fact in cause.requires.reads:
        required = cause.requires.test(look)
    # One more answer changes no answer that was there, but for exceptions that were taken for no while unknown.
    again = [row for _, row in ranking.heard if row.criterion.presumes and fact in row.criterion.reads]
    news, _ = _listen([*(row for row in ranking.open_rows if fact in row.criterion.reads), *again], look)
    if not news and not again:
        return Standing(ranking.log_odds, required)
    if len(news) == 1 and not again and news[0][1].tokens.isdisjoint(ranking.used[news[0][0] > 0]):
        weight, row = news[0]  # one row that shares nothing with those that count: no new count is needed
        published, expert = (0.0, weight) if row.expert else (weight, 0.0)
        log_odds = _log_odds(rules, cause, ranking.published + published, ranking.expert + expert)
        return Standing(log_odds, required)
    anew = _add_up(rules, cause, required, [*(pair for pair in ranking.heard if pair[1] not in again), *news], [])
    return Standing(anew.log_odds, required)


def _log_odds(rules: CompiledRules, cause: CompiledCause, published: float, expert: float) -> float:
    low, high = rules.expert_range
    return cause.prior + published + min(max(expert, low), high)


def _listen(rows: Iterable[CompiledRow], look: Look) -> tuple[list[_Weight], list[CompiledRow]]:
    """The rows that speak, each with what it adds, and those that an unknown fact keeps silent."""
    heard: list[_Weight] = []
    open_rows: list[CompiledRow] = []
    for row in rows:
        truth = row.criterion.test(look)
        if truth is CANNOT_TELL:
            open_rows.append(row)
        elif weight := row.met if truth is MET else row.not_met:
            heard.append((weight, row))
    return heard, open_rows


def _add_up(
    rules: CompiledRules, cause: CompiledCause, required: Truth, heard: list[_Weight], open_rows: list[CompiledRow]
) -> Ranking:
    counted = _independent(heard)
    expert = sum(weight for weight, row in counted if row.expert)
    published = sum(weight for weight, row in counted if not row.expert)
    log_odds = _log_odds(rules, cause, published, expert)
    return Ranking(cause, log_odds, required, tuple(heard), tuple(counted), tuple(open_rows), published, expert)


def _independent(heard: list[_Weight]) -> list[_Weight]:
    """
    The rows that count: of rows that share a fact or a group and point the same way, only the strongest.

    The sheets ask for this per item and per group. A score shares its items' facts, so that a score and its own items
    are never counted together. Rows of equal strength are taken by their id.
    """
    used: dict[bool, set[str]] = {True: set(), False: set()}
    counted = []
    for weight, row in sorted(heard, key=lambda pair: (-abs(pair[0]), pair[1].id)):
        taken = used[weight > 0]
        if taken.isdisjoint(row.tokens):
            taken |= row.tokens
            counted.append((weight, row))
    return counted


def probability(log_odds: float) -> float:
    """The probability of log-odds, strictly between 0 and 1."""
    return 1 / (1 + math.exp(-min(max(log_odds, -_SURE), _SURE)))
