"""How much a day and for how long an order allows: the most of it, or nothing where it cannot be worked out."""

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from service.fhir.dosage import Dispense, days_of, milligrams_a_day, strength_in
from tests.builders import Resource

BID = {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}}
MG_300: Resource = {"doseQuantity": {"value": 300, "unit": "mg", "code": "mg"}}
TWO_TABLETS: Resource = {"doseQuantity": {"value": 2, "unit": "tablet"}}


def raw(*lines: Any) -> list[msgspec.Raw]:
    return [msgspec.Raw(json.dumps(line).encode()) for line in lines]


def a_line(timing: Any = BID, *doses: Resource, **fields: Any) -> Resource:
    return {"timing": timing, "doseAndRate": list(doses or (MG_300,))} | fields


def dose(value: Any, unit: str | None = None, code: str | None = None) -> Resource:
    quantity = {"value": value, "unit": unit, "code": code}
    return {"doseQuantity": {key: each for key, each in quantity.items() if each is not None}}


def every(**repeat: Any) -> Resource:
    return {"repeat": repeat}


def a_day(*lines: Any, strength: int | None = None) -> Decimal | None:
    return milligrams_a_day(raw(*lines), None if strength is None else Decimal(strength))


# ── how often ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("timing", "expected"),
    [
        (BID, 600),
        (every(frequency=1, period=8, periodUnit="h"), 900),
        (every(frequency=1, period=4, periodMax=6, periodUnit="h"), 1800),
        (every(frequency=1, frequencyMax=3, period=1, periodUnit="d"), 900),
        (every(frequency=3, period=1, periodUnit="wk"), Decimal("128.571")),
        (every(frequency=1, period=2, periodUnit="d"), 150),
        (every(frequency="2", period="1", periodUnit="d"), 600),
        (every(timeOfDay=["08:00", "20:00"]), 600),
        (every(frequency=1, period=1, periodUnit="d", when=["MORN", "EVE"]), 600),
        (every(when=["HS"]), 300),
        ({"code": {"coding": [{"code": "BID"}]}}, 600),
        ({"code": {"text": "Q8H"}}, 900),
        ({"code": {"coding": [{"code": "TID", "display": "three times daily"}]}}, 900),
        ({"repeat": {"boundsDuration": {"value": 7, "code": "d"}}, "code": {"text": "bid"}}, 600),
    ],
    ids=str,
)
def test_a_timing_gives_the_most_times_a_day(timing: Resource, expected: Decimal | int) -> None:
    assert expected == a_day(a_line(timing))


@pytest.mark.parametrize(
    "timing",
    [
        None,
        {},
        {"code": {"text": "as directed"}},
        {"code": {"coding": [{"code": "BID"}], "text": "TID"}},
        every(frequency=2),
        every(frequency=2, period=1, periodUnit="fortnight"),
        every(frequency=0, period=1, periodUnit="d"),
        every(frequency=-2, period=1, periodUnit="d"),
        every(frequency=2, period=0, periodUnit="d"),
        *(
            every(**{"frequency": 2, "period": 1, "periodUnit": "d"} | {field: junk})
            for field in ("frequency", "period")
            for junk in ("NaN", "sNaN", "-Infinity", "1e999999", "1e-999999")
        ),
    ],
    ids=str,
)
def test_a_timing_that_tells_no_number_leaves_the_dose_open(timing: Any) -> None:
    assert a_day(a_line(timing)) is None


# ── how much ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("doses", "strength", "expected"),
    [
        ([dose(300, "mg")], None, 600),
        ([dose("0.5", code="g")], None, 1000),
        ([dose(250, "mcg")], None, Decimal("0.5")),
        ([{"doseRange": {"low": {"value": 100, "unit": "mg"}, "high": {"value": 200, "unit": "mg"}}}], None, 400),
        ([TWO_TABLETS], 300, 1200),
        ([dose(1, "Capsule", "385049006")], 300, 600),
        ([dose(1, code="{tbl}")], 300, 600),
        ([dose(1, code="1")], 300, 600),
        ([MG_300, dose(300, "mg")], None, 600),
        ([MG_300, TWO_TABLETS], None, 600),
    ],
    ids=str,
)
def test_a_dose_is_read_in_milligrams(doses: list[Resource], strength: int | None, expected: Decimal | int) -> None:
    assert expected == a_day(a_line(BID, *doses), strength=strength)


@pytest.mark.parametrize(
    ("doses", "strength"),
    [
        ([TWO_TABLETS], None),
        ([dose(5, "mL")], 300),
        ([dose(10, "unit")], 300),
        ([dose(10, "units")], 300),
        ([dose(5, "mg/kg")], 300),
        ([dose(300)], 300),
        ([dose(0, "mg")], None),
        ([dose(-300, "mg")], None),
        ([dose("NaN", "mg")], None),
        ([dose("sNaN", "mg")], None),
        ([dose("1e999999", "mg")], None),
        ([dose("a lot", "mg")], None),
        ([MG_300, dose(600, "mg")], None),
        ([{}], 300),
    ],
    ids=str,
)
def test_a_dose_that_is_no_weight_and_no_known_piece_stays_open(doses: list[Resource], strength: int | None) -> None:
    assert a_day(a_line(BID, *doses), strength=strength) is None


def test_what_may_be_taken_as_needed_counts_up_to_its_stated_maximum() -> None:
    most = {"numerator": {"value": 900, "unit": "mg"}, "denominator": {"value": 24, "unit": "h", "code": "h"}}
    line = a_line(every(frequency=1, period=4, periodUnit="h"), asNeededBoolean=True)

    assert [a_day(line), a_day(line | {"maxDosePerPeriod": most})] == [1800, 900]


def test_a_stated_maximum_is_enough_where_the_timing_is_not_known() -> None:
    most = {"numerator": {"value": 3, "unit": "tablet"}, "denominator": {"value": 1, "unit": "day"}}

    assert a_day(a_line(None, maxDosePerPeriod=[most]), strength=300) == 900


def test_lines_of_one_step_are_added_up() -> None:
    assert a_day(a_line(every(when=["MORN"])), a_line(every(when=["HS"]), dose(600, "mg"))) == 900


def test_of_the_steps_of_a_titration_the_highest_counts() -> None:
    steps = [a_line(BID, dose(each, "mg"), sequence=place) for place, each in enumerate((100, 300, 200), 1)]

    assert a_day(*steps) == 600


@pytest.mark.parametrize("other", [a_line(None), {"timing": 7}, None, "junk", {"doseAndRate": "x"}], ids=str)
def test_one_line_that_cannot_be_told_leaves_the_sum_open(other: Any) -> None:
    assert a_day(a_line(), other) is None


def test_without_instructions_the_dose_is_open() -> None:
    assert a_day() is None


# ── strength ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["gabapentin 300 mg capsule"], 300),
        (["Gabapentin 300MG CAPS", "gabapentin 300 mg"], 300),
        (["pramipexole 0.125 mg tablet"], Decimal("0.125")),
        (["levothyroxine 50 mcg"], Decimal("0.05")),
        ([], None),
        (["gabapentin"], None),
        (["gabapentin 1,000 mg"], None),
        (["pramipexole .5 mg"], None),
        (["oxycodone-acetaminophen 5-325 mg"], None),
        (["amoxicillin 250 mg/5 mL"], None),
        (["simvastatin 20 mg, ezetimibe 10 mg"], None),
        (["gabapentin 300 mg", "gabapentin 600 mg"], None),
        (["gabapentin 0 mg"], None),
        (["gabapentin " + "9" * 400 + " mg"], None),
        (["gabapentin \u0663\u0660\u0660 mg"], None),
    ],
    ids=str,
)
def test_a_strength_is_believed_where_the_name_leaves_no_doubt(texts: list[str], expected: Decimal | None) -> None:
    assert expected == strength_in(texts)


# ── how long ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def bounded(sequence: int | None = None, **bounds: Any) -> Resource:
    return {"timing": {"repeat": bounds}} | ({"sequence": sequence} if sequence else {})


WEEK: dict[str, Any] = {"boundsDuration": {"value": 1, "unit": "wk", "code": "wk"}}
TEN_DAYS: dict[str, Any] = {"boundsDuration": {"value": 10, "unit": "days"}}


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([bounded(**WEEK)], 7),
        ([bounded(**WEEK), bounded(**TEN_DAYS)], 10),
        ([bounded(1, **WEEK), bounded(2, **TEN_DAYS)], 17),
        ([bounded(boundsPeriod={"start": "2026-11-21", "end": "2026-11-30"})], 10),
        ([bounded(boundsRange={"low": {"value": 5, "code": "d"}, "high": {"value": 7, "code": "d"}})], 7),
        ([bounded(1, **WEEK), bounded(2)], None),
        ([bounded(boundsPeriod={"start": "2026-11-30", "end": "2026-11-21"})], None),
        ([bounded(boundsDuration={"value": "sNaN", "code": "d"})], None),
        ([bounded(boundsDuration={"value": 5, "code": "moon"})], None),
        ([], None),
        (["junk"], None),
    ],
    ids=str,
)
def test_the_length_is_that_of_all_steps(lines: list[Any], expected: int | None) -> None:
    assert expected == days_of(raw(*lines), None)


@pytest.mark.parametrize(
    ("dispense", "expected"),
    [
        ({"expectedSupplyDuration": {"value": 30, "unit": "days"}}, 30),
        ({"expectedSupplyDuration": {"value": 30, "code": "d"}, "numberOfRepeatsAllowed": 3}, 120),
        ({"expectedSupplyDuration": {"value": 30, "code": "d"}, "numberOfRepeatsAllowed": -1}, 30),
        ({"expectedSupplyDuration": {"value": 30, "code": "d"}, "numberOfRepeatsAllowed": 10**40}, None),
        ({"numberOfRepeatsAllowed": 3}, None),
        ({}, None),
    ],
    ids=str,
)
def test_without_a_stated_end_the_supply_with_its_repeats_tells_the_length(
    dispense: Resource, expected: int | None
) -> None:
    read = msgspec.json.decode(json.dumps(dispense).encode(), type=Dispense)

    assert expected == days_of(raw(a_line()), read)
