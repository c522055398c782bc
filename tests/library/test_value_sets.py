"""The value sets: FHIR R4 resources that a FHIR library accepts, each of them needed, and no code in them twice."""

import csv
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from fhir.resources.R4B.valueset import ValueSet

from rules.loader import LIBRARY
from rules.pack import Pack
from rules.terminology import ATC, ICD10, ICD10CM, LOINC, RXNORM, SNOMED, Terminology
from tests.library.coded.in_use import has_loinc_digit, has_snomed_digit

PATHS = sorted((LIBRARY / "value-sets").glob("*"))
SHAPES = {
    SNOMED: r"\d{6,18}",
    LOINC: r"\d{1,5}-\d",
    RXNORM: r"\d{1,8}",
    ATC: r"[A-Z](\d{2}([A-Z]([A-Z](\d{2})?)?)?)?",
    ICD10CM: r"[A-Z]\d([0-9A-Z](\.[0-9A-Z]{1,4})?)?",
    ICD10: r"[A-Z]\d(\d(\.\d{1,2})?)?",
}
"""How a code of each system, or the beginning of one, is written; a system that is not here is a mistake."""


def content(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def codes(path: Path) -> list[tuple[str, str]]:
    """(system, code) of every code, and of every pattern its beginning."""
    return [
        (include["system"], code)
        for include in content(path)["compose"]["include"]
        for code in (
            *(concept["code"] for concept in include.get("concept", ())),
            *(each["value"].removesuffix(".*").replace("\\.", ".") for each in include.get("filter", ())),
        )
    ]


def test_there_are_value_sets() -> None:
    assert len(PATHS) > 50


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_value_set_is_a_fhir_r4_value_set_under_the_name_of_its_file(path: Path) -> None:
    value_set = ValueSet.model_validate_json(path.read_bytes())

    assert path.suffix == ".json"
    assert (path.stem, f"urn:recumbent-leg-pain:ValueSet:{path.stem}") == (value_set.id, value_set.url)
    assert (value_set.status, bool(value_set.version), bool(value_set.title)) == ("active", True, True)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_no_code_stands_twice_in_a_value_set(path: Path) -> None:
    assert [code for code, times in Counter(codes(path)).items() if times > 1] == []


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_every_code_is_written_as_its_system_writes_codes(path: Path) -> None:
    assert [code for code in codes(path) if not re.fullmatch(SHAPES[code[0]], code[1])] == []


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_every_snomed_code_has_its_check_digit(path: Path) -> None:
    assert [code for system, code in codes(path) if system == SNOMED and not has_snomed_digit(code)] == []


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_every_loinc_code_has_its_check_digit(path: Path) -> None:
    assert [code for system, code in codes(path) if system == LOINC and not has_loinc_digit(code)] == []


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_every_code_but_those_of_atc_has_a_name(path: Path) -> None:
    """The names of ATC are those of its ingredients, which RxNorm names; the index may not be copied."""
    nameless = [
        concept["code"]
        for include in content(path)["compose"]["include"]
        for concept in include.get("concept", ())
        if include["system"] != ATC and not concept.get("display")
    ]

    assert nameless == []


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_an_include_lists_codes_or_one_pattern(path: Path) -> None:
    """FHIR reads several filters of one include as "and"; the loader reads each as "or"."""
    wrong = [
        include
        for include in content(path)["compose"]["include"]
        if ("concept" in include) == ("filter" in include) or len(include.get("filter", ())) > 1
    ]

    assert wrong == []
    assert set(content(path)["compose"]) == {"include"}


def test_nothing_that_is_listed_as_unverified_is_in_use() -> None:
    table = csv.DictReader((LIBRARY / "terminology" / "symptoms.csv").read_text(encoding="utf-8").splitlines())
    in_use = {code for path in PATHS for code in codes(path)} | {(row["system"], row["code"]) for row in table}
    listed = yaml.safe_load((LIBRARY / "terminology" / "unverified.yaml").read_text(encoding="utf-8"))["codes"]

    assert len(listed) > 5
    assert [each for each in listed if (each["system"], each["code"]) in in_use] == []
    assert [each for each in listed if "instead" in each and (each["system"], each["instead"]) not in in_use] == []


def test_every_value_set_is_used_by_a_fact(vocabulary: Pack) -> None:
    used = {name for fact in vocabulary.library.facts.values() for name in getattr(fact, "value_set", ())}

    assert {path.stem for path in PATHS} == used


def terminology_of(vocabulary: Pack, fact: str) -> Terminology:
    return vocabulary.orders.codes if fact in vocabulary.order_facts else vocabulary.terminology


def test_every_code_of_a_value_set_is_found_as_the_facts_that_use_it(vocabulary: Pack) -> None:
    facts = vocabulary.library.facts
    lost = [
        (path.stem, system, code)
        for path in PATHS
        for system, code in codes(path)
        for name in (name for name, fact in facts.items() if path.stem in getattr(fact, "value_set", ()))
        if name not in {match.fact for match in terminology_of(vocabulary, name).of_code(system, code)}
    ]

    assert lost == []


def test_a_number_belongs_to_one_analyte(vocabulary: Pack) -> None:
    """A LOINC code in two value sets of measurements would be read in two units."""
    analytes = Counter(
        (name, code)
        for path in PATHS
        for system, code in codes(path)
        if system == LOINC
        for name, fact in vocabulary.library.facts.items()
        if fact.kind == "measurement" and path.stem in fact.value_set
    )

    assert [key for key, times in analytes.items() if times > 1] == []


# ── check digits ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("code", "valid"), [("128053003", True), ("128053004", False), ("128035003", False)])
def test_the_check_digit_of_snomed_finds_mistakes(code: str, valid: bool) -> None:
    assert valid == has_snomed_digit(code)


@pytest.mark.parametrize(("code", "valid"), [("2823-3", True), ("2832-3", False), ("2823-4", False)])
def test_the_check_digit_of_loinc_finds_mistakes(code: str, valid: bool) -> None:
    assert valid == has_loinc_digit(code)
