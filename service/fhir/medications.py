"""Medicines: orders and statements, and the Medication they point to."""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from rules.engine.vocabulary import MedicationFact
from service.fhir.chart import Chart, why_none
from service.fhir.concepts import Named, named
from service.fhir.moments import Moment, read_moment
from service.fhir.resources import (
    UNREADABLE,
    CodeableConcept,
    Medication,
    MedicationRequest,
    MedicationStatement,
    Reference,
    decode_header,
    decode_resource,
    local_name,
    many,
)

__all__ = ["NOT_ORDERED", "WithMedicine", "concepts_of", "read_medication"]

_ORDERED = frozenset((None, "order", "original-order", "reflex-order", "filler-order", "instance-order", "option"))
NOT_ORDERED = frozenset(("proposal", "plan"))
_STOPPED = frozenset(("stopped", "completed"))
_NOT_TAKEN = frozenset(("draft", "on-hold", "cancelled", "entered-in-error", "not-taken", "intended"))

Order = MedicationRequest | MedicationStatement


class WithMedicine(Protocol):
    """What names a medicine: by a code, or by a Medication that it points to or holds."""

    medication_codeable_concept: CodeableConcept | None
    medication_reference: Reference | None
    contained: list[msgspec.Raw] | None


def read_medication(chart: Chart, order: Order, medications: Mapping[str, Medication], source: str) -> str | None:
    """
    Offer one order or statement to the classes of its medicine.

    Args:
        medications: those that were sent, by full URL and by "Medication/id".

    Returns:
        Why it does not count, in words of ours; None where it does, or where no fact is read from it.
    """
    if isinstance(order, MedicationRequest):
        if order.do_not_perform:
            return "not to be taken"
        if order.intent not in _ORDERED:
            return order.intent if order.intent in NOT_ORDERED else "not an order"
    if order.status != "active" and order.status not in _STOPPED:
        return order.status if order.status in _NOT_TAKEN else "not active"
    began, ended = _times(order)
    if chart.in_future(began):
        return "dated in the future"
    # The end of an order is the end of its validity; only a statement says until when the medicine was taken.
    over = isinstance(order, MedicationStatement) and chart.is_over(ended)
    taken = order.status == "active" and not over
    what = _drug(chart, order, medications)
    if what is None:
        chart.astray.add(type(order).__name__)
        return "its medicine was not sent"
    if what.denied:
        return "its text denies or doubts it"
    return _offer(chart, what, taken, began if taken else ended, source)


def _offer(chart: Chart, what: Named, taken: bool, moment: Moment | None, source: str) -> str | None:
    """Offer a medicine that is taken since a moment, or was stopped at it; a stop that is still to come has no date."""
    if not taken and chart.in_future(moment):
        moment = None
    facts = [(match.fact, chart.pack.library.facts[match.fact]) for match in what.matches]
    classes = [(name, fact) for name, fact in facts if isinstance(fact, MedicationFact)]
    asked = [(name, fact) for name, fact in classes if (fact.status == "active") is taken]
    if not asked:
        return "not taken now" if classes and not taken else None
    problems = [chart.offer_problem(name, fact.look_back, moment, source, what.from_text) for name, fact in asked]
    return why_none(problems)


def _times(order: Order) -> tuple[Moment | None, Moment | None]:
    """When it began and when it ended, as far as the resource says."""
    if isinstance(order, MedicationRequest):
        period = order.dispense_request.validity_period if order.dispense_request else None
        return read_moment(order.authored_on), read_moment(period.end if period else None)
    period = order.effective_period
    began = order.effective_date_time or (period.start if period else None) or order.date_asserted
    return read_moment(began), read_moment(period.end if period else None)


# ── which medicine ───────────────────────────────────────────────────────────────────────────────────────────────────


def _drug(chart: Chart, order: Order, medications: Mapping[str, Medication]) -> Named | None:
    """
    The classes of a medicine: by its code, else by that of the Medication it points to, else by all its ingredients.

    Returns:
        None where nothing says which it is: it points to a Medication that was not sent, and gives no name of it.
    """
    found = concepts_of(chart, order, medications)
    if found is None:
        return None
    own, parts = found
    said = [named(concept, MedicationFact, chart.pack.terminology) for concept in own]
    for what in said:
        if what.matches and not what.from_text:
            return what
    inside = [named(each, MedicationFact, chart.pack.terminology) for each in parts]
    coded = dict.fromkeys(match for what in inside if not what.from_text for match in what.matches)
    if coded:
        return Named(tuple(coded))
    worded = [what for what in (*said, *inside) if what.matches]
    if worded:
        return Named(tuple(dict.fromkeys(match for what in worded for match in what.matches)), from_text=True)
    return Named(denied=any(what.denied for what in said))


def concepts_of(
    chart: Chart, order: WithMedicine, medications: Mapping[str, Medication]
) -> tuple[list[CodeableConcept], list[CodeableConcept]] | None:
    """
    What an order calls its medicine, and the ingredients of the Medication it points to.

    Returns:
        None where nothing says which it is: it points to a Medication that was not sent, and gives no name of it.
    """
    pointer = order.medication_reference
    medication = _referenced(chart, order, pointer.reference, medications) if pointer and pointer.reference else None
    named_here = CodeableConcept(text=pointer.display) if pointer and pointer.display else None
    own = [order.medication_codeable_concept, medication.code if medication else None, named_here]
    if medication is None and named_here is None and order.medication_codeable_concept is None:
        return None
    parts = [each.item_codeable_concept for each in many(medication.ingredient if medication else None)]
    return [each for each in own if each], [each for each in parts if each]


def _referenced(
    chart: Chart, order: WithMedicine, reference: str, medications: Mapping[str, Medication]
) -> Medication | None:
    if not reference.startswith("#"):
        return medications.get(reference) or medications.get(local_name(reference))
    raw = next((raw for raw in many(order.contained) if decode_header(raw).id == reference[1:]), None)
    try:
        resource = decode_resource(raw) if raw is not None else None
    except UNREADABLE:
        chart.unreadable["Medication"] += 1
        return None
    return resource if isinstance(resource, Medication) else None
