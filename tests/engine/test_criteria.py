from decimal import Decimal
from itertools import product

import pytest

from rules.engine.criteria import Look, began_within, in_bounds, is_absent, is_one_of, is_present
from rules.engine.facts import Absent, Interval, Known
from rules.engine.truth import CANNOT_TELL, MET, NOT_MET, Truth

FIVE = Decimal(5)
OPERATORS = {
    "at-least 5": ((FIVE, False), None),
    "above 5": ((FIVE, True), None),
    "at-most 5": (None, (FIVE, False)),
    "below 5": (None, (FIVE, True)),
    "at-least 3, at-most 5": ((Decimal(3), False), (FIVE, False)),
    "above 3, below 5": ((Decimal(3), True), (FIVE, True)),
}
STEPS = [Decimal(step) / 4 for step in range(-8, 49)]
"""Quarter steps from -2 to 12: between any two bounds that are used below there is a number."""


def look(fact: Known | Absent | None) -> Look:
    return Look({} if fact is None else {"it": fact})


@pytest.mark.parametrize(
    ("fact", "present", "absent", "blue_or_white"),
    [
        (Known(True), MET, NOT_MET, NOT_MET),
        (Absent(), NOT_MET, MET, NOT_MET),
        (None, CANNOT_TELL, CANNOT_TELL, CANNOT_TELL),
        (Known(frozenset(("blue",))), MET, NOT_MET, MET),
        (Known(frozenset(("red", "white"))), MET, NOT_MET, MET),
        (Known(frozenset(("red",))), MET, NOT_MET, NOT_MET),
        (Known(frozenset()), MET, NOT_MET, NOT_MET),
    ],
    ids=["yes", "no", "unknown", "blue", "red and white", "red", "none of the words"],
)
def test_a_word_is_present_absent_or_one_of(
    fact: Known | Absent | None, present: Truth, absent: Truth, blue_or_white: Truth
) -> None:
    asked = (is_present("it"), is_absent("it"), is_one_of("it", frozenset(("blue", "white"))))

    assert (present, absent, blue_or_white) == tuple(criterion.test(look(fact)) for criterion in asked)


@pytest.mark.parametrize(
    ("number", "at_least", "above", "at_most", "below"),
    [
        ("4.99", NOT_MET, NOT_MET, MET, MET),
        ("5", MET, NOT_MET, MET, NOT_MET),
        ("5.00", MET, NOT_MET, MET, NOT_MET),
        ("5.01", MET, MET, NOT_MET, NOT_MET),
    ],
)
def test_a_number_on_both_sides_of_a_bound(
    number: str, at_least: Truth, above: Truth, at_most: Truth, below: Truth
) -> None:
    known = look(Known(Decimal(number)))
    asked = ("at-least 5", "above 5", "at-most 5", "below 5")

    assert (at_least, above, at_most, below) == tuple(in_bounds("it", *OPERATORS[name]).test(known) for name in asked)


def some_intervals() -> list[Interval]:
    """Every interval whose ends are open, closed or without bound, around and on the bounds 3 and 5."""
    ends = [None, *map(Decimal, (2, 3, 4, 5, 6))]
    found = [
        Interval(low, high, low_open, high_open)
        for low, high, low_open, high_open in product(ends, ends, (False, True), (False, True))
        if (low is not None or not low_open) and (high is not None or not high_open)
    ]
    return [each for each in found if any(within(each, number) for number in STEPS)]


def within(interval: Interval, number: Decimal) -> bool:
    low, high = interval.low, interval.high
    above = low is None or (number > low if interval.low_open else number >= low)
    below = high is None or (number < high if interval.high_open else number <= high)
    return above and below


@pytest.mark.parametrize("operator", OPERATORS)
def test_an_interval_is_told_where_all_its_numbers_agree(operator: str) -> None:
    criterion = in_bounds("it", *OPERATORS[operator])
    wrong = []
    for interval in some_intervals():
        answers = {criterion.test(look(Known(number))) for number in STEPS if within(interval, number)}
        expected = answers.pop() if len(answers) == 1 else CANNOT_TELL
        if criterion.test(look(Known(interval))) is not expected:
            wrong.append((interval, expected))

    assert wrong == []


@pytest.mark.parametrize(
    ("reported", "at_least", "above", "at_most", "below"),
    [
        (Interval(high=FIVE, high_open=True), NOT_MET, NOT_MET, MET, MET),  # <5
        (Interval(high=FIVE), CANNOT_TELL, NOT_MET, MET, CANNOT_TELL),  # ≤5
        (Interval(low=FIVE, low_open=True), MET, MET, NOT_MET, NOT_MET),  # >5
        (Interval(low=FIVE), MET, CANNOT_TELL, CANNOT_TELL, NOT_MET),  # ≥5
        (Interval(), CANNOT_TELL, CANNOT_TELL, CANNOT_TELL, CANNOT_TELL),
    ],
    ids=["<5", "<=5", ">5", ">=5", "no bounds"],
)
def test_a_result_that_a_laboratory_reports_as_below_or_above(
    reported: Interval, at_least: Truth, above: Truth, at_most: Truth, below: Truth
) -> None:
    asked = ("at-least 5", "above 5", "at-most 5", "below 5")
    found = tuple(in_bounds("it", *OPERATORS[name]).test(look(Known(reported))) for name in asked)

    assert (at_least, above, at_most, below) == found


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("fact", [None, Absent(), Known(True)], ids=["unknown", "none", "a yes"])
def test_what_is_not_a_number_never_meets_or_misses_a_bound(fact: Known | Absent | None, operator: str) -> None:
    assert in_bounds("it", *OPERATORS[operator]).test(look(fact)) is CANNOT_TELL


@pytest.mark.parametrize(
    ("fact", "expected"),
    [
        (None, CANNOT_TELL),
        (Absent(), NOT_MET),
        (Known(True), CANNOT_TELL),
        (Known(True, days=Decimal(89)), MET),
        (Known(True, days=Decimal(90)), MET),
        (Known(True, days=Decimal(91)), NOT_MET),
        (Known(True, days=Interval(Decimal(60), Decimal(90))), MET),
        (Known(True, days=Interval(Decimal(61), Decimal(91))), CANNOT_TELL),
        (Known(True, days=Interval(Decimal(91), Decimal(121))), NOT_MET),
    ],
    ids=[
        "unknown",
        "absent",
        "no date",
        "89 days",
        "90 days",
        "91 days",
        "60 to 90 days",
        "61 to 91 days",
        "91 to 121 days",
    ],
)
def test_a_condition_began_within_ninety_days(fact: Known | Absent | None, expected: Truth) -> None:
    assert expected is began_within("it", Decimal(90)).test(look(fact))
