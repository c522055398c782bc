"""Answers to hook calls: what is said, when nothing is said, and that the record is kept."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from cds_hooks.discovery import discovery_document
from cds_hooks.response import EVALUATION
from rules.engine.errors import RecumbentError
from rules.pack import Pack
from service.app import create_app
from service.records.decision import DecisionRecord
from service.records.keep import replay
from service.records.log import open_log
from service.settings import Settings
from tests.builders import AS_OF, Patient, a_bundle, a_patient
from tests.service.api.calls import ENCOUNTER_START, PATIENT_VIEW, FailingLog, a_call, outcome_text, post, with_log

FLAGGED = a_patient().answered("saddle").answered("leg-pain")
RESTLESS = a_patient().answered("urge-to-move")
QUIET = a_patient().answered("saddle", False).answered("leg-pain", False).answered("urge-to-move", False)


def answer(client: TestClient, call: Any, address: str = PATIENT_VIEW) -> dict[str, Any]:
    response = post(client, call, address)
    assert response.status_code == 200
    body: dict[str, Any] = response.json()
    return body


def kinds(body: dict[str, Any]) -> list[str]:
    return [card["source"]["topic"]["code"] for card in body["cards"]]


def evaluation(body: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = body["extension"][EVALUATION]
    return found


# ── discovery ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_discovery_is_the_document_of_today(client: TestClient, pack: Pack) -> None:
    response = client.get("/cds-services")

    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    assert response.json() == discovery_document(pack, AS_OF.date())


def test_the_clock_is_that_of_the_machine_unless_another_is_given(settings: Settings) -> None:
    before = datetime.now(UTC)
    moment = create_app(settings).state.recumbent.now()

    assert before <= moment <= datetime.now(UTC)


def test_a_module_that_is_switched_off_is_neither_asked_for_nor_heard(settings: Settings, tmp_path: Path) -> None:
    settings = settings.model_copy(update={"modules": frozenset(("causes",)), "data": tmp_path})
    with TestClient(create_app(settings, lambda: AS_OF)) as client:
        pack: Pack = client.app.state.recumbent.pack  # type: ignore[attr-defined]  # the ASGI app is ours
        prefetch = client.get("/cds-services").json()["services"][0]["prefetch"]
        body = answer(client, a_call(pack, FLAGGED))

    assert {"patient", "intake", "conditions"} == set(prefetch)
    assert "legpainredflags" not in kinds(body)
    assert {"rule": "red-flags/cauda-equina-syndrome", "reason": "module is switched off"} in evaluation(body)[
        "notEvaluated"
    ]


# ── what is said ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_red_flag_is_answered_with_a_critical_card(client: TestClient, pack: Pack) -> None:
    body = answer(client, a_call(pack, FLAGGED))

    assert (kinds(body)[0], body["cards"][0]["indicator"]) == ("legpainredflags", "critical")
    assert evaluation(body)["packId"] == pack.id
    assert evaluation(body)["recorded"]


def test_both_hooks_give_the_same_cards(client: TestClient, pack: Pack) -> None:
    context = {"userId": "Practitioner/1", "patientId": "p1", "encounterId": "e1"}
    call = a_call(pack, FLAGGED, context=context)
    patient_view = answer(client, call)
    encounter_start = answer(client, call | {"hook": "encounter-start"}, ENCOUNTER_START)

    assert patient_view["cards"]
    assert patient_view["cards"] == encounter_start["cards"]


def test_attributes_that_nobody_knows_change_nothing(client: TestClient, pack: Pack) -> None:
    extra = {"extension": {"com.example": {"x": [None]}}, "unknown": {"y": 1}}
    plain = a_call(pack, FLAGGED)
    with_extra = plain | extra | {"context": plain["context"] | extra, "fhirServer": "https://x"}

    assert answer(client, plain)["cards"] == answer(client, with_extra)["cards"]


@pytest.mark.parametrize(
    ("patient", "expected"),
    [
        (FLAGGED, ["legpainredflags"]),
        (RESTLESS, ["legpaincauses", "legpainmissingdata"]),
        (a_patient().answered("saddle"), ["legpainredflags"]),
        (QUIET, []),
        (a_patient(), []),
        (FLAGGED.being(deceasedBoolean=True), []),
    ],
    ids=["flag and complaint", "cause", "flag without complaint", "nothing to say", "empty chart", "deceased"],
)
def test_cards_are_given_exactly_where_there_is_something_to_say(
    client: TestClient, pack: Pack, patient: Patient, expected: list[str]
) -> None:
    assert kinds(answer(client, a_call(pack, patient))) == expected


def _empties(value: Any, path: str = "") -> Iterator[str]:
    if value in (None, "", [], {}) and value is not False:
        yield path
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _empties(inner, f"{path}/{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from _empties(inner, path)


@pytest.mark.parametrize(
    "patient",
    [FLAGGED, RESTLESS, QUIET, a_patient(), FLAGGED.being(deceasedBoolean=True), FLAGGED.being(birthDate="2020-01-01")],
)
def test_nothing_empty_is_sent_but_cards_and_the_lists_of_our_contract(
    client: TestClient, pack: Pack, patient: Patient
) -> None:
    found = set(_empties(answer(client, a_call(pack, patient))))

    assert found <= {
        "/cards",
        "/cards/extension/org.recumbent.findings",
        "/cards/extension/org.recumbent.findings/evidence",
        "/cards/extension/org.recumbent.findings/missing",
    }


def test_a_null_intake_is_an_answer(client: TestClient, pack: Pack) -> None:
    call = a_call(pack)
    call["prefetch"]["intake"] = None

    assert answer(client, call)["cards"] == []


# ── who asks ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("user", ["Patient/p1", "RelatedPerson/1", "https://ehr.example.org/fhir/Patient/p1"])
def test_a_user_who_is_no_clinician_gets_no_cards_and_the_reason_is_recorded(
    settings: Settings, client: TestClient, pack: Pack, user: str
) -> None:
    body = answer(client, a_call(pack, FLAGGED, context={"userId": user, "patientId": "p1"}))
    summary = json.loads(kept(settings, body).summary)

    assert body["cards"] == []
    assert summary["silent"] == "user-is-not-a-clinician"


def test_for_a_user_who_is_no_clinician_no_rule_is_said_to_be_evaluated(client: TestClient, pack: Pack) -> None:
    body = answer(client, a_call(pack, FLAGGED, context={"userId": "Patient/p1", "patientId": "p1"}))

    assert "evaluated" not in evaluation(body)
    assert {each["reason"] for each in evaluation(body)["notEvaluated"]} == {"user-is-not-a-clinician"}


def test_a_call_from_epic_gets_cards_for_epic_and_the_record_keeps_that(
    settings: Settings, client: TestClient, pack: Pack
) -> None:
    extension = {"com.epic.cdshooks.request.bpa-trigger-action": "60"}
    plain, epic = (answer(client, a_call(pack, FLAGGED, **extra)) for extra in ({}, {"extension": extension}))

    assert plain["cards"][0]["source"]["topic"]["code"] == "legpainredflags"
    assert epic["cards"][0]["source"]["topic"]["code"].startswith("legpainredflags")
    assert epic["cards"][0]["source"]["topic"]["code"] != "legpainredflags"
    assert [json.loads(kept(settings, body).summary)["profile"] for body in (plain, epic)] == ["generic-2.0.1", "epic"]


# ── what is needed ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("prefetch", "key"),
    [
        (..., "prefetch.patient"),
        (None, "prefetch.patient"),
        ({}, "prefetch.patient"),
        ({"patient": None}, "prefetch.patient"),
        ({"patient": {"resourceType": "OperationOutcome", "issue": []}}, "prefetch.patient"),
        ({"patient": a_patient("p2").person}, "Patient in the prefetch"),
    ],
    ids=["absent", "null", "empty", "no patient", "failed", "another patient"],
)
def test_without_the_patient_the_answer_is_412_and_names_the_key(
    client: TestClient, pack: Pack, prefetch: Any, key: str
) -> None:
    response = post(client, a_call(pack, prefetch=prefetch))

    assert response.status_code == 412
    assert key in outcome_text(response)


def test_a_fired_red_flag_is_answered_even_without_the_patient(client: TestClient, pack: Pack) -> None:
    call = a_call(pack, FLAGGED)
    del call["prefetch"]["patient"]

    assert kinds(answer(client, call))[0] == "legpainredflags"


def test_data_under_a_key_of_the_customer_are_read_too(client: TestClient, pack: Pack) -> None:
    prefetch = {"item1": FLAGGED.person, "itemTwo": a_bundle(FLAGGED.intake())}

    assert kinds(answer(client, a_call(pack, prefetch=prefetch)))[0] == "legpainredflags"


# ── the record ───────────────────────────────────────────────────────────────────────────────────────────────────────


def kept(settings: Settings, body: dict[str, Any]) -> DecisionRecord:
    log = open_log(settings.data)
    record = log.find(evaluation(body)["decisionId"])
    assert record is not None
    return record


def test_an_answer_is_on_record_when_it_arrives(settings: Settings, client: TestClient, pack: Pack) -> None:
    body = answer(client, a_call(pack, FLAGGED))
    record = kept(settings, body)

    assert (record.service, record.hook, record.pack_id) == ("recumbent-patient-view", "patient-view", pack.id)
    assert [card["uuid"] for card in json.loads(record.summary)["cards"]] == [card["uuid"] for card in body["cards"]]


@pytest.mark.parametrize("patient", [FLAGGED, RESTLESS, QUIET, FLAGGED.being(deceasedBoolean=True)])
@pytest.mark.parametrize("user", ["Practitioner/1", "Patient/p1"])
@pytest.mark.parametrize("modules", [{"red-flags", "causes"}, {"causes"}, set()])
def test_what_was_sent_can_be_made_again_from_its_record(
    settings: Settings, pack: Pack, tmp_path: Path, patient: Patient, user: str, modules: set[str]
) -> None:
    settings = settings.model_copy(update={"modules": frozenset(modules), "data": tmp_path})
    with TestClient(create_app(settings, lambda: AS_OF)) as client:
        response = post(client, a_call(pack, patient, context={"userId": user, "patientId": "p1"}))

    assert replay(kept(settings, response.json()), pack) == response.content


def test_the_cards_are_given_when_they_cannot_be_recorded_and_say_so(settings: Settings, pack: Pack) -> None:
    client = TestClient(create_app(settings, lambda: AS_OF))  # not entered, so that the decision log is never started
    body = answer(client, a_call(pack, FLAGGED))

    assert kinds(body)[0] == "legpainredflags"
    assert evaluation(body)["recorded"] is False


def test_the_cards_are_given_when_recording_takes_too_long(settings: Settings, pack: Pack) -> None:
    body = answer(with_log(settings, FailingLog(TimeoutError())), a_call(pack, FLAGGED))

    assert kinds(body)[0] == "legpainredflags"
    assert evaluation(body)["recorded"] is False


def test_a_mistake_of_ours_is_a_500_that_tells_nothing(settings: Settings, pack: Pack) -> None:
    response = post(with_log(settings, FailingLog(RuntimeError("secret /srv/data"))), a_call(pack, FLAGGED))

    assert response.status_code == 500
    assert outcome_text(response) == (
        "The service failed on this request. Nothing was evaluated; do not read this as a finding."
    )
    assert "secret" not in str(response.headers)


def test_an_error_of_ours_that_no_call_should_raise_is_a_500_that_tells_nothing(settings: Settings, pack: Pack) -> None:
    response = post(with_log(settings, FailingLog(RecumbentError("secret /srv/data"))), a_call(pack, FLAGGED))

    assert response.status_code == 500
    assert "secret" not in response.text


def test_calls_at_the_same_time_do_not_mix_up(client: TestClient, pack: Pack) -> None:
    patients = [FLAGGED, RESTLESS, QUIET] * 8

    async def all_at_once() -> list[dict[str, Any]]:
        calls = [asyncio.to_thread(answer, client, a_call(pack, patient)) for patient in patients]
        return await asyncio.gather(*calls)

    expected = [kinds(answer(client, a_call(pack, patient))) for patient in patients]
    assert [kinds(body) for body in asyncio.run(all_at_once())] == expected
