"""The patients of stories.yaml as FHIR R4 resources, with dates counted back from a given moment."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from rules.terminology import RXNORM
from tests.builders import Patient, coded

__all__ = ["Story", "condition", "order", "stories", "title"]

Resource = dict[str, Any]


@dataclass(frozen=True)
class Story:
    """One patient, and what the page offers to order or to put on the problem list."""

    id: str
    text: str
    reason: Resource | None
    orders: tuple[str, ...]
    new_problems: tuple[str, ...]
    resources: tuple[Resource, ...]


def stories(now: datetime) -> dict[str, Story]:
    """By id of the patient, in the order of the file."""
    return {each["id"]: _story(each, now) for each in _file()["patients"]}


def order(name: str, patient: str) -> Resource:
    """A draft order of the list, without an id; a medicine says in its text how much."""
    listed = _file()["orders"][name]
    kind, code, text = listed["resourceType"], listed["code"], listed["text"]
    made = {"resourceType": kind, "status": "draft", "intent": "order", "subject": {"reference": f"Patient/{patient}"}}
    if kind == "MedicationRequest":
        return made | {"medicationCodeableConcept": coded(code, RXNORM, text)}
    return made | {"code": coded(code["code"], code["system"], text)}


def condition(name: str, patient: str, now: datetime) -> Resource:
    """A problem of the list, put down today."""
    made = _conditions(Patient({"id": patient}), [_file()["problems"][name]]).chart[-1]
    return made | {"id": f"{patient}-{name}", "recordedDate": now.date().isoformat()}


def title(resource: Resource) -> str:
    """One line for a person: a name, or what it is, with its value."""
    for named in resource.get("name", ()):
        return f"{' '.join(named['given'])} {named['family']}"
    code = (
        resource.get("code") or resource.get("medicationCodeableConcept") or resource.get("codeCodeableConcept") or {}
    )
    text = resource.get("description") or code.get("text") or "no text"
    value = resource.get("valueQuantity")
    return f"{text}: {value['value']} {value['unit']}, {resource['effectiveDateTime']}" if value else text


@cache
def _file() -> Any:
    return yaml.safe_load((Path(__file__).parent / "stories.yaml").read_text(encoding="utf-8"))


def _story(told: Resource, now: datetime) -> Story:
    given, _, family = told["name"].partition(" ")
    person = {"resourceType": "Patient", "id": told["id"], "gender": told["gender"]}
    person |= {"birthDate": str(told["born"]), "name": [{"given": [given], "family": family}]}
    patient = _conditions(Patient(person), told["problems"])
    for each in told["medicines"]:
        patient = patient.with_medication(each["code"], text=each["text"])
    for each in told["results"]:
        on = (now - timedelta(days=each["days-ago"])).date().isoformat()
        patient = patient.with_lab(each["code"], each["value"], each["unit"], on=on)
        patient.chart[-1]["code"]["text"] = each["text"]
    for item, value in told.get("answers", {}).items():
        patient = patient.answered(item, value, on=now.date().isoformat())
    return Story(
        told["id"],
        told["story"].strip(),
        told.get("reason"),
        tuple(told["orders"]),
        tuple(told["new-problems"]),
        tuple(_of_patient(each, told["id"]) for each in patient.resources()),
    )


def _conditions(patient: Patient, listed: list[Resource]) -> Patient:
    for each in listed:
        patient = patient.with_condition(each["code"], text=each["text"])
    return patient


def _of_patient(resource: Resource, patient: str) -> Resource:
    """Ids that are unique among all patients."""
    return resource if resource["resourceType"] == "Patient" else resource | {"id": f"{patient}-{resource['id']}"}
