"""What a hook call may look like: strict on what we need, lenient on everything else, and never an echo."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_hooks.request import MAX_DEPTH, BadRequestError, HookRequest, UnknownServiceError, read_request, too_deep

BASE_URL = "http://127.0.0.1:8080"
PATIENT_VIEW, ENCOUNTER_START = "recumbent-patient-view", "recumbent-encounter-start"
MARKER = "Marker8c1f6e0b7a"
NOT_JSON = "The body is not valid JSON in UTF-8. Send one JSON object."


def a_call(**fields: Any) -> dict[str, Any]:
    """A valid call; a field given as Ellipsis is left out."""
    call: dict[str, Any] = {
        "hook": "patient-view",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {"userId": "Practitioner/1", "patientId": "p1"},
    }
    return {key: value for key, value in (call | fields).items() if value is not ...}


def with_context(**fields: Any) -> dict[str, Any]:
    context = {"userId": "Practitioner/1", "patientId": "p1"} | fields
    return a_call(context={key: value for key, value in context.items() if value is not ...})


def read(call: Any, service: str = PATIENT_VIEW) -> HookRequest:
    return read_request(service, json.dumps(call).encode(), BASE_URL)


def refusal(body: bytes, service: str = PATIENT_VIEW) -> str:
    with pytest.raises(BadRequestError) as caught:
        read_request(service, body, BASE_URL)
    return str(caught.value)


# ── what is accepted ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_call_is_read() -> None:
    request = read(a_call(prefetch={"patient": {"resourceType": "Patient"}}))

    assert (
        request.service,
        request.hook,
        request.patient_id,
        request.user,
        request.encounter_id,
        request.base_url,
    ) == (PATIENT_VIEW, "patient-view", "p1", "Practitioner", None, BASE_URL)
    assert {key: bytes(raw) for key, raw in request.prefetch.items()} == {"patient": b'{"resourceType": "Patient"}'}


def test_attributes_that_nobody_knows_are_accepted_at_every_level() -> None:
    extra: dict[str, Any] = {"extension": {"com.example.trigger": {"a": [1, None]}}, "unknown": ["x"], "more": None}
    call = with_context(**extra) | extra | {"fhirServer": 7, "fhirAuthorization": {"access_token": 1} | extra}

    assert read(call).patient_id == "p1"


@pytest.mark.parametrize("extension", [{}, [], "text", None, 3])
def test_an_extension_of_any_type_is_accepted(extension: Any) -> None:
    assert read(with_context(extension=extension) | {"extension": extension}).patient_id == "p1"


@pytest.mark.parametrize(
    "instance",
    [
        "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "8e0a2f6e-c5a5-11f0-8de9-0242ac120002",  # version 1, as Epic sends it
        "D1577C69-DFBE-44AD-BA6D-3E05E953B2EA",
        "call.7:3_b",
        "x" * 128,
    ],
)
def test_a_hook_instance_need_not_be_a_uuid_of_version_4(instance: str) -> None:
    assert instance.lower() == read(a_call(hookInstance=instance)).hook_instance


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("e" * 200, "e" * 200),
        ("Patient/p1", "p1"),
        ("eM5CWtq15N0WJeuCet5bJlQ3", "eM5CWtq15N0WJeuCet5bJlQ3"),
        ("id.with-all_signs", "id.with-all_signs"),
    ],
)
def test_patient_ids_of_real_servers_are_accepted(sent: str, expected: str) -> None:
    assert expected == read(with_context(patientId=sent)).patient_id


@pytest.mark.parametrize(
    ("sent", "user", "clinician"),
    [
        ("Practitioner/1", "Practitioner", True),
        ("PractitionerRole/a.b-c", "PractitionerRole", True),
        ("https://ehr.example.org/fhir/Practitioner/1", "Practitioner", True),
        ("Patient/1", "Patient", False),
        ("https://ehr.example.org/fhir/RelatedPerson/1", "RelatedPerson", False),
    ],
)
def test_the_user_is_told_by_the_type_in_the_reference(sent: str, user: str, clinician: bool) -> None:
    request = read(with_context(userId=sent))

    assert (user, clinician) == (request.user, request.by_clinician)


def test_a_null_prefetch_is_no_prefetch() -> None:
    assert read(a_call(prefetch=None)).prefetch == {}


def test_null_under_a_prefetch_key_is_kept_since_it_means_that_there_is_none() -> None:
    assert {key: bytes(raw) for key, raw in read(a_call(prefetch={"patient": None})).prefetch.items()} == {
        "patient": b"null"
    }


def test_an_encounter_start_with_its_encounter_is_read() -> None:
    request = read(with_context(encounterId="e1") | {"hook": "encounter-start"}, ENCOUNTER_START)

    assert (request.hook, request.encounter_id) == ("encounter-start", "e1")


# ── what is refused ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("service", ["", "patient-view", "../etc/passwd", "RECUMBENT-PATIENT-VIEW", MARKER])
def test_an_unknown_service_is_refused_before_the_body_is_read(service: str) -> None:
    with pytest.raises(UnknownServiceError) as caught:
        read_request(service, b"not json", BASE_URL)

    assert str(caught.value) == "There is no CDS service of this id. GET /cds-services lists them."


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (a_call(hook=...), "hook is missing. CDS Hooks requires it."),
        (a_call(hookInstance=...), "hookInstance is missing. CDS Hooks requires it."),
        (a_call(context=...), "context is missing. CDS Hooks requires it."),
        (with_context(userId=...), "context.userId is missing. CDS Hooks requires it."),
        (with_context(patientId=...), "context.patientId is missing. CDS Hooks requires it."),
    ],
)
def test_a_missing_field_is_named(call: Any, text: str) -> None:
    assert text == refusal(json.dumps(call).encode())


@pytest.mark.parametrize("wrong", [None, 1, True, [], {}, ["patient-view"], {"a": "b"}])
@pytest.mark.parametrize(
    ("field", "make"),
    [
        ("hook", lambda wrong: a_call(hook=wrong)),
        ("hookInstance", lambda wrong: a_call(hookInstance=wrong)),
        ("context.userId", lambda wrong: with_context(userId=wrong)),
        ("context.patientId", lambda wrong: with_context(patientId=wrong)),
    ],
)
def test_a_field_of_the_wrong_type_is_named(field: str, make: Any, wrong: Any) -> None:
    expected = f"{field} should be a string. CDS Hooks 2.0.1 says which type each field has."

    assert expected == refusal(json.dumps(make(wrong)).encode())


@pytest.mark.parametrize("wrong", [None, 1, "x", [], True])
def test_a_context_that_is_no_object_is_named(wrong: Any) -> None:
    expected = "context should be an object. CDS Hooks 2.0.1 says which type each field has."

    assert expected == refusal(json.dumps(a_call(context=wrong)).encode())


@pytest.mark.parametrize("wrong", [[], "x", 1, False])
def test_a_prefetch_that_is_no_object_is_named(wrong: Any) -> None:
    expected = "prefetch should be an object. CDS Hooks 2.0.1 says which type each field has."

    assert expected == refusal(json.dumps(a_call(prefetch=wrong)).encode())


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"null", b"1", b"true"])
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    assert refusal(body) == "The body should be an object. CDS Hooks 2.0.1 says which type each field has."


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (a_call(hook="order-sign"), "hook: this service answers patient-view. Call the service of the hook you send."),
        (a_call(hookInstance=""), "hookInstance: it is not an identifier. Send a UUID."),
        (a_call(hookInstance="a\n"), "hookInstance: it is not an identifier. Send a UUID."),
        (a_call(hookInstance="../../x"), "hookInstance: it is not an identifier. Send a UUID."),
        (a_call(hookInstance="x" * 129), "hookInstance: it is not an identifier. Send a UUID."),
        (a_call(hookInstance="${jndi:x}"), "hookInstance: it is not an identifier. Send a UUID."),
        (with_context(patientId=""), "context.patientId: it is not a FHIR id. Send the id of the Patient."),
        (with_context(patientId="p1\n"), "context.patientId: it is not a FHIR id. Send the id of the Patient."),
        (with_context(patientId="../p1"), "context.patientId: it is not a FHIR id. Send the id of the Patient."),
        (with_context(patientId="x" * 257), "context.patientId: it is not a FHIR id. Send the id of the Patient."),
        (
            with_context(userId="1"),
            "context.userId: it is not a reference such as Practitioner/123. Send type and id.",
        ),
        (
            with_context(userId="Device/1"),
            "context.userId: it is not a reference such as Practitioner/123. Send type and id.",
        ),
        (
            with_context(userId="Practitioner/1\n"),
            "context.userId: it is not a reference such as Practitioner/123. Send type and id.",
        ),
        (
            with_context(userId="NotAPractitioner/1"),
            "context.userId: it is not a reference such as Practitioner/123. Send type and id.",
        ),
    ],
)
def test_a_value_that_cannot_be_used_is_named(call: Any, text: str) -> None:
    assert text == refusal(json.dumps(call).encode())


@pytest.mark.parametrize("context", [{}, {"encounterId": None}, {"encounterId": ""}])
def test_encounter_start_needs_its_encounter(context: Any) -> None:
    call = with_context(**context) | {"hook": "encounter-start"}

    assert (
        refusal(json.dumps(call).encode(), ENCOUNTER_START) == "context.encounterId is missing. This hook requires it."
    )


@pytest.mark.parametrize("encounter", [1, [], {}, True])
def test_an_encounter_of_the_wrong_type_is_named_where_it_is_optional_too(encounter: Any) -> None:
    expected = "context.encounterId should be a string. CDS Hooks 2.0.1 says which type each field has."

    assert expected == refusal(json.dumps(with_context(encounterId=encounter)).encode())


VALID = json.dumps(a_call()).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"hook=patient-view",
        VALID + b"x",
        b"\xef\xbb\xbf" + VALID,
        VALID.decode().encode("utf-16"),
        VALID.replace(b'"p1"', b"NaN"),
        VALID.replace(b"}}", b'}, "prefetch": {"patient": NaN}}'),
        VALID.replace(b"}}", b'}, "unknown": -Infinity}'),
        VALID.replace(b"}}", b'}, "unknown": 01}'),
        VALID.replace(b'"p1"', b'"\\ud800"'),
        VALID.replace(b"}}", b'}, "prefetch": {"patient": "\\udfff"}}'),
        VALID.replace(b"}}", b'}, "unknown": "\\ud800"}'),
        VALID.replace(b'"p1"', b'"\xff"'),
        VALID.replace(b"}}", b'}, "prefetch": {"patient": "\xff"}}'),
        VALID.replace(b"}}", b'}, "prefetch": {"\xff": 1}}'),
        VALID.replace(b"}}", b'}, "unknown": "\xff"}'),
        VALID.replace(b"}}", b'}, "unknown": "\x00"}'),
        VALID.replace(b"}}", b"}, 'unknown': 1}"),
        VALID.replace(b"}}", b'}, "unknown": 1,}'),
        VALID.replace(b"}}", b"} /* comment */ }"),
    ],
)
def test_a_body_that_is_not_json_in_utf8_is_refused_wherever_the_fault_stands(body: bytes) -> None:
    assert refusal(body) == NOT_JSON


@pytest.mark.parametrize("cut", range(1, len(VALID)))
def test_a_body_that_is_cut_off_anywhere_is_refused(cut: int) -> None:
    assert refusal(VALID[:-cut])


# ── depth ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("pair", [("[", "]"), ('{"a":', "}")])
@pytest.mark.parametrize(
    ("depth", "expected"), [(MAX_DEPTH, False), (MAX_DEPTH + 1, True), (5_000, True), (100_000, True)]
)
def test_the_limit_of_depth_is_exact(pair: tuple[str, str], depth: int, expected: bool) -> None:
    body = (pair[0] * depth + "1" + pair[1] * depth).encode()

    assert expected == too_deep(body)


@pytest.mark.parametrize("depth", [5_000, 100_000])
@pytest.mark.parametrize("closed", [True, False])
def test_a_deep_body_is_refused_before_it_is_parsed(depth: int, closed: bool) -> None:
    deep = b"[" * depth + (b"]" * depth if closed else b"")
    body = VALID.replace(b"}}", b'}, "prefetch": {"patient": ' + deep + b"}}")

    assert refusal(body) == "The body nests deeper than 64 levels, or its brackets do not match. Send FHIR JSON."


@pytest.mark.parametrize(
    "text",
    [
        "[" * 500,
        "{" * 500 + '"',
        '\\"[[',
        "\\",
        '"',
        '\\\\"[',
        "[]{}" * 200,
        "",
        'a"b[c\\d{e',
    ],
)
def test_brackets_inside_strings_do_not_count(text: str) -> None:
    assert not too_deep(json.dumps({"a": text, text: [text]}).encode())


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list) else 0


texts = st.text(alphabet='[]{}"\\:,a ', max_size=8)
values = st.recursive(
    texts | st.none() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=12,
)


@given(values, st.integers(0, 70))
def test_depth_is_counted_as_a_parser_counts_it(value: Any, more: int) -> None:
    for _ in range(more):
        value = [value, "]"]

    assert (_depth(value) > MAX_DEPTH) == too_deep(json.dumps(value).encode())


# ── nothing is echoed ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "call",
    [
        a_call(hook=MARKER),
        a_call(hook={MARKER: MARKER}),
        a_call(hookInstance=f"{MARKER} {MARKER}"),
        a_call(context=MARKER),
        a_call(context=[MARKER]),
        a_call(prefetch=[MARKER]),
        a_call(prefetch=MARKER),
        {MARKER: MARKER},
        [MARKER],
        MARKER,
        with_context(userId=MARKER),
        with_context(userId={MARKER: MARKER}),
        with_context(patientId=f"{MARKER} x"),
        with_context(patientId=[MARKER]),
        with_context(encounterId=[MARKER]),
    ],
)
def test_a_refusal_never_repeats_what_was_sent(call: Any) -> None:
    assert MARKER not in refusal(json.dumps(call).encode())
