"""Facts as words on a card: titles, values, units and dates, all from our own tables, never text of the record."""

import calendar
from decimal import Decimal
from typing import Any

from rules.engine.criteria import ScoreRange
from rules.engine.facts import Absent, Fact, Interval, Known, Unknown
from rules.engine.rule import ScoreRule
from rules.engine.vocabulary import AnswerFact, FactDefinition, unit_of
from rules.loader import Library
from rules.unit_words import unit_words

__all__ = [
    "date_words",
    "fact_line",
    "in_a_sentence",
    "number_words",
    "plain_value",
    "question_words",
    "score_line",
    "value_words",
]

_NAMES = frozenset(("Baker", "Guillain-Barre"))
"""Of persons, with which the title of a condition may begin."""


def number_words(number: Decimal) -> str:
    """A number as recorded; a converted one without its trailing zeros."""
    return f"{number:f}"


def date_words(text: str | None) -> str:
    """An ISO date, partial or with a time, as "12 May 2026"; empty where there is none."""
    parts = (text or "")[:10].split("-")
    if not parts[0]:
        return ""
    names = [calendar.month_abbr[int(parts[1])]] if len(parts) > 1 else []
    day = [str(int(parts[2]))] if len(parts) > 2 else []
    return " ".join([*day, *names, parts[0]])


def value_words(fact: str, value: Fact, library: Library) -> str:
    """What is known of a fact, without its title: "3.1 mmol/L", "yes", "calf, foot", "none recorded", "not asked"."""
    definition = library.facts[fact]
    if isinstance(value, Unknown):
        return value.reason.value
    if isinstance(value, Absent):
        return "no" if definition.kind in ("answer", "qualitative") else "none recorded"
    return _known(value, definition, library.options.get(fact, {}))


def _known(known: Known, definition: FactDefinition, options: Any) -> str:
    value = known.value
    if isinstance(definition, AnswerFact) and definition.type == "date" and isinstance(known.days, Decimal):
        return f"{known.days.to_integral_value()} days ago"
    if value is True:
        return "yes" if definition.kind in ("answer", "qualitative") else "on record"
    if isinstance(value, frozenset):
        return ", ".join(options.get(word, word) for word in sorted(value))
    unit = unit_words(unit_of(definition))
    return f"{_number(value)} {unit}".strip()


def _number(value: Any) -> str:
    if not isinstance(value, Interval):
        return number_words(value)
    if value.low is None:
        return f"{'below' if value.high_open else 'at most'} {number_words(value.high or Decimal(0))}"
    if value.high is None:
        return f"{'above' if value.low_open else 'at least'} {number_words(value.low)}"
    return f"{number_words(value.low)} to {number_words(value.high)}"


def fact_line(fact: str, value: Fact, library: Library) -> str:
    """A fact as one line: "potassium: 3.1 mmol/L, 12 May 2026"."""
    title, said = library.facts[fact].title, value_words(fact, value, library)
    if isinstance(value, Known | Absent):
        dated = date_words(value.date) if library.facts[fact].kind != "demographic" else ""
        extra = [dated] if dated else []
        if isinstance(value, Known):
            extra += [note for note in (value.note, "from text" if value.from_text else None) if note]
        return f"{title}: " + ", ".join([said, *extra])
    return f"{title}: {said}"


def question_words(fact: str, library: Library) -> str:
    """How to get a fact: its own advice, or the question of the intake."""
    definition = library.facts[fact]
    if definition.how:
        return definition.how
    return f"Ask or examine: {definition.title}"


def plain_value(value: Known | Absent) -> Any:
    """A value for the extension on a card: true, false, a number, a list of codes, or text for an interval."""
    if isinstance(value, Absent):
        return False
    if isinstance(value.value, frozenset):
        return sorted(value.value)
    return _number(value.value) if isinstance(value.value, Interval) else value.value


def score_line(rule: ScoreRule, total: ScoreRange) -> str:
    """A score with its points or grade, or the range that is still possible: "Wells: 2 to 4 points, 2 items open"."""
    whole = total.low == total.high
    if rule.combine == "highest":
        grades = {item.points: item.label or item.id for item in rule.items}
        low, high = grades.get(total.low, "none"), grades.get(total.high, "none")
        return f"{rule.title}: {low}" if whole else f"{rule.title}: {low} to {high}"
    said = number_words(total.low) if whole else f"{number_words(total.low)} to {number_words(total.high)}"
    open_ = f", {len(total.unanswered)} items open" if len(total.unanswered) > 1 else ", 1 item open"
    means = rule.reading(total.low, total.high)
    points = "point" if said == "1" else "points"
    return f"{rule.title}: {said} {points}{open_ if total.unanswered else ''}{f' ({means})' if means else ''}"


def in_a_sentence(title: str) -> str:
    """A title as it stands inside a sentence; an abbreviation and the name of a person keep their capitals."""
    keeps = title[:2].isupper() or title.split(" ")[0] in _NAMES
    return title if keeps else title[0].lower() + title[1:]
