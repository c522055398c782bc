"""
The shape of facts.yaml: every word that a rule may use, and where it is found in a patient's record.

A rule speaks in facts; only this file ties a fact to a question, a value set, a unit and a look-back, so that a code
changes in one place.
"""

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from rules.engine.shape import Days, Id, Shape

__all__ = [
    "ORDER_CHANGES",
    "AnswerFact",
    "ChangeFact",
    "ConditionFact",
    "DemographicFact",
    "DerivedFact",
    "FactDefinition",
    "MeasurementFact",
    "MedicationFact",
    "OrderFact",
    "QualitativeFact",
    "RequestFact",
    "SourceAttribute",
    "attribute_of",
    "list_of",
    "unit_of",
]


ORDER_CHANGES = frozenset(("start", "raise", "lower", "renew", "stop"))
"""How a draft order may stand to the medicines taken now."""

OrderWords = Annotated[str, Field(pattern=r"^[a-z0-9]+(\|[a-z0-9]+)*( [a-z0-9]+(\|[a-z0-9]+)*)*$")]
SourceAttribute = Literal[
    "race",
    "ethnicity",
    "language",
    "sexual-orientation",
    "gender-identity",
    "sex",
    "date-of-birth",
    "social-determinants-of-health",
    "health-status-assessments",
]
"""The data whose use every rule has to declare, in the order of 45 CFR 170.315(b)(11)(iv)(A)(5) to (13)."""

_OF_THE_PERSON: dict[str, SourceAttribute] = {"age": "date-of-birth", "sex": "sex"}


class _Common(Shape):
    title: str = Field(max_length=60, description="the words a clinician reads on a card")
    how: str | None = Field(default=None, max_length=120, description="how to get it when it is missing")
    source_attribute: SourceAttribute | None = Field(
        default=None, description="the data of this kind that it is, where its kind of fact does not say so"
    )


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
    any_day: tuple[Id, ...] = Field(default=(), description="parts that change slowly: another day serves")


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


class RequestFact(_Common):
    """A referral or test that was requested and is not withdrawn: an active or completed ServiceRequest."""

    kind: Literal["request"]
    value_set: tuple[Id, ...] = Field(min_length=1)
    look_back: Days


class OrderFact(_Common):
    """
    What a draft order is: `what` is ordered or the `reason` (by value sets, or by words that its text holds), the
    `daily-dose`, how many `days`, how it stands to the medicines taken now (`change`), whether it is `taken-already`.

    Only order checks read these.
    """

    kind: Literal["order"]
    of: Literal["what", "reason", "daily-dose", "days", "change", "taken-already"] = "what"
    value_set: tuple[Id, ...] = ()
    words: tuple[OrderWords, ...] = Field(
        default=(), description="for orders without a code: words that must all stand in the text, `a|b` either of two"
    )
    unit: str | None = None

    @model_validator(mode="after")
    def _found_somehow(self) -> Self:
        if self.of in ("what", "reason") and not self.value_set and not self.words:
            raise ValueError(
                "it says neither by which codes nor by which words it is found.", "Add value-set or words."
            )
        return self


FactDefinition = Annotated[
    AnswerFact
    | ConditionFact
    | MedicationFact
    | MeasurementFact
    | QualitativeFact
    | DemographicFact
    | DerivedFact
    | ChangeFact
    | RequestFact
    | OrderFact,
    Field(discriminator="kind"),
]


def unit_of(fact: FactDefinition) -> str | None:
    """The UCUM unit a threshold on this fact must have; None where the fact is not a number."""
    if isinstance(fact, MeasurementFact) and fact.times_upper_limit:
        return "{xULN}"
    return getattr(fact, "unit", None)


def attribute_of(fact: FactDefinition) -> SourceAttribute | None:
    """
    Which of the data whose use is declared a fact is; None where it is none of them.

    What is asked in the intake is an assessment of the patient's health status, unless the fact says otherwise.
    """
    if fact.source_attribute is not None:
        return fact.source_attribute
    if isinstance(fact, AnswerFact):
        return "health-status-assessments"
    if isinstance(fact, DemographicFact):
        return _OF_THE_PERSON.get(fact.of)
    return None


def list_of(fact: FactDefinition) -> str | None:
    """The list that, looked through completely, makes the fact Absent where it does not name it; None for others."""
    if isinstance(fact, ConditionFact | MedicationFact) and fact.none_recorded_means_none:
        return "reason" if isinstance(fact, ConditionFact) and fact.status == "reason" else fact.kind
    return None
