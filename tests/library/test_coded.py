"""Every code of the value sets and of the symptoms is read as what its name says (coded/cases.py)."""

from collections import Counter
from itertools import groupby

import pytest

from rules.pack import Pack
from service.fhir.coverage import Coverage
from tests.library.coded.cases import KINDS, CodedCase, coded_cases, facts_read
from tests.library.coded.in_use import symptom_codes, value_set_codes
from tests.service.fhir.reading import coverage

CASES = list(coded_cases())
GROUPS = [(*key, list(cases)) for key, cases in groupby(CASES, lambda case: (case.kind, case.facts))]


@pytest.fixture(scope="module")
def covered(shipped_pack: Pack) -> Coverage:
    return coverage(shipped_pack)


@pytest.mark.parametrize(
    ("facts", "cases"),
    [(facts, cases) for _, facts, cases in GROUPS],
    ids=[f"{kind}: {', '.join(sorted(facts)) or 'nothing'}" for kind, facts, _ in GROUPS],
)
def test_a_code_gives_exactly_the_facts_that_it_is_listed_under(
    facts: frozenset[str], cases: list[CodedCase], shipped_pack: Pack, covered: Coverage
) -> None:
    read = {f"{case.system} {case.code} {case.value}": facts_read(shipped_pack, covered, case) for case in cases}

    assert {code: sorted(found) for code, found in read.items() if found != facts} == {}


def test_every_code_in_use_has_a_case_and_every_pattern_one_that_begins_so() -> None:
    exact = {(case.system, case.code) for case in CASES}
    begun = {(system, code[:length]) for system, code in exact for length in range(1, len(code) + 1)}
    in_use = symptom_codes().union(*value_set_codes().values())

    assert [code for code in sorted(in_use) if (code.system, code.code) not in (begun if code.pattern else exact)] == []


def test_a_code_with_the_same_value_stands_once() -> None:
    listed = Counter((case.kind, case.system, case.code, case.value) for case in CASES)

    assert [key for key, times in listed.items() if times > 1] == []


def test_every_case_names_what_the_code_stands_for() -> None:
    assert [case for case in CASES if not case.display] == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_cases_stand_in_the_order_of_their_facts(kind: str) -> None:
    titles = [", ".join(sorted(facts)) for each, facts, _ in GROUPS if each == kind]

    assert titles == sorted(titles, key=lambda title: (title == "", title))
