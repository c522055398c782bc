"""
What a text of the library may look like: short, plain, careful, and nothing that a card could turn into markup.

These are the texts that cards show to a clinician. A finding is stated and a step is offered; nothing is excluded,
diagnosed or ordered.
"""

import re
from collections.abc import Iterator

from rules.engine.errors import Problem
from rules.engine.rule import CauseRule, Flag, MimicRule, OrderCheck, OrderCheckRule, RedFlagRule, Rule

__all__ = ["LONGEST_SUMMARY", "LONGEST_TEXT", "check_texts", "length_of"]

LONGEST_SUMMARY = 139
"""Characters of a card's summary; CDS Hooks asks for fewer than 140. Clients count code points or UTF-16 units."""
LONGEST_TEXT = 200

_BANNED = re.compile(r"\b(rule[sd]? out|ruling out|diagnosis is|must)\b", re.IGNORECASE)
_OFFER = re.compile(r"\b(consider|check)", re.IGNORECASE)
_MARKUP = re.compile(r"[*_`#<>\[\]{}|\\~]|&\w+;|://|\bwww\.|\S@\S")


def check_texts(rule: Rule, file: str) -> Iterator[Problem]:
    """What is wrong with the texts of one rule."""
    for key, text in _texts(rule):
        summary = key.endswith("summary")
        for what, mend in _faults(text, LONGEST_SUMMARY if summary else LONGEST_TEXT):
            yield Problem(file, key, what, mend)
        if summary and not _OFFER.search(text):
            yield Problem(file, key, "it offers no step.", "Say what to consider or to check.")
        if not text.endswith("." if summary else (".", "?")):
            yield Problem(file, key, "it does not end with a period.", "End it with one.")
    for key, text in (("title", rule.title), ("limits", rule.limits)):
        for what, mend in _markup(text):
            yield Problem(file, key, what, mend)


def _faults(text: str, longest: int) -> Iterator[tuple[str, str]]:
    length = length_of(text)
    if length > longest:
        yield f"it has {length} characters, and a card has room for {longest}.", "Shorten it."
    banned = _BANNED.search(text)
    if banned:
        yield f"it says '{banned[0]}', which claims more than is known.", "Say what to consider or to check instead."
    yield from _markup(text)


def length_of(text: str) -> int:
    """UTF-16 units, which are never fewer than code points."""
    return len(text.encode("utf-16-le")) // 2


def _markup(text: str) -> Iterator[tuple[str, str]]:
    found = _MARKUP.search(text)
    if found:
        yield f"it holds {found[0]}, which a card may read as markup or as a link.", "Say it in words."
    if text != " ".join(text.split()) or not text.isprintable():
        yield "it holds a line break, a double blank or a character that does not print.", "Write one plain line."


def _texts(rule: Rule) -> Iterator[tuple[str, str]]:
    """The sentences of a rule that cards show, each with its key."""
    if isinstance(rule, RedFlagRule):
        for flag in rule.flags:
            yield from _flag_texts(f"flags.{flag.id}", flag)
    elif isinstance(rule, OrderCheckRule):
        for check in rule.checks:
            yield from _flag_texts(f"checks.{check.id}", check)
    elif isinstance(rule, CauseRule):
        lists = {
            "next": rule.next,
            "avoid": rule.avoid,
            "ask": rule.ask,
            "self-care.safe": rule.self_care.safe,
            "self-care.unsafe": rule.self_care.unsafe,
        }
        for key, texts in lists.items():
            yield from ((f"{key}.{place}", text) for place, text in enumerate(texts, 1))
    elif isinstance(rule, MimicRule):
        yield "tell", rule.tell


def _flag_texts(at: str, flag: Flag | OrderCheck) -> Iterator[tuple[str, str]]:
    yield f"{at}.summary", flag.summary
    yield f"{at}.why", flag.why
    for key, texts in (("consider", flag.consider), ("avoid", flag.avoid if isinstance(flag, Flag) else ())):
        yield from ((f"{at}.{key}.{place}", text) for place, text in enumerate(texts, 1))
