"""
A sample of `make mutants`: of the changes of each rule and value set every fortieth, so that a gap shows before the
long run.
"""

import pytest
import yaml

from rules.strict_yaml import StrictLoader
from rules.terminology import ATC, ICD10CM, LOINC, RXNORM, SNOMED
from tests.library.coded.in_use import Code, has_loinc_digit, has_snomed_digit, neighbor
from tests.mutants.changes import changes_of
from tests.mutants.codes import noticed_codes
from tests.mutants.run import listed_survivors, names, try_out

EVERY = 40

RULE = yaml.load(
    """
    pre-test: uncommon
    thresholds: {low: {value: 75, unit: ug/L}, ratio: {value: 0.90, unit: "{ratio}"}}
    requires: {fact: pain, is: present}
    evidence:
      - {id: one, when: {all: [{fact: iron, at-most: low}, {not: {fact: c, is: absent}}]}, supports: strong, group: g}
      - id: two
        when: {count: [{fact: a, is: [x, y]}, {fact: b, is: present}, {fact: c, is: present}], at-least: 2}
        present: 4
      - {id: three, when: {score: wells, at-least: high}, opposes: weak}
    """,
    StrictLoader,  # noqa: S506 - it is safe
)


@pytest.mark.parametrize("number", range(len(names())), ids=names())
def test_a_mistake_in_a_rule_or_a_value_set_makes_a_case_fail(number: int) -> None:
    name = names()[number]
    outcome = try_out(name, every=EVERY, first=number)

    assert [each for each in outcome.survivors if f"{name} {each}" not in listed_survivors()] == []


def test_every_listed_survivor_belongs_to_a_rule_and_has_a_reason() -> None:
    listed = listed_survivors()

    assert {name.split(" ")[0] for name in listed} <= set(names())
    assert [name for name, reason in listed.items() if len(reason) < 10] == []


def test_every_kind_of_mistake_is_made() -> None:
    made = [what for what, _ in changes_of(RULE)]

    assert made == sorted(set(made), key=made.index)
    assert set(made) == {
        "pre-test: is rare",
        "pre-test: is common",
        "thresholds.low.value: one step up",
        "thresholds.low.value: one step down",
        "thresholds.ratio.value: one step up",
        "thresholds.ratio.value: one step down",
        "requires: left out",
        "requires.is: yes for no",
        "evidence.one: left out",
        "evidence.one.supports: supports moderate",
        "evidence.one: opposes for supports",
        "evidence.one.group: left out",
        "evidence.one.when: any for all",
        "evidence.one.when.all.0: left out",
        "evidence.one.when.all.1: left out",
        "evidence.one.when.all.0: below for at-most",
        "evidence.one.when.all.0: above for at-most",
        "evidence.one.when.all.1: without not",
        "evidence.one.when.all.1.not.is: yes for no",
        "evidence.two: left out",
        "evidence.two.present: present x 1.25",
        "evidence.two.when.at-least: one more needed",
        "evidence.two.when.at-least: one less needed",
        "evidence.two.when.count.0: left out",
        "evidence.two.when.count.1: left out",
        "evidence.two.when.count.2: left out",
        "evidence.two.when.count.0.is.0: left out",
        "evidence.two.when.count.0.is.1: left out",
        "evidence.two.when.count.1.is: yes for no",
        "evidence.two.when.count.2.is: yes for no",
        "evidence.three: left out",
        "evidence.three.opposes: opposes moderate",
        "evidence.three: supports for opposes",
        "evidence.three.when: at-most for at-least",
    }


def test_every_kind_of_mistake_is_made_of_a_code() -> None:
    assert {what for what, _ in noticed_codes("baker-cyst")} >= {
        "82675004: left out",
        "82675004: its neighbor for it",
        "82675004: 131148009 of bleeding-other for it",
        "82675004: moved to bleeding-other",
        "M71.2: left out",
        "M71.2: its neighbor for it",
        "M71.2: one character more",
        "M71.2: one character less",
        "M71.2: moved to bleeding-other",
    }


def test_every_kind_of_mistake_is_made_of_a_symptom() -> None:
    assert {what for what, _ in noticed_codes("symptoms")} >= {
        "386661006 fever: left out",
        "386661006 fever: its neighbor for it",
        "386661006 fever: another answer",
        "300954003 location calf: another answer",
    }


@pytest.mark.parametrize(
    ("system", "code", "beside"),
    [
        (RXNORM, "83367", "83368"),
        (ATC, "B01AF01", "B01AF02"),
        (ATC, "C10AA", "C10AB"),
        (ICD10CM, "I70.22", "I70.23"),
        (ICD10CM, "I82.89", "I82.88"),
    ],
)
def test_a_neighbor_is_the_next_code(system: str, code: str, beside: str) -> None:
    assert Code(system, beside) == neighbor(Code(system, code))


def test_a_neighbor_has_a_check_digit_that_holds() -> None:
    beside = neighbor(Code(SNOMED, "128053003")), neighbor(Code(LOINC, "2823-3"))

    assert [each.code for each in beside] != ["128053003", "2823-3"]
    assert (has_snomed_digit(beside[0].code), has_loinc_digit(beside[1].code)) == (True, True)
