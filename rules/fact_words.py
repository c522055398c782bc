"""Where and how a fact is found in a patient's record, in words for a label."""

from decimal import Decimal

from rules.engine.vocabulary import (
    AnswerFact,
    ChangeFact,
    ConditionFact,
    DemographicFact,
    DerivedFact,
    FactDefinition,
    MeasurementFact,
    MedicationFact,
    OrderFact,
    QualitativeFact,
    RequestFact,
)
from rules.loader import Library
from rules.unit_words import unit_words

__all__ = ["days_in_words", "how_found"]

_CONDITION = {
    "active": "A current Condition with a code of its value sets.",
    "ever": "A Condition, current or past, with a code of its value sets.",
    "reason": "A reason of this encounter with a code of its value sets.",
}
_MEDICATION = {
    "active": "A medicine on the list that is taken now, of its value sets.",
    "stopped": "A medicine of its value sets that was stopped.",
}
_PERSON = {"age": "From Patient.birthDate.", "sex": "From Patient.gender.", "deceased": "From Patient.deceased."}
_ORDER = {
    "what": "The draft order is one of its value sets",
    "reason": "The draft order gives a reason of its value sets",
    "daily-dose": "The most that the dosage instructions of the draft order allow a day.",
    "days": "How long the draft order runs, by its instructions or its supply.",
    "change": "The draft order against the same medicine on the list: start, raise, lower, renew or stop.",
    "taken-already": "Another active order or statement of the same medicine.",
}
_CHANGE = {
    "rise": "The newest result minus the lowest earlier one of",
    "ratio": "The newest result divided by the lowest earlier one of",
    "fall": "By how many percent the newest result lies below the highest earlier one of",
}


def how_found(fact: FactDefinition, library: Library) -> str:
    """One or two sentences."""
    match fact:
        case AnswerFact():
            return f"Answer to the intake question: {library.questions[fact.link_id]}"
        case ConditionFact():
            return f"{_CONDITION[fact.status]} {_none(fact.none_recorded_means_none)}"
        case MedicationFact():
            return f"{_MEDICATION[fact.status]} {_none(fact.none_recorded_means_none)}"
        case MeasurementFact():
            return _measurement(fact)
        case QualitativeFact():
            return "The newest result of its value sets that says yes or no; another word leaves it unknown."
        case DemographicFact():
            return _PERSON[fact.of]
        case DerivedFact():
            return _derived(fact, library)
        case RequestFact() | OrderFact():
            return _order(fact)
        case ChangeFact():
            return f"{_CHANGE[fact.by]} {library.facts[fact.of].title}, within {days_in_words(fact.within)}."


def _order(fact: RequestFact | OrderFact) -> str:
    if isinstance(fact, RequestFact):
        return "An active or completed ServiceRequest with a code of its value sets."
    found = _ORDER[fact.of]
    if fact.of not in ("what", "reason"):
        return found
    words = "; ".join(phrase.replace("|", " or ") for phrase in fact.words)
    return f"{found}{f', or without a known code its text holds: {words}' if words else ''}."


def days_in_words(days: Decimal) -> str:
    """A look-back in words: whole days, or hours."""
    hours = round(days * 24)
    if not hours:
        return "the day of the call"
    number, unit = (hours, "hour") if hours % 24 else (hours // 24, "day")
    return f"{number} {unit}{'' if number == 1 else 's'}"


def _none(believed: bool) -> str:
    if believed:
        return "None recorded after a complete look is believed as none."
    return "None recorded leaves it unknown."


def _measurement(fact: MeasurementFact) -> str:
    which = "The lower of both sides" if fact.pick == "lowest-side" else "The newest result"
    limit = fact.times_upper_limit
    if limit is None:
        return f"{which} of its value sets, converted to its unit."
    assumed = f"{limit.assumed} {unit_words(limit.unit)} is assumed where the report states none"
    return f"{which} of its value sets, as a multiple of the laboratory's own upper limit; {assumed}."


def _derived(fact: DerivedFact, library: Library) -> str:
    parts = "; ".join(library.facts[name].title for name in fact.of)
    before = f" A measured value goes before it: {library.facts[fact.instead_of].title}." if fact.instead_of else ""
    return f"Worked out by the formula {fact.formula} from: {parts}.{before}"
