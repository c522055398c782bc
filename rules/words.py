"""
A rule in plain words, from the rule itself: for `recumbent rules show` and for the public label page.

A new shape of rule registers its words with `_logic`, and with `_advice` where it offers steps.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import singledispatch

from rules.engine.rule import (
    AllOf,
    AnyOf,
    CauseRule,
    Count,
    Criterion,
    Defined,
    EvidenceRow,
    FactIs,
    MimicRule,
    Missing,
    NotMet,
    OrderCheckRule,
    Reading,
    RedFlagIs,
    RedFlagRule,
    Rule,
    ScoreIs,
    ScoreItem,
    ScoreRule,
    Unless,
)
from rules.engine.shape import Threshold
from rules.engine.vocabulary import ConditionFact, MedicationFact
from rules.loader import Library
from rules.references import cites_of
from rules.unit_words import unit_words

__all__ = [
    "EvidenceWords",
    "Section",
    "advice_in_words",
    "definition_in_words",
    "evidence_in_words",
    "logic_in_words",
    "rule_in_words",
]

_YES_OR_NO = {"present": "yes", "absent": "no"}
_ON_RECORD = {"present": "on record", "absent": "none on record"}
_BOUNDS = (("at_least", "at least"), ("above", "above"), ("at_most", "at most"), ("below", "below"))


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and its lines; a line that begins with two spaces or more belongs to the one above it."""

    heading: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EvidenceWords:
    """
    One row of evidence.

    Args:
        weight: what it does to the odds: "supports, moderate: x 3". group: of which only the strongest row counts.
        lines: when it holds, as the lines of a Section.
    """

    id: str
    weight: str
    group: str | None
    lines: tuple[str, ...]
    cites: tuple[str, ...]


def rule_in_words(library: Library, rule: Rule) -> tuple[Section, ...]:
    """All that a reader needs to judge a rule: when it holds, on which numbers and sources, and what it misses."""
    names = sorted({cite.split(" ")[0] for _, cite in cites_of(rule)})
    sources = [library.sources[name] for name in names]
    sections = (
        *logic_in_words(library, rule),
        Section("Evidence", tuple(_evidence_lines(library, rule))),
        *advice_in_words(library, rule),
        Section("Thresholds", tuple(_threshold(name, each) for name, each in rule.thresholds.items())),
        Section("Limits", (rule.limits,)),
        Section("Sources", tuple(f"{each.title}. {each.publisher}, {each.year}. {each.url or ''}" for each in sources)),
    )
    return tuple(Section(each.heading, tuple(map(str.rstrip, each.lines))) for each in sections if each.lines)


def logic_in_words(library: Library, rule: Rule) -> tuple[Section, ...]:
    """When a rule holds; of a cause without its rows of evidence."""
    return tuple(section for section in _logic(rule, _Words(library, rule.thresholds)) if section.lines)


def advice_in_words(library: Library, rule: Rule) -> tuple[Section, ...]:
    """What a rule offers once it holds; of a red flag this stands beside each flag in its logic."""
    return tuple(section for section in _advice(rule, _Words(library, rule.thresholds)) if section.lines)


def evidence_in_words(library: Library, rule: Rule) -> tuple[EvidenceWords, ...]:
    """The rows of evidence of a cause; other rules have none."""
    words = _Words(library, rule.thresholds)
    rows = rule.evidence if isinstance(rule, CauseRule) else ()
    return tuple(
        EvidenceWords(row.id, words.weight(row), row.group, tuple(words.lines(row.when)), row.cites) for row in rows
    )


def definition_in_words(library: Library, name: str) -> Section:
    """A criterion of definitions.yaml under its title."""
    shape = library.definitions.definitions[name]
    return Section(shape.title, tuple(_Words(library, library.definitions.thresholds).lines(shape.when)))


def _evidence_lines(library: Library, rule: Rule) -> Iterator[str]:
    for row in evidence_in_words(library, rule):
        group = f"; group {row.group}, only its strongest counts" if row.group else ""
        yield f"{row.id}: {row.weight}{group} ({'; '.join(row.cites)})"
        yield from (f"  {line}" for line in row.lines)


def _threshold(name: str, threshold: Threshold) -> str:
    return f"{name}: {_amount(threshold)} ({'; '.join(threshold.cites)})"


def _amount(threshold: Threshold) -> str:
    return f"{threshold.value} {unit_words(threshold.unit)}".strip()


# ── criteria ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Words:
    """Words for the criteria of one file; thresholds are those of the file."""

    def __init__(self, library: Library, thresholds: Mapping[str, Threshold]) -> None:
        self.library = library
        self.thresholds = thresholds

    def reading(self, reading: Reading) -> str:
        points = self.thresholds[reading.cut_off].value
        return f"{points} points or {'more' if reading.at_least else 'fewer'}: {reading.means}"

    def weight(self, row: EvidenceRow) -> str:
        scale = self.library.scale
        if row.supports:
            return f"supports, {row.supports}: x {scale.supports[row.supports]}"
        if row.opposes:
            return f"opposes, {row.opposes}: x {scale.opposes[row.opposes]}"
        parts = (("present", row.present), ("absent", row.absent))
        return "likelihood ratio " + ", ".join(f"{word} x {ratio}" for word, ratio in parts if ratio is not None)

    def lines(self, shape: Criterion, depth: int = 0) -> Iterator[str]:
        """A criterion as indented lines."""
        indent = "  " * depth
        match shape:
            case AllOf():
                yield f"{indent}all of:"
                parts = shape.all
            case AnyOf():
                yield f"{indent}any of:"
                parts = shape.any
            case Count():
                yield f"{indent}at least {shape.at_least} of:"
                parts = shape.count
            case NotMet():
                yield f"{indent}not:"
                parts = (shape.not_,)
            case Unless():
                yield f"{indent}unless known:"
                parts = (shape.unless,)
            case _:
                yield indent + self._leaf(shape)
                parts = ()
        for part in parts:
            yield from self.lines(part, depth + 1)

    def _leaf(self, shape: FactIs | Defined | ScoreIs | Missing | RedFlagIs) -> str:
        if isinstance(shape, Missing):
            return f"{self.library.facts[shape.missing].title}: not known"
        if isinstance(shape, RedFlagIs):
            rule, _, flag = shape.red_flag.partition("/")
            return f"red flag: {self.library.red_flags[rule].title}{f' ({flag})' if flag else ''}"
        if isinstance(shape, Defined):
            return self.library.definitions.definitions[shape.defined].title
        if isinstance(shape, ScoreIs):
            score = self.library.scores[shape.score]
            name, word = (shape.at_least, "at least") if shape.at_least else (shape.at_most or "", "at most")
            return f"{score.title}: {word} {score.thresholds[name].value} ({name})"
        title = self.library.facts[shape.fact].title
        if shape.is_ is not None:
            return f"{title}: {self._choice(shape)}"
        if shape.began_within:
            return f"{title}, begun within {self._number(shape.began_within)}"
        bounds = [f"{word} {self._number(name)}" for key, word in _BOUNDS if (name := getattr(shape, key))]
        return f"{title} {' and '.join(bounds)}"

    def _choice(self, shape: FactIs) -> str:
        words = shape.is_ or ()
        if words in (("present",), ("absent",)):
            recorded = isinstance(self.library.facts[shape.fact], (ConditionFact, MedicationFact))
            return (_ON_RECORD if recorded else _YES_OR_NO)[words[0]]
        options = self.library.options.get(shape.fact, {})
        return " or ".join(options.get(word, word) for word in words)

    def _number(self, name: str) -> str:
        return _amount(self.thresholds[name])


# ── by shape of rule ─────────────────────────────────────────────────────────────────────────────────────────────────


@singledispatch
def _logic(rule: Rule, words: _Words) -> Iterator[Section]:
    raise TypeError(f"There are no words for a {type(rule).__name__}.")


@singledispatch
def _advice(rule: Rule, words: _Words) -> Iterator[Section]:
    return iter(())


@_logic.register
def _red_flag_logic(rule: RedFlagRule, words: _Words) -> Iterator[Section]:
    for flag in rule.flags:
        yield Section(f"{flag.id}: {flag.class_}, {flag.within}", (flag.summary, *words.lines(flag.when)))
        yield Section(f"{flag.id}: why", (flag.why,))
        yield Section(f"{flag.id}: to consider", flag.consider)
        yield Section(f"{flag.id}: to avoid until cleared", flag.avoid)
        yield Section(f"{flag.id}: not shown beside", flag.superseded_by)


@_logic.register
def _order_check_logic(rule: OrderCheckRule, words: _Words) -> Iterator[Section]:
    yield Section("For orders of", tuple(words.library.facts[order].title for order in rule.orders))
    for check in rule.checks:
        head = f"{check.id}: {check.severity}{', where the order stops it' if check.stops else ''}"
        yield Section(head, (check.summary, check.why, *words.lines(check.when)))
        yield Section("To consider", check.consider)


@_logic.register
def _cause_logic(rule: CauseRule, words: _Words) -> Iterator[Section]:
    scale = words.library.scale
    yield Section("Also called", rule.synonyms)
    yield Section("Before any fact is known", (f"{rule.pre_test}: probability {scale.pre_test[rule.pre_test]}",))
    if rule.requires:
        yield Section("Likely only with", tuple(words.lines(rule.requires)))
    if rule.excludes:
        yield Section("Not listed where", tuple(words.lines(rule.excludes)))
    if rule.known_by:
        yield Section("Said to be known where", (f"{words.library.facts[rule.known_by].title}: on record",))
    bands = ", ".join(f"{band.word} from {band.from_}" for band in scale.bands)
    lines = (
        "Each row of evidence that holds multiplies the odds; one that is unknown changes nothing.",
        "Rows that read the same answer, or stand in one group, count once in each direction: the strongest.",
        f"All weights of expert opinion together stay between x {scale.expert_floor} and x {scale.expert_cap}.",
        f"The probability gets a word: {bands}.",
    )
    yield Section("How the evidence adds up", lines)


@_advice.register
def _cause_advice(rule: CauseRule, words: _Words) -> Iterator[Section]:
    yield Section("To consider next", rule.next)
    yield Section("To avoid", rule.avoid)
    yield Section("Safe self-care", rule.self_care.safe)
    yield Section("Unsafe self-care", rule.self_care.unsafe)
    yield Section("To ask", rule.ask)


@_logic.register
def _mimic_logic(rule: MimicRule, words: _Words) -> Iterator[Section]:
    yield Section("Named where", tuple(words.lines(rule.when)))


@_advice.register
def _mimic_advice(rule: MimicRule, words: _Words) -> Iterator[Section]:
    yield Section("How to tell it", (rule.tell,))


@_logic.register
def _score_logic(rule: ScoreRule, words: _Words) -> Iterator[Section]:
    added = rule.combine == "sum"
    lines = [line for item in rule.items for line in (_item(item, added), *words.lines(item.when, 1))]
    yield Section("Points, added up" if added else "Grades, the highest counts", tuple(lines))
    yield Section("Means", tuple(words.reading(reading) for reading in rule.readings))
    if rule.not_valid:
        yield Section("Not valid where", tuple(words.lines(rule.not_valid)))
    titles = (words.library.causes[name].title for name in rule.serves if name in words.library.causes)
    yield Section("Shown beside", tuple(titles))


def _item(item: ScoreItem, added: bool) -> str:
    presumed = ", taken for no while unknown where a red flag must decide" if item.presumed_no else ""
    return (f"{item.points} for {item.id}" if added else f"grade {item.label or item.id}") + presumed
