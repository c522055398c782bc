"""Whole patients, end to end: the call, the answer, the record, and the record made again."""

import hashlib
import json
import random
from typing import Any

import msgspec
import pytest

from cds_hooks.discovery import modules_of, queries_of
from cds_hooks.profiles import Profile
from cds_hooks.request import read_request
from cds_hooks.response import encode
from rules.pack import load_pack
from service.decide import decide
from service.fhir.gather import from_call
from service.records.keep import record_of, replay
from tests.scenarios.scenario import Scenario, scenarios

_ALL = [pytest.param(scenario, id=scenario.name) for scenario in scenarios()]
_PROFILED = [
    pytest.param(each, profile, id=f"{each.name}-{profile}") for each in scenarios() for profile in each.profiles
]


@pytest.mark.parametrize("scenario", _ALL)
def test_the_request_is_what_an_ehr_sends_that_fills_our_prefetch(scenario: Scenario) -> None:
    assert json.loads(scenario.body) == scenario.make_request()


@pytest.mark.parametrize("scenario", _ALL)
def test_the_answer_is_the_golden_one(scenario: Scenario) -> None:
    assert scenario.golden("response.json") == scenario.answer()


@pytest.mark.parametrize(("scenario", "profile"), _PROFILED)
def test_the_answer_to_each_kind_of_client_is_the_golden_one(scenario: Scenario, profile: Profile) -> None:
    assert scenario.golden(f"response-{profile}.json") == scenario.answer(profile)


@pytest.mark.parametrize(("scenario", "profile"), _PROFILED)
def test_a_decision_for_each_kind_of_client_can_be_made_again(scenario: Scenario, profile: Profile) -> None:
    request, decision, pack = scenario.decide(profile)

    record = record_of(request, decision, pack, {}, "default", "test")

    assert decision.body == replay(record, pack)


@pytest.mark.parametrize("scenario", _ALL)
def test_the_record_is_the_golden_one(scenario: Scenario) -> None:
    assert scenario.golden("decision.json") == scenario.decision()


@pytest.mark.parametrize("scenario", _ALL)
def test_the_answer_keeps_what_the_story_promises(scenario: Scenario) -> None:
    _, decision, _ = scenario.decide()
    causes = [cause.cause for cause in decision.findings.causes if cause.likelihood != "unlikely"]

    found: dict[str, Any] = {
        "cards": [card.extension["org.recumbent.urgency"] for card in decision.response.cards],
        "flags": sorted(f"{flag.rule}/{flag.flag}" for flag in decision.findings.fired),
        "first-causes": causes[: len(scenario.expect["first-causes"])],
    }
    if checks := [f"{each.name} {each.severity}" for each in decision.findings.orders if each.fires]:
        found["checks"] = checks
    assert scenario.expect == found


@pytest.mark.parametrize("scenario", _ALL)
def test_a_decision_can_be_made_again_from_its_record_byte_for_byte(scenario: Scenario) -> None:
    request, decision, pack = scenario.decide()
    record = record_of(request, decision, pack, {}, "default", "test")

    again = replay(record, pack)

    assert encode(decision.response) == again


@pytest.mark.parametrize("scenario", _ALL)
def test_every_card_maps_to_exactly_one_entry_of_the_record(scenario: Scenario) -> None:
    request, decision, pack = scenario.decide()
    summary = msgspec.json.decode(record_of(request, decision, pack, {}, "default", "test").summary)

    expected = [
        (card.uuid, hashlib.sha256(f"{card.summary}\n{card.detail}".encode()).hexdigest())
        for card in decision.response.cards
    ]
    assert expected == [(each["uuid"], each["sha256"]) for each in summary["cards"]]


@pytest.mark.parametrize("scenario", _ALL)
def test_the_order_of_resources_never_matters(scenario: Scenario) -> None:
    call = json.loads(scenario.body)
    shuffled = random.Random(7)
    for value in call["prefetch"].values():
        if isinstance(value, dict) and "entry" in value:
            shuffled.shuffle(value["entry"])

    assert _findings(scenario, json.loads(scenario.body)) == _findings(scenario, call)


@pytest.mark.parametrize("scenario", _ALL)
def test_an_unrelated_resource_changes_nothing(scenario: Scenario) -> None:
    call = json.loads(scenario.body)
    patient = call["context"]["patientId"]
    unrelated = {
        "resourceType": "Condition",
        "id": "unrelated",
        "subject": {"reference": f"Patient/{patient}"},
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "444814009", "display": "Viral sinusitis"}]},
    }
    call["prefetch"]["conditions"]["entry"].append({"resource": unrelated})

    assert _findings(scenario, json.loads(scenario.body)) == _findings(scenario, call)


_HOSTILE = (
    "](http://evil.example) [click](javascript:alert(1)) <script>alert(1)</script> <img src=x onerror=alert(1)>",
    "www.evil.example a@evil.example **ruled out** | a | b | \n# Source: FDA\n```",
    "\u202egnihton si siht\u2066 zero\u200bwidth\ufeff " + "x" * 5000,
)
_MARKS = (
    "evil",
    "<script",
    "alert(",
    "javascript",
    "onerror",
    "ruled out",
    "FDA",
    "\u202e",
    "\\u202e",
    "\u2066",
    "\u200b",
    "\ufeff",
    "xxxx",
)
_WORDINGS = {"display", "text", "family", "given", "prefix", "suffix", "line", "city", "div", "title", "note", "maiden"}


@pytest.mark.parametrize("payload", _HOSTILE, ids=["markdown and HTML", "bare links", "spoofing"])
@pytest.mark.parametrize("scenario", _ALL)
def test_no_wording_of_the_record_reaches_the_answer(scenario: Scenario, payload: str) -> None:
    answer = _findings(scenario, _reworded(json.loads(scenario.body), payload)).decode()

    assert not [mark for mark in _MARKS if mark in answer]


def _reworded(value: Any, payload: str) -> Any:
    """The same resources with the payload in the place of every wording beside a code."""
    if isinstance(value, dict):
        return {
            key: (payload if isinstance(each, str) else [payload])
            if key in _WORDINGS and not isinstance(each, dict)
            else _reworded(each, payload)
            for key, each in value.items()
        }
    return [_reworded(each, payload) for each in value] if isinstance(value, list) else value


def _findings(scenario: Scenario, call: dict[str, Any]) -> bytes:
    """The whole answer for a call."""
    pack = load_pack()
    request = read_request(scenario.story["service"], json.dumps(call).encode(), "https://cds.example.org")
    resources = from_call(request, queries_of(pack, modules_of(request.hook)))
    return encode(decide(request, resources, pack, scenario.as_of).response)
