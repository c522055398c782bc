"""
The label of a rule version: all that a reader needs to judge a rule without its author, as one value.

    library, rule ──▶ labels_of ──▶ Label ──▶ encode ──▶ JSON, kept for ever under its SHA-256

The public page is made from the JSON, so that the label of a rule that is long retired reads like one of today. A field
may be added with a default; none may be renamed or removed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from rules.attributes import Attribute, attributes_of
from rules.engine.compiled import module_of
from rules.engine.provenance import Change
from rules.engine.rule import Case, Rule, ScoreRule, Source
from rules.engine.shape import Threshold
from rules.engine.vocabulary import unit_of
from rules.fact_words import days_in_words, how_found
from rules.loader import Library
from rules.reads import Reads, bounds_of, reads_of
from rules.references import cites_of
from rules.terminology import Symptom, Terminology, ValueSet
from rules.unit_words import unit_words
from rules.words import Section, advice_in_words, definition_in_words, evidence_in_words, logic_in_words

__all__ = ["Label", "decode", "encode", "labels_of"]


class _Part(msgspec.Struct, frozen=True, rename="camel"):
    """A part of a label."""


class Use(_Part, frozen=True):
    """What the module of a rule is meant for, by whom, and what it is not."""

    title: str
    intended_use: str
    user: str
    not_for: str


class Evidence(_Part, frozen=True):
    """A row of evidence: when it holds, and what it then does to the odds."""

    id: str
    weight: str
    group: str | None
    lines: tuple[str, ...]
    cites: tuple[str, ...]


class Number(_Part, frozen=True):
    """A threshold; unit in UCUM."""

    name: str
    value: Decimal
    unit: str
    cites: tuple[str, ...]


class Code(_Part, frozen=True):
    """A code; display is empty where the code system's terms allow none. Of an answer, which one it stands for."""

    system: str
    code: str
    display: str = ""
    answer: str | None = None


class Codes(_Part, frozen=True):
    """A value set: its codes, and prefixes of which all codes belong to it."""

    id: str
    title: str
    version: str
    codes: tuple[Code, ...]
    prefixes: tuple[Code, ...]


class FactRead(_Part, frozen=True):
    """
    A fact that the rule reads.

    Args:
        found: where and how it is found in the record.
        codes_like_answers: codes of Conditions and Observations that count as an answer of the intake.
    """

    id: str
    title: str
    kind: str
    found: str
    unit: str | None
    look_back: str | None
    plausible: str | None
    value_sets: tuple[str, ...]
    codes_like_answers: tuple[Code, ...]


class Linked(_Part, frozen=True):
    """Another rule, in the version that is meant."""

    rule: str
    title: str
    version: int


class Example(_Part, frozen=True):
    """A worked example: facts in, outcome out."""

    name: str
    facts: tuple[str, ...]
    expect: str
    missing: tuple[str, ...]


class Cited(_Part, frozen=True):
    """A source, and where in it."""

    id: str
    title: str
    publisher: str
    year: int
    url: str | None
    where: tuple[str, ...]
    note: str | None


class Revision(_Part, frozen=True):
    """A version of the rule, and which patients then got something else."""

    version: int
    date: str
    change: str


class Label(_Part, frozen=True):
    """The label of one rule version. `format` goes up when the meaning of a field changes."""

    format: int
    rule: str
    title: str
    version: int
    status: str
    reviewed: str
    use: Use
    logic: tuple[Section, ...]
    evidence: tuple[Evidence, ...]
    advice: tuple[Section, ...]
    limits: str
    thresholds: tuple[Number, ...]
    definitions: tuple[Section, ...]
    scores: tuple[Linked, ...]
    facts: tuple[FactRead, ...]
    value_sets: tuple[Codes, ...]
    cases: tuple[Example, ...]
    sources: tuple[Cited, ...]
    attributes: tuple[Attribute, ...]
    history: tuple[Revision, ...]


_ENCODER = msgspec.json.Encoder(decimal_format="number")
_DECODER = msgspec.json.Decoder(Label)


def encode(label: Label) -> bytes:
    """A label as JSON; the same label gives the same bytes."""
    return _ENCODER.encode(label)


def decode(content: bytes) -> Label:
    """A label from its JSON."""
    return _DECODER.decode(content)


def labels_of(library: Library, terminology: Terminology) -> Iterator[Label]:
    """The label of every rule of a library: active, draft or retired."""
    codes = _codes_of_answers(terminology)
    value_sets = {name: _codes(each) for name, each in library.value_sets.items()}
    for module, rule in library.rules():
        yield _label(library, codes, value_sets, module, rule)


def _label(
    library: Library, codes: Mapping[str, Sequence[Code]], value_sets: Mapping[str, Codes], module: str, rule: Rule
) -> Label:
    reads = reads_of(library, rule)
    shared = _shared_thresholds(library, reads)
    cites = [cite for _, cite in cites_of(rule)] + [cite for each in shared.values() for cite in each.cites]
    sources = {name: library.sources[name] for name in sorted({cite.split(" ")[0] for cite in cites})}
    history = library.history.get((module, rule.id), ())
    evidence = evidence_in_words(library, rule)
    sets = {name for fact in reads.facts for name in getattr(library.facts[fact], "value_set", ())}
    return Label(
        format=1,
        rule=f"{module}/{rule.id}",
        title=rule.title,
        version=rule.version,
        status=rule.status,
        reviewed=rule.reviewed,
        use=_use(library, module),
        logic=logic_in_words(library, rule),
        evidence=tuple(Evidence(each.id, each.weight, each.group, each.lines, each.cites) for each in evidence),
        advice=advice_in_words(library, rule),
        limits=rule.limits,
        thresholds=tuple(_number(name, each) for name, each in {**shared, **rule.thresholds}.items()),
        definitions=tuple(definition_in_words(library, name) for name in reads.definitions),
        scores=tuple(_linked(library.scores[name]) for name in reads.scores),
        facts=tuple(_fact(library, name, codes.get(name, ())) for name in reads.facts),
        value_sets=tuple(value_sets[name] for name in sorted(sets)),
        cases=tuple(_example(library, case) for case in library.cases.get((module, rule.id), ())),
        sources=tuple(_cited(name, source, cites) for name, source in sources.items()),
        attributes=attributes_of(library, rule, reads.facts, tuple(sources.values()), history),
        history=_history(rule, history),
    )


def _use(library: Library, module: str) -> Use:
    """Mimics and scores are shown with the causes, and are meant for what these are meant for."""
    about = library.modules.get(module_of(f"{module}/")) or library.modules["causes"]
    return Use(about.title, about.intended_use, about.user, about.not_for)


def _shared_thresholds(library: Library, reads: Reads) -> Mapping[str, Threshold]:
    """The thresholds of definitions.yaml that the rule's definitions compare with."""
    shared = library.definitions
    used = {name for each in reads.definitions for name in bounds_of(shared.definitions[each].when)}
    return {name: threshold for name, threshold in shared.thresholds.items() if name in used}


def _number(name: str, threshold: Threshold) -> Number:
    return Number(name, threshold.value, threshold.unit, threshold.cites)


def _linked(score: ScoreRule) -> Linked:
    return Linked(f"scores/{score.id}", score.title, score.version)


def _history(rule: Rule, history: Sequence[Change]) -> tuple[Revision, ...]:
    """A rule of version 1 without a history is as new as its review."""
    if not history and rule.version == 1:
        return (Revision(1, rule.reviewed, "First version."),)
    return tuple(Revision(each.version, each.date, each.change) for each in history)


# ── facts and codes ──────────────────────────────────────────────────────────────────────────────────────────────────


def _fact(library: Library, name: str, codes: Sequence[Code]) -> FactRead:
    fact = library.facts[name]
    look_back, plausible = getattr(fact, "look_back", None), getattr(fact, "plausible", None)
    return FactRead(
        id=name,
        title=fact.title,
        kind=fact.kind,
        found=how_found(fact, library),
        unit=unit_of(fact),
        look_back=days_in_words(look_back) if look_back is not None else None,
        plausible=f"{plausible[0]} to {plausible[1]}" if plausible else None,
        value_sets=getattr(fact, "value_set", ()),
        codes_like_answers=tuple(codes),
    )


def _codes_of_answers(terminology: Terminology) -> Mapping[str, Sequence[Code]]:
    found: dict[str, list[Code]] = {}
    for (system, code), symptoms in terminology.symptoms.items():
        for each in symptoms:
            found.setdefault(each.fact, []).append(_symptom(system, code, each))
    return found


def _symptom(system: str, code: str, symptom: Symptom) -> Code:
    return Code(system, code, symptom.display, symptom.answer)


def _codes(value_set: ValueSet) -> Codes:
    codes = (Code(each.system, each.code, each.names[0] if each.names else "") for each in value_set.concepts)
    prefixes = (Code(system, prefix) for system, prefix in value_set.patterns)
    return Codes(value_set.id, value_set.title, value_set.version, tuple(codes), tuple(prefixes))


# ── cases and sources ────────────────────────────────────────────────────────────────────────────────────────────────


def _example(library: Library, case: Case) -> Example:
    facts = tuple(f"{_title(library, name)}: {_value(library, name, value)}" for name, value in case.facts.items())
    return Example(case.name, facts, _expected(case), tuple(_title(library, name) for name in case.missing))


def _title(library: Library, name: str) -> str:
    return library.facts[name].title if name in library.facts else name


def _value(library: Library, name: str, value: Any) -> str:
    """A value in a case. Loading does not check cases, so one that does not fit its fact is shown as it stands."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return f"begun {value.get('began')} days ago"
    words = value if isinstance(value, list | tuple) else (value,)
    options = library.options.get(name, {})
    unit = unit_words(unit_of(library.facts[name])) if name in library.facts else ""
    return f"{' and '.join(options.get(str(word), str(word)) for word in words)} {unit}".strip()


def _expected(case: Case) -> str:
    outcome = case.expect
    if isinstance(outcome, Mapping) and {"low", "high"} == set(outcome):
        said = f"{outcome['low']} to {outcome['high']} points"
    elif isinstance(outcome, Mapping):
        said = "; ".join(f"{flag}: {word}" for flag, word in outcome.items())
    else:
        said = str(outcome)
    extra = [f"probability {case.probability}"] if case.probability is not None else []
    return ", ".join([said, *extra, *filter(None, (case.reading,))])


def _cited(name: str, source: Source, cites: Iterable[str]) -> Cited:
    places = {place for cite in cites for id_, _, place in (cite.partition(" "),) if id_ == name and place}
    url = source.url.replace("doi:", "https://doi.org/", 1) if source.url else None
    return Cited(name, source.title, source.publisher, source.year, url, tuple(sorted(places)), source.note)
