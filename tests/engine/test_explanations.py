"""Which facts made an answer, which keep one from being given, which were taken for no, which alone would decide."""

from decimal import Decimal
from typing import Any

import pytest

from rules.engine.criteria import Compiled, Look, deciders, presumed, reasons, unknowns
from rules.engine.facts import PatientFacts
from tests.engine.builders import a_library, all_of, any_of, known, no, yes

UNLESS_WARM = {"unless": yes("warm")}
TWO_OF_THREE = {"count": [yes("cool"), yes("pale"), yes("numb")], "at-least": 2}


def compiled(when: dict[str, Any]) -> Compiled:
    """A criterion; it may name the definition `cold` and the score `wells`, 1 for each of cool, pale and weak."""
    items = [{"id": name, "points": 1, "when": yes(name)} for name in ("cool", "pale", "weak")]
    library = a_library().with_definition("cold", all_of(yes("cool"), UNLESS_WARM)).with_definition("it", when)
    return library.with_score("wells", *items, cut_offs={"likely": 2}).compile().definitions["it"]


@pytest.mark.parametrize(
    ("when", "facts", "expected"),
    [
        (all_of(yes("cool"), yes("pale")), known(cool=True, pale=True), ["cool", "pale"]),
        (all_of(yes("cool"), yes("pale")), known(cool=True, pale=False), ["pale"]),
        (all_of(yes("cool"), yes("pale")), known(cool=True), []),
        (any_of(yes("cool"), yes("pale"), yes("numb")), known(cool=False, pale=True), ["pale"]),
        (any_of(yes("cool"), yes("pale")), known(cool=False, pale=False), ["cool", "pale"]),
        (TWO_OF_THREE, known(cool=True, pale=False, numb=True), ["cool", "numb"]),
        (TWO_OF_THREE, known(cool=True, pale=False, numb=False), ["pale", "numb"]),
        ({"not": yes("cool")}, known(cool=False), ["cool"]),
        ({"not": all_of(yes("cool"), yes("pale"))}, known(cool=False, pale=True), ["cool"]),
        (UNLESS_WARM, known(warm=False), ["warm"]),
        ({"defined": "cold"}, known(cool=True, warm=False), ["cool", "warm"]),
        ({"score": "wells", "at-least": "likely"}, known(cool=True, pale=True), ["cool", "pale"]),
        (no("cool"), known(cool=False), ["cool"]),
        ({"fact": "potassium", "below": "low"}, known(potassium=Decimal("3.4")), ["potassium"]),
        ({"fact": "color", "is": "blue"}, known(color="red"), ["color"]),
    ],
)
def test_the_facts_that_made_an_answer(when: dict[str, Any], facts: PatientFacts, expected: list[str]) -> None:
    assert expected == list(reasons(compiled(when), Look(facts.answered)))


@pytest.mark.parametrize(
    ("when", "facts", "expected"),
    [
        (all_of(yes("cool"), yes("pale")), known(cool=True), ["pale"]),
        (all_of(yes("cool"), yes("pale")), known(), ["cool", "pale"]),
        (all_of(yes("cool"), any_of(yes("pale"), yes("numb"))), known(cool=True, pale=False), ["numb"]),
        (all_of(yes("cool"), any_of(yes("pale"), yes("numb"))), known(pale=True), ["cool"]),
        (TWO_OF_THREE, known(cool=True), ["pale", "numb"]),
        ({"not": yes("cool")}, known(), ["cool"]),
        (all_of(yes("cool"), UNLESS_WARM), known(cool=True), ["warm"]),
        (all_of(yes("cool"), UNLESS_WARM), known(warm=False), ["cool"]),
        ({"defined": "cold"}, known(cool=True), ["warm"]),
        ({"score": "wells", "at-least": "likely"}, known(cool=True, pale=False), ["weak"]),
    ],
)
def test_the_unknown_facts_that_keep_a_criterion_from_an_answer(
    when: dict[str, Any], facts: PatientFacts, expected: list[str]
) -> None:
    assert expected == list(unknowns(compiled(when), Look(facts.answered)))


def test_when_presuming_an_unknown_exception_is_still_named_as_unknown() -> None:
    look = Look(known().answered, presume=True)

    assert list(unknowns(compiled(all_of(yes("cool"), UNLESS_WARM)), look)) == ["cool", "warm"]


@pytest.mark.parametrize(
    ("when", "facts", "expected"),
    [
        (all_of(yes("cool"), UNLESS_WARM), known(cool=True), ["warm"]),
        (all_of(yes("cool"), {"unless": any_of(yes("warm"), yes("fever"))}), known(cool=True, warm=False), ["fever"]),
        (all_of({"defined": "cold"}, {"unless": yes("fever")}), known(cool=True), ["warm", "fever"]),
        (all_of({"defined": "cold"}, {"unless": yes("fever")}), known(cool=True, warm=False), ["fever"]),
        (any_of(yes("numb"), {"defined": "cold"}), known(cool=True), ["warm"]),
        (any_of(all_of(yes("numb"), {"unless": yes("fever")}), {"defined": "cold"}), known(cool=True), ["warm"]),
    ],
)
def test_the_unknown_facts_that_were_taken_for_no(
    when: dict[str, Any], facts: PatientFacts, expected: list[str]
) -> None:
    strict, presuming = Look(facts.answered), Look(facts.answered, presume=True)

    assert expected == list(presumed(compiled(when), strict, presuming))


@pytest.mark.parametrize(
    ("when", "facts", "expected"),
    [
        (yes("cool"), known(), ["cool"]),
        (all_of(yes("cool"), yes("pale")), known(cool=True), ["pale"]),
        (all_of(yes("cool"), yes("pale")), known(), []),
        (all_of(any_of(yes("cool"), yes("pale")), any_of(yes("numb"), yes("pale"))), known(), ["pale"]),
        (any_of(yes("cool"), yes("pale")), known(), ["cool", "pale"]),
        (any_of(yes("cool"), all_of(yes("pale"), yes("numb"))), known(), ["cool"]),
        ({"not": yes("cool")}, known(), ["cool"]),
        ({"score": "wells", "at-least": "likely"}, known(cool=True), ["pale", "weak"]),
        ({"score": "wells", "at-least": "likely"}, known(), []),
    ],
)
def test_the_unknown_facts_that_alone_would_decide(
    when: dict[str, Any], facts: PatientFacts, expected: list[str]
) -> None:
    assert expected == list(deciders(compiled(when), Look(facts.answered, presume=True)))
