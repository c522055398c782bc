"""From a CodeableConcept to the facts it stands for: codes first, its wording only where no code is known."""

from typing import NamedTuple

from rules.terminology import Match, NamedKind, Terminology
from service.fhir.resources import CodeableConcept, codings, wordings
from service.fhir.wording import read_wordings

__all__ = ["Named", "measured", "named"]


class Named(NamedTuple):
    """
    The facts that a concept stands for.

    Args:
        matches: each fact with the value set it was found in.
        from_text: they were named in its wording.
        past: its wording speaks of the past.
        denied: its wording names something only to deny or doubt it, or as a relative's.
    """

    matches: tuple[Match, ...] = ()
    from_text: bool = False
    past: bool = False
    denied: bool = False


_NOTHING = Named()


def named(concept: CodeableConcept | None, kind: NamedKind, terminology: Terminology) -> Named:
    """The conditions or medicines that a concept stands for."""
    if concept is None:
        return _NOTHING
    if found := _by_code(concept, terminology):
        return Named(found)
    if any(each.code is not None and terminology.knows(each.system, str(each.code)) for each in codings(concept)):
        return _NOTHING
    said = read_wordings(wordings(concept), kind, terminology)
    return Named(said.stated, bool(said.stated), said.past, said.denied)


def measured(concept: CodeableConcept | None, terminology: Terminology) -> Named:
    """
    The measured facts that a concept stands for.

    A text is believed only if it is a name and nothing else, and only beside local codes: a LOINC or SNOMED CT code
    that no value set holds says that something else was measured ("Potassium" in urine).
    """
    if concept is None:
        return _NOTHING
    if found := _by_code(concept, terminology):
        return Named(found)
    if any(terminology.is_standard(coding.system) for coding in codings(concept)):
        return _NOTHING
    for text in wordings(concept):
        if found := terminology.of_measurement_name(text):
            return Named(found, from_text=True)
    return _NOTHING


def _by_code(concept: CodeableConcept, terminology: Terminology) -> tuple[Match, ...]:
    found: tuple[Match, ...] = ()
    listed = concept.coding
    if type(listed) is list and len(listed) == 1 and listed[0] is not None and type(listed[0].code) is str:
        return terminology.of_code(listed[0].system, listed[0].code)  # nearly all of them
    for coding in codings(concept):
        if coding.code is not None:
            found += terminology.of_code(coding.system, str(coding.code))
    return tuple(dict.fromkeys(found)) if len(found) > 1 else found
