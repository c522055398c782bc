"""The server of the page: what a clinician does becomes calls, drafts and feedback, and trouble is said."""

from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from tests.builders import AS_OF
from tests.ehr.client import Ehr
from tests.ehr.conftest import Connect
from tests.ehr.fhir_server import Store, fhir_app
from tests.ehr.manners import Manner
from tests.ehr.page_app import page_app


@pytest.fixture
def page(connect: Connect, store: Store) -> TestClient:
    return TestClient(page_app(connect(Manner()), store, lambda: AS_OF))


def step(page: TestClient, patient: str, name: str, **said: str) -> dict[str, Any]:
    answer: dict[str, Any] = page.post(f"/patients/{patient}/{name}", json=said).json()
    return answer


def drafts(answer: dict[str, Any]) -> list[str]:
    return [each["text"] for each in answer["chart"]["drafts"]]


def test_a_suggestion_adds_a_draft_and_another_takes_the_order_away(page: TestClient) -> None:
    (card,) = step(page, "clot", "select", order="d-dimer")["cards"]
    duplex, remove = (each["uuid"] for each in card["suggestions"])
    added = step(page, "clot", "accept", card=card["uuid"], suggestion=duplex)
    removed = step(page, "clot", "accept", card=card["uuid"], suggestion=remove)

    assert added["note"] == "Done. The service was told."
    assert drafts(added)[0] == "D-dimer"
    assert drafts(removed) == drafts(added)[1:]
    assert len(drafts(removed)) == 1


def test_orders_are_signed_once_their_cards_were_seen(page: TestClient) -> None:
    step(page, "cramps", "select", order="quinine")
    asked = step(page, "cramps", "sign")
    signed = step(page, "cramps", "sign", anyway="yes")

    assert (asked["unsigned"], drafts(asked)) == (True, ["Quinine sulfate 200 mg at night"])
    assert asked["cards"][0]["indicator"] == "critical"
    assert drafts(signed) == []
    assert "Quinine sulfate 200 mg at night" in signed["chart"]["medicines"]


def test_orders_without_a_card_are_signed_at_once(page: TestClient) -> None:
    step(page, "well", "select", order="ibuprofen")

    assert step(page, "well", "sign")["note"] == "All orders are signed."


def test_a_visit_begins_and_ends(page: TestClient) -> None:
    began = step(page, "rest-pain", "start")
    ended = step(page, "rest-pain", "end")

    assert began["chart"]["visit"]
    assert not ended["chart"]["visit"]
    assert "Still open at discharge" in ended["cards"][0]["summary"]


def test_a_new_problem_calls_for_something(page: TestClient) -> None:
    answer = step(page, "well", "problem", problem="leg-pain")

    assert answer["chart"]["problems"] == ["Pain in lower limb"]
    assert answer["cards"][0]["suggestions"][0]["label"] == "Ask for the leg pain intake"


def test_no_visit_no_discharge_and_the_reason_is_shown(page: TestClient) -> None:
    assert "context.encounterId is missing" in step(page, "clot", "end")["problem"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/patients/nobody/open", b"{}"),
        ("/patients/clot/nothing", b"{}"),
        ("/patients/clot/select", b"{}"),
        ("/patients/clot/select", b"not json"),
        ("/patients/clot/accept", b'{"card": "x", "suggestion": "y"}'),
        ("/patients/clot/open", b"[]"),
    ],
)
def test_what_is_not_there_is_refused(page: TestClient, path: str, body: bytes) -> None:
    answer = page.post(path, content=body)

    assert (answer.status_code, set(answer.json())) == (404, {"problem"})


def test_a_service_that_is_down_is_not_taken_for_one_with_nothing_to_say(store: Store) -> None:
    def fail(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused")

    with httpx2.Client(transport=httpx2.MockTransport(fail), base_url="https://cds.example.org") as service:
        ehr = Ehr(Manner(), service, TestClient(fhir_app(store)), lambda: AS_OF)
        answer = step(TestClient(page_app(ehr, store, lambda: AS_OF)), "clot", "open")

    assert answer["problem"] == "The service did not answer. Whether there is anything to say is not known."
    assert "cards" not in answer


def test_the_page_serves_its_keys_and_its_charts_over_fhir(page: TestClient) -> None:
    bundle = page.get("/fhir/Observation?patient=cramps&_count=1").json()

    assert "d" not in page.get("/.well-known/jwks.json").json()["keys"][0]
    assert bundle["link"][0]["url"].startswith("http://testserver/fhir/Observation?")


def test_the_page_may_run_and_load_nothing_but_its_own_files(page: TestClient) -> None:
    answer = page.get("/")

    assert "script-src 'self'; style-src 'self'" in answer.headers["content-security-policy"]
    assert "<script>" not in answer.text
    assert "//" not in answer.text.replace("<!doctype", "")
