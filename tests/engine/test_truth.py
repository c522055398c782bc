from itertools import product

import pytest

from rules.engine import criteria
from rules.engine.criteria import Compiled, Look
from rules.engine.truth import AND, CANNOT_TELL, MET, NOT, NOT_MET, OR, Truth

THREE = (MET, NOT_MET, CANNOT_TELL)
PAIRS = list(product(THREE, THREE))
TRIPLES = list(product(THREE, THREE, THREE))
STRICT, PRESUMING = Look({}), Look({}, presume=True)


def always(truth: Truth) -> Compiled:
    return Compiled("fact", lambda look: truth, frozenset())


def readings(*truths: Truth) -> set[tuple[bool, ...]]:
    """Every way the facts may really be: an unknown one is yes in one reading and no in another."""
    ways = [(True, False) if truth is CANNOT_TELL else (truth is MET,) for truth in truths]
    return set(product(*ways))


def told_by(answers: set[bool]) -> Truth:
    """What can be told where every reading must agree."""
    return CANNOT_TELL if len(answers) == 2 else MET if answers == {True} else NOT_MET


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_the_tables_say_what_all_readings_of_the_unknown_agree_on(one: Truth, other: Truth) -> None:
    ways = readings(one, other)

    assert told_by({a and b for a, b in ways}) == AND[one, other]
    assert told_by({a or b for a, b in ways}) == OR[one, other]
    assert told_by({not a for a, _ in ways}) == NOT[one]


@pytest.mark.parametrize("look", [STRICT, PRESUMING], ids=["strict", "presuming"])
@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_all_and_any_of_two_parts_follow_the_tables(one: Truth, other: Truth, look: Look) -> None:
    parts = (always(one), always(other))

    assert AND[one, other] == criteria.all_of(parts).test(look)
    assert OR[one, other] == criteria.any_of(parts).test(look)


@pytest.mark.parametrize("truths", TRIPLES)
def test_all_and_any_of_three_parts_are_the_tables_used_twice(truths: tuple[Truth, Truth, Truth]) -> None:
    one, two, three = truths
    parts = tuple(always(truth) for truth in truths)

    assert AND[AND[one, two], three] == criteria.all_of(parts).test(STRICT)
    assert OR[OR[one, two], three] == criteria.any_of(parts).test(STRICT)


@pytest.mark.parametrize("truth", THREE)
def test_one_part_alone_is_what_it_is(truth: Truth) -> None:
    alone = (always(truth),)

    assert truth == criteria.all_of(alone).test(STRICT) == criteria.any_of(alone).test(STRICT)


@pytest.mark.parametrize("least", [1, 2, 3])
@pytest.mark.parametrize("truths", TRIPLES)
def test_a_count_is_told_where_every_reading_of_the_unknown_agrees(truths: tuple[Truth, ...], least: int) -> None:
    counted = criteria.count_of(tuple(always(truth) for truth in truths), least)

    assert told_by({sum(way) >= least for way in readings(*truths)}) == counted.test(STRICT)


@pytest.mark.parametrize("look", [STRICT, PRESUMING], ids=["strict", "presuming"])
@pytest.mark.parametrize("truth", THREE)
def test_not_follows_the_table_whether_strict_or_presuming(truth: Truth, look: Look) -> None:
    assert NOT[truth] == criteria.not_met(always(truth)).test(look)


@pytest.mark.parametrize(
    ("exception", "strict", "presuming"),
    [
        (MET, NOT_MET, NOT_MET),
        (NOT_MET, MET, MET),
        (CANNOT_TELL, CANNOT_TELL, MET),
    ],
)
def test_unless_takes_an_unknown_exception_for_no_only_when_presuming(
    exception: Truth, strict: Truth, presuming: Truth
) -> None:
    unless = criteria.unless(always(exception))

    assert (strict, presuming) == (unless.test(STRICT), unless.test(PRESUMING))


@pytest.mark.parametrize("truth", THREE)
def test_a_definition_has_the_truth_of_what_it_defines(truth: Truth) -> None:
    assert truth == criteria.remembered("a-name", always(truth)).test(Look({}))


def test_a_definition_is_worked_out_once_in_each_look() -> None:
    asked: list[Look] = []

    def counting(look: Look) -> Truth:
        asked.append(look)
        return CANNOT_TELL

    defined = criteria.remembered("a-name", Compiled("fact", counting, frozenset()))
    twice = criteria.all_of((defined, defined))
    first, second = Look({}), Look({}, presume=True)
    for look in (first, second, first):
        twice.test(look)

    assert [first, second] == asked


def test_two_definitions_do_not_share_their_answer() -> None:
    one, other = criteria.remembered("one", always(MET)), criteria.remembered("other", always(NOT_MET))
    look = Look({})

    assert (one.test(look), other.test(look)) == (MET, NOT_MET)


def test_the_words_of_files_and_records_stay_as_they_are() -> None:
    assert [truth.value for truth in THREE] == ["met", "not-met", "cannot-tell"]
