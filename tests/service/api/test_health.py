"""Probes: alive, and ready to answer and to record."""

from starlette.testclient import TestClient

from rules.pack import ENGINE_VERSION, Pack
from service.app import create_app
from service.settings import Settings
from tests.builders import AS_OF
from tests.service.api.calls import outcome_text


def test_a_running_process_is_alive(client: TestClient) -> None:
    response = client.get("/health/live")

    assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_a_process_that_can_record_is_ready_and_names_its_pack(client: TestClient, pack: Pack) -> None:
    response = client.get("/health/ready")

    assert response.status_code == 200
    assert response.json() == {"status": "ok", "pack": pack.id, "engineVersion": ENGINE_VERSION}


def test_a_process_that_cannot_record_is_alive_but_not_ready(settings: Settings) -> None:
    client = TestClient(create_app(settings, lambda: AS_OF))  # not entered: the decision log is not started
    ready = client.get("/health/ready")

    assert client.get("/health/live").status_code == 200
    assert ready.status_code == 503
    assert outcome_text(ready) == "Decisions cannot be recorded now. Cards are still given, marked so."


def test_a_process_that_was_stopped_is_no_longer_ready(settings: Settings) -> None:
    app = create_app(settings, lambda: AS_OF)
    with TestClient(app) as client:
        before = client.get("/health/ready").status_code
    after = TestClient(app).get("/health/ready").status_code

    assert (before, after) == (200, 503)
