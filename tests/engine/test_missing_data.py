"""
Bits by hand. A cause that is common has a probability of 0.10; 6 to 1 makes it 6/9 to 1, which is 0.4.

The worth of an answer is the divergence a log2(a/b) + (1-a) log2((1-a)/(1-b)) of the new probability a from the old b,
weighted with its chance: 0.2 for a yes. A red flag is worth 0.2 bits to a yes-or-no question for an emergency and 0.12
for an urgent one; to another question, in proportion to the chance of the answers that make it fire.
"""

from decimal import Decimal
from typing import Any

import pytest

from rules.engine.evaluate import evaluate
from rules.engine.facts import Interval, Known, PatientFacts
from rules.engine.findings import MissingData
from tests.engine.builders import Library, a_library, all_of, any_of, known, yes

SILENT = {"id": "silent", "when": yes("leg-pain"), "absent": 2}
"""A row that is answered and says nothing, so that its cause is looked at."""


def row(name: str, when: dict[str, Any], **weight: Any) -> dict[str, Any]:
    return {"id": name, "when": when} | weight


def missing(library: Library, facts: PatientFacts) -> list[tuple[str, float]]:
    return [(each.fact, each.information) for each in evaluate(library.compile(), facts).missing]


def test_what_a_question_would_tell_about_a_cause() -> None:
    """Yes: 0.1 to 0.4, 0.4 log2(4) + 0.6 log2(0.6/0.9) = 0.8 - 0.3510 = 0.4490 bits at a chance of 0.2; no: nothing."""
    library = a_library().with_cause("clot", SILENT, row("cool", yes("cool"), supports="strong"))

    assert missing(library, known(leg_pain=True)) == [("cool", 0.0898)]


def test_a_no_tells_something_too_where_the_absence_has_a_ratio() -> None:
    """Yes: 0.0898 as above. No, 0.1/9 = 1/90: 0.1 to 1/91, 0.0996 bits at a chance of 0.8."""
    library = a_library().with_cause("clot", SILENT, row("cool", yes("cool"), present=6, absent=Decimal("0.1")))

    assert missing(library, known(leg_pain=True)) == [("cool", 0.1694)]


@pytest.mark.parametrize(("urgency", "bits"), [("emergency", 0.2), ("urgent", 0.12)])
def test_what_a_question_would_tell_about_a_red_flag(urgency: str, bits: float) -> None:
    """A yes alone makes it fire."""
    library = a_library().with_flag("cold-leg/cold", all_of(yes("cool"), yes("pale")), urgency)

    assert missing(library, known(leg_pain=True, cool=True)) == [("pale", bits)]


@pytest.mark.parametrize(
    ("when", "known_fact", "expected"),
    [
        # Below 3.5 is one of three stretches (below, at, above): 0.12 x (1/3) / 0.2.
        ({"fact": "potassium", "below": "low"}, {}, ("potassium", 0.2)),
        # Below 3.5, at it, between, at 5.0, above: 0.12 x (2/5) / 0.2.
        (
            {"any": [{"fact": "potassium", "below": "low"}, {"fact": "potassium", "above": "high"}]},
            {},
            ("potassium", 0.24),
        ),
        # Blue, or any other answer: 0.12 x (1/2) / 0.2.
        ({"fact": "color", "is": "blue"}, {}, ("color", 0.3)),
        # Two of three answers are asked about: blue, white, other.
        ({"any": [{"fact": "color", "is": ["blue", "white"]}]}, {}, ("color", 0.4)),
    ],
    ids=["a number", "two bounds", "a choice", "two choices"],
)
def test_the_chances_of_numbers_and_choices(
    when: dict[str, Any], known_fact: dict[str, Known], expected: tuple[str, float]
) -> None:
    library = a_library().with_flag("a-rule/a-flag", all_of(yes("cool"), when))

    assert missing(library, known(known_fact, leg_pain=True, cool=True)) == [expected]


def test_one_question_for_several_rules_is_worth_their_sum_and_names_them() -> None:
    """0.12 for each of the two flags and 0.0898 for the cause."""
    library = a_library().with_flag("b/one", all_of(yes("leg-pain"), yes("cool")))
    library = library.with_flag("a/two", all_of(yes("leg-pain"), yes("cool")))
    library = library.with_cause("clot", SILENT, row("cool", yes("cool"), supports="strong"))
    found = evaluate(library.compile(), known(leg_pain=True)).missing

    assert found == (MissingData("cool", 0.3298, ("red-flags/a", "red-flags/b", "causes/clot")),)


def test_rows_of_one_group_that_wait_for_the_same_fact_are_not_added_up() -> None:
    """Only the strongest would count, so it is worth what it alone is worth."""
    rows = (
        row("one", yes("cool"), supports="strong", group="g"),
        row("two", any_of(yes("cool"), yes("pale")), supports="moderate", group="g"),
    )
    found = dict(missing(a_library().with_cause("clot", SILENT, *rows), known(leg_pain=True)))

    assert found["cool"] == 0.0898


def test_an_answer_that_would_only_repeat_what_counts_already_is_worth_nothing() -> None:
    rows = (
        row("one", yes("cool"), supports="strong", group="g"),
        row("two", yes("pale"), supports="moderate", group="g"),
    )

    assert missing(a_library().with_cause("clot", SILENT, *rows), known(leg_pain=True, cool=True)) == []


def test_an_answer_beyond_the_cap_of_opinion_is_worth_nothing() -> None:
    """6 x 6 is capped at 30 already."""
    rows = (row(name, yes(name), supports="strong") for name in ("cool", "pale", "numb"))

    assert missing(a_library().with_cause("clot", *rows), known(leg_pain=True, cool=True, pale=True)) == []


def test_what_a_required_fact_would_tell() -> None:
    """No, at a chance of 0.8: from 0.4 to the 0.02 of a barred cause, 0.6072 bits. Yes leaves the odds as they are."""
    cool = row("cool", yes("cool"), supports="strong")
    library = a_library().with_cause("clot", cool, requires=yes("numb"))

    assert missing(library, known(leg_pain=True, cool=True)) == [("numb", 0.4858)]


def test_what_an_exclusion_would_tell() -> None:
    """Yes, at a chance of 0.2, leaves out a cause at 0.4: 0.2 x 0.6072."""
    cool = row("cool", yes("cool"), supports="strong")
    library = a_library().with_cause("clot", cool, excludes=yes("fever"))

    assert missing(library, known(leg_pain=True, cool=True)) == [("fever", 0.1214)]


def test_evidence_for_a_cause_whose_required_facts_are_absent_is_not_asked_for() -> None:
    rows = (row("cool", yes("cool"), supports="strong"), row("pale", yes("pale"), supports="strong"))
    library = a_library().with_cause("clot", *rows, requires=yes("numb"))

    assert missing(library, known(leg_pain=True, cool=True, numb=False)) == []


@pytest.mark.parametrize(
    ("fact", "named"),
    [
        (yes("pale"), ["pale"]),  # an answer of the intake
        ({"fact": "potassium", "below": "low"}, ["potassium"]),  # it says how to get it
        (yes("gout"), ["gout"]),
        ({"fact": "ferritin", "below": "ferritin-low"}, []),  # it does not
        (yes("diabetes"), []),
    ],
)
def test_only_a_fact_that_someone_can_go_and_get_is_named(fact: dict[str, Any], named: list[str]) -> None:
    library = a_library().with_flag("a-rule/a-flag", all_of(yes("cool"), fact))

    assert named == [name for name, _ in missing(library, known(leg_pain=True, cool=True))]


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ({"fact": "potassium", "below": "low"}, {"potassium": Known(Interval(high=Decimal(4)))}),
        ({"fact": "gout", "began-within": "recent"}, {"gout": Known(True)}),
    ],
    ids=["a result of at most 4", "gout without a date"],
)
def test_a_fact_that_is_answered_but_does_not_decide_is_not_asked_for_again(
    asked: dict[str, Any], given: dict[str, Known]
) -> None:
    library = a_library().with_flag("a-rule/a-flag", all_of(yes("cool"), asked))

    assert missing(library, known(given, leg_pain=True, cool=True)) == []


def test_an_answer_that_does_not_decide_still_counts_for_every_other_rule() -> None:
    """Potassium is at most 4: the first flag cannot use that, the second can."""
    low = {"fact": "potassium", "below": "low"}
    library = a_library().with_flag("a/one", all_of(yes("leg-pain"), low, yes("cool")))
    library = library.with_flag("b/two", all_of({"fact": "potassium", "at-most": "high"}, yes("pale")))
    facts = known({"potassium": Known(Interval(high=Decimal(4)))}, leg_pain=True)

    assert [name for name, _ in missing(library, facts)] == ["pale"]


def test_a_fact_that_decides_nothing_alone_is_not_named() -> None:
    library = a_library().with_flag("cold-leg/cold", all_of(yes("cool"), yes("pale")))

    assert missing(library, known(leg_pain=True)) == []


def test_at_most_five_facts_are_named_the_most_telling_first_and_ties_by_name() -> None:
    library = a_library().with_flag("z/z", all_of(yes("leg-pain"), yes("warm")), "emergency")
    for name in ("weak", "pale", "numb", "itch", "fever", "cool"):
        library = library.with_flag(f"{name}/{name}", all_of(yes("leg-pain"), yes(name)))

    assert [name for name, _ in missing(library, known(leg_pain=True))] == ["warm", "cool", "fever", "itch", "numb"]


def test_less_than_a_hundredth_of_a_bit_is_not_worth_a_question() -> None:
    library = a_library().with_cause("clot", SILENT, row("cool", yes("cool"), supports="weak"))

    assert missing(library, known(leg_pain=True)) == []  # 0.1 to 0.1429 at a chance of 0.2: 0.0026 bits


def test_only_the_first_three_causes_are_asked_about() -> None:
    library = a_library()
    for place, name in enumerate(("cool", "pale", "numb", "weak", "warm")):
        first = row("pain", yes("leg-pain"), present=10 - place)
        library = library.with_cause(name, first, row("it", yes(name), supports="strong"))

    assert sorted(name for name, _ in missing(library, known(leg_pain=True))) == ["cool", "numb", "pale"]


@pytest.mark.parametrize("facts", [known(cool=True), known(cool=True, leg_pain=False)])
def test_without_a_complaint_nothing_is_asked_for(facts: PatientFacts) -> None:
    library = a_library().with_flag("cold-leg/cold", all_of(yes("cool"), yes("pale")))

    assert missing(library, facts) == []


def test_a_flag_that_fires_already_asks_for_nothing() -> None:
    library = a_library().with_flag("cold-leg/cold", all_of(yes("cool"), {"unless": yes("warm")}))

    assert missing(library, known(leg_pain=True, cool=True)) == []
