"""A rule in plain words, from the rule itself: for `recumbent rules show` and for the public label page."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

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
    ScoreRule,
    Unless,
)
from rules.engine.shape import Threshold
from rules.engine.vocabulary import ConditionFact, MedicationFact
from rules.loader import Library
from rules.references import cites_of

__all__ = ["Section", "rule_in_words"]

_YES_OR_NO = {"present": "yes", "absent": "no"}
_ON_RECORD = {"present": "on record", "absent": "none on record"}
_BOUNDS = (("at_least", "at least"), ("above", "above"), ("at_most", "at most"), ("below", "below"))


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and its lines; a line that begins with two spaces or more belongs to the one above it."""

    heading: str
    lines: tuple[str, ...]


def rule_in_words(library: Library, rule: Rule) -> tuple[Section, ...]:
    """All that a reader needs to judge a rule: when it holds, on which numbers and sources, and what it misses."""
    words = _Words(library, rule.thresholds)
    sections = list(words.of(rule))
    if rule.thresholds:
        lines = tuple(
            f"{name}: {each.value} {each.unit} ({'; '.join(each.cites)})" for name, each in rule.thresholds.items()
        )
        sections.append(Section("Thresholds", lines))
    sections.append(Section("Limits", (rule.limits,)))
    names = sorted({cite.split(" ")[0] for _, cite in cites_of(rule)})
    sources = [library.sources[name] for name in names]
    lines = tuple(f"{each.title}. {each.publisher}, {each.year}. {each.url or ''}".strip() for each in sources)
    sections.append(Section("Sources", lines))
    return tuple(section for section in sections if section.lines)


class _Words:
    """Words for one rule; thresholds are those of its file."""

    def __init__(self, library: Library, thresholds: Mapping[str, Threshold]) -> None:
        self.library = library
        self.thresholds = thresholds

    def of(self, rule: Rule) -> Iterator[Section]:
        if isinstance(rule, RedFlagRule):
            for flag in rule.flags:
                yield Section(f"{flag.id}: {flag.class_}, {flag.within}", (flag.summary, *self.lines(flag.when)))
                yield Section("To consider", flag.consider)
                yield Section("To avoid until cleared", flag.avoid)
        elif isinstance(rule, OrderCheckRule):
            yield Section("For orders of", tuple(self.library.facts[order].title for order in rule.orders))
            for check in rule.checks:
                head = f"{check.id}: {check.severity}{', when the order stops it' if check.stops else ''}"
                yield Section(head, (check.summary, *self.lines(check.when)))
                yield Section("To consider", check.consider)
        elif isinstance(rule, CauseRule):
            yield from self._cause(rule)
        elif isinstance(rule, MimicRule):
            yield Section("Named where", tuple(self.lines(rule.when)))
            yield Section("How to tell it", (rule.tell,))
        elif isinstance(rule, ScoreRule):
            added = rule.combine == "sum"
            items = [
                f"{item.points} for {item.id}" if added else f"grade {item.label or item.id}" for item in rule.items
            ]
            lines = [
                line for head, item in zip(items, rule.items, strict=True) for line in (head, *self.lines(item.when, 1))
            ]
            yield Section("Points, added up" if added else "Grades, the highest counts", tuple(lines))
            yield Section("Means", tuple(self._reading(reading) for reading in rule.readings))
            if rule.not_valid:
                yield Section("Not valid where", tuple(self.lines(rule.not_valid)))

    def _reading(self, reading: Reading) -> str:
        points = self.thresholds[reading.cut_off].value
        return f"{points} points or {'more' if reading.at_least else 'fewer'}: {reading.means}"

    def _cause(self, rule: CauseRule) -> Iterator[Section]:
        yield Section("Also called", rule.synonyms)
        yield Section("Before any fact is known", (rule.pre_test,))
        if rule.requires:
            yield Section("Likely only with", tuple(self.lines(rule.requires)))
        if rule.excludes:
            yield Section("Not listed where", tuple(self.lines(rule.excludes)))
        lines = [line for row in rule.evidence for line in (self._row(row), *self.lines(row.when, 1))]
        yield Section("Evidence", tuple(lines))
        yield Section("To consider next", rule.next)
        yield Section("To avoid", rule.avoid)
        yield Section("Safe self-care", rule.self_care.safe)
        yield Section("Unsafe self-care", rule.self_care.unsafe)
        yield Section("To ask", rule.ask)

    def _row(self, row: EvidenceRow) -> str:
        scale = self.library.scale
        if row.supports:
            weight = f"supports, {row.supports}: x {scale.supports[row.supports]}"
        elif row.opposes:
            weight = f"opposes, {row.opposes}: x {scale.opposes[row.opposes]}"
        else:
            parts = (("present", row.present), ("absent", row.absent))
            weight = "likelihood ratio " + ", ".join(f"{word} x {ratio}" for word, ratio in parts if ratio is not None)
        group = f"; group {row.group}, only its strongest counts" if row.group else ""
        return f"{row.id}: {weight}{group} ({'; '.join(row.cites)})"

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
        threshold = self.thresholds[name]
        return f"{threshold.value} {threshold.unit}"
