"""
Draft orders as facts: what is ordered and why, how much, how it stands to what is taken now. Pure.

    context.draftOrders ──▶ each order alone ──▶ order facts
                                            └──▶ the medicines taken, as they are for this order

Orders of real clients lack much: a Bundle without a type, no intent, no medicine yet. What is not said stays unknown.

Source: hl7.org/fhir/R4 request resources; cds-hooks.hl7.org order-select and order-sign.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

import msgspec

from rules.engine.facts import Absent, DraftOrder, Known
from rules.engine.vocabulary import MedicationFact, OrderFact
from rules.pack import Pack
from rules.terminology import words_of
from service.fhir.chart import Candidate, Chart, safe_reference
from service.fhir.concepts import named
from service.fhir.dosage import Dispense, days_of, milligrams_a_day, strength_in
from service.fhir.medications import NOT_ORDERED, concepts_of
from service.fhir.moments import read_moment
from service.fhir.resources import (
    UNREADABLE,
    CodeableConcept,
    Condition,
    Lean,
    Medication,
    Period,
    Reference,
    codings,
    decode_header,
    local_name,
    many,
    type_of,
    wordings,
)

__all__ = ["ORDERED", "Entry", "read_orders"]

ORDERED = frozenset(("MedicationRequest", "DeviceRequest", "ServiceRequest", "NutritionOrder", "CommunicationRequest"))
"""The resources that are orders here."""

Entry = tuple[str | None, msgspec.Raw]
_STOPS = frozenset(("stopped", "cancelled", "revoked", "on-hold"))
_MEDICINES = frozenset(("MedicationRequest", "MedicationStatement"))
_DENIED = frozenset(("no", "not", "remove", "discontinue", "stop", "avoid"))
_DRAFT = frozenset((None, "draft"))
_WITHOUT = re.compile(r"\bw/o\b", re.IGNORECASE)
"""It would be read as the words w and o, and w is "with"."""
_ABSENT = Absent()
_ID = re.compile(r"(?!\.+$)[A-Za-z0-9\-._:]{1,256}")
"""An id that can be given back in an answer as it is."""


class _Diet(Lean):
    type: list[CodeableConcept | None] | CodeableConcept | None = None


class _Supplement(Lean):
    type: CodeableConcept | None = None
    product_name: str | None = None


class _Payload(Lean):
    content_string: str | None = None


class _Order(Lean):
    """The fields of all kinds of orders, and of the statements that they are compared with."""

    resource_type: str
    id: str | None = None
    status: str | None = None
    intent: str | None = None
    do_not_perform: bool | None = None
    subject: Reference | None = None
    contained: list[msgspec.Raw] | None = None
    medication_codeable_concept: CodeableConcept | None = None
    medication_reference: Reference | None = None
    code: CodeableConcept | None = None
    code_codeable_concept: CodeableConcept | None = None
    code_reference: Reference | None = None
    order_detail: list[CodeableConcept | None] | CodeableConcept | None = None
    oral_diet: _Diet | None = None
    supplement: list[_Supplement | None] | _Supplement | None = None
    payload: list[_Payload | None] | _Payload | None = None
    reason_code: list[CodeableConcept | None] | CodeableConcept | None = None
    reason_reference: list[Reference | None] | Reference | None = None
    dosage_instruction: list[msgspec.Raw] | None = None
    dosage: list[msgspec.Raw] | None = None
    dispense_request: Dispense | None = None
    prior_prescription: Reference | None = None
    effective_period: Period | None = None

    @property
    def reference(self) -> str:
        return f"{self.resource_type}/{self.id}" if self.id else self.resource_type

    def is_of(self, names: frozenset[str]) -> bool:
        """Whether it is of the patient who may be called so; one that names nobody is."""
        subject = self.subject.reference if self.subject else None
        return subject is None or subject in names or local_name(subject) in names

    @property
    def stops(self) -> bool:
        return bool(self.do_not_perform) or self.status in _STOPS

    @property
    def may_name_medicine(self) -> bool:
        """A name in the text of a service is not believed: "Lithium level" is no order of lithium."""
        return self.resource_type != "ServiceRequest"

    @property
    def instructions(self) -> list[msgspec.Raw]:
        return [*many(self.dosage_instruction), *many(self.dosage)]


_decoder = msgspec.json.Decoder(_Order)


@dataclass(frozen=True, slots=True)
class _Read:
    """
    One order, understood.

    Args:
        facts: order facts by id. classes: the medicine facts that it would make true.
        ingredients: of its medicine; empty where they are not known. dose: mg a day.
    """

    order: _Order
    facts: dict[str, Known | Absent | None]
    classes: frozenset[str] = frozenset()
    ingredients: frozenset[str] = frozenset()
    dose: Decimal | None = None


@dataclass(frozen=True, slots=True)
class _Beside:
    """What an order is read with: the medicines and problems that it may point to, and what is taken now."""

    medications: Mapping[str, Medication]
    conditions: Mapping[str, Condition]
    taken: list["_Read"] = field(default_factory=list)

    def holds_all(self, classes: frozenset[str]) -> bool:
        """Whether every medicine of these classes that is taken is known by its ingredients, not by a wording alone."""
        return all(each.ingredients or classes.isdisjoint(each.classes) for each in self.taken)


def read_orders(
    chart: Chart,
    drafts: Iterable[Entry],
    selected: frozenset[str] | None,
    record: Iterable[Entry],
    medications: Mapping[str, Medication],
    conditions: Mapping[str, Condition],
    names: frozenset[str],
    complete: bool,
) -> tuple[DraftOrder, ...]:
    """
    The orders that are to be checked, each with the facts as they are for it.

    Args:
        drafts: of the call, with the Medications among them. selected: "Type/id" of those that are asked about; None
            for all.
        record: the resources of the record. medications, conditions: of both, by full URL and "Type/id".
        names: what the patient may be called. complete: the list of medicines was looked through completely.
    """
    beside = _Beside(medications, conditions)
    beside.taken.extend(_taken(chart, record, beside, names))
    drafts = list(drafts)
    if selected is not None and (lost := selected - set(_names(drafts))):
        chart.unreadable["selected order"] += len(lost)
    read = [_read(chart, order, beside, complete) for order in _decode(chart, drafts, names)]
    references = _references([each.order for each in read])
    return tuple(
        DraftOrder(
            reference,
            each.facts | _medicines(chart, each, [other for other in read if other is not each], complete),
            each.order.stops,
            each.order.status in _DRAFT and "/" in reference,
        )
        for each, reference in zip(read, references, strict=True)
        if selected is None or each.order.reference in selected
    )


def _names(drafts: Iterable[Entry]) -> Iterator[str]:
    headers = (decode_header(raw) for _, raw in drafts)
    return (f"{each.resource_type}/{each.id}" for each in headers)


def _references(orders: list[_Order]) -> list[str]:
    """What each order is called in the answer: by its id; by its place where that cannot be given back or is taken."""
    times = Counter(order.reference for order in orders)
    return [
        order.reference
        if times[order.reference] == 1 and _ID.fullmatch(order.id or "")
        else f"{order.resource_type}#{place}"
        for place, order in enumerate(orders, 1)
    ]


def _decode(chart: Chart, drafts: Iterable[Entry], names: frozenset[str]) -> Iterator[_Order]:
    for _, raw in drafts:
        kind = type_of(raw)
        if kind not in ORDERED:
            if kind != "Medication":
                chart.left_out["draft order: not of a kind that is checked"] += 1
            continue
        try:
            order = _decoder.decode(raw)
        except UNREADABLE:
            chart.unreadable[f"draft {kind}"] += 1
            continue
        if not order.is_of(names):
            chart.left_out[f"draft {kind}: another patient"] += 1
        elif order.status == "entered-in-error":
            chart.left_out[f"draft {kind}: entered-in-error"] += 1
        else:
            yield order


def _taken(chart: Chart, record: Iterable[Entry], beside: _Beside, names: frozenset[str]) -> Iterator[_Read]:
    """The medicines of the record that the patient takes now, with ingredients and dose."""
    for _, raw in record:
        if type_of(raw) in _MEDICINES:
            try:
                order = _decoder.decode(raw)
            except UNREADABLE:
                continue  # counted where the record is read
            if order.is_of(names) and _is_taken(chart, order):
                ingredients, dose = _medicine(chart, order, beside)
                classes = frozenset[str]() if ingredients else _classes(chart, _concepts(chart, order, beside))
                yield _Read(order, {}, classes, ingredients, dose)


def _is_taken(chart: Chart, order: _Order) -> bool:
    period = order.effective_period
    over = period is not None and chart.is_over(read_moment(period.end))
    return order.status == "active" and not order.do_not_perform and order.intent not in NOT_ORDERED and not over


# ── one order ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _read(chart: Chart, order: _Order, beside: _Beside, complete: bool) -> _Read:
    pack = chart.pack
    what = _concepts(chart, order, beside)
    ingredients, dose = _medicine(chart, order, beside)
    classes = _classes(chart, what) if order.may_name_medicine else frozenset()
    whole = complete and bool(ingredients) and beside.holds_all(classes)
    same = [each for each in beside.taken if ingredients and each.ingredients == ingredients]
    numbers = {"daily-dose": dose, "days": days_of(order.instructions, order.dispense_request)}
    facts: dict[str, Known | Absent | None] = {}
    ordered, why = _ordered(pack, what, order.may_name_medicine), _reasons(pack, order, beside)
    for name, fact in pack.order_facts.items():
        if fact.of == "what":
            facts[name] = _yes(order) if name in ordered else _ABSENT
        elif fact.of == "reason":
            facts[name] = None if why is None else _yes(order) if name in why.held else why.otherwise
        elif fact.of == "change":
            facts[name] = _change(order, dose, same, whole)
        elif fact.of == "taken-already":
            facts[name] = _taken_already(order, same, whole)
        else:
            number = numbers[fact.of]
            facts[name] = None if number is None else Known(number.normalize() + 0, source=_source(order))
    return _Read(order, facts, classes, ingredients, dose)


def _source(order: _Order) -> str:
    return safe_reference(order.reference)


def _yes(order: _Order) -> Known:
    return Known(True, source=_source(order))


def _concepts(chart: Chart, order: _Order, beside: _Beside) -> list[CodeableConcept]:
    """Everything that says what is ordered."""
    found = concepts_of(chart, order, beside.medications) if order.resource_type in _MEDICINES else None
    listed = [*found[0], *found[1]] if found else []
    listed += [each for each in (order.code, order.code_codeable_concept) if each]
    listed += many(order.order_detail)
    if order.code_reference and order.code_reference.display:
        listed.append(CodeableConcept(text=order.code_reference.display))
    listed += many(order.oral_diet.type if order.oral_diet else None)
    for each in many(order.supplement):
        listed += [each.type] if each.type else []
        listed += [CodeableConcept(text=each.product_name)] if each.product_name else []
    listed += [CodeableConcept(text=each.content_string) for each in many(order.payload) if each.content_string]
    return listed


def _ordered(pack: Pack, what: list[CodeableConcept], by_name: bool = True) -> frozenset[str]:
    """
    The order facts that hold: by code; by name (if it is believed) or by words where no code is known, or where a fact
    has none.
    """
    found: set[str] = set()
    for concept in what:
        said = named(concept, OrderFact, pack.orders.codes)
        found |= {match.fact for match in said.matches if by_name or not said.from_text}
        found |= _by_words(pack, wordings(concept), coded=bool(said.matches) and not said.from_text)
    return frozenset(found)


def _by_words(pack: Pack, texts: Iterable[str], coded: bool) -> set[str]:
    """Args: coded: a code told what it is, so that only the facts without codes are sought in the text."""
    found = set()
    for words in (frozenset(words_of(_WITHOUT.sub("without", text))) for text in texts):
        if _DENIED.isdisjoint(words):
            found |= {
                name
                for name, fact in pack.order_facts.items()
                if not (coded and fact.value_set)
                for phrase in fact.words
                if all(not words.isdisjoint(one.split("|")) for one in phrase.split(" "))
            }
    return found


class _Why(NamedTuple):
    """
    Args: held: the order facts that the stated reasons stand for. otherwise: what is known of the others; None where a
    reason points to a problem that was not sent.
    """

    held: frozenset[str]
    otherwise: Absent | None


def _reasons(pack: Pack, order: _Order, beside: _Beside) -> _Why | None:
    """None where no reason is stated."""
    stated: list[CodeableConcept] = many(order.reason_code)
    otherwise: Absent | None = _ABSENT
    for each in many(order.reason_reference):
        name = each.reference or ""
        problem = beside.conditions.get(name) or beside.conditions.get(local_name(name))
        told = [problem.code] if problem and problem.code else []
        told += [CodeableConcept(text=each.display)] if each.display else []
        stated += told
        otherwise = otherwise if told else None
    return _Why(_ordered(pack, stated), otherwise) if stated else None


def _classes(chart: Chart, what: list[CodeableConcept]) -> frozenset[str]:
    """The facts of medicines that hold once the order is carried out."""
    facts = chart.pack.library.facts
    said = [named(concept, MedicationFact, chart.pack.terminology) for concept in what]
    matches = (match.fact for each in said for match in each.matches)
    return frozenset(
        name for name in matches if isinstance(fact := facts[name], MedicationFact) and fact.status == "active"
    )


def _medicine(chart: Chart, order: _Order, beside: _Beside) -> tuple[frozenset[str], Decimal | None]:
    """The ingredients of what is ordered or taken, and the most of it that may be taken a day, in mg."""
    found = concepts_of(chart, order, beside.medications)
    if found is None:
        return frozenset(), None
    orders = chart.pack.orders
    own, parts = ([(c.system, str(c.code)) for each in side for c in codings(each) if c.code] for side in found)
    ingredients = frozenset(each for code in own for each in orders.ingredients_of(*code))
    ingredients = ingredients or frozenset(each for code in parts for each in orders.ingredients_of(*code))
    listed = {strength for code in own if (strength := orders.strength_of(*code)) is not None}
    strength = listed.pop() if len(listed) == 1 else strength_in(text for each in found[0] for text in wordings(each))
    return ingredients, milligrams_a_day(order.instructions, strength)


# ── beside what is taken now ─────────────────────────────────────────────────────────────────────────────────────────


def _change(order: _Order, dose: Decimal | None, same: list[_Read], whole: bool) -> Known | None:
    """Start, raise, lower, renew or stop; None where it cannot be told. whole: all that could be the same is known."""
    if order.stops:
        return Known(frozenset(("stop",)), source=_source(order))
    if not same:
        return Known(frozenset(("start",)), source=_source(order)) if whole else None
    doses = {each.dose for each in same}
    before = doses.pop() if len(doses) == 1 else None
    if dose is None or before is None:
        return None
    word = "raise" if dose > before else "lower" if dose < before else "renew"
    return Known(frozenset((word,)), source=safe_reference(same[0].order.reference))


def _taken_already(order: _Order, same: list[_Read], whole: bool) -> Known | Absent | None:
    """Whether the list of medicines holds the same one, other than the order itself or the one that it continues."""
    prior = order.prior_prescription.reference if order.prior_prescription else None
    known = {order.reference if order.id else None, local_name(prior or "")}
    others = [each for each in same if each.order.reference not in known]
    if others:
        return Known(True, source=safe_reference(others[0].order.reference))
    return _ABSENT if whole else None


def _medicines(chart: Chart, one: _Read, others: list[_Read], complete: bool) -> dict[str, Known | Absent | None]:
    """The medicine facts that are another for this order: without itself, with those ordered beside it."""
    own = _source(one.order)
    changed: dict[str, Known | Absent | None] = {}
    for name in one.classes:
        candidates = chart.found.get(name, [])
        left = [each for each in candidates if each.known.source != own or not one.order.id]
        if len(left) < len(candidates):
            known = min(left, key=Candidate.order).known if left else None
            changed[name] = known or (_ABSENT if complete else None)
    for other in others:
        if not other.order.stops:
            beside = Known(True, source=_source(other.order), days=Decimal(0), note="ordered beside it")
            for name in other.classes:
                if changed.get(name, _first(chart, name)) in (None, _ABSENT):
                    changed[name] = beside
    return changed


def _first(chart: Chart, name: str) -> Known | Absent | None:
    found = chart.found.get(name)
    return min(found, key=Candidate.order).known if found else None
