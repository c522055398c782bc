"""Orders without a code: what their texts are read as, and what sounds alike and is not (coded/texts.ini)."""

import dataclasses
import json
from configparser import ConfigParser
from pathlib import Path

import msgspec
import pytest

from rules.engine.facts import Known
from rules.pack import Pack
from rules.terminology import words_of
from service.fhir.coverage import Coverage
from service.fhir.read_facts import read_facts
from tests.builders import AS_OF, Resource
from tests.service.fhir.reading import coverage, prefetched

FILE = Path(__file__).parent / "coded" / "texts.ini"
MEDICINE, REASON = "medicine: ", "reason: "


def _table() -> list[tuple[str, frozenset[str]]]:
    table = ConfigParser(delimiters=("=",), allow_no_value=True, interpolation=None, default_section="")
    table.optionxform = str  # type: ignore[assignment,method-assign]  # keeps capitals
    table.read_string(FILE.read_text(encoding="utf-8"))
    return [
        (text, frozenset(section.split(", ")) - {"nothing"})
        for section in table.sections()
        for text in table.options(section)
    ]


TEXTS = _table()


@pytest.fixture(scope="module")
def covered(shipped_pack: Pack) -> Coverage:
    return coverage(shipped_pack)


def _order(text: str) -> Resource:
    draft = {"id": "d", "status": "draft", "intent": "order"}
    if text.startswith(MEDICINE):
        concept = {"text": text.removeprefix(MEDICINE)}
        return draft | {"resourceType": "MedicationRequest", "medicationCodeableConcept": concept}
    if text.startswith(REASON):
        return draft | {"resourceType": "ServiceRequest", "reasonCode": [{"text": text.removeprefix(REASON)}]}
    return draft | {"resourceType": "ServiceRequest", "code": {"text": text}}


@pytest.mark.parametrize(("text", "facts"), TEXTS, ids=[text for text, _ in TEXTS])
def test_a_text_orders_exactly_what_it_is_listed_under(
    text: str, facts: frozenset[str], shipped_pack: Pack, covered: Coverage
) -> None:
    drafts = ((None, msgspec.Raw(json.dumps(_order(text)).encode())),)
    [order] = read_facts(dataclasses.replace(prefetched({}), orders=drafts), shipped_pack, covered, AS_OF).orders

    found = {name for name, fact in shipped_pack.order_facts.items() if fact.of in ("what", "reason")}
    assert sorted(facts) == sorted(name for name in found if isinstance(order.facts[name], Known))


def test_every_phrase_has_a_text_that_no_other_phrase_of_its_fact_finds(shipped_pack: Pack) -> None:
    lacking = []
    for name, fact in shipped_pack.order_facts.items():
        texts = [set(words_of(text)) for text, facts in TEXTS if name in facts]
        found = [{phrase for phrase in fact.words if _holds(phrase, words)} for words in texts]
        lacking += [f"{name}: {phrase}" for phrase in fact.words if {phrase} not in found]

    assert lacking == []


def _holds(phrase: str, words: set[str]) -> bool:
    return all(not words.isdisjoint(one.split("|")) for one in phrase.split(" "))
