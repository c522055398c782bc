"""Draft orders about which the shipped rules have something to say, whatever the record holds."""

from typing import Any

from tests.builders import PATIENT, Resource, a_bundle, coded

__all__ = ["drafts_of", "quinine", "stockings"]


def quinine(id: str | None = "q1", **fields: Any) -> Resource:
    """Critical, and its removal is offered."""
    return _draft("MedicationRequest", id, {"medicationCodeableConcept": coded(text="Quinine 324 mg")} | fields)


def stockings(id: str | None = "s1", **fields: Any) -> Resource:
    """Info: the ankle pressure comes first, and is offered."""
    return _draft("DeviceRequest", id, {"codeCodeableConcept": coded(text="Compression stockings")} | fields)


def _draft(kind: str, id: str | None, fields: Resource) -> Resource:
    usual = {"resourceType": kind, "id": id, "status": "draft", "intent": "order"}
    made = usual | {"subject": {"reference": f"Patient/{PATIENT}"}} | fields
    return {key: value for key, value in made.items() if value is not None}


def drafts_of(*orders: Any) -> Resource:
    """The orders as the context of a call holds them: Bundles of real clients often lack their type."""
    return {key: value for key, value in a_bundle(orders).items() if key != "type"}
