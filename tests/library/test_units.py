"""
The unit table: every row against its own check values, against the facts that need it, and against ucumvert.

ucumvert and pint serve as an oracle only. They know UCUM but no substances, and read some units of real records
silently wrong; what they cannot judge is listed here with the reason.
"""

import csv
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from ucumvert import PintUcumRegistry

from rules.engine.vocabulary import MeasurementFact
from rules.loader import LIBRARY
from rules.pack import Pack
from rules.terminology import Terminology

FOUR_DIGITS = Decimal("0.0005")
"""The check values are rounded to four significant digits."""


@dataclass(frozen=True)
class Row:
    analyte: str
    from_unit: str
    to_unit: str
    factor: str
    offset: str
    check_from: str
    check_to: str
    source: str

    def apply(self, value: Decimal) -> Decimal:
        return value * Decimal(self.factor) + Decimal(self.offset)

    def __str__(self) -> str:
        return f"{self.analyte}-{self.from_unit}-{self.to_unit}"


def read_rows() -> list[Row]:
    with (LIBRARY / "terminology" / "units.csv").open(encoding="utf-8", newline="") as text:
        return [Row(**row) for row in csv.DictReader(text)]


ROWS = [row for row in read_rows() if row.analyte != "any"]
SPELLINGS = [row for row in read_rows() if row.analyte == "any"]


def close(expected: Decimal, actual: Decimal) -> bool:
    return abs(expected - actual) <= FOUR_DIGITS * abs(expected)


def measured(pack: Pack) -> list[tuple[str, str, MeasurementFact, str]]:
    """(fact, analyte, definition, the unit it is converted to) of every measured fact."""
    return [
        (name, analyte, fact, fact.times_upper_limit.unit if fact.times_upper_limit else fact.unit)
        for name, fact in pack.library.facts.items()
        if isinstance(fact, MeasurementFact)
        for analyte in fact.value_set
    ]


# ── the table itself ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_row_turns_its_check_value_into_the_other(row: Row) -> None:
    assert close(Decimal(row.check_to), row.apply(Decimal(row.check_from)))


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_the_program_converts_by_the_row(row: Row, vocabulary: Pack) -> None:
    converted = vocabulary.terminology.convert(Decimal(row.check_from), row.from_unit, row.to_unit, row.analyte)

    assert row.apply(Decimal(row.check_from)) == converted


def test_no_conversion_and_no_spelling_is_listed_twice() -> None:
    listed = Counter((row.analyte, row.from_unit) for row in (*ROWS, *SPELLINGS))

    assert [row for row, times in listed.items() if times > 1] == []


def test_an_analyte_has_one_unit_that_all_others_are_converted_to() -> None:
    targets = {
        analyte: {row.to_unit for row in ROWS if row.analyte == analyte} for analyte in {r.analyte for r in ROWS}
    }

    assert {analyte: units for analyte, units in targets.items() if len(units) > 1} == {}


@pytest.mark.parametrize("row", SPELLINGS, ids=lambda row: row.from_unit)
def test_a_spelling_is_another_way_to_write_a_unit_of_the_table(row: Row) -> None:
    units = {unit for each in ROWS for unit in (each.from_unit, each.to_unit)}

    assert (row.factor, row.offset) == ("1", "0")
    assert row.to_unit in units


def test_no_spelling_is_a_unit_in_its_own_right() -> None:
    units = {unit for row in ROWS for unit in (row.from_unit, row.to_unit)}

    assert {row.from_unit for row in SPELLINGS} & units == set()


@pytest.mark.parametrize(
    ("unit", "analyte"),
    [("ng/mL", "potassium"), ("mmol/L", "ferritin"), ("{ratio}", "ck"), ("", "potassium"), ("MMOL/L", "potassium")],
)
def test_a_unit_that_the_analyte_has_no_row_for_is_refused(unit: str, analyte: str, vocabulary: Pack) -> None:
    fact = next(definition for _, name, definition, _ in measured(vocabulary) if name == analyte)

    assert vocabulary.terminology.convert(Decimal(1), unit, fact.unit, analyte) is None


def test_a_unit_of_one_analyte_is_not_converted_for_another(vocabulary: Pack) -> None:
    terminology: Terminology = vocabulary.terminology

    found = {
        analyte: terminology.convert(Decimal(1), "mg/dL", "mmol/L", analyte) for analyte in ("magnesium", "phosphate")
    }
    assert found == {"magnesium": Decimal("0.411437976"), "phosphate": Decimal("0.322853925")}


# ── the facts that need it ───────────────────────────────────────────────────────────────────────────────────────────


def test_every_unit_of_an_analyte_is_converted_to_the_unit_of_its_fact(vocabulary: Pack) -> None:
    wrong = [
        (name, row.from_unit, row.to_unit)
        for name, analyte, _, unit in measured(vocabulary)
        for row in ROWS
        if row.analyte == analyte and row.to_unit != unit
    ]

    assert wrong == []


def test_a_result_in_the_unit_of_the_fact_is_taken_as_it_is(vocabulary: Pack) -> None:
    value = Decimal("5.10")
    terminology = vocabulary.terminology
    found = [
        (name, terminology.convert(value, unit, unit, analyte))
        for name, analyte, _, unit in measured(vocabulary)
        if not analyte.endswith("-ddu")  # a mass of D-dimer units is never the same number of FEU
    ]

    assert [(name, value) for name, _ in found] == found


def test_the_unit_of_every_measured_fact_is_known(vocabulary: Pack) -> None:
    unknown = {unit for _, _, _, unit in measured(vocabulary) if not vocabulary.terminology.knows_unit(unit)}

    assert unknown == set()


# ── ucumvert as an oracle ────────────────────────────────────────────────────────────────────────────────────────────

NOT_JUDGED: dict[str, Callable[[Row], bool]] = {
    "between mass and amount of substance it needs a molar mass": lambda row: (
        ("mol" in row.from_unit) != ("mol" in row.to_unit)
        and any(re.match("[munp]?g/", unit) for unit in (row.from_unit, row.to_unit) if "mol" not in unit)
    ),
    "it takes an equivalent for a mole, whatever the valence": lambda row: (
        row.from_unit == "meq/L" and "divalent" in row.source
    ),
    "it ignores annotations, so that DDU and FEU are one to it": lambda row: row.analyte == "d-dimer-ddu",
    "it has no number for an annotation that stands alone": lambda row: (
        {row.from_unit, row.to_unit} & {"{ratio}", "{INR}"} != set()
    ),
    "two scales of glycated hemoglobin are not two units": lambda row: row.from_unit == "mmol/mol",
    "urea is not urea nitrogen": lambda row: row.analyte == "urea-to-urea-nitrogen" and row.from_unit == "mg/dL",
    "it reads 1.73.m2 as 73 square meters": lambda row: row.from_unit.endswith("1.73.m2"),
    "to UCUM an international unit is arbitrary": lambda row: (
        (row.from_unit, row.to_unit) in {("[IU]/L", "U/L"), ("mU/L", "m[IU]/L"), ("[arb'U]/mL", "U/mL")}
    ),
}


@cache
def registry() -> Any:
    return PintUcumRegistry()


def by_ucumvert(row: Row) -> Decimal | None:
    """What ucumvert makes of the check value; None where it makes nothing of the units."""
    try:
        one, other = registry().from_ucum(row.from_unit), registry().from_ucum(row.to_unit)
        value = registry().Quantity(float(row.check_from), one.units).to(other.units)
        return Decimal(value.magnitude * one.magnitude / other.magnitude)
    except (TypeError, AttributeError, ValueError):  # pint's dimension and offset errors among them
        return None


def why_not_judged(row: Row) -> list[str]:
    return [reason for reason, applies in NOT_JUDGED.items() if applies(row)]


@pytest.mark.parametrize("row", [row for row in ROWS if not why_not_judged(row)], ids=str)
def test_ucumvert_converts_the_same(row: Row) -> None:
    found = by_ucumvert(row)

    assert found is not None
    assert close(Decimal(row.check_to), found)


@pytest.mark.parametrize("row", [row for row in ROWS if why_not_judged(row)], ids=str)
def test_only_what_ucumvert_cannot_convert_is_kept_from_it(row: Row) -> None:
    found = by_ucumvert(row)

    assert found is None or not close(Decimal(row.check_to), found)


@pytest.mark.parametrize("reason", NOT_JUDGED)
def test_each_reason_to_keep_a_row_from_ucumvert_is_needed(reason: str) -> None:
    assert [row for row in ROWS if why_not_judged(row) == [reason]] != []


def test_thousands_per_microliter_are_not_kelvin(vocabulary: Pack) -> None:
    assert vocabulary.terminology.convert(Decimal(250), "K/uL", "10*3/uL", "platelets") == Decimal(250)
    assert registry().from_ucum("K/uL").dimensionality == registry().parse_units("kelvin/microliter").dimensionality


def test_an_indexed_clearance_is_another_quantity(vocabulary: Pack) -> None:
    unit, other = "mL/min/{1.73_m2}", "mL/min"

    assert vocabulary.terminology.convert(Decimal(60), unit, other, "creatinine-clearance") is None
    assert registry().from_ucum(unit) == registry().from_ucum(other)
