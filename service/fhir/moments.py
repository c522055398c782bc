"""FHIR dates, which may be partial: "1960" is the whole year, not its first of January."""

import calendar
import re
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from typing import NamedTuple

from rules.engine.facts import Interval

__all__ = ["Moment", "age_in_years", "days_before", "read_moment", "span_before"]

_PARTIAL = re.compile(r"([0-9]{4})(?:-([0-9]{2}))?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{8}")


class Moment(NamedTuple):
    """
    A FHIR date, dateTime or instant. As text it is its date, as precise as it was recorded: "1960", "1960-03".

    Args:
        stamp: seconds since 1970 of its earliest moment; a time without a zone is taken as UTC.
        first, last: the first and last day it may mean; the same day unless month or day is not stated.
        zone: the time zone it was recorded in, where it states one. Its days are days there.
    """

    stamp: float
    first: date
    last: date
    zone: tzinfo | None = None

    def __str__(self) -> str:
        text = self.first.isoformat()
        if self.first == self.last:
            return text
        return text[:7] if self.first.month == self.last.month else text[:4]


def read_moment(text: str | None) -> Moment | None:
    """A moment from its FHIR spelling (a space for the T and a date without dashes pass); None where it is not one."""
    if not text:
        return None
    try:
        if len(text) > 10:
            moment = datetime.fromisoformat(text)
            day, zone = moment.date(), moment.tzinfo
            return Moment((moment if zone else moment.replace(tzinfo=UTC)).timestamp(), day, day, zone)
        if _DAY.fullmatch(text):
            day = date.fromisoformat(text)
            return Moment(_stamp(day), day, day)
        partial = _PARTIAL.fullmatch(text)
        if partial is None:
            return None
        year, month = int(partial[1]), int(partial[2] or 0)
        first = date(year, month or 1, 1)
        last = date(year, month, calendar.monthrange(year, month)[1]) if month else date(year, 12, 31)
        return Moment(_stamp(first), first, last)
    except (ValueError, OverflowError):
        return None


def _stamp(day: date) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()


def span_before(moment: Moment, as_of: datetime) -> tuple[int, int]:
    """
    The least and the most whole calendar days from a moment to the call; never fewer than 0.

    The day of the call is the day it was where the moment was recorded: in an evening clinic whose UTC date has already
    changed, a result of this morning is still one of today.
    """
    today = as_of.date() if moment.zone in (None, as_of.tzinfo) else as_of.astimezone(moment.zone).date()
    most = max((today - moment.first).days, 0)
    return (most, most) if moment.last is moment.first else (max((today - moment.last).days, 0), most)


def days_before(moment: Moment, as_of: datetime) -> Decimal | Interval:
    """Whole calendar days from a moment to the call; an interval where the day is not stated."""
    least, most = span_before(moment, as_of)
    return Decimal(most) if most == least else Interval(Decimal(least), Decimal(most))


def age_in_years(birth: Moment, as_of: date) -> Decimal | Interval:
    """Completed years of age; an interval where the birth day is not stated."""
    oldest, youngest = _years(birth.first, as_of), max(_years(birth.last, as_of), 0)
    return Decimal(oldest) if oldest == youngest else Interval(Decimal(youngest), Decimal(oldest))


def _years(born: date, as_of: date) -> int:
    return as_of.year - born.year - ((as_of.month, as_of.day) < (born.month, born.day))
