"""The rules of one library, compiled: what evaluate.py runs. Built once per pack by compile.py."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from rules.engine.criteria import Compiled, Look, ScoreRange
from rules.engine.facts import Absent, Known
from rules.engine.findings import Likelihood
from rules.engine.rule import Severity
from rules.engine.vocabulary import FactDefinition

__all__ = [
    "Answer",
    "CompiledCause",
    "CompiledCheck",
    "CompiledFlag",
    "CompiledMimic",
    "CompiledRow",
    "CompiledRules",
    "CompiledScore",
    "module_of",
]


_SWITCH = {"mimics": "causes"}


def module_of(rule: str) -> str:
    """The module that switches a rule on and off: that of its folder, and causes for the mimics of causes."""
    folder = rule.split("/")[0]
    return _SWITCH.get(folder, folder)


@dataclass(frozen=True, slots=True)
class Answer:
    """One way an unknown fact could turn out, and how likely that is taken to be before asking."""

    chance: float
    value: Known | Absent


@dataclass(frozen=True, slots=True)
class CompiledScore:
    """
    A score.

    Args:
        total: adds up the items; None where the score is not valid for the patient.
        parts: the items, then what makes it not valid.
        exceptions: the parts that are taken for no when presuming.
        serves: the causes beside which it is shown.
    """

    id: str
    total: Callable[[Look], ScoreRange | None]
    parts: tuple[Compiled, ...]
    exceptions: tuple[Compiled, ...]
    serves: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class CompiledFlag:
    """A flag of a red-flag rule. `superseded_by` holds rule/flag ids."""

    rule: str
    id: str
    cause: str
    urgency: Literal["emergency", "urgent"]
    criterion: Compiled
    superseded_by: tuple[str, ...]

    @property
    def name(self) -> str:
        """The rule as it is named in outcomes and records."""
        return f"red-flags/{self.rule}"


@dataclass(frozen=True, slots=True)
class CompiledRow:
    """
    An evidence row as natural logarithms of likelihood ratios.

    Args:
        met, not_met: added to the log-odds for each outcome; 0 says nothing. An unknown row adds nothing.
        tokens: its facts and its group: two rows of one direction that share a token count once.
        expert: True where the weight is an expert class and not a published ratio.
    """

    id: str
    criterion: Compiled
    met: float
    not_met: float
    weight_met: Decimal
    weight_not_met: Decimal
    tokens: frozenset[str]
    expert: bool
    cites: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CompiledCause:
    """A cause with its pre-test log-odds."""

    id: str
    prior: float
    requires: Compiled | None
    excludes: Compiled | None
    known_by: str | None
    rows: tuple[CompiledRow, ...]


@dataclass(frozen=True, slots=True)
class CompiledMimic:
    """A condition outside the list of causes, named where its criterion is met."""

    id: str
    criterion: Compiled

    @property
    def name(self) -> str:
        """The rule as it is named in outcomes and records."""
        return f"mimics/{self.id}"


@dataclass(frozen=True, slots=True)
class CompiledCheck:
    """A check of the draft orders that one of its order facts stands for. `superseded_by` holds rule/check ids."""

    rule: str
    id: str
    severity: Severity
    stops: bool
    orders: tuple[str, ...]
    criterion: Compiled
    superseded_by: tuple[str, ...]

    @property
    def name(self) -> str:
        """The rule as it is named in outcomes and records."""
        return f"order-checks/{self.rule}"


@dataclass(frozen=True, slots=True, eq=False)
class CompiledRules:
    """
    All active rules of a library.

    Args:
        answers: fact → the ways it could turn out. flag_worth: urgency → bits that an open red flag is worth.
        remembered: fact → what a look works out only once from it: definitions and scores, by name.
        askable: the facts that a person can go and get, since they are answers or say how.
        checks_of: order fact → the checks of the orders that it stands for.
        rule_ids: the rules about the patient; check_ids: those about draft orders. reads: rule of either → its facts.
        flags_reading, causes_reading, mimics_reading: fact → the numbers of the rules that it can touch. The others
            rest (resting.py) and cost nothing, so that the work grows with what is known, not with the number of rules.
    """

    vocabulary: Mapping[str, FactDefinition]
    definitions: Mapping[str, Compiled]
    flags: tuple[CompiledFlag, ...]
    causes: tuple[CompiledCause, ...]
    scores: Mapping[str, CompiledScore]
    complaint: Compiled
    answers: Mapping[str, tuple[Answer, ...]]
    bands: tuple[tuple[float, Likelihood], ...]
    expert_range: tuple[float, float]
    flag_worth: Mapping[str, float]
    remembered: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    askable: frozenset[str] = frozenset()
    mimics: tuple[CompiledMimic, ...] = ()
    flags_reading: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    causes_reading: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    mimics_reading: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    checks_of: Mapping[str, tuple[CompiledCheck, ...]] = field(default_factory=dict)
    rule_ids: tuple[str, ...] = ()
    check_ids: tuple[str, ...] = ()
    reads: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
