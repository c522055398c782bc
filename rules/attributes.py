"""
The 13 source attributes of an evidence-based decision support intervention, for one rule.

Which data a rule uses is worked out from the facts that it reads, never declared, so that it cannot differ from the
truth. What is not used is said to be so.

Source: 45 CFR 170.315(b)(11)(iv)(A); USCDI for what is an assessment of health status (smoking, alcohol, pregnancy).
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import get_args

import msgspec

from rules.engine.provenance import Change
from rules.engine.rule import Rule, Source
from rules.engine.vocabulary import FactDefinition, SourceAttribute, attribute_of
from rules.loader import Library
from rules.terminology import ICD10CM, ValueSet

__all__ = ["Attribute", "attributes_of"]

_SOCIAL = re.compile(r"Z(5[5-9]|6[0-5])")
"""ICD-10-CM Z55 to Z65: hazards of socioeconomic and psychosocial circumstances."""

_USES: dict[SourceAttribute, str] = {
    "race": "Use of race",
    "ethnicity": "Use of ethnicity",
    "language": "Use of language",
    "sexual-orientation": "Use of sexual orientation",
    "gender-identity": "Use of gender identity",
    "sex": "Use of sex",
    "date-of-birth": "Use of date of birth",
    "social-determinants-of-health": "Use of social determinants of health data",
    "health-status-assessments": "Use of health status assessments data",
}


_HOW: dict[SourceAttribute, str] = {
    "sex": " It is the administrative sex, Patient.gender.",
    "date-of-birth": " It is worked out from Patient.birthDate; of a child nothing is said.",
    "health-status-assessments": " They are answers of the intake, codes that stand for them, or coded assessments.",
}


class Attribute(msgspec.Struct, frozen=True, rename="camel"):
    """
    One source attribute.

    Args:
        text: what is to be said of it; None where the library does not state it, which `recumbent rules check` refuses.
        used: of an attribute on the use of data, whether they are used.
    """

    id: str
    name: str
    text: str | None
    used: bool | None = None


def attributes_of(
    library: Library, rule: Rule, facts: Iterable[str], sources: Sequence[Source], history: Sequence[Change]
) -> tuple[Attribute, ...]:
    """
    All 13, in the order of the regulation.

    Args:
        facts: all that the rule reads. sources: all that it rests on.
        history: newest first; empty where none is written.
    """
    cited = " ".join(f"{each.title}. {each.publisher}, {each.year}." for each in sources) or None
    stated = (
        Attribute("citation", "Bibliographic citation", cited),
        Attribute("developer", "Developer", library.about.developer),
        Attribute("funding", "Funding of the implementation", library.about.funding),
        Attribute("dates", "Release and revision dates", _dates(rule, history)),
    )
    return (*stated, *_uses(library, facts))


def _dates(rule: Rule, history: Sequence[Change]) -> str | None:
    if not history:
        return f"Released {rule.reviewed}; not revised since." if rule.version == 1 else None
    revised = ", ".join(f"{each.date} (version {each.version})" for each in history[:-1])
    return f"Released {history[-1].date}; revised {revised}." if revised else f"Released {history[-1].date}."


def _uses(library: Library, facts: Iterable[str]) -> Iterator[Attribute]:
    titles: dict[SourceAttribute, list[str]] = {name: [] for name in get_args(SourceAttribute)}
    for name in facts:
        for kind in _kinds(library.facts[name], library.value_sets):
            titles[kind].append(library.facts[name].title)
    for kind, used in titles.items():
        yes = f"Yes: {'; '.join(dict.fromkeys(used))}.{_HOW.get(kind, '')}"
        text = yes if used else "No: nothing of this kind is read for this rule."
        yield Attribute(kind, _USES[kind], text, bool(used))


def _kinds(fact: FactDefinition, value_sets: Mapping[str, ValueSet]) -> Iterator[SourceAttribute]:
    kind = attribute_of(fact)
    if kind is not None:
        yield kind
    names: tuple[str, ...] = getattr(fact, "value_set", ())
    if kind != "social-determinants-of-health" and any(_is_social(value_sets[name]) for name in names):
        yield "social-determinants-of-health"


def _is_social(value_set: ValueSet) -> bool:
    codes = [(each.system, each.code) for each in value_set.concepts] + list(value_set.patterns)
    return any(system == ICD10CM and _SOCIAL.match(code) for system, code in codes)
