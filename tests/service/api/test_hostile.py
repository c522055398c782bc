"""Values that parsers differ on, in a call: refused, or left out by name; never a guess and never a 500."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from cds_hooks.response import EVALUATION
from rules.pack import Pack
from tests.builders import a_bundle, a_patient
from tests.service.api.calls import a_call, outcome_text, post

RESTLESS = a_patient().answered("urge-to-move").with_lab("2276-4", 32, "ug/L").with_condition("32914008")
MARK = b"3200032"


def written(call: dict[str, Any], place: str, twice: str) -> bytes:
    """The call as JSON, with more text at the beginning of one of its objects; "" is the body itself."""
    text = json.dumps(call)
    start = text.index("{", text.index(f'"{place}"') if place else 0) + 1
    return f"{text[:start]}{twice}{text[start:]}".encode()


@pytest.mark.parametrize(
    ("place", "twice", "told"),
    [
        ("", '"hook": "patient-view",', "The body"),
        ("", '"hook": "order-sign" , ', "The body"),
        ("", '"h\\u006fok": "order-sign",', "The body"),
        ("", '"context": {"userId": "Practitioner/1", "patientId": "p2"},', "The body"),
        ("", '"x": 1, "x": 12, ', "The body"),
        ("", '"x": 12, "x": 1, ', "The body"),
        ("", '"x": {"y": "\\"}, \\\\"}, "x": null,', "The body"),
        ("context", '"patientId": "p2", ', "context"),
        ("prefetch", '"conditions": null, ', "prefetch"),
        ("fhirAuthorization", '"access_token": "b",', "fhirAuthorization"),
    ],
)
def test_a_field_of_the_call_that_stands_there_twice_is_a_400(
    client: TestClient, pack: Pack, place: str, twice: str, told: str
) -> None:
    call = a_call(pack, RESTLESS, fhirAuthorization={"access_token": "a"})

    answer = post(client, written(call, place, twice))

    assert answer.status_code == 400
    assert outcome_text(answer) == f"{told} names one of its fields twice. Send each once."


@given(
    st.dictionaries(
        st.text(),
        st.recursive(
            st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
            max_leaves=8,
        ),
    ),
    st.sampled_from([None, 2]),
    st.booleans(),
)
def test_a_call_whose_fields_stand_there_once_is_never_told_otherwise(
    client: TestClient, more: dict[str, Any], indent: int | None, ascii_only: bool
) -> None:
    context = {"userId": "Practitioner/1", "patientId": "p1"}
    call = {**more, "hook": "patient-view", "hookInstance": "a", "context": {**more, **context}, "prefetch": more}

    answer = post(client, json.dumps(call, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass"))

    assert "twice" not in answer.text
    assert answer.status_code in (200, 400, 412)


@pytest.mark.parametrize(
    "value", [b"9" * 5000, b"-" + b"9" * 5000, b"1e999", b"1e999999999", b"0." + b"0" * 5000 + b"1", b"{}"]
)
def test_a_number_that_no_laboratory_reports_is_answered_and_not_shown(
    client: TestClient, pack: Pack, value: bytes
) -> None:
    lab = a_patient().with_lab("2276-4", int(MARK), "ug/L").resources()
    call = a_call(pack, a_patient().answered("urge-to-move"), hookInstance=value[:9].hex())
    call["prefetch"]["labs"] = a_bundle(lab)
    body = json.dumps(call).encode()

    answer = post(client, body.replace(MARK, value))

    assert MARK in body
    assert answer.status_code == 200
    assert value.decode() not in answer.text.replace("{}", "")


@pytest.mark.parametrize(
    "value", [b"NaN", b"Infinity", b"-Infinity", b"01", b"1.", b"+1", b'"\\ud800"', b'"\\udc00\\ud800"', b"'a'"]
)
def test_what_is_no_json_inside_a_resource_is_a_400(client: TestClient, pack: Pack, value: bytes) -> None:
    call = a_call(pack, a_patient().answered("urge-to-move").with_condition("32914008", id="MARK"))
    body = json.dumps(call).encode()

    answer = post(client, body.replace(b'"MARK"', value))

    assert b'"MARK"' in body
    assert answer.status_code == 400


def test_of_a_name_that_stands_twice_in_a_resource_the_last_counts(client: TestClient, pack: Pack) -> None:
    call = a_call(pack, a_patient("p1").answered("urge-to-move").with_condition("32914008"))
    text = json.dumps(call)
    twice = text.replace('"resourceType": "Condition"', '"resourceType": "Condition", "id": "first", "id": "last"')

    answer = post(client, twice.encode())

    assert twice != text
    assert answer.status_code == 200


def test_a_resource_that_says_two_types_is_named_as_unreadable(client: TestClient, pack: Pack) -> None:
    call = a_call(pack, a_patient().answered("urge-to-move").with_condition("32914008"), hookInstance="two-types")
    twice = json.dumps(call).replace(
        '"resourceType": "Condition"', '"resourceType": "Condition", "resourceType": "Patient"'
    )

    answer = post(client, twice.encode())

    assert answer.status_code == 200
    assert any("could not be read" in each for each in answer.json()["extension"][EVALUATION]["degraded"])
