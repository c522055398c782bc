"""From the usable values of a chart to one value per fact, or why there is none."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from rules.engine.facts import Absent, Interval, Known, PatientFacts, Reason, Unknown, Value
from rules.engine.formulas import FORMULAS
from rules.engine.vocabulary import (
    ChangeFact,
    DemographicFact,
    DerivedFact,
    FactDefinition,
    MeasurementFact,
    MedicationFact,
)
from service.fhir.chart import Candidate, Chart
from service.fhir.coverage import Coverage
from service.fhir.results import tidy

__all__ = ["Settled", "settle"]


@dataclass(frozen=True, slots=True)
class Settled:
    """
    What a reading found: enough to have all facts again from the same vocabulary.

    Args:
        states: of each group of the coverage why its look was not complete, or None.
        stated: the facts that the record itself speaks of, and those worked out from them.
    """

    states: tuple[Reason | None, ...]
    stated: Mapping[str, Known | Absent | Unknown]

    def facts(self, coverage: Coverage) -> PatientFacts:
        """All facts: what is stated, and what follows for the others."""
        rest = coverage.defaults(self.states)
        answered, unknown = rest.answered, rest.unknown
        telling = set()
        for name, value in self.stated.items():
            if isinstance(value, Unknown):
                unknown[name] = value
                if answered.pop(name, None):
                    telling.add(name)
            else:
                unknown.pop(name, None)
                answered[name] = value
                telling.add(name)
        return PatientFacts(answered, unknown, rest.complete, frozenset(telling))


_READ_FROM = {
    "answer": ("QuestionnaireResponse",),
    "condition": ("Condition",),
    "demographic": ("Patient",),
    "measurement": ("Observation",),
    "medication": ("MedicationRequest", "MedicationStatement", "Medication"),
    "qualitative": ("Observation",),
    "reason": ("Encounter",),
    "request": ("ServiceRequest",),
}
"""Kind of fact → the resources that could hold it. Something that could not even be told its type could be any."""

_SECONDS_A_DAY = 86_400
_A_DAY = len("2026-11-21")


def settle(chart: Chart, looked: Mapping[str, Reason], coverage: Coverage) -> Settled:
    """
    For each fact of facts.yaml the one value that counts, or why there is none.

    Args:
        looked: search key → how complete the look was.
    """
    facts = chart.pack.library.facts
    _add_symptoms(chart)
    states = coverage.states(looked, {kind: _doubt(chart, resources) for kind, resources in _READ_FROM.items()})
    stated: dict[str, Known | Absent | Unknown] = {
        name: why for name, (_, why) in chart.refused.items() if _leaves_doubt(facts[name], why)
    }
    stated |= {name: _pick(candidates, facts[name]) for name, candidates in chart.found.items()}
    return Settled(states, stated | _worked_out(coverage, stated, coverage.defaults(states).unknown, chart))


def _leaves_doubt(definition: FactDefinition, why: Unknown) -> bool:
    """A problem or medicine that began too long ago is none of the kind asked for; one without a date may be."""
    return definition.kind not in ("condition", "medication") or why.reason is Reason.NO_DATE


def _add_symptoms(chart: Chart) -> None:
    """
    Coded symptoms beside the answers of the intake.

    A yes-or-no question is settled by the newest. Of a choice an answer goes first, since it covers the whole question;
    without one all coded symptoms count together.
    """
    for fact, candidates in chart.symptoms.items():
        words = frozenset[str]().union(*map(_words, candidates))
        if not words:
            chart.found.setdefault(fact, []).extend(candidates)
        elif fact not in chart.found:
            newest = max(candidates, key=Candidate.order)
            chart.offer(fact, Candidate(newest.moment, Known(words, newest.known.date, newest.known.source)))


def _words(candidate: Candidate) -> frozenset[str]:
    """The answers of a choice; none for a yes or no."""
    known = candidate.known
    return known.value if isinstance(known, Known) and isinstance(known.value, frozenset) else frozenset()


# ── which value ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _pick(candidates: list[Candidate], definition: FactDefinition) -> Known | Absent:
    """The newest; of a medicine that is taken the first, since it began then; of two sides the lower newest."""
    if isinstance(definition, MeasurementFact) and definition.pick == "lowest-side":
        sides = {each.side: each for each in sorted(candidates, key=Candidate.order)}
        return min(sides.values(), key=lambda each: (_floor(each.known), each.order())).known
    if isinstance(definition, MedicationFact) and definition.status == "active":
        return min(candidates, key=Candidate.order).known
    return max(candidates, key=Candidate.order).known


def _floor(known: Known | Absent) -> Decimal:
    """The lowest that a value may be."""
    value = known.value if isinstance(known, Known) else Decimal(0)
    if isinstance(value, Interval):
        return value.low if value.low is not None else Decimal(0)
    return value if isinstance(value, Decimal) else Decimal(0)


# ── why there is none ────────────────────────────────────────────────────────────────────────────────────────────────


def _doubt(chart: Chart, resources: tuple[str, ...]) -> Reason | None:
    """Why even a complete look at these resources does not show that there is none."""
    if any(chart.unreadable[kind] for kind in (*resources, "resource")):
        return Reason.UNREADABLE
    return None if chart.astray.isdisjoint(resources) else Reason.INCOMPLETE


# ── worked out from others ───────────────────────────────────────────────────────────────────────────────────────────


def _worked_out(
    coverage: Coverage, stated: Mapping[str, Known | Absent | Unknown], unknown: Mapping[str, Unknown], chart: Chart
) -> dict[str, Known | Absent | Unknown]:
    """The derived facts, each with its value or with why its parts give none."""
    found: dict[str, Known | Absent | Unknown] = {}
    for name, definition in coverage.late:
        if isinstance(definition, ChangeFact):
            parts: tuple[str, ...] = (definition.of,)
            value = _changed(definition, chart.found.get(definition.of, []))
        else:
            parts = (*filter(None, (definition.instead_of,)), *definition.of)
            value = _derived(definition, stated, chart.pack.library.facts)
        found[name] = value or Unknown(_reason_of_parts(stated.get(part) or unknown.get(part) for part in parts))
    return found


def _reason_of_parts(parts: Iterable[Known | Absent | Unknown | None]) -> Reason:
    """Why a value could not be worked out: the first of its parts that says more than that there is none."""
    reasons = (part.reason for part in parts if isinstance(part, Unknown))
    return next((reason for reason in reasons if reason is not Reason.NONE_RECORDED), Reason.NONE_RECORDED)


def _derived(
    definition: DerivedFact, stated: Mapping[str, Known | Absent | Unknown], facts: Mapping[str, FactDefinition]
) -> Known | None:
    """A measured value where there is one, else the formula over the person's age and sex and results of one day."""
    measured = stated.get(definition.instead_of or "")
    if isinstance(measured, Known):
        return measured
    parts = [(name, part) for name in definition.of if isinstance(part := stated.get(name), Known)]
    values = [_argument(part.value) for _, part in parts]
    of_a_day = ((name, part) for name, part in parts if name not in definition.any_day)
    results = [part for name, part in of_a_day if not isinstance(facts[name], DemographicFact)]
    dates = {part.date or "" for part in results}
    if len(parts) != len(definition.of) or None in values or len(dates) != 1 or len(min(dates)) != _A_DAY:
        return None
    value = FORMULAS[definition.formula](*values)
    note = "worked out from " + " and ".join(definition.of)
    return None if value is None else Known(value, results[0].date, results[0].source, note=note)


def _argument(value: Value) -> Decimal | str | None:
    """A number, or the one word of a choice; None for what no formula can use."""
    if isinstance(value, frozenset):
        return next(iter(value)) if len(value) == 1 else None
    return value if isinstance(value, Decimal) else None


def _changed(definition: ChangeFact, candidates: list[Candidate]) -> Known | None:
    """The newest value against the lowest earlier one within the time (the highest, for a fall); None without both."""
    if not candidates:
        return None
    *earlier, newest = sorted(candidates, key=Candidate.order)
    span = float(definition.within) * _SECONDS_A_DAY
    before = [
        each.known.value
        for each in earlier
        if isinstance(each.known, Known)
        and isinstance(each.known.value, Decimal)
        and 0 < newest.moment.stamp - each.moment.stamp <= span
    ]
    known = newest.known
    if not before or not isinstance(known, Known) or not isinstance(known.value, Decimal):
        return None
    lowest, highest = min(before), max(before)
    if definition.by == "rise":
        change = known.value - lowest
    elif lowest <= 0:
        return None
    else:
        change = known.value / lowest if definition.by == "ratio" else 100 * (highest - known.value) / highest
    return Known(tidy(change), known.date, known.source)
