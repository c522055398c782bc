"""Answers of every hook to every kind of client, made from the scenarios."""

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any, get_args

from cds_hooks.discovery import SERVICES, modules_of, queries_of
from cds_hooks.profiles import Profile
from cds_hooks.request import read_request
from rules.pack import load_pack
from service.decide import decide
from service.fhir.gather import from_call
from tests.scenarios.scenario import Scenario, scenarios

__all__ = ["CALLS", "REST_PAIN", "answers", "answers_of", "call_of", "sent"]

REST_PAIN = "ischemic-rest-pain"
"""The scenario whose patient gets a card from every hook."""

_STOCKING = {
    "resourceType": "DeviceRequest",
    "id": "draft-1",
    "status": "draft",
    "intent": "order",
    "codeCodeableConcept": {"text": "Compression stocking, class 2"},
}
_PROBLEM = {
    "resourceType": "Condition",
    "id": "new-1",
    "clinicalStatus": {"coding": [{"code": "active"}]},
    "code": {"coding": [{"system": "http://snomed.info/sct", "code": "32914008", "display": "Restless legs"}]},
}
CALLS: Mapping[str, dict[str, Any]] = {
    "patient-view": {},
    "encounter-start": {"encounterId": "e1"},
    "encounter-discharge": {"encounterId": "e1"},
    "order-select": {"selections": ["DeviceRequest/draft-1"], "draftOrders": _STOCKING},
    "order-sign": {"draftOrders": _STOCKING},
    "problem-list-item-create": {"conditions": _PROBLEM},
}
"""Hook → what its context holds beside user and patient; a resource stands for a Bundle of it."""


def scenario_of(name: str) -> Scenario:
    return next(each for each in scenarios() if each.name == name)


def call_of(hook: str, scenario: Scenario) -> dict[str, Any]:
    """The call of a scenario, but of this hook."""
    call: dict[str, Any] = json.loads(scenario.body)
    patient = {"reference": f"Patient/{call['context']['patientId']}"}
    for name, value in CALLS[hook].items():
        held = value
        if isinstance(value, dict):
            held = {"resourceType": "Bundle", "entry": [{"resource": {**value, "subject": patient}}]}
        call["context"][name] = held
    return call | {"hook": hook}


def sent(call: dict[str, Any], profile: Profile, as_of: datetime) -> dict[str, Any]:
    """The body of the answer, read as a client reads it."""
    pack = load_pack()
    service = next(each.id for each in SERVICES.values() if each.hook == call["hook"])
    request = read_request(service, json.dumps(call).encode(), "https://cds.example.org", profile)
    resources = from_call(request, queries_of(pack, modules_of(request.hook)))
    body: dict[str, Any] = json.loads(decide(request, resources, pack, as_of).body)
    return body


@cache
def answers() -> Mapping[str, dict[str, Any]]:
    """Name → answer: each scenario and each hook, for each kind of client."""
    found: dict[str, dict[str, Any]] = {}
    for profile in get_args(Profile):
        for scenario in scenarios():
            found[f"{scenario.name} {profile}"] = json.loads(scenario.decide(profile)[1].body)
        for hook in CALLS:
            found[f"{hook} {profile}"] = answers_of(hook, profile)
    return found


def answers_of(hook: str, profile: Profile = "generic-2.0.1") -> dict[str, Any]:
    scenario = scenario_of(REST_PAIN)
    return sent(call_of(hook, scenario), profile, scenario.as_of)
