"""
The shape of facts.yaml: every word that a rule may use, and where it is found in a patient's record.

A rule speaks in facts; only this file ties a fact to a question, a value set, a unit and a look-back, so that a code
changes in one place.
"""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from rules.engine.shape import Days, Id, Shape

__all__ = [
    "AnswerFact",
    "ChangeFact",
    "ConditionFact",
    "DemographicFact",
    "DerivedFact",
    "FactDefinition",
    "MeasurementFact",
    "MedicationFact",
    "QualitativeFact",
    "list_of",
    "unit_of",
]


class _Common(Shape):
    title: str = Field(max_length=60, description="the words a clinician reads on a card")
    how: str | None = Field(default=None, max_length=120, description="how to get it when it is missing")


class AnswerFact(_Common):
    """An item of the intake questionnaire."""

    kind: Literal["answer"]
    link_id: Id
    type: Literal["boolean", "choice", "integer", "decimal", "date"]
    unit: str | None = None
    look_back: Days


class ConditionFact(_Common):
    """A problem or diagnosis: `active` now, `ever` counts past ones too, `reason` is the reason of this encounter."""

    kind: Literal["condition"]
    value_set: tuple[Id, ...] = Field(min_length=1)
    status: Literal["active", "ever", "reason"] = "active"
    look_back: Days | None = Field(default=None, description="count it only if it began within this time")
    none_recorded_means_none: bool


class MedicationFact(_Common):
    """A medicine class: `active` is taken now, `stopped` was stopped within the look-back."""

    kind: Literal["medication"]
    value_set: tuple[Id, ...] = Field(min_length=1)
    status: Literal["active", "stopped"] = "active"
    look_back: Days | None = None
    none_recorded_means_none: bool


class UpperLimit(Shape):
    """
    Read the value as a multiple of the laboratory's own upper limit.

    `assumed` where the report states none; with `must-be-stated` the fact is unknown then, and the assumed limit only
    tells a believable one from a filler.
    """

    assumed: Decimal
    unit: str
    must_be_stated: bool = False


class MeasurementFact(_Common):
    """A number with a unit: the newest result in the look-back, or the worse side of a two-sided one."""

    kind: Literal["measurement"]
    value_set: tuple[Id, ...] = Field(min_length=1)
    unit: str = Field(description="UCUM, case-sensitive")
    look_back: Days
    plausible: tuple[Decimal, Decimal]
    pick: Literal["newest", "lowest-side"] = "newest"
    times_upper_limit: UpperLimit | None = None


class QualitativeFact(_Common):
    """A result that is a word: positive or negative, pregnant or not."""

    kind: Literal["qualitative"]
    value_set: tuple[Id, ...] = Field(min_length=1)
    positive: tuple[str, ...] = Field(min_length=1, description="codes or words that mean yes")
    negative: tuple[str, ...] = Field(min_length=1, description="codes or words that mean no")
    look_back: Days


class DemographicFact(_Common):
    """From the Patient resource."""

    kind: Literal["demographic"]
    of: Literal["age", "sex", "deceased"]
    unit: str | None = None


class DerivedFact(_Common):
    """
    Worked out from measured and demographic facts by a named formula of engine/formulas.py; a measured value goes
    before it.
    """

    kind: Literal["derived"]
    formula: Id
    of: tuple[Id, ...] = Field(min_length=1)
    unit: str
    instead_of: Id | None = Field(default=None, description="the measured fact that this one stands in for")


class ChangeFact(_Common):
    """
    How the newest result stands to the earlier ones within a time: the difference (`rise`) or `ratio` to the lowest of
    them, or the `fall` from the highest of them, in percent of it.
    """

    kind: Literal["change"]
    of: Id
    by: Literal["rise", "ratio", "fall"]
    within: Days
    unit: str


FactDefinition = Annotated[
    AnswerFact
    | ConditionFact
    | MedicationFact
    | MeasurementFact
    | QualitativeFact
    | DemographicFact
    | DerivedFact
    | ChangeFact,
    Field(discriminator="kind"),
]


def unit_of(fact: FactDefinition) -> str | None:
    """The UCUM unit a threshold on this fact must have; None where the fact is not a number."""
    if isinstance(fact, MeasurementFact) and fact.times_upper_limit:
        return "{xULN}"
    return getattr(fact, "unit", None)


def list_of(fact: FactDefinition) -> str | None:
    """The list that, looked through completely, makes the fact Absent where it does not name it; None for others."""
    if isinstance(fact, ConditionFact | MedicationFact) and fact.none_recorded_means_none:
        return "reason" if isinstance(fact, ConditionFact) and fact.status == "reason" else fact.kind
    return None
