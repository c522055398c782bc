"""
Coded cases: what resources under one code are read as, through the real readers of a record and of draft orders.

They stand apart from the value sets, so that a code that was changed, lost or added there is noticed here (ADR 6).
conditions.ini, medicines.ini, results.ini and services.ini hold them by the facts that a code gives, of the record and
of a draft order, so that a person sees at once a name that does not belong there:

    [heart-failure, heart-failure-ever]
    snomed 84114007 = Heart failure

    [d-dimer]
    loinc 48065-7 0.5 ug/mL{FEU} = Fibrin D-dimer FEU ...      a result has a value and a unit, or a word

    [lithium, order-lithium, order-medicine]                   a medicine or service is also ordered,
    rxnorm 6448 = lithium                                      and a condition is also the reason of an order

`no x` is an answer of no, `location: calf` an answer of a choice, and [nothing] holds neighbors that must give nothing.
Products (RxNorm clinical drugs and NDC) are too many; tests/library/test_terminology.py samples them.
"""

import dataclasses
import json
from collections.abc import Iterator
from configparser import ConfigParser
from dataclasses import dataclass
from pathlib import Path

import msgspec

from rules.engine.facts import Absent, DraftOrder, Known, Unknown
from rules.pack import Pack
from rules.terminology import ATC, ICD10, ICD10CM, LOINC, RXNORM, SNOMED
from service.fhir.coverage import Coverage
from service.fhir.read_facts import read_facts
from tests.builders import AS_OF, Resource, a_bundle, coded, day, quantity
from tests.service.fhir.reading import prefetched

__all__ = ["KINDS", "SYSTEMS", "CodedCase", "coded_cases", "facts_read"]

KINDS = ("conditions", "medicines", "results", "services")
SYSTEMS = {"snomed": SNOMED, "icd-10-cm": ICD10CM, "icd-10": ICD10, "rxnorm": RXNORM, "atc": ATC, "loinc": LOINC}
_NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class CodedCase:
    """A code with its name, for a result its value, and every fact that a resource under this code gives."""

    kind: str
    system: str
    code: str
    value: str
    display: str
    facts: frozenset[str]


def coded_cases() -> Iterator[CodedCase]:
    """All cases, in the order of the files."""
    for kind in KINDS:
        table = ConfigParser(delimiters=("=",), interpolation=None, comment_prefixes=("#",), default_section="")
        table.optionxform = str  # type: ignore[assignment,method-assign]  # keeps capitals
        table.read_string((Path(__file__).parent / f"{kind}.ini").read_text(encoding="utf-8"))
        for section in table.sections():
            facts = frozenset(section.split(", ")) - {_NOTHING}
            for key, display in table.items(section):
                system, code, value = (*key.split(" ", 2), "")[:3]
                yield CodedCase(kind, SYSTEMS[system], code, value, display, facts)


def facts_read(pack: Pack, coverage: Coverage, case: CodedCase) -> frozenset[str]:
    """What is read where nothing is sent but resources and an order of today under the code, without any wording."""
    sent = prefetched({"all": a_bundle(_resources(case))})
    orders = tuple((None, msgspec.Raw(json.dumps(each).encode())) for each in _orders(case))
    reading = read_facts(dataclasses.replace(sent, orders=orders), pack, coverage, AS_OF)
    stated = {**reading.settled.stated}
    for order in reading.orders:
        stated |= _ordered(pack, order)
    return frozenset(word for name, fact in stated.items() for word in _words(name, fact))


def _ordered(pack: Pack, order: DraftOrder) -> dict[str, Known]:
    """What is ordered and why; the rest of an order does not hang on its code alone."""
    asked = {name for name, fact in pack.order_facts.items() if fact.of in ("what", "reason")}
    return {name: fact for name, fact in order.facts.items() if name in asked and isinstance(fact, Known)}


def _words(name: str, fact: Known | Absent | Unknown) -> Iterator[str]:
    if isinstance(fact, Absent):
        yield f"no {name}"
    elif isinstance(fact, Known):
        yield from (f"{name}: {word}" for word in fact.value) if isinstance(fact.value, frozenset) else (name,)


def _orders(case: CodedCase) -> tuple[Resource, ...]:
    concept = coded(case.code, case.system)
    draft = {"id": "d", "status": "draft", "intent": "order"}
    if case.kind == "medicines":
        return (draft | {"resourceType": "MedicationRequest", "medicationCodeableConcept": concept},)
    if case.kind == "services":
        return (draft | {"resourceType": "ServiceRequest", "code": concept},)
    return (draft | {"resourceType": "ServiceRequest", "reasonCode": [concept]},) if case.kind == "conditions" else ()


def _resources(case: CodedCase) -> tuple[Resource, ...]:
    concept = coded(case.code, case.system)
    if case.kind == "conditions":
        return (
            {"resourceType": "Condition", "id": "c", "code": concept, "onsetDateTime": day(0)},
            {"resourceType": "Encounter", "id": "e", "status": "in-progress", "reasonCode": [concept]},
        )
    if case.kind == "medicines":
        drug = {"medicationCodeableConcept": concept}
        stopped = {"status": "stopped", "effectivePeriod": {"end": day(0)}}
        return (
            {"resourceType": "MedicationRequest", "id": "r", "status": "active", "intent": "order"} | drug,
            {"resourceType": "MedicationStatement", "id": "s"} | stopped | drug,
        )
    if case.kind == "services":
        asked = {"resourceType": "ServiceRequest", "id": "a", "status": "active", "intent": "order", "code": concept}
        return (asked | {"authoredOn": day(0)},)
    result = {"resourceType": "Observation", "id": "o", "status": "final", "effectiveDateTime": day(0)}
    return (result | {"code": concept} | _value(case.value),)


def _value(written: str) -> Resource:
    """A number with its unit, which is its own upper limit of normal; else a word or the code of one."""
    number, _, unit = written.partition(" ")
    if not unit:
        return {"valueString": written}
    measured = quantity(float(number), unit)
    return {"valueQuantity": measured, "referenceRange": [{"high": measured}]}
