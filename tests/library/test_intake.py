"""The versions of the intake: a newer one adds questions and answers, and takes none away."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B.questionnaire import Questionnaire

from rules.engine.facts import Known
from rules.engine.vocabulary import AnswerFact
from rules.loader import LIBRARY
from rules.pack import Pack
from tests.builders import INTAKE, a_bundle, a_patient, day
from tests.service.fhir.reading import read

PATHS = sorted((LIBRARY / "intake").glob("*.json"), key=lambda path: [*map(int, path.stem.split("-")[-1].split("."))])
each_version = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


def items(path: Path) -> dict[str, Any]:
    """linkId → its item, of all groups."""
    groups = json.loads(path.read_text(encoding="utf-8"))["item"]
    return {item["linkId"]: item for group in groups for item in group["item"]}


def an_answer(item: dict[str, Any]) -> dict[str, Any]:
    """A first answer to a question of any type."""
    values = {"boolean": True, "integer": 1, "decimal": 1.5, "date": day(30)}
    if item["type"] == "choice":
        return dict(item["answerOption"][0])
    return {f"value{item['type'].title()}": values[item["type"]]}


@each_version
def test_an_intake_is_a_fhir_r4_questionnaire_of_its_version(path: Path) -> None:
    questionnaire = Questionnaire.model_validate_json(path.read_bytes())

    assert (INTAKE, path.stem) == (questionnaire.url, f"leg-pain-intake-{questionnaire.version}")


@pytest.mark.parametrize(("older", "newer"), [*pairwise(PATHS)], ids=lambda path: path.stem)
def test_a_newer_intake_keeps_every_question_and_answer_of_the_older_one(older: Path, newer: Path) -> None:
    kept = items(newer)

    assert {link: kept.get(link) for link in items(older)} == items(older)
    assert items(older).keys() < kept.keys()


@each_version
def test_every_answer_to_any_version_is_read(path: Path, shipped_pack: Pack) -> None:
    asked = items(path)
    version = json.loads(path.read_text(encoding="utf-8"))["version"]
    response = {
        "resourceType": "QuestionnaireResponse",
        "id": "q1",
        "questionnaire": f"{INTAKE}|{version}",
        "status": "completed",
        "authored": day(0),
        "item": [{"linkId": link, "answer": [an_answer(item)]} for link, item in asked.items()],
    }

    reading = read(a_patient(), shipped_pack, intake=a_bundle([response]))
    facts = {fact.link_id: name for name, fact in shipped_pack.library.facts.items() if isinstance(fact, AnswerFact)}
    assert [link for link in asked if not isinstance(reading.facts[facts[link]], Known)] == []
    assert reading.left_out == {}
