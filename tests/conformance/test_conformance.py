"""The table of conformance: every test that it names is there, no SHALL is without one, and the page is up to date."""

from collections import Counter

import pytest

from tests.conformance.table import PAGE, Requirement, as_page, requirements
from tests.library.test_hazards import is_there

each_requirement = pytest.mark.parametrize("requirement", requirements(), ids=lambda each: str(each.id))


@each_requirement
def test_every_test_that_shows_it_is_there(requirement: Requirement) -> None:
    assert [test for test in requirement.tests if "::" not in test or not is_there(test)] == []


@each_requirement
def test_what_shall_be_done_has_a_test_or_is_said_to_be_open(requirement: Requirement) -> None:
    open_ = requirement.status == "not-yet" or not requirement.level.startswith("SHALL")

    assert requirement.tests or open_


@each_requirement
def test_what_is_not_met_or_not_tested_says_why(requirement: Requirement) -> None:
    met_and_tested = requirement.status == "met" and bool(requirement.tests)

    assert requirement.why or met_and_tested


def test_an_id_stands_once() -> None:
    assert [id for id, times in Counter(each.id for each in requirements()).items() if times > 1] == []


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == as_page(), "make it anew: python -m tests.conformance"
