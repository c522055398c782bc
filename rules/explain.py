"""What a shape refuses, in words for whoever wrote the file: where, what is wrong, and what to do about it."""

from collections.abc import Mapping, Sized
from decimal import Decimal
from typing import Any

from pydantic_core import ErrorDetails

__all__ = ["explain"]

_CRITERIA = {"all", "any", "not", "unless", "count", "defined", "score", "fact", "missing", "red-flag"}
_HOLD_CRITERIA = {"when", "requires", "excludes", "not-valid", "not", "unless"}
_KINDS = {"answer", "condition", "medication", "measurement", "qualitative", "demographic", "derived", "change"} | {
    "request",
    "order",
}
_SCHEMA = "(see rules/library/schema)"
_NUMBER = ("{given} is not a number that fits here.", "Write a number without its unit.")
_LIST = ("it should be a list.", "Begin each entry with a hyphen.")
_MAPPING = ("it should hold keys with values.", "Write key: value.")

# What pydantic calls a mistake → what is wrong, and how to mend it.
_SAID = {
    "criterion_kind": ("{msg}", "Write one of these keys."),
    "decimal_parsing": _NUMBER,
    "decimal_type": _NUMBER,
    "dict_type": _MAPPING,
    "extra_forbidden": ("this key is not known here.", f"Remove it, or correct its spelling {_SCHEMA}."),
    "greater_than": ("{given} is not above {gt}.", "Correct the number."),
    "greater_than_equal": ("{given} is below {ge}.", "Correct the number."),
    "int_from_float": _NUMBER,
    "int_parsing": _NUMBER,
    "int_type": _NUMBER,
    "less_than": ("{given} is not below {lt}.", "Correct the number."),
    "less_than_equal": ("{given} is above {le}.", "Correct the number."),
    "literal_error": ("{given} is not one of the words for this.", "Write {expected}."),
    "missing": ("this key is missing.", "Add it."),
    "model_attributes_type": _MAPPING,
    "model_type": _MAPPING,
    "string_type": ("it should be a text.", "Write a text."),
    "string_too_long": ("it has {length} characters, and {max_length} are allowed.", "Shorten it."),
    "string_too_short": ("it has {length} characters, and {min_length} are needed.", "Say more."),
    "too_long": ("it has more than the {max_length} that are allowed.", "Keep the most important ones."),
    "too_short": ("it needs at least {min_length} of them, and has {length}.", "Add what is missing."),
    "tuple_type": _LIST,
    "union_tag_invalid": ("there is no kind {tag}.", "The kinds are {expected_tags}."),
    "union_tag_not_found": ("the key kind is missing.", f"Add it {_SCHEMA}."),
}
_PATTERNS = {
    "^(https://": ("{given} is not an address that can be cited.", "Write https://… or doi:10.…"),
    "^[a-z0-9]+(-[a-z0-9]+)*( ": ("{given} is not a cite.", "Write a source id of sources.yaml, then where in it."),
    "^[a-z0-9]+(-[a-z0-9]+)*$": ("{given} is not an id.", "Write lower-case words and digits, joined by hyphens."),
}


def explain(content: Any, detail: ErrorDetails) -> tuple[str, str, str]:
    """
    One refusal as (key, what is wrong, how to mend it).

    Args:
        content: the file as it was read. detail: what pydantic found in it.
    """
    return _key(content, detail), *_words(detail)


def _key(content: Any, detail: ErrorDetails) -> str:
    """
    The place as a path: an entry by its id, or by its place counted from 1.

    The tags that pydantic puts in, for a kind of criterion or of fact, are no keys of the file and are left out.
    """
    parts: list[str] = []
    node = content
    tagged = False
    for part in detail["loc"]:
        if isinstance(part, int):
            node = node[part] if isinstance(node, list) and part < len(node) else None
            name = node.get("id") if isinstance(node, Mapping) else None
            parts.append(name if isinstance(name, str) else str(part + 1))
        elif tagged or not _is_tag(part, parts):
            node = node.get(part) if isinstance(node, Mapping) else None
            parts.append(part)
            tagged = False
        else:
            tagged = True
    return ".".join(parts)


def _is_tag(part: str, before: list[str]) -> bool:
    if part in _CRITERIA:
        return bool(before) and (before[-1].isdigit() or before[-1] in _HOLD_CRITERIA)
    return part in _KINDS and not before


def _words(detail: ErrorDetails) -> tuple[str, str]:
    kind, given = detail["type"], detail.get("input")
    context = {name: str(value).replace("'", "") for name, value in detail.get("ctx", {}).items()}
    if kind == "string_type" and isinstance(given, Mapping):
        return "it should be a text, but YAML reads its colon as a key.", "Put the whole line in quotes."
    if kind == "value_error":
        what, mend = detail["ctx"]["error"].args
        return what, mend
    if kind == "string_pattern_mismatch":
        what, mend = _pattern(context["pattern"])
    else:
        what, mend = _SAID.get(kind, ("{given} does not fit here: {msg}.", "Correct it."))
    length = len(given) if isinstance(given, Sized) else 0
    said = context | {"given": _shown(given), "length": str(length), "msg": detail["msg"]}
    return what.format(**said), mend.format(**said)


def _shown(given: object) -> str:
    if isinstance(given, bool):
        return str(given).lower()
    return f"{given!s:.60}" if isinstance(given, str | int | Decimal) else "what stands here"


def _pattern(pattern: str) -> tuple[str, str]:
    for start, said in _PATTERNS.items():
        if pattern.startswith(start):
            return said
    return "{given} is not written as expected.", "Write what matches {pattern}"
