import json
from decimal import Decimal
from pathlib import Path

import pytest

from rules.cases import facts_of
from rules.engine.facts import Absent, Known
from rules.loader import load
from tests.broken.small_library import copy_library


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return copy_library(tmp_path)


def test_the_newest_version_of_the_intake_is_read_and_ten_is_newer_than_nine(folder: Path) -> None:
    intake = json.loads((folder / "intake/intake-1.0.0.json").read_text(encoding="utf-8"))
    for version in ("1.9.0", "1.10.0"):
        text = json.dumps(intake | {"url": f"urn:intake:{version}"})
        (folder / f"intake/intake-{version}.json").write_text(text, encoding="utf-8")

    assert load(folder).library.intake_url == "urn:intake:1.10.0"


def test_a_number_keeps_its_digits_and_a_date_stays_a_text(folder: Path) -> None:
    rule = load(folder).library.causes["restless-legs"]

    assert (str(rule.evidence[0].absent), rule.reviewed) == ("0.14", "2026-11-21")


@pytest.mark.parametrize("word", ["no", "yes", "on", "off", "NO", "True"])
def test_a_word_that_yaml_takes_for_true_or_false_stays_a_word(folder: Path, word: str) -> None:
    path = folder / "causes/restless-legs/rule.yaml"
    text = path.read_text(encoding="utf-8").replace("title: Restless legs", f"title: {word}")
    path.write_text(text, encoding="utf-8")

    assert load(folder).library.causes["restless-legs"].title == word


def test_a_code_prefix_of_a_value_set_is_read(folder: Path) -> None:
    terminology = load(folder).terminology
    found = terminology.of_code("http://hl7.org/fhir/sid/icd-10-cm", "I21.4")

    assert [match.fact for match in found] == ["heart-attack"]


def test_the_facts_of_a_case_are_read_by_their_kind(folder: Path) -> None:
    given = {
        "cool": True,
        "leg-pain": False,
        "time-of-day": ["evening", "morning"],
        "sex": "female",
        "ferritin": Decimal("74.9"),
        "iron": 60,
        "heart-attack": {"began": 90},
    }

    assert facts_of(load(folder).library, given).answered == {
        "cool": Known(True),
        "leg-pain": Absent(),
        "time-of-day": Known(frozenset(("evening", "morning"))),
        "sex": Known(frozenset(("female",))),
        "ferritin": Known(Decimal("74.9")),
        "iron": Known(Decimal(60)),
        "heart-attack": Known(True, days=Decimal(90)),
    }
