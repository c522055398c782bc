"""What the rules found about one patient: red flags, ranked causes, scores, missing data. Plain frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from rules.engine.criteria import ScoreRange
from rules.engine.facts import DraftOrder
from rules.engine.truth import Truth

__all__ = ["Cause", "Evidence", "Findings", "Likelihood", "MissingData", "NotEvaluated", "OrderFinding", "RedFlag"]

Likelihood = Literal["very-likely", "likely", "possible", "unlikely"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """
    One counted row of evidence.

    Args:
        row: the row's id in the rule.
        facts: ids of the facts that made it speak, in reading order.
        direction: "for" or "against".
        weight: the likelihood ratio it multiplied the odds by; below 1 is against.
        cites: its sources.
    """

    row: str
    facts: tuple[str, ...]
    direction: Literal["for", "against"]
    weight: Decimal
    cites: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cause:
    """
    One cause in its place.

    Args:
        rank: 1 is the first of the whole answer.
        likelihood: the word for its probability on the scale of scale.yaml, after caps.
        probability: 0 to 1, before the cap of an unanswered required fact.
        known: already on the problem list.
        capped_by: unknown or missing required facts that keep the word at "possible" or "unlikely".
    """

    cause: str
    rank: int
    likelihood: Likelihood
    probability: float
    known: bool
    evidence: tuple[Evidence, ...] = ()
    missing: tuple[str, ...] = ()
    capped_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RedFlag:
    """
    One pattern of danger as it stands for this patient.

    Args:
        rule, flag: ids in rules/library/red-flags.
        outcome: strict three-valued answer.
        fires: shown to the clinician. True with outcome cannot-tell means that it fires unless one of `presumed`
            turns out otherwise.
        facts: ids of the facts that made it fire.
        presumed: unknown facts that were taken for no, such as an exception that was not asked about.
    """

    rule: str
    flag: str
    cause: str
    urgency: Literal["emergency", "urgent"]
    outcome: Truth
    fires: bool
    facts: tuple[str, ...] = ()
    presumed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OrderFinding:
    """
    How one check stands to one draft order.

    Args:
        rule, check: ids in rules/library/order-checks. kind: the order fact that says what is ordered.
        outcome, fires, facts, presumed: as of a red flag.
        lacking: the unknown facts that keep a check from an answer; a card names them as not checked.
    """

    rule: str
    check: str
    order: DraftOrder
    kind: str
    severity: Literal["critical", "warning", "info"]
    outcome: Truth
    fires: bool
    facts: tuple[str, ...] = ()
    presumed: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """rule/check."""
        return f"{self.rule}/{self.check}"


@dataclass(frozen=True, slots=True)
class MissingData:
    """An unknown fact worth getting: how many bits its answer is expected to give, and for which rules."""

    fact: str
    information: float
    decides: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NotEvaluated:
    """A rule without an answer, and why: "facts are missing" and which, "rule failed", "under-18" and so on."""

    rule: str
    reason: str
    facts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Findings:
    """
    Everything one evaluation found.

    Args:
        orders: checks that fire, the worst first, then those that cannot be told.
        mimics: ids of the conditions outside the list of causes that are to be named.
        scores: those that serve a cause with evidence. outcomes: each rule's own answer, for the record.
    """

    red_flags: tuple[RedFlag, ...] = ()
    causes: tuple[Cause, ...] = ()
    missing: tuple[MissingData, ...] = ()
    orders: tuple[OrderFinding, ...] = ()
    mimics: tuple[str, ...] = ()
    scores: Mapping[str, ScoreRange] = field(default_factory=dict)
    complaint: Truth = Truth.CANNOT_TELL
    outcomes: Mapping[str, str] = field(default_factory=dict)
    not_evaluated: tuple[NotEvaluated, ...] = ()
    silent: str | None = None

    @property
    def fired(self) -> tuple[RedFlag, ...]:
        """The red flags to show, the most urgent first."""
        return tuple(flag for flag in self.red_flags if flag.fires)
