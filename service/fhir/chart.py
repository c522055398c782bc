"""What was read so far about one patient: usable values by fact, and what does not count and why."""

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from rules.engine.facts import Absent, Known, Reason, Unknown, Value
from rules.pack import Pack
from service.fhir.moments import Moment, days_before, span_before
from service.fhir.resources import CodeableConcept, codings

__all__ = ["NEVER", "Candidate", "Chart", "safe_reference", "why_none"]

_TOMORROW = timedelta(days=1).total_seconds()
_REFERENCE = re.compile(r"[^A-Za-z0-9\-._:/|]")
_LONGEST_REFERENCE = 320
"""Characters: a type, and an id of 256, as long as that of a patient may be. Order ids of Epic have 194."""

NEVER = Moment(float("-inf"), date.min, date.min)
"""Stands where no date is recorded; it sorts before all others."""


class Candidate(NamedTuple):
    """One usable value of one fact. `side` tells two-sided measurements apart."""

    moment: Moment
    known: Known | Absent
    side: str = ""

    def order(self) -> tuple[float, str, str, str]:
        """Newest last; what is of the same moment in an order that does not depend on where it stood."""
        known = self.known
        if isinstance(known, Absent):
            return (self.moment.stamp, "", known.source or "", self.side)
        value = ",".join(sorted(known.value)) if isinstance(known.value, frozenset) else str(known.value)
        return (self.moment.stamp, value, known.source or "", f"{self.side} {known.from_text} {known.note}")


@dataclass(slots=True)
class Chart:
    """
    The work sheet of one reading.

    Args:
        created: the problems that were just put on the list; without a date they are of now.
        found: fact → its usable values.
        refused: fact → the reason that tells most about why a value of it does not count.
        left_out: "Observation: preliminary" → how many resources were read and do not count.
        unreadable: resource type → how many could not be read.
        symptoms: fact → answers of the intake that coded symptoms imply.
        astray: resource types that point to something that was not sent, so that what they say is not known.
    """

    pack: Pack
    as_of: datetime
    created: frozenset[str] = frozenset()
    today: date = field(init=False)
    now: Moment = field(init=False)
    found: dict[str, list[Candidate]] = field(default_factory=dict)
    refused: dict[str, tuple[tuple[bool, float, str, str], Unknown]] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)
    unreadable: Counter[str] = field(default_factory=Counter)
    symptoms: dict[str, list[Candidate]] = field(default_factory=dict)
    astray: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.today = self.as_of.date()
        self.now = Moment(self.as_of.timestamp(), self.today, self.today)

    def offer(self, fact: str, candidate: Candidate) -> None:
        self.found.setdefault(fact, []).append(candidate)

    def offer_symptoms(
        self, concept: CodeableConcept | None, moment: Moment | None, source: str, yes: bool = True
    ) -> None:
        """
        Remember the answers of the intake that the codes of a concept imply. Like an answer, a symptom counts within
        the look-back of its question. A symptom that is denied answers a yes-or-no question only.
        """
        for coding in codings(concept):
            for symptom in self.pack.terminology.symptoms_of(coding.system, str(coding.code)):
                look_back = self.pack.answer_looks[symptom.fact]
                if moment is None or self.out_of_time(moment, look_back) or (symptom.answer and not yes):
                    continue
                day = str(moment)
                value: Value = frozenset((symptom.answer,)) if symptom.answer else True
                known = Known(value, day, source) if yes else Absent(day, source)
                self.symptoms.setdefault(symptom.fact, []).append(Candidate(moment, known))

    def refuse(self, fact: str, reason: Reason, moment: Moment | None = None, last: Known | None = None) -> None:
        """
        Remember why a value does not count. A value without a usable date goes before others, since it may be of today;
        among these the newest.
        """
        stamp = moment.stamp if moment else NEVER.stamp
        weight = (reason is Reason.NO_DATE, stamp, reason.value, (last.source if last else None) or "")
        if fact not in self.refused or weight > self.refused[fact][0]:
            self.refused[fact] = (weight, Unknown(reason, last))

    def offer_problem(
        self,
        fact: str,
        look_back: Decimal | None,
        moment: Moment | None,
        source: str,
        from_text: bool = False,
    ) -> Reason | None:
        """Offer a condition or medicine that began, or was stopped, at a moment; returns why it does not count."""
        days = days_before(moment, self.as_of) if moment else None
        known = Known(True, str(moment) if moment else None, source, days, from_text=from_text)
        reason = self.out_of_time(moment, look_back)
        if reason is None:
            self.offer(fact, Candidate(moment or NEVER, known))
        else:
            self.refuse(fact, reason, moment, known)
        return reason

    def out_of_time(self, moment: Moment | None, look_back: Decimal | None) -> Reason | None:
        """
        Why a date does not count; None where it does.

        A partial date counts if all of it is within the look-back; it is too old if none of it is, and else tells too
        little.
        """
        if look_back is None:
            return None
        if moment is None:
            return Reason.NO_DATE
        least, most = span_before(moment, self.as_of)
        if most <= look_back:
            return None
        return Reason.TOO_OLD if least > look_back else Reason.NO_DATE

    def is_over(self, end: Moment | None) -> bool:
        """Whether something ended before today, today being the day where it was recorded."""
        return end is not None and span_before(end, self.as_of)[0] > 0

    def in_future(self, moment: Moment | None) -> bool:
        """Later than the call; a day is allowed for time zones and clocks."""
        return moment is not None and moment.stamp > self.now.stamp + _TOMORROW


def why_none(problems: list[Reason | None]) -> str | None:
    """Why a resource does not count: a reason of its problems, if it has some for every fact that it was offered to."""
    reasons = [problem.value for problem in problems if problem is not None]
    return min(reasons) if reasons and len(reasons) == len(problems) else None


def safe_reference(reference: str) -> str:
    """A resource reference fit for an answer: reference characters only, of bounded length."""
    return _REFERENCE.sub("", reference)[:_LONGEST_REFERENCE]
