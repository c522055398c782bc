"""One result of an Observation, or of one of its components, as a fact: a number in the fact's unit, or yes or no."""

from decimal import Decimal
from typing import TypeGuard

from rules.engine.facts import Absent, Interval, Known, Reason
from rules.engine.vocabulary import MeasurementFact, QualitativeFact, UpperLimit
from rules.terminology import Terminology
from service.fhir.resources import Component, Quantity, ReferenceRange, codings, many, wordings

__all__ = ["is_number", "read_number", "read_word", "tidy"]

_UNITLESS = ("{ratio}", "{score}")
_COMPARATORS = (None, "", "<", "<=", ">", ">=")
_DIGITS = 6
_PLAIN = range(-_DIGITS, 1)
"""Exponents with which a Decimal is written without one."""
_MAGNITUDE = 15
"""Powers of ten. No measurement is that large or small, and arithmetic beyond some magnitude raises."""
_FAR_LIMIT = 10
"""An upper limit this many times above or below the assumed one is a filler such as 999999, or in another unit."""


def is_number(value: Decimal | None) -> TypeGuard[Decimal]:
    """Whether it is a number that can be reckoned with: not NaN, not infinite, not of absurd magnitude."""
    return value is not None and value.is_finite() and abs(value.adjusted()) <= _MAGNITUDE


def read_number(
    part: Component, fact: MeasurementFact, analyte: str, terminology: Terminology, day: str | None, source: str
) -> Known | Reason:
    """
    A number in the fact's own unit.

    Args:
        part: valueQuantity or valueInteger is read; a comparator makes an Interval.
        fact: from facts.yaml; fact.unit is UCUM and case-sensitive (ng/mL). With times-upper-limit the result is a
            multiple of the report's own upper limit, or of the assumed one, which the note then says.
        analyte: its rows in units.csv.

    Returns:
        Known, or NO_VALUE, NOT_NUMERIC, NO_UNIT, UNIT_NOT_CONVERTIBLE, NO_LIMIT or IMPLAUSIBLE. Patient data never
        raises.

    Source: hl7.org/fhir/R4/observation.html; ucum.org.
    """
    quantity = _quantity(part)
    if isinstance(quantity, Reason):
        return quantity
    number = quantity.value
    if number is None or not number.is_finite() or quantity.comparator not in _COMPARATORS:
        return Reason.NOT_NUMERIC
    if not is_number(number):
        return Reason.IMPLAUSIBLE
    spellings = _spellings(quantity)
    if not spellings and fact.unit not in _UNITLESS:
        return Reason.NO_UNIT
    limit, note = fact.times_upper_limit, None
    target = limit.unit if limit else fact.unit
    # Most results are in the fact's own unit already.
    value = number if spellings == [target] else _convert(number, spellings, target, analyte, terminology)
    if value is None:
        return Reason.UNIT_NOT_CONVERTIBLE
    if limit:
        top = _upper_limit(part, spellings, limit, analyte, terminology)
        if top is None and limit.must_be_stated:
            return Reason.NO_LIMIT
        value = value / (top or limit.assumed)
        note = None if top else f"upper limit of normal assumed to be {limit.assumed} {limit.unit}"
    low, high = fact.plausible
    if not low <= value <= high:
        return Reason.IMPLAUSIBLE
    return Known(_compared(tidy(value), quantity.comparator), day, source, note=note)


def _quantity(part: Component) -> Quantity | Reason:
    """A number with its unit; a result with a reason for its absence has no value, whatever else it says."""
    if part.data_absent_reason is not None:
        return Reason.NO_VALUE
    if part.value_quantity is not None and part.value_quantity.value is not None:
        return part.value_quantity
    if part.value_integer is not None:
        return Quantity(value=Decimal(part.value_integer))
    worded = part.value_string or part.value_codeable_concept or part.value_boolean is not None
    return Reason.NOT_NUMERIC if worded else Reason.NO_VALUE


def _spellings(quantity: Quantity) -> list[str]:
    """The unit as UCUM code and as printed, where these differ."""
    code, unit = quantity.code, quantity.unit
    if not code or code == unit:
        return [unit] if unit else []
    return [code, unit] if unit else [code]


def _convert(
    number: Decimal, spellings: list[str], target: str, analyte: str, terminology: Terminology
) -> Decimal | None:
    """
    A number in the target unit; without any unit it stands as it is.

    None where no spelling of the unit is known, and where UCUM code and printed unit contradict each other: ng/mL and
    ng/mL DDU.
    """
    if not spellings:
        return number
    if len(spellings) == 1:
        return terminology.convert(number, spellings[0], target, analyte)
    values = {terminology.convert(number, each, target, analyte) for each in spellings if terminology.knows_unit(each)}
    return values.pop() if len(values) == 1 else None


def _upper_limit(
    part: Component, spellings: list[str], limit: UpperLimit, analyte: str, terminology: Terminology
) -> Decimal | None:
    """The upper limit of normal that the report states, in the result's unit unless it names its own."""
    for each in many(part.reference_range):
        high = each.high
        if high is None or not is_number(high.value) or not _is_of_normal(each):
            continue
        top = _convert(high.value, _spellings(high) or spellings, limit.unit, analyte, terminology)
        if top is not None and limit.assumed <= top * _FAR_LIMIT and top <= limit.assumed * _FAR_LIMIT:
            return top
    return None


def _is_of_normal(each: ReferenceRange) -> bool:
    """A range without a type is the normal one; others may be critical or therapeutic."""
    return not codings(each.type) or any(coding.code == "normal" for coding in codings(each.type))


def tidy(value: Decimal) -> Decimal:
    """At most six significant digits, written without an exponent."""
    written = value.as_tuple()
    if len(written.digits) <= _DIGITS and written.exponent in _PLAIN:
        return value
    if len(written.digits) > _DIGITS:
        value = Decimal(f"{value:.{_DIGITS}g}")
        value = value.quantize(Decimal(1)) if value == value.to_integral_value() else value.normalize()
    return Decimal(f"{value:f}")


def _compared(value: Decimal, comparator: str | None) -> Decimal | Interval:
    match comparator:
        case "<":
            return Interval(high=value, high_open=True)
        case "<=":
            return Interval(high=value)
        case ">":
            return Interval(low=value, low_open=True)
        case ">=":
            return Interval(low=value)
        case _:
            return value


def read_word(part: Component, fact: QualitativeFact, day: str | None, source: str) -> Known | Absent | Reason:
    """
    A result that is a word or a code.

    Returns:
        Known for yes, Absent for no; AMBIGUOUS for both, UNREADABLE for words that mean neither, NO_VALUE for none.
    """
    concept = part.value_codeable_concept
    said = {part.value_string or "", *wordings(concept)}
    said |= {str(coding.code) for coding in codings(concept) if coding.code is not None}
    if part.value_boolean is not None:
        said.add("positive" if part.value_boolean else "negative")
    words = {word.strip().lower() for word in said} - {""}
    if not words or part.data_absent_reason is not None:
        return Reason.NO_VALUE
    yes = not words.isdisjoint(word.lower() for word in fact.positive)
    no = not words.isdisjoint(word.lower() for word in fact.negative)
    if yes and no:
        return Reason.AMBIGUOUS
    if yes:
        return Known(True, day, source)
    return Absent(day, source) if no else Reason.UNREADABLE
