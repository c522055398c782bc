"""
Patients as FHIR R4, made up: each method adds to a patient and gives back a new one.

    a_patient().answered("urge-to-move").with_lab("2276-4", 32, "ng/mL").hook_body(pack)
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cds_hooks.discovery import Query, modules_of, queries_of
from rules.pack import Pack
from rules.terminology import LOINC, RXNORM, SNOMED

__all__ = [
    "AS_OF",
    "INTAKE",
    "PATIENT",
    "Patient",
    "Resource",
    "a_bundle",
    "a_patient",
    "coded",
    "day",
    "quantity",
]

AS_OF = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
"""The moment of every call, unless a test says another."""
PATIENT = "p1"
INTAKE = "urn:recumbent-leg-pain:Questionnaire:intake"

Resource = dict[str, Any]


def day(days_ago: int) -> str:
    """The date so many days before the call; a negative number is in the future."""
    return (AS_OF - timedelta(days=days_ago)).date().isoformat()


def coded(code: str | None = None, system: str | None = SNOMED, text: str | None = None) -> Resource:
    """A CodeableConcept with one coding, or a text, or both."""
    coding = {"coding": [{"system": system, "code": code}]} if code is not None else {}
    return coding | ({"text": text} if text is not None else {})


def quantity(value: Any, unit: str | None = None, comparator: str | None = None) -> Resource:
    """A Quantity whose unit is given as UCUM code and as printed."""
    units = {"unit": unit, "system": "http://unitsofmeasure.org", "code": unit} if unit is not None else {}
    return {"value": value} | units | ({"comparator": comparator} if comparator is not None else {})


def a_bundle(resources: Iterable[Any], **fields: Any) -> Resource:
    """A searchset whose entries are matches."""
    entries = [{"resource": each, "search": {"mode": "match"}} for each in resources]
    return {"resourceType": "Bundle", "type": "searchset", "entry": entries} | fields


@dataclass(frozen=True)
class Patient:
    """
    One patient with a chart.

    Args:
        chart: all resources but the Patient and the intake answers.
        answers: (linkId, value, date authored); those of one date are one QuestionnaireResponse.
    """

    person: Resource
    answers: tuple[tuple[str, Any, str], ...] = ()
    chart: tuple[Resource, ...] = field(default=())

    def being(self, **fields: Any) -> "Patient":
        """With other fields of the Patient resource: gender, birthDate, deceasedBoolean."""
        return replace(self, person=self.person | fields)

    def answered(self, item: str, value: Any = True, *, on: str | None = None) -> "Patient":
        """With an answer to an item of the intake: a boolean, a number, a choice or a list of choices."""
        return replace(self, answers=(*self.answers, (item, value, on or day(0))))

    def with_resource(self, resource: Resource) -> "Patient":
        """With any resource, as it is."""
        return replace(self, chart=(*self.chart, resource))

    def with_lab(
        self, code: str, value: Any = None, unit: str | None = None, /, *, on: str | None = None, **fields: Any
    ) -> "Patient":
        """With a final Observation under a LOINC code; without a value it holds only what `fields` gives."""
        measured = {"valueQuantity": quantity(value, unit)} if value is not None else {}
        return self._with(
            "Observation",
            {"status": "final", "code": coded(code, LOINC), "effectiveDateTime": on or day(0)} | measured,
            fields,
        )

    def with_condition(self, code: str | None = None, /, *, text: str | None = None, **fields: Any) -> "Patient":
        """With an active, confirmed Condition under a SNOMED CT code."""
        status = "http://terminology.hl7.org/CodeSystem/condition-"
        return self._with(
            "Condition",
            {
                "clinicalStatus": coded("active", f"{status}clinical"),
                "verificationStatus": coded("confirmed", f"{status}ver-status"),
                "code": coded(code, text=text),
            },
            fields,
        )

    def with_medication(self, code: str | None = None, /, *, text: str | None = None, **fields: Any) -> "Patient":
        """With an active order of a medicine under an RxNorm code."""
        drug = {"medicationCodeableConcept": coded(code, RXNORM, text)} if code or text else {}
        return self._with("MedicationRequest", {"status": "active", "intent": "order"} | drug, fields)

    def with_statement(self, code: str | None = None, /, *, text: str | None = None, **fields: Any) -> "Patient":
        """With a statement that a medicine is being taken."""
        drug = {"medicationCodeableConcept": coded(code, RXNORM, text)} if code or text else {}
        return self._with("MedicationStatement", {"status": "active"} | drug, fields)

    def visiting_for(self, code: str | None = None, /, *, text: str | None = None, **fields: Any) -> "Patient":
        """With an Encounter under way and its reason."""
        reason = {"reasonCode": [coded(code, text=text)]} if code or text else {}
        return self._with("Encounter", {"status": "in-progress", "period": {"start": day(0)}} | reason, fields)

    def _with(self, kind: str, usual: Resource, fields: Resource) -> "Patient":
        """A field given as None is left out."""
        made: Resource = {
            "resourceType": kind,
            "id": f"{kind.lower()}-{len(self.chart) + 1}",
            "subject": {"reference": f"Patient/{self.person['id']}"},
        }
        made |= usual | fields
        return self.with_resource({key: value for key, value in made.items() if value is not None})

    # ── what it becomes ──────────────────────────────────────────────────────────────────────────────────────────────

    def intake(self) -> tuple[Resource, ...]:
        """The answers as QuestionnaireResponses, one per date."""
        dates = dict.fromkeys(on for _, _, on in self.answers)
        return tuple(
            {
                "resourceType": "QuestionnaireResponse",
                "id": f"intake-{number}",
                "questionnaire": INTAKE,
                "status": "completed",
                "subject": {"reference": f"Patient/{self.person['id']}"},
                "authored": date,
                "item": [{"linkId": item, "answer": _answers(value)} for item, value, on in self.answers if on == date],
            }
            for number, date in enumerate(dates, 1)
        )

    def resources(self) -> tuple[Resource, ...]:
        """Everything: the Patient, the intake, the chart."""
        return (self.person, *self.intake(), *self.chart)

    def prefetch(self, queries: Iterable[Query]) -> Resource:
        """What an EHR sends for these queries: a whole answer to each, null where a read finds nothing."""
        found: Resource = {}
        for query in queries:
            ours = [each for each in self.resources() if each.get("resourceType") == query.type]
            searched = "?" in query.template
            found[query.key] = a_bundle(ours, total=len(ours)) if searched else (ours[-1] if ours else None)
        return found

    def hook_body(self, pack: Pack, hook: str = "patient-view", **context: Any) -> bytes:
        """A hook call with the prefetch that this pack asks for; `context` adds to the context."""
        call = {
            "hook": hook,
            "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
            "context": {"userId": "Practitioner/1", "patientId": self.person["id"]} | context,
            "prefetch": self.prefetch(queries_of(pack, modules_of(hook))),
        }
        return json.dumps(call).encode()


def a_patient(patient_id: str = PATIENT) -> Patient:
    """A woman of 61 years with an empty chart."""
    return Patient({"resourceType": "Patient", "id": patient_id, "gender": "female", "birthDate": "1965-03-14"})


def _answers(value: Any) -> list[Resource]:
    if isinstance(value, list):
        return [answer for each in value for answer in _answers(each)]
    if isinstance(value, bool):
        return [{"valueBoolean": value}]
    if isinstance(value, int):
        return [{"valueInteger": value}]
    if isinstance(value, float):
        return [{"valueDecimal": value}]
    return [{"valueCoding": {"system": "urn:recumbent-leg-pain:intake", "code": value}}]
