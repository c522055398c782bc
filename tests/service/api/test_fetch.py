"""What a call lacks is fetched from its FHIR server; whatever that does, the call is answered and the gap named."""

import asyncio
import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from fastapi import FastAPI
from httpx2 import ConnectError, ReadTimeout, Request, Response
from starlette.testclient import TestClient
from starlette.types import Message

from cds_hooks.response import EVALUATION
from rules.pack import Pack
from service.app import create_app
from service.fhir.fetch import FhirServers
from service.settings import Settings
from service.state import State
from tests.builders import AS_OF, a_bundle, a_patient
from tests.service.api.calls import PATIENT_VIEW, a_call, outcome_text, post
from tests.service.fhir.servers import BASE, TOKEN, FakeFhir, Fault, answering, authorized, hanging
from tests.service.logs import caught_logs

FLAGGED = a_patient().answered("saddle").answered("leg-pain").with_lab("2276-4", 32, "ug/L")
OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "timeout"}]}
FAILED = "could not be fetched"
PARTLY = "only part of the record was sent"


@contextmanager
def over(client: TestClient, server: FakeFhir, *listed: str, seconds: float = 20) -> Iterator[TestClient]:
    """The program with this FHIR server on its list, for a while."""
    app = cast("FastAPI", client.app)
    state: State = app.state.recumbent
    settings = state.settings.model_copy(update={"fhir_servers": frozenset(listed or (BASE,))})
    fhir = FhirServers(seconds, settings.max_body_bytes, server)
    app.state.recumbent = replace(state, settings=settings, fhir=fhir)
    yield client
    app.state.recumbent = state


def gaps(answer: Response) -> list[str]:
    """What fell short; on a busy machine earlier overrides may not be looked up in time, which is no matter here."""
    assert answer.status_code == 200
    found: list[str] = answer.json()["extension"][EVALUATION].get("degraded", [])
    return [each for each in found if not each.startswith("overrides:")]


def lacking(call: dict[str, Any], *keys: str) -> dict[str, Any]:
    """The call without these keys in its prefetch."""
    return call | {"prefetch": {key: value for key, value in call["prefetch"].items() if key not in keys}}


def raising(error: Exception) -> Fault:
    def fault(request: Request) -> Response:
        raise error

    return fault


def test_a_call_without_prefetch_gets_the_cards_of_the_same_call_with_it(client: TestClient, pack: Pack) -> None:
    server = FakeFhir(pack, FLAGGED)
    whole = a_call(pack, FLAGGED, **authorized())

    with over(client, server):
        sent, asked = server.requests.copy(), post(client, whole | {"prefetch": {}})
        told = post(client, whole)

    assert sent == []
    assert [card["detail"] for card in asked.json()["cards"]] == [card["detail"] for card in told.json()["cards"]]
    assert asked.json()["cards"]


def test_only_what_is_lacking_is_asked_for_with_the_token_and_the_codes_in_a_form(
    client: TestClient, pack: Pack
) -> None:
    server = FakeFhir(pack, FLAGGED)

    with over(client, server):
        answer = post(client, lacking(a_call(pack, FLAGGED, **authorized()), "conditions"))

    (request,) = server.requests
    assert (answer.status_code, gaps(answer)) == (200, [])
    assert (request.method, str(request.url)) == ("POST", f"{BASE}/Condition/_search")
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.content == b"patient=p1&_count=500"


def test_a_server_that_knows_searches_only_by_get_is_asked_so(client: TestClient, pack: Pack) -> None:
    server = FakeFhir(pack, FLAGGED, post=False)

    with over(client, server):
        answer = post(client, lacking(a_call(pack, FLAGGED, **authorized()), "conditions"))

    assert gaps(answer) == []
    assert [request.method for request in server.requests] == ["POST", "GET"]
    assert str(server.requests[1].url) == f"{BASE}/Condition?patient=p1&_count=500"


def test_what_the_ehr_could_not_get_is_asked_once_more(client: TestClient, pack: Pack) -> None:
    call = a_call(pack, FLAGGED, **authorized())
    server = FakeFhir(pack, FLAGGED)

    with over(client, server):
        answer = post(client, call | {"prefetch": call["prefetch"] | {"conditions": OUTCOME}})

    assert (len(server.requests), gaps(answer)) == (1, [])


@pytest.mark.parametrize(
    "call",
    [
        {"fhirAuthorization": authorized()["fhirAuthorization"]},
        {"fhirServer": BASE},
        authorized("https://ehr.example.org"),
        authorized("https://ehr.example.org/fhir/other"),
        authorized("https://EHR.example.org/fhir"),
        authorized("http://ehr.example.org/fhir"),
        authorized("https://ehr.example.org@evil.example/fhir"),
        authorized("https://ehr.example.org/fhir?x="),
        authorized("http://169.254.169.254/fhir"),
        authorized(token="a\r\nX-Evil: 1"),
        authorized(token=""),
        authorized() | {"fhirAuthorization": {"access_token": TOKEN, "token_type": "mac"}},
        authorized() | {"fhirAuthorization": [TOKEN]},
        authorized() | {"fhirServer": {"url": BASE}},
        authorized() | {"context": {"userId": "Patient/p1", "patientId": "p1"}},
    ],
)
def test_nobody_is_asked_unless_the_server_is_listed_and_the_call_has_a_usable_token(
    client: TestClient, pack: Pack, call: dict[str, Any]
) -> None:
    server = FakeFhir(pack, FLAGGED)

    with over(client, server):
        answer = post(client, lacking(a_call(pack, FLAGGED, **call), "conditions"))

    assert (answer.status_code, server.requests) == (200, [])


def test_without_a_list_nobody_is_asked(settings: Settings, pack: Pack) -> None:
    server = FakeFhir(pack, FLAGGED)

    with TestClient(create_app(settings, lambda: AS_OF, transport=server)) as client:
        answer = post(client, lacking(a_call(pack, FLAGGED, **authorized()), "conditions"))

    assert (answer.status_code, server.requests) == (200, [])


FAULTS = {
    "moved": answering(b"", 302, Location="https://evil.example/"),
    "no-content": answering(b"", 204),
    "bad-request": answering(OUTCOME, 400),
    "unauthorized": answering(OUTCOME, 401),
    "forbidden": answering(OUTCOME, 403),
    "missing": answering(OUTCOME, 404),
    "slow-down": answering(OUTCOME, 429, Retry_After="3600"),
    "broken": answering(OUTCOME, 500),
    "overloaded": answering(b"<html>", 503),
    "html": answering(b"<html>Sign in</html>", 200, Content_Type="text/html"),
    "empty": answering(b""),
    "truncated": answering(b'{"resourceType":"Bundle","entry":[{"resource":{'),
    "not-utf-8": answering(b'{"resourceType":"Bundle","id":"\xff"}'),
    "deep": answering(b"[" * 5000 + b"]" * 5000),
    "null": answering(None),
    "number": answering(5),
    "outcome": answering(OUTCOME),
    "another-type": answering({"resourceType": "Binary", "id": "p1"}),
    "another-patient": answering({"resourceType": "Patient", "id": "p2"}),
    "other-entries": answering(a_bundle([{"resourceType": "Binary", "id": "b1"}])),
    "compressed": answering(gzip.compress(b'{"resourceType":"Bundle"}'), 200, Content_Encoding="gzip"),
    "too-large": answering(b" " * (1 << 20) + b'{"resourceType":"Bundle"}'),
    "no-connection": raising(ConnectError("no")),
    "slow": raising(ReadTimeout("no")),
    "mistake-of-ours": raising(KeyError("no")),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("key", ["patient", "intake", "conditions"])
def test_whatever_the_server_answers_the_call_is_answered_and_the_gap_named(
    client: TestClient, pack: Pack, key: str, fault: str
) -> None:
    server = FakeFhir(pack, FLAGGED)
    server.faults[key] = FAULTS[fault]

    with over(client, server):
        answer = post(client, lacking(a_call(pack, FLAGGED, **authorized()), key))

    if key == "patient":
        assert answer.status_code in (200, 412)
    if answer.status_code == 200:
        assert gaps(answer) == [f"{key}: {FAILED}"]
    else:
        assert outcome_text(answer).startswith("prefetch.patient is missing")


@pytest.mark.parametrize("fault", FAULTS)
def test_a_server_that_answers_nothing_leaves_a_412_that_names_what_is_needed(
    client: TestClient, pack: Pack, fault: str
) -> None:
    server = FakeFhir(pack, FLAGGED)
    server.faults["*"] = FAULTS[fault]

    with over(client, server):
        answer = post(client, a_call(pack, FLAGGED, prefetch={}, **authorized()))

    assert (answer.status_code, answer.json()["resourceType"]) == (412, "OperationOutcome")


def test_at_the_deadline_the_answer_says_what_was_not_there_in_time(client: TestClient, pack: Pack) -> None:
    server = FakeFhir(pack, FLAGGED, conditions=hanging)

    with over(client, server, seconds=0.2):
        answer = post(client, lacking(a_call(pack, FLAGGED, **authorized()), "conditions"))

    assert (answer.status_code, gaps(answer)) == (200, [f"conditions: {FAILED}"])


# ── pages ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def page(number: int, link: object = None, **fields: Any) -> dict[str, Any]:
    condition = {"resourceType": "Condition", "id": f"c{number}", "subject": {"reference": "Patient/p1"}}
    links = {"link": [{"relation": "next", "url": link}]} if link else {}
    return a_bundle([condition], **links, **fields)


def paged(*links: object) -> Fault:
    """A search whose pages are linked like this; the last has no link."""

    def fault(request: Request) -> Response:
        number = int(dict(request.url.params).get("number", 0))
        link = links[number] if number < len(links) else None
        return answering(page(number, link, total=len(links) + 1))(request)

    return fault


@pytest.mark.parametrize(
    "form", [f"{BASE}?page-of=conditions&number=1", "?page-of=conditions&number=1", "/fhir?page-of=conditions&number=1"]
)
def test_further_pages_are_read(client: TestClient, pack: Pack, form: str) -> None:
    server = FakeFhir(pack, FLAGGED, conditions=paged(form))

    with over(client, server):
        answer = post(client, lacking(a_call(pack, FLAGGED, **authorized()), "conditions"))

    assert (len(server.requests), gaps(answer)) == (2, [])


def test_where_the_ehr_sent_the_first_page_only_the_others_are_asked_for(client: TestClient, pack: Pack) -> None:
    server = FakeFhir(pack, FLAGGED, conditions=paged("never asked for"))
    call = a_call(pack, FLAGGED, **authorized())
    call["prefetch"]["conditions"] = page(0, f"{BASE}?page-of=conditions&number=1", total=2)

    with over(client, server):
        answer = post(client, call)

    assert [request.method for request in server.requests] == ["GET"]
    assert gaps(answer) == []


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/fhir?page-of=conditions",
        "//evil.example/fhir?page-of=conditions",
        "http://ehr.example.org/fhir?page-of=conditions",
        "https://ehr.example.org:8443/fhir?page-of=conditions",
        "https://ehr.example.org@evil.example/fhir",
        "https://user@ehr.example.org/fhir?page-of=conditions",
        "https://ehr.example.org.evil.example/fhir",
        "https://ehr.example.org/fhir-of-others?page-of=conditions",
        "https://ehr.example.org/fhir/../admin",
        "https://ehr.example.org/fhir/%2e%2e/admin",
        "https://ehr.example.org/fhir/..;/admin",
        "https://ehr.example.org/fhir/%2F..",
        "../admin",
        "\\\\evil.example\\fhir",
        "https://169.254.169.254/latest",
        "file:///etc/passwd",
        "javascript:1",
        "https://[",
        "https://ehr.example.org\r\n/fhir",
        {"url": BASE},
        5,
    ],
)
def test_a_next_page_elsewhere_is_never_asked_for_and_the_answer_says_that_it_is_not_whole(
    client: TestClient, pack: Pack, link: object
) -> None:
    server = FakeFhir(pack, FLAGGED, conditions=answering(page(0, link)))

    with over(client, server):
        answer = post(client, lacking(a_call(pack, FLAGGED, **authorized()), "conditions"))

    assert {request.url.host for request in server.requests} == {"ehr.example.org"}
    assert {request.url.path for request in server.requests} == {"/fhir/Condition/_search"}
    assert gaps(answer) == [f"conditions: {PARTLY}"]


def test_pages_without_end_are_not_read_without_end(client: TestClient, pack: Pack) -> None:
    server = FakeFhir(pack, FLAGGED, conditions=answering(page(0, f"{BASE}?page-of=conditions")))

    with over(client, server):
        answer = post(client, lacking(a_call(pack, FLAGGED, **authorized()), "conditions"))

    assert (len(server.requests), gaps(answer)) == (20, [f"conditions: {PARTLY}"])


# ── the token, and who waits ──────────────────────────────────────────────────────────────────────────────────────────


def test_the_token_and_the_server_stand_in_no_log_line_and_not_in_the_store(
    settings: Settings, pack: Pack, tmp_path: Path
) -> None:
    server = FakeFhir(pack, FLAGGED, conditions=FAULTS["broken"], intake=FAULTS["no-connection"])

    settings = settings.model_copy(update={"data": tmp_path})
    with caught_logs() as logs, TestClient(create_app(settings, lambda: AS_OF)) as client, over(client, server):
        answer = post(client, lacking(a_call(pack, FLAGGED, **authorized()), "conditions", "intake"))

    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    everything = logs.getvalue() + answer.text + stored.decode("latin-1")
    assert '"fhir-unanswered"' in logs.getvalue()
    assert "recumbent-patient-view" in everything
    assert TOKEN not in everything
    assert "ehr.example.org" not in everything


def test_a_caller_that_hangs_up_is_not_fetched_for_any_longer(client: TestClient, pack: Pack) -> None:
    server = FakeFhir(pack, FLAGGED, conditions=hanging)
    body = json.dumps(lacking(a_call(pack, FLAGGED, **authorized()), "conditions")).encode()
    messages: list[Message] = [{"type": "http.request", "body": body}, {"type": "http.disconnect"}]
    scope = {"type": "http", "method": "POST", "path": PATIENT_VIEW, "headers": [], "query_string": b""}
    sent: list[Message] = []

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    with over(client, server, seconds=600), caught_logs() as logs:

        async def call() -> None:
            await client.app(scope, receive, send)

        asyncio.run(call())

    assert sent == []
    assert '"caller-went-away"' in logs.getvalue()
