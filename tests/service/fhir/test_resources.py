"""Which deviations from FHIR R4 are tolerated, and that anything else costs that one resource."""

import json
from typing import Any

import pytest

from rules.engine.facts import Known
from rules.pack import Pack
from rules.terminology import LOINC, SNOMED
from service.fhir.resources import UNREADABLE, Observation, codings, decode_header, decode_resource, kind_of, wordings
from tests.builders import Resource, a_bundle, a_patient
from tests.service.fhir.reading import read

CODING = {"system": LOINC, "code": "2823-3"}
LAB: Resource = {
    "resourceType": "Observation",
    "id": "k1",
    "status": "final",
    "code": {"coding": [CODING]},
    "subject": {"reference": "Patient/p1"},
    "effectiveDateTime": "2026-11-20",
    "valueQuantity": {"value": 3.1, "unit": "mmol/L", "code": "mmol/L"},
}


@pytest.mark.parametrize(
    "bent",
    [
        {"note": None, "interpretation": None, "component": None, "referenceRange": None, "bodySite": None},
        {"no-such-field": {"deep": [1, {"x": []}]}, "id_": "k1"},
        {"_status": {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason"}]}},
        {
            "extension": [{"valueString": "no url"}],
            "modifierExtension": [{}],
            "contained": [{"resourceType": "Device"}],
        },
        {"valueString": "two values", "valueQuantity": LAB["valueQuantity"]},
        {"effectiveDateTime": "2026-11-20 08:00"},
        {"effectiveDateTime": "2026-11-20T08:00:00"},
        {"effectiveDateTime": "20261120"},
        {"valueQuantity": {"value": "3.1", "unit": "mmol/L"}},
        {"valueQuantity": {"value": 3.1, "unit": "mmol/L", "code": None, "system": None, "comparator": None}},
        {"code": {"coding": [None, CODING]}},
        {"code": {"coding": CODING}},
        {"code": {"coding": [CODING | {"userSelected": "yes"}], "text": None}},
        {"component": {}, "referenceRange": {}},
        {"component": [None, {}], "referenceRange": [None]},
        {"subject": None},
        {"subject": {"display": "Jane"}},
        {"id": None, "meta": 5, "identifier": "x", "performer": {"not": "a list"}},
    ],
)
def test_a_deviation_of_real_records_is_tolerated(bent: Resource, pack: Pack) -> None:
    reading = read(a_patient(), pack, observations=a_bundle([LAB | bent]))

    assert isinstance(reading.facts["potassium"], Known)
    assert reading.unreadable == {}


@pytest.mark.parametrize(
    "broken",
    [
        {"code": "2823-3"},
        {"code": {"coding": ["2823-3"]}},
        {"code": {"coding": [{"code": 2823.3}]}},
        {"status": 1},
        {"status": {"value": "final"}},
        {"subject": "Patient/p1"},
        {"effectiveDateTime": 20261120},
        {"valueQuantity": 3.1},
        {"valueQuantity": {"value": "about 3"}},
        {"valueQuantity": {"value": True}},
        {"valueInteger": 3.1},
        {"component": [5]},
        {"id": 5},
    ],
)
def test_anything_else_costs_that_one_resource(broken: Resource, pack: Pack) -> None:
    other = LAB | {"id": "k2", "effectiveDateTime": "2026-11-01"}

    reading = read(a_patient(), pack, observations=a_bundle([LAB | broken, other]))

    fact = reading.facts["potassium"]
    assert isinstance(fact, Known)
    assert fact.source == "Observation/k2"
    assert reading.unreadable == {"Observation": 1}


def test_what_is_read_is_typed() -> None:
    resource = decode_resource(json.dumps(LAB).encode())

    assert isinstance(resource, Observation)
    assert str(resource.value_quantity.value if resource.value_quantity else None) == "3.1"


@pytest.mark.parametrize("raw", [b'{"resourceType":"Claim","id":5,"code":5}', b'{"resourceType":"Observation2"}'])
def test_a_type_that_no_fact_is_read_from_is_none(raw: bytes) -> None:
    assert decode_resource(raw) is None


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (b'{"resourceType":"Condition","code":5}', "Condition"),
        (b'{"code":5,"resourceType":"Condition"}', "Condition"),
        (b'{"resourceType":"Condition","code":{"text":"\xff"}}', "Condition"),
        (b'{"resourceType":"Condition","code":' + b"[" * 50_000, "resource"),
        (b'{"resourceType":null}', "resource"),
        (b'{"resourceType":"\xff"}', "resource"),
        (b"5", "resource"),
        (b"", "resource"),
        (b"{", "resource"),
    ],
)
def test_what_cannot_be_read_is_named_by_a_word_of_ours(raw: bytes, kind: str) -> None:
    with pytest.raises(UNREADABLE):
        decode_resource(raw)

    assert kind == kind_of(raw)


def test_a_type_that_a_stranger_made_up_is_never_repeated() -> None:
    assert kind_of(b'{"resourceType":"Jane Doe, born 1965"}') == "resource"


def test_the_header_of_junk_is_empty() -> None:
    header = decode_header(b"[1, 2]")

    assert (header.resource_type, header.id) == (None, None)


def test_a_concept_gives_its_codings_and_texts_however_they_were_written() -> None:
    raw: dict[str, Any] = {
        "resourceType": "Condition",
        "code": {"text": "a", "coding": [None, {"display": "b"}, CODING]},
    }
    condition = decode_resource(json.dumps(raw).encode())

    code = getattr(condition, "code", None)
    assert [coding.code for coding in codings(code)] == [None, "2823-3"]
    assert wordings(code) == ["a", "b"]
    assert (codings("text"), codings(None), wordings(None)) == ([], [], [])


def test_the_code_of_a_condition_may_be_a_number(pack: Pack) -> None:
    condition = {"resourceType": "Condition", "code": {"coding": {"system": SNOMED, "code": 128053003}}}

    assert isinstance(read(a_patient(), pack, conditions=a_bundle([condition])).facts["thrombosis"], Known)
