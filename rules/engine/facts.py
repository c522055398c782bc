"""
What is known of one patient: each fact is Known, Absent or Unknown.

Absent is an answer ("looked for, and there is none"); Unknown is the lack of one, with the reason. Rules see only these
values: no FHIR, no codes, no clock. They are msgspec Structs, since a chart makes hundreds of them and a frozen
dataclass costs several times as much to make.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum

import msgspec

__all__ = ["Absent", "DraftOrder", "Fact", "Interval", "Known", "PatientFacts", "Reason", "Unknown", "Value"]


class Interval(msgspec.Struct, frozen=True):
    """
    A number known only to lie between two bounds: a lab value "<5", an age from a birth year.

    Args:
        low, high: bounds in the fact's unit; None is unbounded.
        low_open, high_open: True where the bound itself is excluded ("<5" is high=5, high_open=True).
    """

    low: Decimal | None = None
    high: Decimal | None = None
    low_open: bool = False
    high_open: bool = False


Value = bool | Decimal | Interval | frozenset[str]


class Known(msgspec.Struct, frozen=True):
    """
    A fact that was found.

    Args:
        value: True for a condition, medicine or yes-answer; Decimal or Interval in the fact's unit for a number;
            the chosen codes for a choice.
        date: as recorded, FHIR partial dates allowed ("2026", "2026-11", with a time); None if not stated.
        source: reference of the resource it was read from, such as "Observation/k1".
        days: how many days before the moment of the call it began (onset, first prescription); None if not stated.
        note: a remark from our own texts that belongs beside the value, such as "upper limit assumed".
        from_text: True if it was matched by its wording because the record held no known code.
    """

    value: Value
    date: str | None = None
    source: str | None = None
    days: Decimal | Interval | None = None
    note: str | None = None
    from_text: bool = False


class Absent(msgspec.Struct, frozen=True):
    """Looked for after a complete look, and there is none; or asked, and the answer was no."""

    date: str | None = None
    source: str | None = None


class Reason(Enum):
    """Why a fact is unknown. The values are the words that cards and records show."""

    NOT_ASKED = "not asked"
    NOT_LOOKED = "not in the data sent"
    FAILED = "could not be fetched"
    INCOMPLETE = "only part of the record was sent"
    NONE_RECORDED = "none recorded"
    TOO_OLD = "only an older value on record"
    NO_DATE = "recorded without a date"
    NO_VALUE = "recorded without a value"
    NOT_NUMERIC = "the recorded value is not a number"
    NO_UNIT = "recorded without a unit"
    UNIT_NOT_CONVERTIBLE = "recorded in a unit that cannot be converted"
    NO_LIMIT = "recorded without the laboratory's upper limit"
    IMPLAUSIBLE = "the recorded value is not plausible"
    UNREADABLE = "the record could not be read"
    AMBIGUOUS = "recorded values contradict each other"


class Unknown(msgspec.Struct, frozen=True):
    """Not known, and why. `last` is an older value that is shown but not used."""

    reason: Reason
    last: Known | None = None


Fact = Known | Absent | Unknown


@dataclass(frozen=True, slots=True)
class DraftOrder:
    """
    An order that is about to be signed.

    Args:
        reference: as the client knows it, "MedicationRequest/123"; where it gives no usable id, or one of them twice,
            the kind and the place among the orders, "MedicationRequest#2". No two orders of a call have the same.
        facts: of the order itself by order fact, and of the medicines taken, as they are for this order: those ordered
            beside it count, and the order itself does not. None is unknown.
        stops: it ends a medicine or a treatment.
        removable: it is still a draft, and the client knows it by its reference.
    """

    reference: str
    facts: Mapping[str, Known | Absent | None]
    stops: bool = False
    removable: bool = False


@dataclass(frozen=True, slots=True)
class PatientFacts:
    """
    All facts about one patient at one moment, by fact id.

    Args:
        answered: what is Known or Absent; unknown: the rest. A fact in neither was not asked. Two mappings, because the
            engine reads only the first and reads it often.
        complete: the lists ("condition", "medication", "reason") that were looked through completely, so that what they
            do not name is Absent.
        stated: the facts on which this record differs from any other whose lists are as complete; None for all that are
            answered. What is answered and not stated is Absent because its list is complete.
    """

    answered: Mapping[str, Known | Absent] = field(default_factory=dict)
    unknown: Mapping[str, Unknown] = field(default_factory=dict)
    complete: frozenset[str] = frozenset()
    stated: frozenset[str] | None = None

    def __getitem__(self, fact: str) -> Fact:
        return self.answered.get(fact) or self.unknown.get(fact) or Unknown(Reason.NOT_ASKED)

    def with_order(self, order: DraftOrder) -> dict[str, Known | Absent]:
        """What is answered in the light of one draft order."""
        answered = dict(self.answered)
        for name, value in order.facts.items():
            if value is None:
                answered.pop(name, None)
            else:
                answered[name] = value
        return answered

    def without(self, *facts: str) -> "PatientFacts":
        """The same patient with some facts hidden: they become Unknown, not asked."""
        left = {name: value for name, value in self.answered.items() if name not in facts}
        return PatientFacts(left, self.unknown)
