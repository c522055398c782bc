"""
FHIR R4 in, facts out: one pass over the resources, one dictionary look-up per coding. Pure.

Every resource that does not count is left out with its reason, and the reasons are counted for the record. Patient data
never raises: what cannot be read makes a fact Unknown.

    decode each entry alone ──▶ read each resource into a Chart ──▶ settle each fact
                                observations, conditions, medications, answers

Source: hl7.org/fhir/R4 (status value sets).
"""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from rules.engine.facts import DraftOrder, PatientFacts, Reason
from rules.pack import Pack
from service.fhir.answers import read_intake
from service.fhir.chart import Chart, safe_reference
from service.fhir.conditions import read_condition, read_encounter
from service.fhir.coverage import Coverage
from service.fhir.demographics import read_patient
from service.fhir.gather import PatientResources
from service.fhir.medications import read_medication
from service.fhir.observations import read_observation
from service.fhir.orders import read_orders
from service.fhir.requests import read_request
from service.fhir.resources import (
    UNREADABLE,
    Condition,
    Encounter,
    Medication,
    MedicationRequest,
    MedicationStatement,
    Observation,
    Patient,
    QuestionnaireResponse,
    ServiceRequest,
    decode_resource,
    kind_of,
    local_name,
    type_of,
)
from service.fhir.settle import Settled, settle

__all__ = ["Reading", "read_facts"]

_MEDICINES = "medications"
"""The search whose complete answer is the list of what is taken now."""
_HOLD_MEDICINES = ("MedicationRequest", "MedicationStatement", "Medication", "resource")
"""Where one of these could not be read, even the complete list does not show what is not taken."""
_PICTURES = frozenset(("ImagingStudy", "Media"))

Clinical = (
    Observation
    | Condition
    | MedicationRequest
    | MedicationStatement
    | QuestionnaireResponse
    | Encounter
    | ServiceRequest
)


@dataclass(frozen=True, slots=True)
class Reading:
    """
    The facts of one patient, and what was not used on the way.

    Args:
        facts: every fact of facts.yaml, known or not. settled: the same, as it is kept.
        left_out: "Observation: preliminary" → how many; resources that were read and do not count.
        unreadable: resource type → how many could not be read at all; `resource` where not even the type could be.
        gaps: search key → why it was not a complete look; only keys that matter.
        wrong_patient: True where a Patient was sent and none was the one of the call.
        has_patient: the Patient of the call was sent.
        orders: the draft orders that are asked about. created: sources of the problems just put on the list.
    """

    facts: PatientFacts
    settled: Settled
    left_out: Mapping[str, int]
    unreadable: Mapping[str, int]
    gaps: Mapping[str, Reason]
    has_patient: bool
    wrong_patient: bool
    orders: tuple[DraftOrder, ...] = ()
    created: frozenset[str] = frozenset()


def read_facts(resources: PatientResources, pack: Pack, coverage: Coverage, as_of: datetime) -> Reading:
    """
    Read all facts from a patient's resources.

    Args:
        resources: as gathered, undecoded.
        pack: facts.yaml, value sets and units.
        coverage: which search covers which fact.
        as_of: moment of the call, with timezone; every look-back is counted from it.
    """
    chart = Chart(pack, as_of, frozenset(safe_reference(each) for each in resources.created))
    record = _decode(resources, chart)
    ours = [(url, patient) for url, patient in record.patients if patient.id == resources.patient_id]
    for _, patient in ours:
        read_patient(chart, patient, safe_reference(f"Patient/{patient.id}"))
    if others := len(record.patients) - len(ours):
        chart.left_out["Patient: another patient"] = others
    names = {f"Patient/{resources.patient_id}", *(url for url, _ in ours if url)}
    for full_url, resource in record.clinical:
        kind = type(resource).__name__
        problem = _read(chart, record, full_url, resource) if _is_of(names, resource) else "another patient"
        if problem:
            chart.left_out[f"{kind}: {problem}"] += 1
    orders = _orders(chart, resources, record, frozenset(names)) if resources.orders else ()
    settled = settle(chart, resources.looked, coverage)
    return Reading(
        settled.facts(coverage),
        settled,
        dict(sorted(chart.left_out.items())),
        dict(sorted(chart.unreadable.items())),
        {key: reason for key, reason in resources.looked.items() if reason is not Reason.NONE_RECORDED},
        has_patient=bool(ours),
        wrong_patient=bool(record.patients) and not ours,
        orders=orders,
        created=chart.created,
    )


def _orders(
    chart: Chart, resources: PatientResources, record: "_Record", names: frozenset[str]
) -> tuple[DraftOrder, ...]:
    """The draft orders, with the Medications that some clients put beside them."""
    beside = _decode(dataclasses.replace(resources, entries=resources.orders), Chart(chart.pack, chart.as_of))
    medications = record.medications | beside.medications
    doubtful = any(chart.unreadable[kind] or kind in chart.astray for kind in _HOLD_MEDICINES)
    complete = resources.looked.get(_MEDICINES) is Reason.NONE_RECORDED and not doubtful
    return read_orders(
        chart,
        resources.orders,
        resources.selected,
        resources.entries,
        medications,
        record.conditions,
        names,
        complete,
    )


def _is_of(names: set[str], resource: Clinical) -> bool:
    """Whether a resource is of the patient: it says so by one of these names, or on another server, or names nobody."""
    reference = resource.subject.reference if resource.subject else None
    if reference is None or reference in names:
        return True
    return local_name(reference) in names


def _read(chart: Chart, record: "_Record", full_url: str | None, resource: Clinical) -> str | None:
    """Read one resource into the chart; returns why it does not count."""
    kind = type(resource).__name__
    source = safe_reference(f"{kind}/{resource.id}" if resource.id else full_url or kind)
    match resource:
        case Observation():
            return read_observation(chart, resource, source)
        case Condition():
            return read_condition(chart, resource, source)
        case MedicationRequest() | MedicationStatement():
            return read_medication(chart, resource, record.medications, source)
        case QuestionnaireResponse():
            return read_intake(chart, resource, source)
        case ServiceRequest():
            return read_request(chart, resource, source)
        case Encounter():
            return read_encounter(chart, resource, record.conditions, source)


# ── decoding ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class _Record:
    """The resources of a record by what is done with them; those that others point to by full URL and "Type/id"."""

    patients: list[tuple[str | None, Patient]] = field(default_factory=list)
    medications: dict[str, Medication] = field(default_factory=dict)
    conditions: dict[str, Condition] = field(default_factory=dict)
    clinical: list[tuple[str | None, Clinical]] = field(default_factory=list)


def _decode(resources: PatientResources, chart: Chart) -> _Record:
    """Decode each entry alone; what cannot be read is counted by type."""
    record = _Record()
    for full_url, raw in resources.entries:
        try:
            resource = decode_resource(raw)
        except UNREADABLE:
            chart.unreadable[kind_of(raw)] += 1
            continue
        if isinstance(resource, Patient):
            record.patients.append((full_url, resource))
        elif isinstance(resource, Medication):
            record.medications.update(dict.fromkeys(_names(full_url, resource), resource))
        elif resource is not None:
            record.clinical.append((full_url, resource))
            if isinstance(resource, Condition):
                record.conditions.update(dict.fromkeys(_names(full_url, resource), resource))
        elif (kind := type_of(raw)) in _PICTURES:
            chart.left_out[f"{kind}: picture, not used"] += 1
    return record


def _names(full_url: str | None, resource: Medication | Condition) -> Iterator[str]:
    """What others may call a resource."""
    if full_url:
        yield full_url
    if resource.id:
        yield f"{type(resource).__name__}/{resource.id}"
