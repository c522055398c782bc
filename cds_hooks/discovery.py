"""
The discovery document. Prefetch is computed from the facts that active rules read; nobody writes a template by hand.

Templates stay inside the query subset of CDS Hooks 2.0.1: reads, type searches, token equality, dates with ge, _count
and _sort. Dates are absolute: a document read long ago asks for somewhat more than is needed, never for less.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from rules.engine.compiled import module_of
from rules.engine.vocabulary import (
    AnswerFact,
    ChangeFact,
    ConditionFact,
    DemographicFact,
    DerivedFact,
    FactDefinition,
    MeasurementFact,
    MedicationFact,
    QualitativeFact,
    RequestFact,
)
from rules.pack import Pack
from rules.terminology import LOINC

__all__ = [
    "MODULES",
    "ORDER_HOOKS",
    "ORDER_MODULES",
    "PATIENT_MODULES",
    "SERVICES",
    "Query",
    "Service",
    "discovery_document",
    "facts_read",
    "modules_of",
    "queries_of",
]

PATIENT_MODULES = frozenset(("red-flags", "causes"))
"""The rules about a patient."""
ORDER_MODULES = frozenset(("order-checks",))
"""The rules about draft orders."""
MODULES = PATIENT_MODULES | ORDER_MODULES
"""Every rule module; a site may switch one off."""
SAFETY_NET = "safety-net"
"""What is looked up at a discharge beside the rules: whether something was done about a red flag."""
ORDER_HOOKS = frozenset(("order-select", "order-sign"))
_SPANS = (7, 90, 365)
"""Days. Observations are asked for in these few spans, each fact in the shortest that holds its look-back."""
_FOLDER = Path(__file__).parent / "services"


class Service(msgspec.Struct, frozen=True, rename="camel"):
    """One CDS service: a hook under an id of its own, as services/<id>.json says it."""

    id: str
    hook: str
    title: str
    description: str
    usage_requirements: str
    version: str
    hook_version: str


@dataclass(frozen=True, slots=True)
class Query:
    """
    One search or read that the rules need.

    Args:
        key: the prefetch key. type: the FHIR resource type it answers with.
        template: relative URL; `{since}` stands for the date of the look-back.
        facts: the facts it answers.
        look_back: days, or None where age does not matter.
        needed: False for a second source whose absence leaves the look complete.
    """

    key: str
    type: str
    template: str
    facts: frozenset[str]
    look_back: int | None = None
    needed: bool = True

    def url(self, today: date) -> str:
        """The template for one day (UTC): with a day more, since west of it the same moment is still the day before."""
        if self.look_back is None:
            return self.template
        return self.template.replace("{since}", (today - timedelta(days=self.look_back + 1)).isoformat())


def modules_of(hook: str, switched_on: frozenset[str] = MODULES) -> frozenset[str]:
    """The rule modules that answer a hook, and the safety net at a discharge."""
    if hook in ORDER_HOOKS:
        return switched_on & ORDER_MODULES
    net = frozenset((SAFETY_NET,)) if hook == "encounter-discharge" else frozenset[str]()
    return switched_on & PATIENT_MODULES | net


def _services() -> dict[str, Service]:
    found: dict[str, Service] = {}
    for path in sorted(_FOLDER.glob("*.json")):
        service = msgspec.json.decode(path.read_bytes(), type=Service)
        found[service.id] = service
    return found


SERVICES: Mapping[str, Service] = _services()


def facts_read(pack: Pack, modules: frozenset[str] = PATIENT_MODULES) -> frozenset[str]:
    """Every fact that an active rule of these modules reads, those included that derived facts are worked out from."""
    found = {fact for rule, facts in pack.rules.reads.items() if module_of(rule) in modules for fact in facts}
    if "causes" in modules:
        found |= {cause.known_by for cause in pack.rules.causes if cause.known_by}
        served = [part for score in pack.rules.scores.values() if score.serves for part in score.parts]
        found |= {fact for part in served for fact in part.reads}
    if modules != ORDER_MODULES:  # a complaint makes the rules about a patient speak
        found |= pack.rules.complaint.reads
    if SAFETY_NET in modules:
        found |= {fact for net in pack.library.safety_net.values() for fact in net.addressed_by}
    found |= {"age", "deceased"} & set(pack.library.facts)
    queue = list(found)
    while queue:
        definition = pack.library.facts[queue.pop()]
        parts: Iterable[str] = ()
        if isinstance(definition, DerivedFact):
            parts = (*definition.of, *filter(None, (definition.instead_of,)))
        elif isinstance(definition, ChangeFact):
            parts = (definition.of,)
        new = set(parts) - found
        found |= new
        queue += new
    return frozenset(found)


@lru_cache(maxsize=8)
def queries_of(pack: Pack, modules: frozenset[str] = PATIENT_MODULES) -> tuple[Query, ...]:
    """What the active rules of these modules read: one query a resource type, observations by look-back."""
    facts = {name: pack.library.facts[name] for name in sorted(facts_read(pack, modules))}
    return (
        *_patient(facts),
        *_intake(facts, pack.library.intake_url),
        *_encounter(facts),
        *_conditions(facts),
        *_medications(facts),
        *_observations(facts, pack),
        *_symptoms(facts, pack),
        *_requests(facts),
    )


def _of(facts: Mapping[str, FactDefinition], kind: type) -> dict[str, Any]:
    return {name: fact for name, fact in facts.items() if isinstance(fact, kind)}


def _patient(facts: Mapping[str, FactDefinition]) -> Iterable[Query]:
    if found := _of(facts, DemographicFact):
        yield Query("patient", "Patient", "Patient/{{context.patientId}}", frozenset(found))


def _intake(facts: Mapping[str, FactDefinition], url: str) -> Iterable[Query]:
    if found := _of(facts, AnswerFact):
        template = (
            f"QuestionnaireResponse?patient={{{{context.patientId}}}}&questionnaire={url}"
            "&status=completed,amended&authored=ge{since}&_sort=-authored&_count=10"
        )
        yield Query("intake", "QuestionnaireResponse", template, frozenset(found), _longest(found.values()))


def _encounter(facts: Mapping[str, FactDefinition]) -> Iterable[Query]:
    found = frozenset(name for name, fact in _of(facts, ConditionFact).items() if fact.status == "reason")
    if found:
        yield Query("encounter", "Encounter", "Encounter/{{context.encounterId}}", found)


def _conditions(facts: Mapping[str, FactDefinition]) -> Iterable[Query]:
    found = frozenset(name for name, fact in _of(facts, ConditionFact).items() if fact.status != "reason")
    if found:
        yield Query("conditions", "Condition", "Condition?patient={{context.patientId}}&_count=500", found)


def _medications(facts: Mapping[str, FactDefinition]) -> Iterable[Query]:
    found = _of(facts, MedicationFact)
    if not found:
        return
    statuses = "active" + (",completed,stopped" if any(fact.status == "stopped" for fact in found.values()) else "")
    for key, kind in (("medications", "MedicationRequest"), ("medication-statements", "MedicationStatement")):
        template = f"{kind}?patient={{{{context.patientId}}}}&status={statuses}&_count=200"
        yield Query(key, kind, template, frozenset(found), needed=key == "medications")


def _requests(facts: Mapping[str, FactDefinition]) -> Iterable[Query]:
    if found := _of(facts, RequestFact):
        template = (
            "ServiceRequest?patient={{context.patientId}}&status=active,completed&authored=ge{since}&_sort=-authored"
            "&_count=100"
        )
        days = max(math.ceil(fact.look_back) for fact in found.values())
        yield Query("requests", "ServiceRequest", template, frozenset(found), days)


def _observations(facts: Mapping[str, FactDefinition], pack: Pack) -> Iterable[Query]:
    measured = {**_of(facts, MeasurementFact), **_of(facts, QualitativeFact)}
    by_days: dict[int, list[str]] = {}
    for name, fact in measured.items():
        days = math.ceil(fact.look_back)
        by_days.setdefault(next((each for each in _SPANS if days <= each), days), []).append(name)
    codes: dict[str, set[str]] = {}
    for (system, code), matches in pack.terminology.exact.items():
        if system == LOINC:
            for match in matches:
                codes.setdefault(match.fact, set()).add(code)
    for days, names in sorted(by_days.items()):
        found = sorted({code for name in names for code in codes.get(name, ())})
        listed = ",".join(f"{LOINC}|{code}" for code in found)
        template = (
            f"Observation?patient={{{{context.patientId}}}}&code={listed}&date=ge{{since}}&_sort=-date&_count=200"
        )
        yield Query(f"observations-{days}-days", "Observation", template, frozenset(names), days)


def _symptoms(facts: Mapping[str, FactDefinition], pack: Pack) -> Iterable[Query]:
    """Answers that were charted as coded observations; without them the intake is still a complete look."""
    answers = _of(facts, AnswerFact)
    coded = {key: [s.fact for s in each if s.fact in answers] for key, each in pack.terminology.symptoms.items()}
    found = frozenset(fact for each in coded.values() for fact in each)
    if found:
        codes = ",".join(f"{system}|{code}" for (system, code), each in sorted(coded.items()) if each)
        template = f"Observation?patient={{{{context.patientId}}}}&code={codes}&date=ge{{since}}&_sort=-date&_count=100"
        days = _longest(answers[name] for name in found)
        yield Query("symptoms", "Observation", template, found, days, needed=False)


def _longest(facts: Iterable[AnswerFact]) -> int:
    """Days of the longest look-back."""
    return max(math.ceil(fact.look_back) for fact in facts)


def discovery_document(pack: Pack, today: date, modules: frozenset[str] = MODULES) -> dict[str, Any]:
    """The body of GET /cds-services for one day, with these rule modules switched on."""
    return {"services": [_described(service, pack, today, modules) for service in SERVICES.values()]}


def _described(service: Service, pack: Pack, today: date, modules: frozenset[str]) -> dict[str, Any]:
    queries = queries_of(pack, modules_of(service.hook, modules))
    described: dict[str, Any] = msgspec.to_builtins(service)
    return described | {"prefetch": {query.key: query.url(today) for query in queries}}
