"""The OpenAPI document: valid, and true of what the routes do."""

from typing import Any

import pytest
from fastapi.openapi.models import OpenAPI
from jsonschema import Draft202012Validator
from starlette.testclient import TestClient

from cds_hooks.schemas import SCHEMAS
from rules.pack import Pack
from tests.builders import a_patient
from tests.service.api.calls import a_call, post

CALL = "/cds-services/{service_id}"


@pytest.fixture(scope="module")
def document(client: TestClient) -> dict[str, Any]:
    content: dict[str, Any] = client.get("/openapi.json").json()
    return content


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    assert OpenAPI.model_validate(document).openapi.startswith("3.1")
    for schema in _schemas(document["paths"]):
        Draft202012Validator.check_schema(schema)


def _schemas(value: Any) -> list[Any]:
    if isinstance(value, dict):
        here = [value["schema"]] if "schema" in value else []
        return here + [schema for inner in value.values() for schema in _schemas(inner)]
    return [schema for inner in value for schema in _schemas(inner)] if isinstance(value, list) else []


def test_the_document_names_every_route(document: dict[str, Any]) -> None:
    assert {(path, *methods) for path, methods in document["paths"].items()} == {
        ("/cds-services", "get"),
        (CALL, "post"),
        ("/rules", "get"),
        ("/rules/style.css", "get"),
        (f"{CALL}/feedback", "post"),
        ("/rules/{module}/{rule_id}/{version}", "get"),
        ("/rules/{module}/{rule_id}/{version}/{sha256}", "get"),
        ("/health/live", "get"),
        ("/health/ready", "get"),
    }


def test_a_call_can_be_refused_in_these_ways_and_never_with_a_422(document: dict[str, Any]) -> None:
    responses = document["paths"][CALL]["post"]["responses"]

    assert set(responses) == {"200", "400", "401", "403", "404", "412", "413", "415", "default"}
    assert {kind for status, each in responses.items() if status != "200" for kind in each["content"]} == {
        "application/fhir+json"
    }


def test_requests_and_answers_are_described_by_our_schemas(document: dict[str, Any]) -> None:
    call, discovery = document["paths"][CALL]["post"], document["paths"]["/cds-services"]["get"]

    assert call["requestBody"]["content"]["application/json"]["schema"] == SCHEMAS["request"]
    assert call["responses"]["200"]["content"]["application/json"]["schema"] == SCHEMAS["response"]
    assert discovery["responses"]["200"]["content"]["application/json"]["schema"] == SCHEMAS["discovery"]


@pytest.mark.parametrize("prefetch", [None, ...])
def test_a_call_and_its_answer_fit_the_document(
    client: TestClient, document: dict[str, Any], pack: Pack, prefetch: Any
) -> None:
    call = a_call(pack, a_patient().answered("saddle"), prefetch=prefetch)
    with_prefetch = a_call(pack, a_patient().answered("saddle"))
    operation = document["paths"][CALL]["post"]
    request = Draft202012Validator(operation["requestBody"]["content"]["application/json"]["schema"])
    answer = Draft202012Validator(operation["responses"]["200"]["content"]["application/json"]["schema"])

    assert request.is_valid(call)
    assert request.is_valid(with_prefetch)
    assert answer.is_valid(post(client, with_prefetch).json())


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("/rules", "/rules"),
        ("/rules/causes/restless-legs-syndrome/3", "/rules/{module}/{rule_id}/{version}"),
        ("/rules/causes/restless-legs-syndrome/3/{sha256}", "/rules/{module}/{rule_id}/{version}/{sha256}"),
    ],
)
def test_a_label_as_json_fits_the_document(
    client: TestClient, document: dict[str, Any], address: str, path: str
) -> None:
    accept = {"Accept": "application/json"}
    sha256 = client.get("/rules/causes/restless-legs-syndrome/3", headers=accept).json()["sha256"]
    answer = client.get(address.format(sha256=sha256), headers=accept)
    content = document["paths"][path]["get"]["responses"]["200"]["content"]

    assert set(content) == {"text/html", "application/json"}
    assert Draft202012Validator(content["application/json"]["schema"]).is_valid(answer.json())


def test_the_document_holds_no_path_of_the_machine(client: TestClient, document: dict[str, Any]) -> None:
    text = str(document)

    assert not [word for word in ("/home", "/tmp", "/work", "site-packages", "127.0.0.1") if word in text]  # noqa: S108
