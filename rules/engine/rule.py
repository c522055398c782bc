"""
The shape of the files in rules/library: what a rule, a score, a definition, a scale and a case may say.

Unknown keys are refused. The JSON Schemas for editors are generated from these classes (`recumbent rules schema`).
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal, Self, get_args

from pydantic import BeforeValidator, Discriminator, Field, Tag, field_validator, model_validator

from rules.engine.shape import Cite, Day, Id, Shape, Threshold

__all__ = [
    "AllOf",
    "AnyOf",
    "Band",
    "Case",
    "CauseRule",
    "Count",
    "Criterion",
    "Defined",
    "Definition",
    "Definitions",
    "EvidenceRow",
    "FactIs",
    "Flag",
    "MimicRule",
    "Missing",
    "Module",
    "NotMet",
    "OrderCheck",
    "OrderCheckRule",
    "RedFlagIs",
    "RedFlagRule",
    "Rule",
    "Scale",
    "ScoreIs",
    "ScoreItem",
    "ScoreRule",
    "Severity",
    "Source",
    "Strength",
    "Unless",
]

Strength = Literal["strong", "moderate", "weak"]
Status = Literal["draft", "active", "retired"]
Sentence = Annotated[str, Field(max_length=200)]
PreTest = Literal["common", "uncommon", "rare"]
Urgency = Literal["emergency", "urgent"]
Severity = Literal["critical", "warning", "info"]
Chance = Annotated[Decimal, Field(gt=0, lt=1)]
Ratio = Annotated[Decimal, Field(gt=0)]


def _words(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Words = Annotated[tuple[Id, ...], BeforeValidator(_words, json_schema_input_type=Id | tuple[Id, ...])]


def _each_once(ids: Iterable[str]) -> None:
    seen = set()
    for name in ids:
        if name in seen:
            raise ValueError(f"the id {name} stands twice.", "Give each its own id.")
        seen.add(name)


class AllOf(Shape):
    """Met where every part is met."""

    all: tuple["Criterion", ...] = Field(min_length=1)


class AnyOf(Shape):
    """Met where at least one part is met."""

    any: tuple["Criterion", ...] = Field(min_length=1)


class NotMet(Shape):
    """Met where the inner criterion is known not to be met; unknown stays unknown."""

    not_: "Criterion"


class Unless(Shape):
    """Like `not`, but a red flag is still shown while the inner criterion is unknown, and says so."""

    unless: "Criterion"


class Count(Shape):
    """Met where at least so many of the parts are met."""

    count: tuple["Criterion", ...] = Field(min_length=2)
    at_least: int = Field(ge=1)


class Defined(Shape):
    """A criterion that definitions.yaml states once for several rules."""

    defined: Id


class AgainstCutOff(Shape):
    """A total that reaches a cut-off of its score (`at-least`), or stays at or below it (`at-most`)."""

    _wrong: ClassVar[str]
    """What is wrong where there is no cut-off, or two."""

    at_least: Id | None = None
    at_most: Id | None = None

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError(self._wrong, "Write either `at-least` or `at-most`.")
        return self

    @property
    def cut_off(self) -> str:
        """The name of the cut-off."""
        return self.at_least or self.at_most or ""


class ScoreIs(AgainstCutOff):
    """A score against one of its own cut-offs; cannot tell while unanswered items could carry it across."""

    _wrong: ClassVar[str] = "a score is compared with one of its cut-offs."

    score: Id


class FactIs(Shape):
    """
    One fact: present, absent, a choice (`is`), a number against named thresholds, or how recently it began.

    A Count of zero is not an answer: an unknown fact makes each of these cannot-tell.
    """

    fact: Id
    is_: Words | None = Field(default=None, min_length=1)
    at_least: Id | None = None
    at_most: Id | None = None
    above: Id | None = None
    below: Id | None = None
    began_within: Id | None = None
    cites: tuple[Cite, ...] = ()

    @model_validator(mode="after")
    def _one_question(self) -> "FactIs":
        numbers = any((self.at_least, self.at_most, self.above, self.below))
        if sum((self.is_ is not None, numbers, self.began_within is not None)) != 1:
            mend = "Write `is`, or a bound (at-least, at-most, above, below), or `began-within`."
            raise ValueError("a fact is asked one question.", mend)
        if (self.at_least and self.above) or (self.at_most and self.below):
            mend = "Write at-least or above, and at-most or below."
            raise ValueError("it has two lower or two upper bounds.", mend)
        return self


class Missing(Shape):
    """
    Met where a fact is not known, for whatever reason. Order checks only: "measure first" is right whether nobody
    looked or nothing was found. Anywhere else a rule would fire because data are missing.
    """

    missing: Id


class RedFlagIs(Shape):
    """A red flag holds: any flag of a rule, or one, as rule-id/flag-id. Order checks only."""

    red_flag: str = Field(pattern=r"^[a-z0-9-]+(/[a-z0-9-]+)?$")


_KINDS: dict[str, type[Shape]] = {
    "all": AllOf,
    "any": AnyOf,
    "not": NotMet,
    "unless": Unless,
    "count": Count,
    "defined": Defined,
    "score": ScoreIs,
    "fact": FactIs,
    "missing": Missing,
    "red-flag": RedFlagIs,
}


def _kind(value: Any) -> str | None:
    if isinstance(value, dict):
        return next((kind for kind in _KINDS if kind in value), None)
    return next((kind for kind, shape in _KINDS.items() if isinstance(value, shape)), None)


Criterion = Annotated[
    Annotated[AllOf, Tag("all")]
    | Annotated[AnyOf, Tag("any")]
    | Annotated[NotMet, Tag("not")]
    | Annotated[Unless, Tag("unless")]
    | Annotated[Count, Tag("count")]
    | Annotated[Defined, Tag("defined")]
    | Annotated[ScoreIs, Tag("score")]
    | Annotated[FactIs, Tag("fact")]
    | Annotated[Missing, Tag("missing")]
    | Annotated[RedFlagIs, Tag("red-flag")],
    Discriminator(
        _kind,
        custom_error_type="criterion_kind",
        custom_error_message="a criterion holds one of: fact, score, defined, all, any, not, unless, count, missing, "
        "red-flag.",
    ),
]


class Rule(Shape):
    """What every rule states about itself."""

    id: Id
    version: int = Field(ge=1)
    status: Status
    title: str = Field(max_length=80)
    reviewed: Day
    thresholds: dict[Id, Threshold] = {}
    limits: str = Field(min_length=20, description="what the rule misses, in plain words")


class Flag(Shape):
    """One pattern of danger inside a red-flag rule."""

    id: Id
    class_: Urgency
    within: str = Field(max_length=24, description="how soon it needs care: now, 4 h, the same day, 2 weeks")
    when: Criterion
    summary: str = Field(max_length=139, description="the finding first, then what to consider")
    why: Sentence
    consider: tuple[Sentence, ...] = Field(min_length=1, max_length=5)
    avoid: tuple[Sentence, ...] = Field(default=(), max_length=4)
    cites: tuple[Cite, ...] = Field(min_length=1)
    superseded_by: tuple[str, ...] = Field(
        default=(), description="rule/flag ids that say it better when they fire too"
    )


class RedFlagRule(Rule):
    """Patterns that need care now or soon, whatever the ranking of causes says."""

    cause: Id
    flags: tuple[Flag, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _flags_once(self) -> "RedFlagRule":
        _each_once(flag.id for flag in self.flags)
        return self


class EvidenceRow(Shape):
    """One piece of evidence: a published likelihood ratio (present, absent) or an expert class (supports, opposes)."""

    id: Id
    when: Criterion
    present: Ratio | None = None
    absent: Ratio | None = None
    supports: Strength | None = None
    opposes: Strength | None = None
    group: Id | None = Field(default=None, description="only the strongest row of a group counts")
    cites: tuple[Cite, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _one_scale(self) -> "EvidenceRow":
        published = self.present is not None or self.absent is not None
        if sum((published, self.supports is not None, self.opposes is not None)) != 1:
            mend = "Write a likelihood ratio (present, absent), or `supports`, or `opposes`."
            raise ValueError("a row of evidence is weighed in one way.", mend)
        return self


class SelfCare(Shape):
    """What a patient may do alone, and what would harm."""

    safe: tuple[Sentence, ...] = ()
    unsafe: tuple[Sentence, ...] = ()


class CauseRule(Rule):
    """A likely cause: how common it is beforehand, what speaks for and against it, and what follows."""

    synonyms: tuple[str, ...] = ()
    pre_test: PreTest
    requires: Criterion | None = None
    excludes: Criterion | None = None
    known_by: Id | None = Field(default=None, description="the condition fact that says it is on the problem list")
    evidence: tuple[EvidenceRow, ...] = Field(min_length=1)
    next: tuple[Sentence, ...] = Field(min_length=1, description="tests and steps to consider")
    avoid: tuple[Sentence, ...] = ()
    self_care: SelfCare = SelfCare()
    ask: tuple[Sentence, ...] = ()
    cites: tuple[Cite, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _rows_once(self) -> "CauseRule":
        _each_once(row.id for row in self.evidence)
        return self


class ScoreItem(Shape):
    """
    One item of a score. `presumed-no` counts an unanswered item as no when a red flag must decide, and says so; `label`
    is the word for a grade ("IIb").
    """

    id: Id
    points: Decimal
    when: Criterion
    presumed_no: bool = False
    label: str | None = Field(default=None, max_length=40)


class Reading(AgainstCutOff):
    """What a total means: the words for one that reaches a cut-off, or stays at or below it."""

    _wrong: ClassVar[str] = "a reading has one cut-off."

    means: str = Field(max_length=40)


class ScoreRule(Rule):
    """
    A validated score: items, points, cut-offs (its thresholds), and the range while items are unanswered.

    The points of the items that hold are added up (`sum`), or the highest of them counts (`highest`, for grades). The
    first reading that holds is shown.
    """

    combine: Literal["sum", "highest"] = "sum"
    serves: tuple[Id, ...] = Field(default=(), description="the causes beside which it is shown")
    items: tuple[ScoreItem, ...] = Field(min_length=1)
    readings: tuple[Reading, ...] = ()
    not_valid: Criterion | None = None
    cites: tuple[Cite, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _items_once(self) -> "ScoreRule":
        _each_once(item.id for item in self.items)
        return self

    @model_validator(mode="after")
    def _readings_of_its_cut_offs(self) -> "ScoreRule":
        for name in (reading.cut_off for reading in self.readings):
            if name not in self.cut_offs:
                raise ValueError(f"a reading names the cut-off {name}, which the score has not.", self.cut_offs_told)
        return self

    @property
    def cut_offs(self) -> dict[str, Decimal]:
        """The thresholds that totals are compared with: name → points."""
        return {name: each.value for name, each in sorted(self.thresholds.items()) if each.unit == "{score}"}

    @property
    def cut_offs_told(self) -> str:
        """Which names a mistaken one may be mended to."""
        return f"Its cut-offs are: {', '.join(self.cut_offs) or 'none'}."

    def reading(self, low: Decimal, high: Decimal) -> str | None:
        """What a total between low and high (points) surely means; None where no reading holds for all of them."""
        for reading in self.readings:
            points = self.thresholds[reading.cut_off].value
            if low >= points if reading.at_least else high <= points:
                return reading.means
        return None


class MimicRule(Rule):
    """A condition outside the list of causes that a clinician would miss if nothing were said: when to name it, and how
    it is told from the causes."""

    when: Criterion
    tell: Sentence = Field(description="the one thing that tells it apart, and what to do")
    cites: tuple[Cite, ...] = Field(min_length=1)


class OrderCheck(Shape):
    """
    What speaks against one kind of draft order, or calls for a measurement first.

    `stops`: the check looks at an order that ends a medicine, not at one that begins it.
    """

    id: Id
    severity: Severity
    stops: bool = False
    when: Criterion
    summary: str = Field(max_length=139, description="the finding first, then what to consider")
    why: Sentence
    consider: tuple[Sentence, ...] = Field(min_length=1, max_length=5)
    offers: tuple[Id, ...] = Field(default=(), max_length=4, description="suggestions.yaml ids, the best first")
    covers: tuple[Id, ...] = Field(default=(), description="rows of the clinical content that it stands for")
    cites: tuple[Cite, ...] = Field(min_length=1)
    superseded_by: tuple[str, ...] = Field(
        default=(), description="rule/check ids that say it better when they fire too"
    )


class OrderCheckRule(Rule):
    """The checks of one kind of order: a medicine class, a device, a test, a treatment."""

    orders: tuple[Id, ...] = Field(min_length=1, description="order facts; an order that is one of these is checked")
    checks: tuple[OrderCheck, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _checks_once(self) -> "OrderCheckRule":
        _each_once(check.id for check in self.checks)
        return self


class Definition(Shape):
    """A named criterion, stated once."""

    title: str = Field(max_length=80)
    when: Criterion


class Definitions(Shape):
    """definitions.yaml."""

    thresholds: dict[Id, Threshold] = {}
    definitions: dict[Id, Definition]


class Band(Shape):
    """A word for a probability: it applies from `from` up to the next band."""

    word: Literal["very-likely", "likely", "possible", "unlikely"]
    from_: Decimal = Field(ge=0, lt=1)


class Scale(Shape):
    """scale.yaml: the one scale on which all evidence is weighed."""

    pre_test: dict[PreTest, Chance]
    supports: dict[Strength, Ratio]
    opposes: dict[Strength, Ratio]
    expert_floor: Ratio
    expert_cap: Ratio
    bands: tuple[Band, ...]
    chance_of_yes: Chance
    flag_worth: dict[Urgency, Chance]
    reason: str

    @model_validator(mode="after")
    def _complete(self) -> "Scale":
        tables: tuple[tuple[str, dict[Any, Decimal], Any], ...] = (
            ("pre-test", self.pre_test, PreTest),
            ("supports", self.supports, Strength),
            ("opposes", self.opposes, Strength),
            ("flag-worth", self.flag_worth, Urgency),
        )
        for name, table, words in tables:
            missing = [word for word in get_args(words) if word not in table]
            if missing:
                raise ValueError(f"{name} has no number for {', '.join(missing)}.", "Add it.")
        if self.expert_floor > 1 or self.expert_cap < 1:
            raise ValueError("1 does not lie between expert-floor and expert-cap.", "Correct one of the two.")
        return self

    @model_validator(mode="after")
    def _bands_cover(self) -> "Scale":
        lowest = [band.from_ for band in self.bands]
        if sorted(set(lowest)) != lowest[::-1] or lowest[-1:] != [0]:
            mend = "Write the highest band first and end with a band from 0."
            raise ValueError("the bands do not go down step by step to 0.", mend)
        return self


class Source(Shape):
    """One entry of sources.yaml."""

    title: str
    publisher: str
    year: int = Field(ge=1950, le=2100)
    url: Annotated[str, Field(pattern=r"^(https://|doi:10\.)")] | None = None
    read: Day | None = None
    note: str | None = None


class Module(Shape):
    """module.yaml: what a module is meant for, by whom, and what it is not."""

    id: Literal["red-flags", "causes", "order-checks", "scores"]
    title: str
    intended_use: str
    user: str
    not_for: str


class Case(Shape):
    """One worked example beside a rule: facts in, outcome out."""

    name: str
    facts: dict[Id, Any]
    expect: Any = Field(
        description="of each flag met, not-met, cannot-tell or presumed; of a cause its likelihood or excluded; of a "
        "score its number, its range {low, high} or not-valid"
    )
    probability: Chance | None = Field(
        default=None, description="of a cause, compared to as many decimals as are written"
    )
    reading: str | None = Field(default=None, description="of a score, what its total means, or `none`")
    missing: tuple[Id, ...] = ()

    @field_validator("expect")
    @classmethod
    def _outcome(cls, value: Any) -> Any:
        words = value.values() if isinstance(value, dict) else (value,)
        if not words or not all(isinstance(word, str | int | Decimal) for word in words):
            raise ValueError(
                "it expects nothing that can be compared.", "Write a word or a number, or one for each flag."
            )
        return value
