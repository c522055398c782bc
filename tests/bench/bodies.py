"""Hook bodies of a given number of resources: a mix as in a chart, with an intake."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from service.demo.ehr import intake_response

__all__ = ["body_of"]

_LABS = (
    ("2823-3", 4.1, "mmol/L"),
    ("2951-2", 139, "mmol/L"),
    ("2160-0", 1.1, "mg/dL"),
    ("2276-4", 32, "ng/mL"),
    ("718-7", 12.9, "g/dL"),
    ("2345-7", 104, "mg/dL"),
    ("8480-6", 131, "mm[Hg]"),
    ("29463-7", 82, "kg"),
)
_PROBLEMS = (
    ("44054006", "Diabetes mellitus type 2"),
    ("59621000", "Essential hypertension"),
    ("444814009", "Viral sinusitis"),
)
_DRUGS = (("316672", "simvastatin"), ("860975", "metformin"), ("314076", "lisinopril"))
_ANSWERS: dict[str, Any] = {
    "leg-pain": True,
    "worse-lying": True,
    "urge-to-move": True,
    "worse-rest": True,
    "better-movement": True,
    "time-of-day": "evening-or-night",
    "quality": ["crawling"],
    "side": "both",
    "onset": "over-2-weeks",
    "swelling": "none",
    "cool": False,
    "pulses-absent": False,
    "numb": False,
    "weak": False,
}


def body_of(resources: int, service: dict[str, Any], intake_url: str) -> bytes:
    """A call with so many resources; `@@@@` in hookInstance stands for a number that makes each call its own."""
    now = datetime.now(UTC)
    made: dict[str, list[dict[str, Any]]] = {"Observation": [], "Condition": [], "MedicationRequest": []}
    for number in range(resources - 2):
        made[("Observation", "Observation", "Observation", "Condition", "MedicationRequest")[number % 5]].append(
            _resource(number, now - timedelta(days=number % 80))
        )
    prefetch = {
        "patient": {"resourceType": "Patient", "id": "bench", "gender": "female", "birthDate": "1951-04-02"},
        "intake": _bundle([intake_response(_ANSWERS, "bench", now, intake_url)]),
        "conditions": _bundle(made["Condition"]),
        "medications": _bundle(made["MedicationRequest"]),
        "observations": _bundle(made["Observation"]),
    }
    call = {
        "hook": service["hook"],
        "hookInstance": "00000000-0000-4000-8000-00000000@@@@",
        "context": {"userId": "Practitioner/1", "patientId": "bench"},
        "prefetch": prefetch,
    }
    return json.dumps(call).encode()


def _bundle(resources: list[dict[str, Any]]) -> dict[str, Any]:
    entries = [
        {
            "fullUrl": f"https://ehr.example/fhir/{each['resourceType']}/{each['id']}",
            "resource": each,
            "search": {"mode": "match"},
        }
        for each in resources
    ]
    return {"resourceType": "Bundle", "type": "searchset", "total": len(entries), "entry": entries}


def _resource(number: int, moment: datetime) -> dict[str, Any]:
    common = {
        "id": f"r{number}",
        "meta": {"versionId": "1", "lastUpdated": moment.isoformat()},
        "subject": {"reference": "Patient/bench"},
    }
    if number % 5 == 3:
        code, display = _PROBLEMS[number % len(_PROBLEMS)]
        return {
            "resourceType": "Condition",
            **common,
            "clinicalStatus": _concept("http://terminology.hl7.org/CodeSystem/condition-clinical", "active", "Active"),
            "verificationStatus": _concept(
                "http://terminology.hl7.org/CodeSystem/condition-ver-status", "confirmed", "Confirmed"
            ),
            "code": _concept("http://snomed.info/sct", code, display),
            "onsetDateTime": moment.isoformat(),
            "recordedDate": moment.isoformat(),
        }
    if number % 5 == 4:
        code, display = _DRUGS[number % len(_DRUGS)]
        return {
            "resourceType": "MedicationRequest",
            **common,
            "status": "active",
            "intent": "order",
            "medicationCodeableConcept": _concept("http://www.nlm.nih.gov/research/umls/rxnorm", code, display),
            "authoredOn": moment.isoformat(),
            "dosageInstruction": [
                {"text": "one a day", "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}}}
            ],
        }
    code, value, unit = _LABS[number % len(_LABS)]
    return {
        "resourceType": "Observation",
        **common,
        "status": "final",
        "category": [
            _concept("http://terminology.hl7.org/CodeSystem/observation-category", "laboratory", "Laboratory")
        ],
        "code": _concept("http://loinc.org", code, "a laboratory value"),
        "effectiveDateTime": moment.isoformat(),
        "issued": moment.isoformat(),
        "valueQuantity": {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit},
    }


def _concept(system: str, code: str, display: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code, "display": display}], "text": display}
