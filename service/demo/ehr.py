"""
A small EHR over one patient's record: it fills prefetch templates as a FHIR server would. For the demo and for tests.

It understands what discovery uses and no more: reads, and searches by patient, code, status, questionnaire and date.
The EHR of tests/ehr searches with it too, over HTTP.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

__all__ = ["hook_call", "intake_response", "record_of_bundle", "search"]

_DATES = {"Observation": "effectiveDateTime", "QuestionnaireResponse": "authored", "ServiceRequest": "authoredOn"}


def record_of_bundle(bundle: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The resources of a transaction Bundle as a server stores them: urn:uuid references become Type/id."""
    names = {
        entry["fullUrl"]: f"{entry['resource']['resourceType']}/{entry['resource']['id']}"
        for entry in bundle["entry"]
        if "fullUrl" in entry
    }
    text = json.dumps([entry["resource"] for entry in bundle["entry"]])
    for url, name in names.items():
        text = text.replace(json.dumps(url), json.dumps(name))
    resources: list[dict[str, Any]] = json.loads(text)
    return resources


def intake_response(answers: Mapping[str, Any], patient_id: str, authored: datetime, url: str) -> dict[str, Any]:
    """A completed intake: booleans, integers, and answer codes (one or a list)."""
    items = [{"linkId": link_id, "answer": [*_answers(value)]} for link_id, value in answers.items()]
    return {
        "resourceType": "QuestionnaireResponse",
        "id": "intake",
        "questionnaire": url,
        "status": "completed",
        "subject": {"reference": f"Patient/{patient_id}"},
        "authored": authored.isoformat(),
        "item": items,
    }


def _answers(value: Any) -> Iterable[dict[str, Any]]:
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, bool):
            yield {"valueBoolean": each}
        elif isinstance(each, int):
            yield {"valueInteger": each}
        else:
            yield {"valueCoding": {"system": "urn:recumbent-leg-pain:intake", "code": each}}


def hook_call(
    record: Iterable[Mapping[str, Any]], service: Mapping[str, Any], hook_instance: str, encounter_id: str | None = None
) -> dict[str, Any]:
    """
    The body of a hook call with its prefetch filled.

    Args:
        record: FHIR resources of one patient, the Patient among them.
        service: one entry of the discovery document.
    """
    resources = list(record)
    patient = next(each for each in resources if each["resourceType"] == "Patient")
    context = {"userId": "Practitioner/demo", "patientId": patient["id"]}
    if encounter_id:
        context["encounterId"] = encounter_id
    prefetch: dict[str, Any] = {}
    for key, template in service["prefetch"].items():
        url = template
        for name, value in context.items():
            url = url.replace("{{context." + name + "}}", value)
        if "{{" not in url:  # a template whose token the context does not hold is not filled
            prefetch[key] = _fetch(resources, url)
    return {"hook": service["hook"], "hookInstance": hook_instance, "context": context, "prefetch": prefetch}


def _fetch(resources: list[Mapping[str, Any]], url: str) -> Any:
    """One read or search; a read without a match is null, a search always a Bundle."""
    path, _, query = url.partition("?")
    kind, _, resource_id = path.partition("/")
    if resource_id:
        return next((each for each in resources if (each["resourceType"], each["id"]) == (kind, resource_id)), None)
    found = search(resources, kind, parse_qsl(query))
    count = next((int(value) for name, value in parse_qsl(query) if name == "_count"), len(found))
    entries = [
        {"fullUrl": f"{kind}/{each['id']}", "resource": each, "search": {"mode": "match"}} for each in found[:count]
    ]
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "total": len(found), "entry": entries}
    if count < len(found):
        bundle["link"] = [{"relation": "next", "url": f"{url}&page=2"}]
    return bundle


def search(
    resources: Iterable[Mapping[str, Any]], kind: str, parameters: Sequence[tuple[str, str]]
) -> list[Mapping[str, Any]]:
    """Resources of this type that fit all parameters, the newest first. A parameter that is not known fits none."""
    of_kind = (each for each in resources if each["resourceType"] == kind)
    found = [each for each in of_kind if all(_fits(each, kind, name, value) for name, value in parameters)]
    if date := _DATES.get(kind):
        found.sort(key=lambda each: str(each.get(date, "")), reverse=True)
    return found


def _fits(resource: Mapping[str, Any], kind: str, name: str, value: str) -> bool:
    if name == "patient":
        named = resource.get("subject") or resource.get("patient") or resource.get("for") or {}
        reference = named.get("reference", "")
        return bool(reference == f"Patient/{value}")
    if name == "status":
        return resource.get("status") in value.split(",")
    if name == "code":
        codings = resource.get("code", {}).get("coding", [])
        wanted = set(value.split(","))
        return any(f"{coding.get('system')}|{coding.get('code')}" in wanted for coding in codings)
    if name == "questionnaire":
        return str(resource.get("questionnaire", "")).split("|")[0] == value
    if name in ("date", "authored"):
        return str(resource.get(_DATES[kind], ""))[:10] >= value.removeprefix("ge")
    return name.startswith("_")
