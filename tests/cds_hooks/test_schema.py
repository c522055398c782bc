"""The JSON Schemas: valid, true of what read_request accepts, and true of everything that is sent."""

import json
from collections.abc import Iterator
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from cds_hooks.discovery import SERVICES, discovery_document
from cds_hooks.request import BadRequestError, read_request
from cds_hooks.schemas import SCHEMAS
from rules.pack import Pack
from tests.cds_hooks.answers import CALLS, answers, answers_of

EXAMPLES = Path(__file__).parents[2] / "cds_hooks" / "schema" / "examples"
REQUESTS = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(EXAMPLES.glob("request-*.json"))}
RESPONSES = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(EXAMPLES.glob("response*.json"))}
SERVICE_OF = {service.hook: service.id for service in SERVICES.values()}


def fits(schema: str, value: Any) -> bool:
    return bool(Draft202012Validator(SCHEMAS[schema]).is_valid(value))


def is_read(call: dict[str, Any], hook: str) -> bool:
    """Whether the service of this hook accepts the call."""
    try:
        read_request(SERVICE_OF[hook], json.dumps(call).encode(), "https://cds.example.org")
    except BadRequestError:
        return False
    return True


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_valid_and_has_a_name_of_its_own(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])

    assert SCHEMAS[name]["$id"] == f"urn:recumbent-leg-pain:schema:{name}"


# ── requests ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_there_is_an_example_of_every_hook() -> None:
    assert {each["hook"] for each in REQUESTS.values()} == set(SERVICE_OF)


@pytest.mark.parametrize("name", REQUESTS)
def test_an_example_request_fits_the_schema_and_is_read(name: str) -> None:
    call = REQUESTS[name]

    assert fits("request", call)
    assert is_read(call, call["hook"])


_VALUES: list[Any] = [..., None, True, 7, "", "x", "../etc", "a b", "Patient/1", "Device/1", [], [None], ["x"], {}]
_VALUES += [{"resourceType": "Patient"}, {"resourceType": "Bundle"}, {"resourceType": "Bundle", "entry": "x"}]
_VALUES += [{"resourceType": "Bundle", "entry": ["x"]}, {"resourceType": "Bundle", "entry": [None]}]
_FIELDS: list[tuple[str, ...]] = [
    ("hookInstance",),
    ("context",),
    ("prefetch",),
    ("fhirServer",),
    ("fhirAuthorization",),
    ("extension",),
]
_FIELDS += [("context", name) for name in ("userId", "patientId", "encounterId", "selections", "draftOrders")]
_FIELDS += [("context", "conditions"), ("unknown",), ("context", "unknown")]


def _changed(call: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The call with each field left out, and with each value in its place."""
    for path in _FIELDS:
        for value in _VALUES:
            changed = deepcopy(call)
            holder = changed if len(path) == 1 else changed["context"]
            if value is ...:
                holder.pop(path[-1], None)
            else:
                holder[path[-1]] = value
            yield changed


@pytest.mark.parametrize("name", REQUESTS)
def test_the_schema_accepts_exactly_the_calls_that_are_read(name: str) -> None:
    calls = list(_changed(REQUESTS[name]))
    differ = [call for call in calls if fits("request", call) != is_read(call, call["hook"])]

    assert differ == []
    assert {fits("request", call) for call in calls} == {True, False}


@pytest.mark.parametrize("hook", [None, 7, "", "medication-prescribe", ["patient-view"]])
def test_a_hook_that_is_not_answered_is_refused_by_the_schema_too(hook: Any) -> None:
    call = REQUESTS["request-without-optional-fields"] | {"hook": hook}

    assert not fits("request", call)
    assert not is_read(call, "patient-view")


# ── responses ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", RESPONSES)
def test_an_example_response_fits_the_schema(name: str) -> None:
    assert fits("response", RESPONSES[name])


def test_every_answer_fits_the_schema() -> None:
    wrong = {
        name: [error.message for error in Draft202012Validator(SCHEMAS["response"]).iter_errors(answer)][:1]
        for name, answer in answers().items()
        if not fits("response", answer)
    }

    assert wrong == {}


@pytest.mark.parametrize("hook", CALLS)
def test_every_hook_has_cards_among_the_answers(hook: str) -> None:
    assert answers_of(hook)["cards"]


def test_the_discovery_document_fits_the_schema(shipped_pack: Pack) -> None:
    assert fits("discovery", discovery_document(shipped_pack, date(2026, 11, 21)))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("cards", None),
        ("systemActions", []),
        ("cards/0/summary", ""),
        ("cards/0/summary", "x" * 140),
        ("cards/0/uuid", "card-1"),
        ("cards/0/detail", None),
        ("cards/0/indicator", "hard-stop"),
        ("cards/0/source/url", "rules/compression"),
        ("cards/0/source/topic/code", "leg-pain"),
        ("cards/0/source/topic/code", "x" * 101),
        ("cards/0/selectionBehavior", ...),
        ("cards/0/selectionBehavior", "all"),
        ("cards/0/suggestions", ...),
        ("cards/0/suggestions", []),
        ("cards/0/overrideReasons/0/display", ...),
        ("cards/0/overrideReasons/0/system", ...),
        ("cards/0/links", []),
        ("cards/0/links/0/type", "smart"),
        ("cards/0/links/0/autolaunchable", True),
        ("cards/0/extension/org.recumbent.urgency", "critical"),
        ("cards/0/suggestions/0/uuid", ...),
        ("cards/0/suggestions/0/actions", []),
        ("cards/0/suggestions/0/actions/0/type", "CREATE"),
        ("cards/0/suggestions/0/actions/0/description", ""),
        ("cards/0/suggestions/0/actions/0/resource", '{"resourceType": "ServiceRequest"}'),
        ("cards/0/suggestions/0/actions/0/resource/id", "1"),
        ("cards/0/suggestions/0/actions/0/resource/status", "active"),
        ("cards/0/suggestions/0/actions/0/resourceId", "ServiceRequest/1"),
        ("cards/0/suggestions/1/actions/0/resource", {}),
        ("cards/0/suggestions/1/actions/0/resourceId", "draft-1"),
        ("extension", ...),
        ("extension/org.recumbent.evaluation/recorded", ...),
    ],
)
def test_a_response_that_breaks_a_promise_does_not_fit(path: str, value: Any) -> None:
    response = deepcopy(RESPONSES["response"])
    *holders, last = path.split("/")
    holder: Any = response
    for key in holders:
        holder = holder[int(key) if key.isdigit() else key]
    if value is ...:
        del holder[last]
    else:
        holder[last] = value

    assert not fits("response", response)
