"""Clients in the manner of the specification, of the public sandbox and of Epic call the service and are answered."""

from typing import Any

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from starlette.testclient import TestClient

from service.app import create_app
from service.settings import Settings
from tests.builders import AS_OF
from tests.ehr.client import Answer, Ehr, InvalidAnswerError, RefusedError
from tests.ehr.conftest import Connect
from tests.ehr.fhir_server import Store, fhir_app
from tests.ehr.manners import Epic, Manner, Sandbox
from tests.ehr.stories import condition, order, stories
from tests.service.logs import caught_logs

MANNERS = [Manner(), Sandbox(), Epic()]
each_manner = pytest.mark.parametrize("manner", MANNERS, ids=lambda manner: manner.name)
each_story = pytest.mark.parametrize("story", stories(AS_OF))
LONG_ID = "eQ.1-" * 38 + "abcd"  # 194 characters, as Epic's samples have


def select(ehr: Ehr, name: str, patient: str, order_id: str = "request-123") -> Answer:
    """Put one order of the list down and ask about it."""
    draft = order(name, patient) | {"id": order_id}
    selected = f"{draft['resourceType']}/{order_id}"
    return ehr.call("order-select", patientId=patient, orders=[draft], selections=[selected])


def summaries(answer: Answer) -> list[tuple[str, str]]:
    return [(card["indicator"], card["summary"]) for card in answer.cards]


# ── calls ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@each_manner
@each_story
def test_every_step_of_every_story_is_answered_soundly(connect: Connect, manner: Manner, story: str) -> None:
    """An unsound answer, and a refusal, raise in the client."""
    ehr, told = connect(manner), stories(AS_OF)[story]
    answers = [ehr.call("patient-view", patientId=story)]
    answers += [select(ehr, name, story, LONG_ID) for name in told.orders]
    drafts = [order(name, story) | {"id": f"d-{name}"} for name in told.orders]
    answers.append(ehr.call("order-sign", patientId=story, orders=drafts))
    for name in told.new_problems:
        added = {"resourceType": "Bundle", "entry": [{"resource": condition(name, story, AS_OF)}]}
        answers.append(ehr.call("problem-list-item-create", patientId=story, conditions=added))

    assert len(answers) == 2 + len(told.orders) + len(told.new_problems)


@each_manner
@pytest.mark.parametrize(
    ("patient", "first"),
    [
        ("clot", ("critical", "DVT likely")),
        ("rest-pain", ("warning", "Pain worse lying, eased by hanging the leg down")),
        ("restless", ("info", "Consider restless legs syndrome (known, very likely)")),
        ("cramps", ("info", "Consider night leg cramps (likely)")),
    ],
)
def test_a_chart_is_read_alike_however_it_is_sent(
    connect: Connect, manner: Manner, patient: str, first: tuple[str, str]
) -> None:
    indicator, summary = summaries(connect(manner).call("patient-view", patientId=patient))[0]

    assert indicator == first[0]
    assert summary.startswith(first[1])


@each_manner
@pytest.mark.parametrize(
    ("patient", "name", "first"),
    [
        ("clot", "d-dimer", ("warning", "A clot is likely by the Wells score, and a D-dimer cannot exclude it")),
        ("rest-pain", "compression", ("critical", "Signs of poor arterial flow, and no reliable ABI")),
        ("restless", "metoclopramide", ("warning", "This antiemetic blocks dopamine")),
        ("cramps", "quinine", ("critical", "Quinine")),
    ],
)
def test_an_order_is_checked_however_it_is_sent(
    connect: Connect, manner: Manner, patient: str, name: str, first: tuple[str, str]
) -> None:
    (indicator, summary), *_ = summaries(select(connect(manner), name, patient, LONG_ID))

    assert indicator == first[0]
    assert summary.startswith(first[1])


def test_a_patient_without_a_complaint_gets_no_card(connect: Connect) -> None:
    assert connect(Manner()).call("patient-view", patientId="well").cards == []


def test_a_visit_that_ends_tells_what_is_still_open(connect: Connect, store: Store) -> None:
    store.put({"resourceType": "Encounter", "id": "v1", "status": "in-progress"})

    answer = connect(Manner()).call("encounter-discharge", patientId="clot", encounterId="v1")

    assert "Still open at discharge: deep vein thrombosis" in answer.cards[0]["summary"]
    assert answer.sent["prefetch"]["encounter"]["id"] == "v1"


def test_the_sandbox_may_ask_about_an_order_that_has_no_medicine_yet(connect: Connect) -> None:
    draft: dict[str, Any] = {"resourceType": "MedicationRequest", "id": "request-123", "status": "draft"}
    draft |= {"subject": {"reference": "Patient/cramps"}}
    answer = connect(Sandbox()).call(
        "order-select", patientId="cramps", orders=[draft], selections=["MedicationRequest/request-123"]
    )

    assert answer.cards == []
    assert "type" not in answer.sent["context"]["draftOrders"]


def test_a_long_order_can_be_taken_away_and_its_medicine_stands_beside_it(connect: Connect) -> None:
    answer = select(connect(Epic()), "quinine", "cramps", LONG_ID)
    entries = [entry["resource"]["resourceType"] for entry in answer.sent["context"]["draftOrders"]["entry"]]
    actions = [each["actions"][0] for card in answer.cards for each in card["suggestions"]]

    assert len(LONG_ID) == 194
    assert entries == ["Medication", "MedicationRequest"]
    assert f"MedicationRequest/{LONG_ID}" in [each.get("resourceId") for each in actions]


def test_the_manners_differ_as_the_clients_do(connect: Connect) -> None:
    sent = {each.name: connect(each).call("patient-view", patientId="clot", encounterId="e1").sent for each in MANNERS}
    empty = {name: call["prefetch"]["conditions"] for name, call in sent.items()}

    assert empty["plain"] is None
    assert empty["sandbox"]["total"] == 0
    assert empty["epic"]["entry"][0]["search"]["mode"] == "outcome"
    assert "encounterId" not in sent["sandbox"]["context"]
    assert sent["epic"]["extension"]["com.epic.cdshooks.request.bpa-trigger-action"] == "60"
    assert sent["epic"]["context"]["userId"].startswith("PractitionerRole/")
    assert set(sent["epic"]["prefetch"]) - set(sent["plain"]["prefetch"]) == {"-user"}


def test_a_refusal_is_told_with_its_reason(connect: Connect) -> None:
    with pytest.raises(RefusedError, match=r"^400: context\.encounterId is missing"):
        connect(Manner()).call("encounter-start", patientId="clot")


def test_an_unsound_answer_is_not_taken() -> None:
    """A service that answers with a card of no source."""
    served = {"/cds-services": {"services": [{"hook": "patient-view", "id": "x"}]}}
    answers = httpx2.MockTransport(
        lambda request: httpx2.Response(200, json=served.get(request.url.path, {"cards": [{"uuid": "u"}]}))
    )
    with httpx2.Client(transport=answers, base_url="https://cds.example.org") as service:
        ehr = Ehr(Manner(), service, service, lambda: AS_OF)

        with pytest.raises(InvalidAnswerError, match="source has a label"):
            ehr.call("patient-view", patientId="clot")


# ── tokens ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@each_manner
def test_every_call_is_signed_for_its_own_address_and_once(
    connect: Connect, service: TestClient, manner: Manner
) -> None:
    seen: list[httpx2.Request] = []
    service.event_hooks = {"request": [seen.append]}
    ehr = connect(manner)
    answer = ehr.call("patient-view", patientId="clot")
    ehr.dismiss(answer.service, answer.cards[-1]["uuid"])
    service.event_hooks = {}
    keys = KeySet.import_key_set(ehr.jwks)  # type: ignore[arg-type]  # a JSON object read as the set it is
    tokens = [
        jwt.decode(each.headers["Authorization"].removeprefix("Bearer "), keys, [manner.algorithm]) for each in seen
    ]

    assert [token.claims["aud"] for token in tokens] == [str(each.url) for each in seen]
    assert len({token.claims["jti"] for token in tokens}) == 3
    assert {token.claims["exp"] - token.claims["iat"] for token in tokens} == {manner.lifetime}
    assert {(token.header["alg"], token.header["kid"]) for token in tokens} == {(manner.algorithm, manner.kid)}
    assert "d" not in ehr.jwks["keys"][0]


@each_manner
def test_no_token_reaches_a_log_or_the_store(
    manner: Manner, store: Store, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder, tokens = tmp_path_factory.mktemp("data"), list[str]()
    with caught_logs() as logs, TestClient(create_app(Settings(data=folder), lambda: AS_OF)) as service:
        service.event_hooks = {"request": [lambda request: tokens.append(request.headers["Authorization"][7:])]}
        ehr = Ehr(manner, service, TestClient(fhir_app(store)), lambda: AS_OF)
        answer = ehr.call("patient-view", patientId="clot")
        ehr.dismiss(answer.service, answer.cards[0]["uuid"], comment="no")
        with pytest.raises(RefusedError):
            ehr.call("encounter-start", patientId="x y")
    written = logs.getvalue().encode() + b"".join(each.read_bytes() for each in folder.rglob("*") if each.is_file())

    assert len(tokens) == 4
    assert answer.service.encode() in written  # the search does find what is written
    for token in tokens:
        assert token.split(".")[1].encode() not in written
    assert b"AccessTokenThatNobodyMayLog" not in written


# ── feedback ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@each_manner
def test_a_dismissed_card_stays_away_and_an_accepted_one_is_told(
    manner: Manner, store: Store, tmp_path_factory: pytest.TempPathFactory
) -> None:
    settings = Settings(data=tmp_path_factory.mktemp("data"))
    with TestClient(create_app(settings, lambda: AS_OF)) as service:
        ehr = Ehr(manner, service, TestClient(fhir_app(store)), lambda: AS_OF)
        first = ehr.call("patient-view", patientId="restless")
        suggestion = first.cards[0]["suggestions"][0]
        ehr.accept(first.service, first.cards[0]["uuid"], suggestion["uuid"])
        reason = next(each for each in first.cards[-1]["overrideReasons"] if each["code"] == "need-more-info")
        ehr.dismiss(first.service, first.cards[-1]["uuid"], reason, "asked for it")
        second = ehr.call("patient-view", patientId="restless")

    assert len(first.cards) == 2
    assert summaries(second) == summaries(first)[:1]
