"""
The offers of suggestions.yaml as draft FHIR R4 resources, built and validated by fhir.resources.

They lack only what a call knows: patient, encounter, moment and reason (cds_hooks/suggestions.py).
"""

import json
from collections.abc import Mapping
from typing import Any

from fhir.resources.R4B.medicationrequest import MedicationRequest
from fhir.resources.R4B.servicerequest import ServiceRequest
from fhir.resources.R4B.task import Task

from rules.engine.offers import Offer

__all__ = ["drafts_of"]

_NOBODY = {"reference": "Patient/x"}
_KINDS: dict[str, Any] = {"ServiceRequest": ServiceRequest, "MedicationRequest": MedicationRequest, "Task": Task}
_SDC = "http://hl7.org/fhir/uv/sdc/CodeSystem/temp"
_FILL_IN = {"coding": [{"system": _SDC, "code": "complete-questionnaire"}], "text": "Complete questionnaire"}
_QUESTIONNAIRE = {"coding": [{"system": _SDC, "code": "questionnaire"}], "text": "Questionnaire"}


def drafts_of(offers: Mapping[str, Offer], intake_url: str) -> dict[str, dict[str, Any]]:
    """
    Id of an offer → its draft resource, without subject.

    Raises:
        ValidationError: an offer makes no valid resource.
    """
    return {name: _draft(offer, intake_url) for name, offer in offers.items()}


def _draft(offer: Offer, intake_url: str) -> dict[str, Any]:
    made = _KINDS[offer.creates].model_validate(_content(offer, intake_url))
    content: dict[str, Any] = json.loads(made.model_dump_json(exclude_none=True))
    content.pop("subject", None)
    return content


def _content(offer: Offer, intake_url: str) -> dict[str, Any]:
    code: dict[str, Any] = {"text": offer.text}
    if offer.code:
        code["coding"] = [each.model_dump() for each in offer.code]
    common = {"resourceType": offer.creates, "status": "draft", "intent": "order", "priority": offer.priority}
    if offer.creates == "Task":
        inside = {"type": _QUESTIONNAIRE, "valueCanonical": intake_url}
        return common | {"code": _FILL_IN, "description": offer.text, "input": [inside]}
    if offer.creates == "MedicationRequest":
        dosage = [{"text": offer.dosage}] if offer.dosage else None
        return common | {"subject": _NOBODY, "medicationCodeableConcept": code, "dosageInstruction": dosage}
    return common | {"subject": _NOBODY, "code": code}
