"""
How the red flags stand before the record says anything: worked out once, not once a call.

Most of a library is about things that a patient's record does not speak of. Such rules rest: they have the outcome that
follows from the complete lists alone ("no such problem recorded"), which is the same for every patient whose lists are
complete. Only the rules that read what the record states are asked anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from rules.engine.attempts import Attempts
from rules.engine.compiled import CompiledFlag, CompiledRules
from rules.engine.criteria import Look
from rules.engine.facts import Absent
from rules.engine.findings import NotEvaluated
from rules.engine.missing import flag_bits
from rules.engine.truth import CANNOT_TELL, MET
from rules.engine.vocabulary import list_of

__all__ = ["Resting", "resting"]


@dataclass(frozen=True, slots=True)
class Resting:
    """
    The red flags on complete lists alone.

    Args:
        values: what the complete lists make Absent.
        outcomes: of each flag its word, in the order of rules.flags.
        firing: the numbers of those that fire even so; they never rest.
        worth: of the flags that a single answer could make fire: number, flag, and fact → bits.
        lacking: rule without an outcome → the facts it lacks.
    """

    values: Mapping[str, Absent]
    outcomes: tuple[str, ...]
    firing: frozenset[int]
    worth: tuple[tuple[int, CompiledFlag, Mapping[str, float]], ...]
    lacking: Mapping[str, NotEvaluated]


@lru_cache(maxsize=64)
def resting(rules: CompiledRules, complete: frozenset[str]) -> Resting:
    """Args: complete: the lists that were looked through completely, as in PatientFacts."""
    values = {fact: Absent() for fact, word in rules.vocabulary.items() if list_of(word) in complete}
    look, presuming, attempt = Look(values), Look(values, presume=True), Attempts()
    outcomes = tuple(attempt(flag.name, flag.criterion.test, look) or CANNOT_TELL for flag in rules.flags)
    firing = frozenset(number for number, outcome in enumerate(outcomes) if outcome is MET)
    worth = []
    for number, flag in enumerate(rules.flags):
        if outcomes[number] is CANNOT_TELL and (bits := attempt(flag.name, flag_bits, rules, flag, presuming)):
            worth.append((number, flag, bits))
    lacking = {
        rule: NotEvaluated(rule, "facts are missing", tuple(fact for fact in facts if fact not in values))
        for rule, facts in rules.reads.items()
    }
    return Resting(values, tuple(outcome.value for outcome in outcomes), firing, tuple(worth), lacking)
