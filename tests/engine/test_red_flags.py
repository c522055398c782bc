from decimal import Decimal
from typing import Any

import pytest

from rules.engine.evaluate import evaluate
from rules.engine.facts import Known, PatientFacts
from rules.engine.findings import NotEvaluated
from rules.engine.truth import CANNOT_TELL, MET
from tests.engine.builders import a_library, all_of, any_of, known, no, yes

UNLESS_WARM = all_of(yes("cool"), {"unless": yes("warm")})


@pytest.mark.parametrize(
    ("facts", "outcome", "fires"),
    [
        (known(cool=True, warm=False), "met", True),
        (known(cool=True), "met", True),
        (known(cool=True, warm=True), "not-met", False),
        (known(cool=False), "not-met", False),
        (known(warm=False), "cannot-tell", False),
        (known(), "cannot-tell", False),
    ],
    ids=["cool, not warm", "cool, warm not known", "cool and warm", "not cool", "cool not known", "nothing known"],
)
def test_a_flag_fires_where_it_is_met_or_only_its_exception_is_not_known(
    facts: PatientFacts, outcome: str, fires: bool
) -> None:
    rules = a_library().with_flag("cold-leg/cold", UNLESS_WARM).compile()
    findings = evaluate(rules, facts)

    assert (outcome, fires) == (findings.outcomes["red-flags/cold-leg"], bool(findings.fired))


def test_a_flag_that_fires_names_the_facts_that_carry_it_and_not_its_exceptions() -> None:
    rules = a_library().with_flag("cold-leg/cold", UNLESS_WARM).compile()
    (flag,) = evaluate(rules, known(cool=True, warm=False, fever=True)).fired

    assert (flag.outcome, flag.facts, flag.presumed) == (MET, ("cool",), ())


def test_a_presumed_flag_cannot_be_told_strictly_and_names_the_exception_that_was_taken_for_no() -> None:
    rules = a_library().with_flag("cold-leg/cold", UNLESS_WARM).compile()
    (flag,) = evaluate(rules, known(cool=True)).fired

    assert (flag.outcome, flag.facts, flag.presumed) == (CANNOT_TELL, ("cool",), ("warm",))


def test_of_an_any_only_the_parts_that_carried_it_are_named() -> None:
    when = any_of(all_of(yes("cool"), no("warm")), yes("pale"), yes("numb"))
    rules = a_library().with_flag("cold-leg/cold", when).compile()
    (flag,) = evaluate(rules, known(cool=True, warm=False, pale=False)).fired

    assert flag.facts == ("cool", "warm")


def test_an_unknown_fact_that_is_no_exception_is_not_named_as_presumed() -> None:
    when = any_of(yes("numb"), UNLESS_WARM)
    rules = a_library().with_flag("cold-leg/cold", when).compile()
    (flag,) = evaluate(rules, known(cool=True)).fired

    assert flag.presumed == ("warm",)


def test_of_a_score_only_what_was_taken_for_no_is_named_as_presumed() -> None:
    """2 points are reached; the open item could only add, the presumed one take away, and fever would bar it all."""
    rules = (
        a_library()
        .with_score(
            "wells",
            {"id": "cool", "points": 1, "when": yes("cool")},
            {"id": "pale", "points": 1, "when": yes("pale")},
            {"id": "weak", "points": 1, "when": yes("weak")},
            {"id": "warm", "points": -2, "when": yes("warm"), "presumed-no": True},
            cut_offs={"likely": 2},
            not_valid=yes("fever"),
        )
        .with_flag("clot/likely", all_of({"score": "wells", "at-least": "likely"}, {"unless": yes("gout")}))
        .compile()
    )
    (flag,) = evaluate(rules, known(cool=True, pale=True)).fired

    assert flag.presumed == ("warm", "fever", "gout")


def test_an_exception_inside_a_definition_is_found() -> None:
    library = a_library().with_definition("acute", UNLESS_WARM)
    rules = library.with_flag("cold-leg/cold", all_of({"defined": "acute"}, yes("pale"))).compile()
    (flag,) = evaluate(rules, known(cool=True, pale=True)).fired

    assert (flag.outcome, flag.presumed) == (CANNOT_TELL, ("warm",))


@pytest.mark.parametrize(
    ("facts", "shown"),
    [
        (known(cool=True, pale=True), ["cold-leg/dead"]),
        (known(cool=True, pale=False), ["cold-leg/cold"]),
        (known(cool=True), ["cold-leg/cold"]),
        (known(cool=False, pale=True), []),
    ],
)
def test_a_flag_gives_way_to_the_one_that_says_it_better_only_where_that_fires_too(
    facts: PatientFacts, shown: list[str]
) -> None:
    library = a_library().with_flag("cold-leg/cold", yes("cool"), superseded_by=["cold-leg/dead"])
    findings = evaluate(library.with_flag("cold-leg/dead", all_of(yes("cool"), yes("pale"))).compile(), facts)

    assert shown == [f"{flag.rule}/{flag.flag}" for flag in findings.fired]


def test_a_chain_of_flags_leaves_the_last_one() -> None:
    library = a_library().with_flag("a/one", yes("cool"), superseded_by=["b/two"])
    library = library.with_flag("b/two", yes("cool"), superseded_by=["c/three"]).with_flag("c/three", yes("cool"))

    assert [flag.rule for flag in evaluate(library.compile(), known(cool=True)).fired] == ["c"]


def test_flags_are_in_order_of_urgency_then_certainty_then_name() -> None:
    presumed = all_of(yes("cool"), {"unless": yes("warm")})
    library = a_library().with_flag("b/urgent", yes("cool")).with_flag("a/urgent-presumed", presumed)
    library = library.with_flag("c/emergency-presumed", presumed, "emergency").with_flag("a/urgent", yes("cool"))
    library = library.with_flag("d/emergency", yes("cool"), "emergency")
    findings = evaluate(library.compile(), known(cool=True))

    assert [flag.flag for flag in findings.fired] == [
        "emergency",
        "emergency-presumed",
        "urgent",
        "urgent",
        "urgent-presumed",
    ]
    assert [flag.rule for flag in findings.fired] == ["d", "c", "a", "b", "a"]


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        (known(cool=False, pale=False), "not-met"),
        (known(cool=False), "cannot-tell"),
        (known(pale=True), "met"),
    ],
)
def test_a_rule_is_as_its_strongest_flag(facts: PatientFacts, outcome: str) -> None:
    rules = a_library().with_flag("cold-leg/one", yes("cool")).with_flag("cold-leg/two", yes("pale")).compile()

    assert outcome == evaluate(rules, facts).outcomes["red-flags/cold-leg"]


def test_a_flag_that_cannot_be_told_is_named_with_its_missing_facts() -> None:
    rules = a_library().with_flag("cold-leg/cold", all_of(yes("cool"), yes("pale"))).compile()
    findings = evaluate(rules, known(cool=True))

    assert (NotEvaluated("red-flags/cold-leg", "facts are missing", ("pale",)),) == findings.not_evaluated


def test_a_red_flag_stands_without_a_leg_complaint() -> None:
    rules = a_library().with_flag("low/potassium", {"fact": "potassium", "below": "low"}, "emergency").compile()
    findings = evaluate(rules, known(leg_pain=False, potassium=Decimal("3.4")))

    assert [fact for flag in findings.fired for fact in flag.facts] == ["potassium"]


@pytest.mark.parametrize(
    "when",
    [
        {"unless": yes("warm")},
        all_of({"unless": yes("warm")}, {"unless": yes("fever")}),
        {"not": yes("warm")},
        {"count": [{"unless": yes("warm")}, {"unless": yes("fever")}], "at-least": 2},
    ],
    ids=["unless", "two exceptions", "not", "count"],
)
@pytest.mark.parametrize("facts", [{}, {"itch": Known(True)}], ids=["nothing known", "another fact known"])
def test_no_flag_fires_on_unknown_facts_alone(when: dict[str, Any], facts: dict[str, Known]) -> None:
    rules = a_library().with_flag("cold-leg/cold", when).compile()

    assert not evaluate(rules, known(facts)).fired
