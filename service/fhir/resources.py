"""
The FHIR R4 resources that facts are read from, as lean msgspec Structs: only the fields we read, all of them optional.

Real records bend the standard: a coding as an object instead of a list, a null inside a list, a number as a string. The
types allow what is common; anything else makes that one resource unreadable, which is counted, and no other.

Source: hl7.org/fhir/R4; the tolerated deviations were seen in public samples of vendors.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

__all__ = [
    "UNREADABLE",
    "Bundle",
    "BundleEntry",
    "CodeableConcept",
    "Coding",
    "Condition",
    "Encounter",
    "Lean",
    "Medication",
    "MedicationRequest",
    "MedicationStatement",
    "Observation",
    "Patient",
    "Period",
    "Quantity",
    "QuestionnaireResponse",
    "Reference",
    "Resource",
    "ServiceRequest",
    "codings",
    "decode_bundle",
    "decode_header",
    "decode_resource",
    "given",
    "kind_of",
    "local_name",
    "many",
    "type_of",
    "wordings",
]

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding raises on JSON that is not what it should be."""


class Lean(msgspec.Struct, rename="camel", gc=False):
    """Unknown fields are skipped."""


class Coding(Lean):
    system: str | None = None
    code: str | int | None = None
    display: str | None = None


class CodeableConcept(Lean):
    coding: list[Coding | None] | Coding | None = None
    text: str | None = None


class Reference(Lean):
    reference: str | None = None
    display: str | None = None


class Period(Lean):
    start: str | None = None
    end: str | None = None


class Quantity(Lean):
    value: Decimal | None = None
    comparator: str | None = None
    unit: str | None = None
    code: str | None = None


class ReferenceRange(Lean):
    high: Quantity | None = None
    type: CodeableConcept | None = None


class Component(Lean):
    code: CodeableConcept | None = None
    value_quantity: Quantity | None = None
    value_integer: int | None = None
    value_string: str | None = None
    value_boolean: bool | None = None
    value_codeable_concept: CodeableConcept | None = None
    data_absent_reason: CodeableConcept | None = None
    reference_range: list[ReferenceRange | None] | ReferenceRange | None = None


class Observation(Component, tag_field="resourceType", tag="Observation"):
    id: str | None = None
    status: str | None = None
    subject: Reference | None = None
    effective_date_time: str | None = None
    effective_instant: str | None = None
    effective_period: Period | None = None
    issued: str | None = None
    component: list[Component | None] | Component | None = None
    body_site: CodeableConcept | None = None
    value_sampled_data: msgspec.Raw = msgspec.Raw()


class Condition(Lean, tag_field="resourceType", tag="Condition"):
    id: str | None = None
    clinical_status: CodeableConcept | str | None = None
    verification_status: CodeableConcept | str | None = None
    code: CodeableConcept | None = None
    subject: Reference | None = None
    onset_date_time: str | None = None
    onset_period: Period | None = None
    recorded_date: str | None = None
    abatement_date_time: str | None = None
    abatement_period: Period | None = None
    abatement_age: msgspec.Raw = msgspec.Raw()
    abatement_range: msgspec.Raw = msgspec.Raw()
    abatement_string: msgspec.Raw = msgspec.Raw()


class Ingredient(Lean):
    item_codeable_concept: CodeableConcept | None = None


class Medication(Lean, tag_field="resourceType", tag="Medication"):
    id: str | None = None
    code: CodeableConcept | None = None
    ingredient: list[Ingredient | None] | Ingredient | None = None


class DispenseRequest(Lean):
    validity_period: Period | None = None


class MedicationRequest(Lean, tag_field="resourceType", tag="MedicationRequest"):
    id: str | None = None
    status: str | None = None
    intent: str | None = None
    do_not_perform: bool | None = None
    medication_codeable_concept: CodeableConcept | None = None
    medication_reference: Reference | None = None
    contained: list[msgspec.Raw] | None = None
    subject: Reference | None = None
    authored_on: str | None = None
    dispense_request: DispenseRequest | None = None


class MedicationStatement(Lean, tag_field="resourceType", tag="MedicationStatement"):
    id: str | None = None
    status: str | None = None
    medication_codeable_concept: CodeableConcept | None = None
    medication_reference: Reference | None = None
    contained: list[msgspec.Raw] | None = None
    subject: Reference | None = None
    effective_date_time: str | None = None
    effective_period: Period | None = None
    date_asserted: str | None = None


class Answer(Lean):
    value_boolean: bool | None = None
    value_coding: Coding | None = None
    value_string: str | None = None
    value_integer: int | None = None
    value_decimal: Decimal | None = None
    value_date: str | None = None
    item: "list[Item | None] | Item | None" = None


class Item(Lean):
    link_id: str | None = None
    answer: list[Answer | None] | Answer | None = None
    item: "list[Item | None] | Item | None" = None


class QuestionnaireResponse(Lean, tag_field="resourceType", tag="QuestionnaireResponse"):
    id: str | None = None
    questionnaire: str | None = None
    status: str | None = None
    subject: Reference | None = None
    authored: str | None = None
    item: list[Item | None] | Item | None = None


class Encounter(Lean, tag_field="resourceType", tag="Encounter"):
    id: str | None = None
    status: str | None = None
    subject: Reference | None = None
    reason_code: list[CodeableConcept | None] | CodeableConcept | None = None
    reason_reference: list[Reference | None] | Reference | None = None
    period: Period | None = None


class ServiceRequest(Lean, tag_field="resourceType", tag="ServiceRequest"):
    id: str | None = None
    status: str | None = None
    intent: str | None = None
    do_not_perform: bool | None = None
    code: CodeableConcept | None = None
    subject: Reference | None = None
    authored_on: str | None = None


class Patient(Lean, tag_field="resourceType", tag="Patient"):
    id: str | None = None
    birth_date: str | None = None
    gender: str | None = None
    deceased_boolean: bool | None = None
    deceased_date_time: str | None = None


Resource = (
    Observation
    | Condition
    | MedicationRequest
    | MedicationStatement
    | Medication
    | QuestionnaireResponse
    | Encounter
    | ServiceRequest
    | Patient
)


class _Kind(Lean):
    resource_type: str | None = None


class _Header(_Kind):
    id: str | None = None


_NULL = len("null")
_READ = frozenset(kind.__name__ for kind in Resource.__args__)
_resource: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Resource)
_header = msgspec.json.Decoder(_Header)
_kind = msgspec.json.Decoder(_Kind)


def decode_resource(raw: msgspec.Raw | bytes) -> Resource | None:
    """
    One resource, decoded alone.

    Returns:
        None for a type that no fact is read from.

    Raises:
        UNREADABLE: it is no resource at all, or of a type that we read and not what that type should be.
    """
    try:
        resource: Resource = _resource.decode(raw)
    except msgspec.ValidationError:
        if type_of(raw) in _READ | {None}:
            raise
        return None
    return resource


def decode_header(raw: msgspec.Raw | bytes) -> _Header:
    """Type and id of a resource; both None where they cannot be read."""
    try:
        return _header.decode(raw)
    except UNREADABLE:
        return _Header()


def kind_of(raw: msgspec.Raw | bytes) -> str:
    """The type of a resource that cannot be read, in a word of ours: its type if it is one we read, else `resource`."""
    kind = type_of(raw)
    return kind if kind is not None and kind in _READ else "resource"


def type_of(raw: msgspec.Raw | bytes) -> str | None:
    """The type of a resource as it says itself; None where it says none."""
    try:
        return _kind.decode(raw).resource_type
    except UNREADABLE:
        return None


# ── Bundles ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Search(Lean):
    mode: str | None = None


class BundleEntry(Lean):
    """One entry with a resource, which is undecoded."""

    full_url: str | None = None
    resource: msgspec.Raw = msgspec.Raw()
    search: _Search | None = None

    @property
    def mode(self) -> str | None:
        return self.search.mode if self.search else None


@dataclass(frozen=True, slots=True)
class Bundle:
    """
    The entries of a Bundle.

    Args:
        partial: there are more of them elsewhere: a next page, or a larger total.
        resource_type: "Bundle", unless something else was decoded as one.
        next_page: its address; empty where there is a next page whose address is none.
        total: how many matches there are on all pages, where it is said.
    """

    entry: list[BundleEntry]
    partial: bool
    resource_type: str | None
    next_page: str | None = None
    total: int | None = None


class _Page(Lean):
    resource_type: str | None = None
    link: Any = None
    total: Any = None


class _Bundle(_Page):
    entry: list[BundleEntry | None] | None = None


class _LooseBundle(_Page):
    entry: list[msgspec.Raw] | None = None


class _LooseEntry(Lean):
    resource: msgspec.Raw = msgspec.Raw()


_bundle = msgspec.json.Decoder(_Bundle)
_entry = msgspec.json.Decoder(BundleEntry)
_loose_bundle = msgspec.json.Decoder(_LooseBundle)
_loose_entry = msgspec.json.Decoder(_LooseEntry)


def decode_bundle(raw: msgspec.Raw | bytes) -> Bundle:
    """
    A Bundle with its resources still undecoded. An entry that is no entry stands for a resource that cannot be read.

    Raises:
        UNREADABLE: it is no Bundle.
    """
    page: _Page
    try:
        page = bundle = _bundle.decode(raw)
        entries = many(bundle.entry)
    except msgspec.ValidationError:
        page = loose = _loose_bundle.decode(raw)
        entries = [_read_entry(each) for each in loose.entry or ()]
    entries = [entry for entry in entries if given(entry.resource)]
    more = [link.get("url") for link in many(page.link) if isinstance(link, dict) and link.get("relation") == "next"]
    beside = sum(1 for entry in entries if entry.search is not None and entry.search.mode not in (None, "match"))
    total = page.total if isinstance(page.total, int) else None
    less = total is not None and total > len(entries) - beside
    next_page = next((url if isinstance(url, str) else "" for url in more), None)
    return Bundle(entries, bool(more) or less, page.resource_type, next_page, total)


def _read_entry(raw: msgspec.Raw) -> BundleEntry:
    """One entry of a Bundle that holds junk; of an entry that is junk itself, what can be saved."""
    try:
        return _entry.decode(raw)
    except UNREADABLE:
        pass
    try:
        return BundleEntry(resource=_loose_entry.decode(raw).resource)
    except UNREADABLE:
        return BundleEntry(resource=raw)


# ── small readings ───────────────────────────────────────────────────────────────────────────────────────────────────


def given(raw: msgspec.Raw) -> bool:
    """Whether a field that stays undecoded is there and not null."""
    return memoryview(raw).nbytes > _NULL or bytes(raw) not in (b"", b"null")


def many(value: Any) -> list[Any]:
    """A list as it is, a single value as a list of one, nothing as an empty list; nulls inside are dropped."""
    if value is None:
        return []
    return [each for each in value if each is not None] if isinstance(value, list) else [value]


def local_name(reference: str) -> str:
    """A reference without its server and version: "Medication/m1"."""
    return "/".join(reference.split("/_history/")[0].split("/")[-2:])


def codings(concept: CodeableConcept | str | None) -> list[Coding]:
    """The codings of a concept, however they were written."""
    return many(concept.coding) if isinstance(concept, CodeableConcept) else []


def wordings(concept: CodeableConcept | None) -> list[str]:
    """The texts of a concept: its own, then the displays of its codings."""
    if concept is None:
        return []
    return [text for text in (concept.text, *(coding.display for coding in codings(concept))) if text]
