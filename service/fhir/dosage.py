"""
How much of a medicine an order allows a day, in milligrams, and for how many days. Pure.

The most that the order allows counts: the upper end of a range, every dose that may be taken as needed. What cannot be
worked out is None: a volume without a concentration, a timing in words.

Source: hl7.org/fhir/R4 Dosage and Timing; HL7 v3 GTSAbbreviation.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import TypeGuard

import msgspec

from service.fhir.moments import read_moment
from service.fhir.resources import UNREADABLE, CodeableConcept, Lean, Period, Quantity, codings, many, wordings
from service.fhir.results import is_number, tidy

__all__ = ["Dispense", "days_of", "milligrams_a_day", "strength_in"]

_MILLIGRAMS = {
    "mg": Decimal(1),
    "g": Decimal(1000),
    "gm": Decimal(1000),
    "ug": Decimal("0.001"),
    "mcg": Decimal("0.001"),
}
_PIECES = frozenset(
    [
        "1",
        "tablet",
        "tablets",
        "tab",
        "tabs",
        "tbl",
        "capsule",
        "capsules",
        "cap",
        "caps",
        "each",
        "ea",
        "pill",
        "pills",
        "lozenge",
        "patch",
        "film",
    ]
)
_DAYS = {
    "s": Decimal(1) / 86_400,
    "min": Decimal(1) / 1440,
    "h": Decimal(1) / 24,
    "d": Decimal(1),
    "wk": Decimal(7),
    "mo": Decimal(30),
    "a": Decimal(365),
}
_TIMES_A_DAY = {
    "QD": 1, "DAILY": 1, "QDAY": 1, "OD": 1, "AM": 1, "PM": 1, "HS": 1, "QHS": 1, "BED": 1, "NIGHTLY": 1,
    "BID": 2, "BD": 2, "TID": 3, "TDS": 3, "QID": 4, "QDS": 4,
    "Q1H": 24, "Q2H": 12, "Q3H": 8, "Q4H": 6, "Q6H": 4, "Q8H": 3, "Q12H": 2, "Q24H": 1,
}  # fmt: skip
# A number after a comma, point, dash or slash is part of another: "1,000 mg", ".5 mg", "5-325 mg".
_STRENGTH = re.compile(r"(?<![\w.,/-])(\d+(?:\.\d+)?) ?(mg|g|gm|ug|mcg)\b(?! ?/)", re.IGNORECASE | re.ASCII)


class _Range(Lean):
    low: Quantity | None = None
    high: Quantity | None = None


class _DoseAndRate(Lean):
    dose_quantity: Quantity | None = None
    dose_range: _Range | None = None


class _Repeat(Lean):
    bounds_duration: Quantity | None = None
    bounds_range: _Range | None = None
    bounds_period: Period | None = None
    frequency: Decimal | None = None
    frequency_max: Decimal | None = None
    period: Decimal | None = None
    period_unit: str | None = None
    time_of_day: list[str] | None = None
    when: list[str] | None = None


class _Timing(Lean):
    repeat: _Repeat | None = None
    code: CodeableConcept | None = None


class _Ratio(Lean):
    numerator: Quantity | None = None
    denominator: Quantity | None = None


class Dosage(Lean):
    """One line of instructions."""

    sequence: int | None = None
    timing: _Timing | None = None
    dose_and_rate: list[_DoseAndRate | None] | _DoseAndRate | None = None
    max_dose_per_period: list[_Ratio | None] | _Ratio | None = None


class Dispense(Lean):
    """What is to be handed out."""

    expected_supply_duration: Quantity | None = None
    number_of_repeats_allowed: int | None = None


_dosage = msgspec.json.Decoder(Dosage)


def _read(instructions: Iterable[msgspec.Raw]) -> list[Dosage] | None:
    """All lines, or None where one cannot be read: a sum without it would be too low."""
    try:
        return [_dosage.decode(raw) for raw in instructions]
    except UNREADABLE:
        return None


def milligrams_a_day(instructions: Iterable[msgspec.Raw], strength: Decimal | None) -> Decimal | None:
    """
    The most that may be taken in a day.

    Lines of one step are added up; of several steps (a titration) the highest counts.

    Args:
        instructions: Dosage as JSON. strength: mg in one tablet or capsule.
    """
    lines = _read(instructions)
    amounts: dict[int, list[Decimal | None]] = defaultdict(list)
    for line in lines or ():
        amounts[line.sequence or 0].append(_of_line(line, strength))
    steps = [_sum(each) for each in amounts.values()]
    highest = max((step for step in steps if step is not None), default=None)
    # A third of a day has no end in decimals: 300 mg every 8 hours is 900 mg, not a little less.
    return None if highest is None or None in steps else tidy(highest)


def _sum(amounts: Iterable[Decimal | None]) -> Decimal | None:
    listed = list(amounts)
    return None if None in listed else sum((each for each in listed if each is not None), Decimal(0))


def _of_line(line: Dosage, strength: Decimal | None) -> Decimal | None:
    times = _times_a_day(line.timing)
    # Some clients state one dose twice, as ordered and as calculated, of which we may be able to read but one.
    doses = {dose for each in many(line.dose_and_rate) if (dose := _most(each, strength)) is not None}
    worked_out = doses.pop() * times if len(doses) == 1 and times is not None else None
    bounds = [each for ratio in many(line.max_dose_per_period) if (each := _a_day(ratio, strength)) is not None]
    found = [each for each in (worked_out, *bounds) if each is not None]
    return min(found) if found else None


def _fits(number: Decimal | None) -> TypeGuard[Decimal]:
    """A number that can be reckoned with, above zero."""
    return is_number(number) and number > 0


def _most(dose: _DoseAndRate, strength: Decimal | None) -> Decimal | None:
    quantity = dose.dose_quantity or (dose.dose_range.high if dose.dose_range else None)
    return _milligrams(quantity, strength)


def _milligrams(quantity: Quantity | None, strength: Decimal | None) -> Decimal | None:
    if quantity is None or not _fits(quantity.value):
        return None
    unit = (quantity.code or quantity.unit or "").strip().strip("{}").lower()
    if unit in _MILLIGRAMS:
        return quantity.value * _MILLIGRAMS[unit]
    pieces = unit in _PIECES or (quantity.unit or "").strip().lower() in _PIECES
    return quantity.value * strength if pieces and strength is not None else None


def _a_day(ratio: _Ratio, strength: Decimal | None) -> Decimal | None:
    amount, days = _milligrams(ratio.numerator, strength), _length(ratio.denominator)
    return amount / days if amount is not None and days else None


def _times_a_day(timing: _Timing | None) -> Decimal | None:
    """As structured; else by the abbreviation of its code."""
    if timing is None:
        return None
    repeat = timing.repeat
    if repeat is not None:
        listed = len(repeat.time_of_day or ()) or len(repeat.when or ())
        stated = [each for each in (repeat.frequency, repeat.frequency_max) if each is not None]
        if (stated and repeat.period_unit is not None) or listed:
            period = Decimal(1) if repeat.period is None else repeat.period
            unit = _DAYS.get(repeat.period_unit or "d")
            if unit is None or not all(map(_fits, (*stated, period))):
                return None
            return max((*stated, Decimal(listed))) / (period * unit)
    names = [str(coding.code) for coding in codings(timing.code) if coding.code] + wordings(timing.code)
    found = {_TIMES_A_DAY[name] for each in names if (name := each.strip().upper()) in _TIMES_A_DAY}
    return Decimal(found.pop()) if len(found) == 1 else None


def _length(quantity: Quantity | None) -> Decimal | None:
    """A duration in days."""
    if quantity is None or not _fits(quantity.value):
        return None
    unit = (quantity.code or quantity.unit or "").strip().lower()
    days = _DAYS.get(unit) or _DAYS.get({"day": "d", "days": "d", "week": "wk", "weeks": "wk"}.get(unit, ""))
    return quantity.value * days if days else None


def days_of(instructions: Iterable[msgspec.Raw], dispense: Dispense | None) -> Decimal | None:
    """
    How many days the order is for: by its instructions, else by the supply with all its repeats.

    Steps that follow each other are added up. A step without an end leaves the length open.
    """
    steps: dict[int, list[Decimal | None]] = defaultdict(list)
    for line in _read(instructions) or ():
        steps[line.sequence or 0].append(_bound(line))
    longest = [None if None in each else max(bound for bound in each if bound is not None) for each in steps.values()]
    if longest and None not in longest:
        return _sum(longest)
    supply = _length(dispense.expected_supply_duration) if dispense else None
    repeats = Decimal(max(dispense.number_of_repeats_allowed or 0, 0)) if dispense else Decimal(0)
    return supply * (1 + repeats) if supply and (not repeats or _fits(repeats)) else None


def _bound(line: Dosage) -> Decimal | None:
    repeat = line.timing.repeat if line.timing else None
    if repeat is None:
        return None
    period = repeat.bounds_period
    start, end = read_moment(period.start if period else None), read_moment(period.end if period else None)
    if start is not None and end is not None:
        return Decimal(days) if (days := (end.last - start.first).days + 1) > 0 else None
    return _length(repeat.bounds_duration or (repeat.bounds_range.high if repeat.bounds_range else None))


def strength_in(texts: Iterable[str]) -> Decimal | None:
    """Milligrams in one piece as the name of a product says it ("gabapentin 300 mg capsule"); None where in doubt."""
    found = {Decimal(number) * _MILLIGRAMS[unit.lower()] for text in texts for number, unit in _STRENGTH.findall(text)}
    strength = found.pop() if len(found) == 1 else None
    return strength if _fits(strength) else None
