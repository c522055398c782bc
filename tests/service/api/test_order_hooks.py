"""The hooks about orders, discharges and new problems over HTTP: good bodies, bad bodies, and never a 500."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from rules.pack import Pack
from tests.builders import a_bundle, a_patient
from tests.service.api.calls import a_call, outcome_text, post

EMPTY = {"resourceType": "Bundle"}
DISCHARGED = a_patient().answered("leg-pain").answered("saddle")
CONTEXTS: dict[str, dict[str, Any]] = {
    "order-sign": {"draftOrders": EMPTY},
    "order-select": {"draftOrders": EMPTY, "selections": []},
    "encounter-discharge": {"encounterId": "e1"},
    "problem-list-item-create": {"conditions": EMPTY},
}
TYPE = "CDS Hooks 2.0.1 says which type each field has."


def sent(client: TestClient, pack: Pack, hook: str, **context: Any) -> Any:
    """A call with another context; Ellipsis leaves a field out."""
    whole = {"userId": "Practitioner/1", "patientId": "p1"} | CONTEXTS[hook] | context
    named = {key: value for key, value in whole.items() if value is not ...}
    return post(client, a_call(pack, DISCHARGED, hook=hook, context=named), f"/cds-services/recumbent-{hook}")


@pytest.mark.parametrize("hook", CONTEXTS)
def test_a_good_call_is_answered(client: TestClient, pack: Pack, hook: str) -> None:
    answer = sent(client, pack, hook)

    assert answer.status_code == 200
    assert bool(answer.json()["cards"]) is (hook in ("encounter-discharge", "problem-list-item-create"))


@pytest.mark.parametrize(
    "entry",
    [
        [],
        [None],
        [{}],
        [{"resource": None}],
        [{"resource": "x"}],
        [{"resource": {"resourceType": "MedicationRequest"}}],
        [{"resource": {"resourceType": "MedicationRequest", "id": 7, "dosageInstruction": [None]}}],
        [{"fullUrl": 7, "search": 7, "resource": {"resourceType": "DeviceRequest", "id": "e" + "9" * 200}}],
    ],
    ids=str,
)
@pytest.mark.parametrize(("hook", "field"), [("order-sign", "draftOrders"), ("problem-list-item-create", "conditions")])
def test_odd_entries_are_no_reason_to_refuse(
    client: TestClient, pack: Pack, hook: str, field: str, entry: list[Any]
) -> None:
    assert sent(client, pack, hook, **{field: EMPTY | {"entry": entry}}).status_code == 200


@pytest.mark.parametrize(
    ("hook", "context", "text"),
    [
        ("order-sign", {"draftOrders": ...}, "context.draftOrders is missing. This hook requires it."),
        ("order-sign", {"draftOrders": None}, "context.draftOrders is missing. This hook requires it."),
        ("order-sign", {"draftOrders": []}, f"context.draftOrders should be an object. {TYPE}"),
        ("order-sign", {"draftOrders": "x"}, f"context.draftOrders should be an object. {TYPE}"),
        ("order-sign", {"draftOrders": {}}, "context.draftOrders.resourceType is missing. CDS Hooks requires it."),
        (
            "order-sign",
            {"draftOrders": {"resourceType": "Marker8c1f"}},
            "context.draftOrders should be a FHIR Bundle. Send one with its entries.",
        ),
        (
            "order-sign",
            {"draftOrders": EMPTY | {"entry": {}}},
            f"context.draftOrders.entry should be an array. {TYPE}",
        ),
        ("order-select", {"draftOrders": ...}, "context.draftOrders is missing. This hook requires it."),
        ("order-select", {"selections": ...}, "context.selections is missing. This hook requires it."),
        ("order-select", {"selections": None}, "context.selections is missing. This hook requires it."),
        ("order-select", {"selections": "Marker8c1f"}, f"context.selections should be an array. {TYPE}"),
        ("order-select", {"selections": [7]}, f"context.selections should be a string. {TYPE}"),
        ("encounter-discharge", {"encounterId": ...}, "context.encounterId is missing. This hook requires it."),
        ("encounter-discharge", {"encounterId": ""}, "context.encounterId is missing. This hook requires it."),
        ("encounter-discharge", {"encounterId": 7}, f"context.encounterId should be a string. {TYPE}"),
        ("problem-list-item-create", {"conditions": ...}, "context.conditions is missing. This hook requires it."),
        (
            "problem-list-item-create",
            {"conditions": {"resourceType": "Condition"}},
            "context.conditions should be a FHIR Bundle. Send one with its entries.",
        ),
        ("problem-list-item-create", {"userId": "Marker8c1f"}, "context.userId: it is not a reference such as"),
    ],
    ids=str,
)
def test_a_bad_context_is_a_400_with_a_fixed_text(
    client: TestClient, pack: Pack, hook: str, context: dict[str, Any], text: str
) -> None:
    answer = sent(client, pack, hook, **context)

    assert answer.status_code == 400
    assert outcome_text(answer).startswith(text)
    assert "Marker8c1f" not in answer.text


@pytest.mark.parametrize("hook", ["encounter-discharge"])
def test_data_that_are_needed_and_were_not_sent_are_a_412(client: TestClient, pack: Pack, hook: str) -> None:
    context = {"userId": "Practitioner/1", "patientId": "p1"} | CONTEXTS[hook]
    answer = post(client, a_call(pack, hook=hook, context=context, prefetch={}), f"/cds-services/recumbent-{hook}")

    assert answer.status_code == 412
    assert outcome_text(answer).startswith("prefetch.patient is missing")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


@given(
    hook=st.sampled_from(sorted(CONTEXTS)),
    field=st.sampled_from(["draftOrders", "selections", "conditions"]),
    junk=_JSON,
)
def test_junk_in_a_context_is_never_a_500(client: TestClient, pack: Pack, hook: str, field: str, junk: Any) -> None:
    answers = [sent(client, pack, hook, **{field: each}) for each in (junk, a_bundle([junk]))]

    assert {answer.status_code for answer in answers} <= {200, 400}
    assert [json.loads(answer.content) for answer in answers]
