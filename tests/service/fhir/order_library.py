"""The library of library.py with order facts of every kind, and calls that hold draft orders."""

import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from rules.engine.facts import Absent, DraftOrder, Known
from rules.pack import Pack
from rules.terminology import RXNORM, SNOMED
from service.fhir.read_facts import Reading, read_facts
from tests.builders import AS_OF, PATIENT, Patient, Resource, a_patient, coded
from tests.service.fhir.library import write_json, write_reading_library, write_table, write_value_set
from tests.service.fhir.reading import QUERIES, coverage, prefetched

__all__ = ["ATORVASTATIN", "a_draft", "a_medicine", "order_of", "read_orders", "said_of", "write_order_library"]

ATORVASTATIN = coded("617311", RXNORM)
"""Tablets of 40 mg."""

_ORDERS: dict[str, dict[str, Any]] = {
    "order-change": {"of": "change"},
    "order-daily-dose": {"of": "daily-dose", "unit": "mg/d"},
    "order-days": {"of": "days", "unit": "d"},
    "order-taken-already": {"of": "taken-already"},
    "order-statin": {"value-set": ["statin"]},
    "order-scan": {"value-set": ["scan"], "words": ["leg|legs scan"]},
    "order-compression": {"value-set": ["stockings"], "words": ["compression stocking|stockings"]},
    "order-strong-compression": {"words": ["compression 40"]},
    "order-tonic-water": {"words": ["tonic water"]},
    "order-elevation": {"words": ["elevate leg|legs"]},
    "order-for-thrombosis": {"of": "reason", "value-set": ["deep-vein-thrombosis"], "words": ["leg clot"]},
    "scan-requested": {"kind": "request", "value-set": ["scan"], "look-back": "7 d"},
}
_CODES: dict[str, dict[str, dict[str, tuple[str, ...]]]] = {
    "scan": {SNOMED: {"700000001": ("Duplex scan of the leg veins", "Venous duplex")}},
    "stockings": {SNOMED: {"700000002": ("Graduated elastic hose",)}},
}
_PRODUCTS = [
    ("83367", "83367", "", "atorvastatin"),
    ("617311", "83367", "oral", "atorvastatin 40 MG Oral Tablet"),
    ("617312", "83367", "oral", "atorvastatin 10 MG Oral Tablet"),
    ("36567", "36567", "", "simvastatin"),
    ("861007", "6809", "oral", "metformin hydrochloride 500 MG Oral Tablet"),
]


def write_order_library(folder: Path) -> Path:
    """Write the library and return its folder."""
    write_reading_library(folder)
    facts = json.loads((folder / "facts.yaml").read_text(encoding="utf-8"))["facts"]
    orders = {name: {"kind": "order", "title": name.replace("-", " ")} | fact for name, fact in _ORDERS.items()}
    write_json(folder / "facts.yaml", {"facts": facts | orders})
    for name, codes in _CODES.items():
        write_value_set(folder, name, codes)
    header = ("rxcui", "ingredient_rxcuis", "route", "name")
    write_table(folder / "terminology" / "rxnorm-products.csv.gz", header, _PRODUCTS)
    return folder


def a_draft(kind: str, /, **fields: Any) -> Resource:
    """A draft order of this patient; a field given as None is left out."""
    usual = {
        "resourceType": kind,
        "id": "o1",
        "status": "draft",
        "intent": "order",
        "subject": {"reference": f"Patient/{PATIENT}"},
    }
    return {key: value for key, value in (usual | fields).items() if value is not None}


def a_medicine(concept: Resource | None = ATORVASTATIN, /, **fields: Any) -> Resource:
    """A draft of a medicine: atorvastatin."""
    return a_draft("MedicationRequest", **{"medicationCodeableConcept": concept} | fields)


def read_orders(
    pack: Pack,
    *orders: Any,
    patient: Patient | None = None,
    selected: Iterable[str] | None = None,
    **answers: Any,
) -> Reading:
    """Read a call with these draft orders, of a patient whose EHR answers all searches but for the `answers`."""
    patient = patient or a_patient()
    sent = prefetched(patient.prefetch(QUERIES) | answers)
    raw = tuple((None, msgspec.Raw(json.dumps(order).encode())) for order in orders)
    chosen = None if selected is None else frozenset(selected)
    resources = dataclasses.replace(sent, orders=raw, selected=chosen)
    return read_facts(resources, pack, coverage(pack), AS_OF)


def order_of(pack: Pack, *orders: Any, **how: Any) -> DraftOrder:
    """The first of the orders as it was read."""
    return read_orders(pack, *orders, **how).orders[0]


def said_of(order: DraftOrder, fact: str) -> Any:
    """What a fact of an order is: True, a number, a word; False where it is absent, None where it is not known."""
    value = order.facts[fact]
    if isinstance(value, Absent):
        return False
    if isinstance(value, Known) and isinstance(value.value, frozenset):
        return next(iter(value.value))
    return value.value if isinstance(value, Known) else None
