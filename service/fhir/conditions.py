"""Conditions of the problem list, and the reason of a visit."""

from collections.abc import Iterator, Mapping

from rules.engine.vocabulary import ConditionFact
from rules.terminology import Match
from service.fhir.chart import Chart, why_none
from service.fhir.concepts import Named, named
from service.fhir.moments import Moment, read_moment
from service.fhir.resources import CodeableConcept, Condition, Encounter, codings, given, local_name, many

__all__ = ["read_condition", "read_encounter"]

_CURRENT = frozenset(("", "active", "recurrence", "relapse"))
_REFUTED = frozenset(("refuted", "entered-in-error"))
_NO_VISIT = frozenset(("cancelled", "entered-in-error"))


def read_condition(chart: Chart, condition: Condition, source: str) -> str | None:
    """
    Offer one Condition to the facts it stands for.

    One that is resolved, inactive or told of the past counts only for facts that ask whether there ever was one.

    Returns:
        Why it does not count, in words of ours; None where it does, or where no fact is read from it.
    """
    if (verified := _status(condition.verification_status)) in _REFUTED:
        return verified
    if condition.code is None:
        return "no code"
    moment = _began(condition) or (chart.now if source in chart.created else None)
    if chart.in_future(moment):
        return "dated in the future"
    what = named(condition.code, ConditionFact, chart.pack.terminology)
    if what.denied:
        return "its text denies or doubts it"
    current = _status(condition.clinical_status) in _CURRENT and not _is_over(chart, condition) and not what.past
    if current:
        chart.offer_symptoms(condition.code, moment, source)
    facts = [(match, fact) for match, fact in _asked(chart, what) if fact.status != "reason"]
    asked = [(match, fact) for match, fact in facts if current or fact.status == "ever"]
    if facts and not asked:
        return "not current"
    problems = [
        chart.offer_problem(match.fact, fact.look_back, moment, source, what.from_text) for match, fact in asked
    ]
    return why_none(problems)


def _asked(chart: Chart, what: Named) -> list[tuple[Match, ConditionFact]]:
    facts = chart.pack.library.facts
    return [(match, fact) for match in what.matches if isinstance(fact := facts[match.fact], ConditionFact)]


def _status(concept: CodeableConcept | str | None) -> str:
    """A status as its code, or as its text where it has none; empty where none is given."""
    if concept is None or isinstance(concept, str):
        return (concept or "").lower()
    code = next((str(coding.code) for coding in codings(concept) if coding.code), concept.text or "")
    return code.strip().lower().replace(" ", "-")


def _began(condition: Condition) -> Moment | None:
    period = condition.onset_period
    return read_moment(condition.onset_date_time or (period.start if period else None) or condition.recorded_date)


def _is_over(chart: Chart, condition: Condition) -> bool:
    """Whether it has abated; an end that is still to come (of a pregnancy) does not count."""
    period = condition.abatement_period
    ends = [condition.abatement_date_time, (period.end or period.start) if period else None]
    stated = (condition.abatement_age, condition.abatement_range, condition.abatement_string)
    return any(end and not chart.in_future(read_moment(end)) for end in ends) or any(given(raw) for raw in stated)


def read_encounter(chart: Chart, encounter: Encounter, conditions: Mapping[str, Condition], source: str) -> str | None:
    """
    Offer the reasons of one visit to the facts that ask for the reason of this visit.

    Args:
        conditions: those that were sent, by full URL and by "Condition/id".

    Returns:
        Why it does not count, in words of ours; None where it does, or where no fact is read from it.
    """
    if encounter.status in _NO_VISIT:
        return encounter.status
    period = encounter.period
    start = read_moment(period.start if period else None)
    end = read_moment(period.end if period else None) or (start if encounter.status == "finished" else None)
    if chart.is_over(end):
        return "over before today"
    if chart.in_future(start):
        return "dated in the future"
    for concept in (*many(encounter.reason_code), *_pointed_at(chart, encounter, conditions)):
        what = named(concept, ConditionFact, chart.pack.terminology)
        for match, fact in _asked(chart, what):
            if fact.status == "reason" and not what.past:
                chart.offer_problem(match.fact, fact.look_back, start, source, what.from_text)
    return None


def _pointed_at(
    chart: Chart, encounter: Encounter, conditions: Mapping[str, Condition]
) -> Iterator[CodeableConcept | None]:
    """The reasons that a visit only points to: what the Condition says, else the text beside the pointer."""
    for pointer in many(encounter.reason_reference):
        name = pointer.reference or ""
        condition = conditions.get(name) or conditions.get(local_name(name))
        if condition is not None:
            yield condition.code if _status(condition.verification_status) not in _REFUTED else None
        elif pointer.display:
            yield CodeableConcept(text=pointer.display)
        else:
            chart.astray.add("Encounter")
