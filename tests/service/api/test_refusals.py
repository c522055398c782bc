"""Every bad input gets the right status and an OperationOutcome of a fixed text, with no echo and never a 500."""

import gzip
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from rules.pack import Pack
from service.app import create_app
from service.settings import Settings
from tests.builders import AS_OF, a_patient
from tests.service.api.calls import ENCOUNTER_START, PATIENT_VIEW, a_call, outcome_text, post

MARKER = "Marker8c1f6e0b7a"
NOT_JSON = "The body is not valid JSON in UTF-8. Send one JSON object."
DEEP = "The body nests deeper than 64 levels, or its brackets do not match. Send FHIR JSON."
NO_SERVICE = "There is no CDS service of this id. GET /cds-services lists them."
NOTHING_HERE = "There is nothing at this address. GET /cds-services lists the services."
NO_METHOD = "This address does not answer this method. The header Allow names those it answers."
NO_TYPE = "Send the body as application/json in UTF-8."
VALID: dict[str, Any] = {
    "hook": "patient-view",
    "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
    "context": {"userId": "Practitioner/1", "patientId": "p1"},
    "prefetch": {"patient": a_patient().person},
}


def body(**fields: Any) -> bytes:
    """The valid call with other fields; Ellipsis leaves one out."""
    return json.dumps({key: value for key, value in (VALID | fields).items() if value is not ...}).encode()


def context(**fields: Any) -> bytes:
    return body(context=VALID["context"] | fields)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", NOT_JSON),
        (b"not json", NOT_JSON),
        (body()[:-1], DEEP),
        (body()[:20], DEEP),
        (body().replace(b'"1965-03-14"', b"NaN"), NOT_JSON),
        (body().replace(b"1965", b"\xff\xfe"), NOT_JSON),
        (body().replace(b"1965", b"\\ud800"), NOT_JSON),
        (b"[" * 5_000 + b"]" * 5_000, DEEP),
        (b"[" * 100_000 + b"]" * 100_000, DEEP),
        (b"[" * 100_000, DEEP),
        (b'{"prefetch":' * 5_000 + b"1" + b"}" * 5_000, DEEP),
        (body(hook="order-sign"), "hook: this service answers patient-view. Call the service of the hook you send."),
        (body(hook=...), "hook is missing. CDS Hooks requires it."),
        (body(hook=None), "hook should be a string. CDS Hooks 2.0.1 says which type each field has."),
        (body(hookInstance=...), "hookInstance is missing. CDS Hooks requires it."),
        (body(hookInstance=7), "hookInstance should be a string. CDS Hooks 2.0.1 says which type each field has."),
        (body(hookInstance="../../etc"), "hookInstance: it is not an identifier. Send a UUID."),
        (body(context=...), "context is missing. CDS Hooks requires it."),
        (body(context=None), "context should be an object. CDS Hooks 2.0.1 says which type each field has."),
        (body(context="x"), "context should be an object. CDS Hooks 2.0.1 says which type each field has."),
        (body(context={}), "context.userId is missing. CDS Hooks requires it."),
        (context(userId=None), "context.userId should be a string. CDS Hooks 2.0.1 says which type each field has."),
        (context(patientId=5), "context.patientId should be a string. CDS Hooks 2.0.1 says which type each field has."),
        (context(patientId="../p1"), "context.patientId: it is not a FHIR id. Send the id of the Patient."),
        (body(prefetch=[]), "prefetch should be an object. CDS Hooks 2.0.1 says which type each field has."),
        (body(prefetch="x"), "prefetch should be an object. CDS Hooks 2.0.1 says which type each field has."),
    ],
)
def test_a_malformed_call_is_a_400(client: TestClient, content: bytes, text: str) -> None:
    response = post(client, content)

    assert response.status_code == 400
    assert outcome_text(response) == text
    assert response.json()["issue"][0]["code"] == "invalid"


def test_encounter_start_without_its_encounter_is_a_400(client: TestClient) -> None:
    response = post(client, body(hook="encounter-start"), ENCOUNTER_START)

    assert response.status_code == 400
    assert outcome_text(response) == "context.encounterId is missing. This hook requires it."


@pytest.mark.parametrize("service", ["unknown", "recumbent", "..%2e", "%00", "x" * 3000, "%3Cscript%3E", "a%0d%0aX: y"])
def test_an_unknown_service_is_a_404(client: TestClient, service: str) -> None:
    response = post(client, body(), f"/cds-services/{service}")

    assert response.status_code == 404
    assert outcome_text(response) == NO_SERVICE


@pytest.mark.parametrize(
    "address",
    [
        "/",
        "/nothing",
        "/cds-services/",
        "/cds-services/..%2fx",
        "/cds-services/x/y",
        "//cds-services",
        "/docs",
        "/redoc",
    ],
)
def test_an_address_that_is_not_there_is_a_404_and_no_redirect(client: TestClient, address: str) -> None:
    response = client.get(f"http://testserver{address}", headers={"Host": MARKER}, follow_redirects=False)

    assert response.status_code == 404
    assert outcome_text(response) == NOTHING_HERE
    assert MARKER not in str(response.headers)


@pytest.mark.parametrize(
    ("method", "address", "allowed"),
    [
        ("GET", PATIENT_VIEW, "POST"),
        ("PUT", PATIENT_VIEW, "POST"),
        ("DELETE", PATIENT_VIEW, "POST"),
        ("OPTIONS", PATIENT_VIEW, "POST"),
        ("TRACE", PATIENT_VIEW, "POST"),
        ("POST", "/cds-services", "GET"),
        ("POST", "/health/live", "GET"),
        ("PUT", "/rules/causes/x/1", "GET"),
    ],
)
def test_another_method_is_a_405_that_names_the_right_one(
    client: TestClient, method: str, address: str, allowed: str
) -> None:
    response = client.request(method, address)

    assert (response.status_code, response.headers["allow"]) == (405, allowed)
    assert outcome_text(response) == NO_METHOD


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/json; charset=latin-1",
        'application/json; charset="utf-16"',
        MARKER,
    ],
)
def test_another_content_type_is_a_415(client: TestClient, content_type: str) -> None:
    response = post(client, body(), Content_Type=content_type)

    assert response.status_code == 415
    assert outcome_text(response) == NO_TYPE


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        'Application/JSON;charset="UTF-8"',
        "application/fhir+json",
        "application/json+fhir",
    ],
)
def test_json_in_utf8_is_accepted_however_it_is_written(client: TestClient, content_type: str) -> None:
    assert post(client, body(), Content_Type=content_type).status_code == 200


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "br", "deflate", "identity, gzip", MARKER])
def test_a_compressed_body_is_a_415(client: TestClient, encoding: str) -> None:
    response = post(client, gzip.compress(body()), Content_Encoding=encoding)

    assert response.status_code == 415
    assert outcome_text(response) == "Send the body without Content-Encoding."


def in_parts(size: int) -> Iterator[bytes]:
    for _ in range(size >> 16):
        yield b" " * (1 << 16)


@pytest.mark.parametrize("size", [(1 << 20) + 1, 5 << 20])
@pytest.mark.parametrize("send", [lambda size: b" " * size, lambda size: in_parts(size + (1 << 16))])
def test_a_body_that_is_too_large_is_a_413_with_and_without_its_length(
    client: TestClient, send: Callable[[int], Any], size: int
) -> None:
    response = client.post(PATIENT_VIEW, content=send(size), headers={"Content-Type": "application/json"})

    assert response.status_code == 413
    assert outcome_text(response) == "The body has more than 1048576 bytes. Send what discovery asks for, no more."
    assert response.headers["x-content-type-options"] == "nosniff"


def test_a_body_of_exactly_the_limit_is_read(client: TestClient) -> None:
    assert post(client, body().ljust(1 << 20)).status_code == 200


# ── no echo ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _marked(value: Any, everywhere: bool) -> Iterator[Any]:
    """The call with the marker in the place of each value, or of each value and name at once."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from ({**value, key: each} for each in _marked(inner, everywhere))
            if everywhere:
                yield {MARKER if name == key else name: each for name, each in value.items()}
    yield MARKER
    if everywhere:
        yield from ([MARKER], {MARKER: MARKER}, f"{MARKER}/{MARKER}", f"{MARKER}\n<b>", [[MARKER]] * 3)


@pytest.mark.parametrize("call", [pytest.param(call, id=str(n)) for n, call in enumerate(_marked(VALID, True))])
def test_whatever_field_is_bad_no_refusal_repeats_it(client: TestClient, call: Any) -> None:
    response = post(client, call, PATIENT_VIEW, X_Request_Id=MARKER, Origin=f"https://{MARKER}", Cookie=MARKER)

    assert response.status_code in (200, 400, 412)
    assert MARKER not in response.text
    assert MARKER not in str(response.headers)


def test_a_refusal_repeats_neither_query_nor_path(client: TestClient) -> None:
    for response in (
        post(client, b"", f"{PATIENT_VIEW}?{MARKER}={MARKER}"),
        post(client, b"", f"/cds-services/{MARKER}"),
        client.get(f"/{MARKER}"),
        client.get(f"/rules/{MARKER}/{MARKER}/{MARKER}"),
        client.request(MARKER, "/cds-services"),
    ):
        assert response.status_code in (400, 404, 405)
        assert MARKER not in response.text
        assert MARKER not in str(response.headers)


def test_a_parameter_that_the_framework_refuses_is_not_repeated(settings: Settings) -> None:
    def typed(number: int) -> None:
        raise AssertionError

    app = create_app(settings, lambda: AS_OF)
    app.add_api_route("/typed/{number}", typed)
    response = TestClient(app).get(f"/typed/{MARKER}")

    assert response.status_code == 400
    assert outcome_text(response) == "A part of the address is not of the type that it should be."
    assert MARKER not in response.text


# ── whatever is sent ─────────────────────────────────────────────────────────────────────────────────────────────────


def _is_fit(client: TestClient, content: bytes) -> bool:
    """200 with cards, or a 4xx with an OperationOutcome."""
    response = post(client, content)
    if response.status_code == 200:
        return "cards" in response.json()
    return 400 <= response.status_code < 500 and outcome_text(response) != ""


@given(st.binary(max_size=400))
def test_any_bytes_get_an_answer_or_a_refusal(client: TestClient, content: bytes) -> None:
    assert _is_fit(client, content)


@given(st.data())
def test_a_valid_call_with_changed_bytes_gets_an_answer_or_a_refusal(
    client: TestClient, pack: Pack, data: st.DataObject
) -> None:
    content = bytearray(json.dumps(a_call(pack, a_patient().answered("saddle").with_lab("2276-4", 3, "ug/L"))).encode())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=6)):
        content[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))

    assert _is_fit(client, bytes(content))


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | st.sampled_from(
        ["Patient", "Bundle", "Observation", "QuestionnaireResponse", "p1", "completed", "saddle", "1965"]
    ),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=6,
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from _places(each, (*path, key))


def _changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = _changed(value[path[0]], path[1:], new)
    return copy


@given(st.data(), _JSON)
def test_a_valid_call_with_any_value_anywhere_gets_an_answer_or_a_refusal(
    client: TestClient, pack: Pack, data: st.DataObject, new: Any
) -> None:
    patient = a_patient().answered("saddle").answered("side", "left").with_lab("2276-4", 3, "ug/L")
    patient = patient.with_condition("32914008").with_medication("36567").with_statement("36567")
    call = a_call(pack, patient)
    place = data.draw(st.sampled_from(sorted(_places(call), key=str)))

    assert _is_fit(client, json.dumps(_changed(call, place, new)).encode())
