"""One rule or value set after another: its changes, and whether the cases notice."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from rules.cases import run_case
from rules.engine.compile import COMPLAINT
from rules.engine.rule import Definitions, Rule
from rules.loader import LIBRARY, RULES, Library, Loaded, load, only
from rules.strict_yaml import StrictLoader
from tests.mutants.changes import changes_of
from tests.mutants.codes import CODES, code_names, noticed_codes

__all__ = ["LEAST_FOUND", "Outcome", "listed_survivors", "names", "try_out"]

LEAST_FOUND = 0.95
_SURVIVORS = Path(__file__).parent / "survivors.yaml"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one rule or value set: how many changes were found, of how many, and those that were not."""

    name: str
    found: int
    all: int
    survivors: tuple[str, ...]


def listed_survivors() -> dict[str, str]:
    """ "module/rule change" → why no case can tell it from the rule."""
    found: dict[str, str] = yaml.load(_SURVIVORS.read_text("utf-8"), StrictLoader) if _SURVIVORS.exists() else {}  # noqa: S506 - it is safe
    return found or {}


@cache
def _loaded() -> Loaded:
    return load()


def names() -> list[str]:
    """
    Everything that can be changed: rules as module/id, definitions as definitions/id, value sets as codes/id.

    The definition of a leg complaint belongs to no rule; tests/library/test_complaint.py tests its parts one by one.
    """
    library = _loaded().library
    rules = [f"{module}/{rule.id}" for module, rule in library.rules() if rule.status == "active"]
    definitions = [f"definitions/{name}" for name in library.definitions.definitions if name != COMPLAINT]
    return rules + definitions + code_names()


def try_out(name: str, every: int = 1, first: int = 0) -> Outcome:
    """Make the changes of one of these (each `every`th from `first` on) and run the cases that should notice."""
    module, rest = name.split("/")
    if module == CODES:
        changes = list(noticed_codes(rest, every, first % every))
    else:
        changes = list(_noticed_rules(name, every, first % every))
    survivors = tuple(what for what, noticed in changes if not noticed)
    return Outcome(name, len(changes) - len(survivors), len(changes), survivors)


def _noticed_rules(name: str, every: int, first: int) -> Iterator[tuple[str, bool]]:
    for what, library in _changed(name, every, first):
        rules = [(module, library.by_module()[module][rule.id]) for module, rule in _users(name)]
        yield what, _noticed(only(_loaded(), library, rules), rules)


def _noticed(loaded: Loaded, rules: list[tuple[str, Rule]]) -> bool:
    cases = loaded.library.cases
    return any(
        run_case(loaded, module, rule, case) for module, rule in rules for case in cases.get((module, rule.id), ())
    )


@cache
def _users(name: str) -> tuple[tuple[str, Rule], ...]:
    """The rules whose cases should notice a change: the rule itself, and those that use the score or definition."""
    library = _loaded().library
    module, rule_id = name.split("/")
    rules = {f"{folder}/{rule.id}": (folder, rule) for folder, rule in library.rules() if rule.status == "active"}
    if module not in ("scores", "definitions"):
        return (rules[name],)
    wanted = {rule_id}
    while more := {each for each in library.definitions.definitions if _speaks_of(_definition(each), wanted)} - wanted:
        wanted |= more
    using = [found for key, found in rules.items() if key == name or _speaks_of(_raw(key), wanted)]
    return tuple(using)


def _speaks_of(value: Any, names: set[str]) -> bool:
    if isinstance(value, dict):
        return (
            value.get("defined") in names
            or value.get("score") in names
            or any(_speaks_of(each, names) for each in value.values())
        )
    return isinstance(value, list) and any(_speaks_of(each, names) for each in value)


# ── changed libraries ────────────────────────────────────────────────────────────────────────────────────────────────


@cache
def _file(path: str) -> Any:
    return yaml.load((LIBRARY / path).read_text("utf-8"), StrictLoader)  # noqa: S506 - it is safe


def _raw(name: str) -> Any:
    return _file(f"{name}/rule.yaml")


def _definition(name: str) -> Any:
    return _file("definitions.yaml")["definitions"][name]


def _changed(name: str, every: int, first: int) -> Iterator[tuple[str, Library]]:
    """Each change that is still a file of the right shape, with the library that holds it."""
    module, rule_id = name.split("/")
    for what, content in islice(changes_of(_content(name)), first, None, every):
        try:
            yield (
                what,
                _definition_in(rule_id, content) if module == "definitions" else _rule_in(module, rule_id, content),
            )
        except ValidationError:
            continue


def _content(name: str) -> dict[str, Any]:
    """The file of a rule; of a definition its criterion, with the thresholds that it names."""
    module, rule_id = name.split("/")
    if module != "definitions":
        rule: dict[str, Any] = _raw(name)
        return rule
    when, thresholds = _definition(rule_id)["when"], _file("definitions.yaml")["thresholds"]
    words = {word for each in _mappings(when) for word in each.values() if isinstance(word, str)}
    return {"thresholds": {key: each for key, each in thresholds.items() if key in words}, "when": when}


def _rule_in(module: str, rule_id: str, content: dict[str, Any]) -> Library:
    library = _loaded().library
    rules = {**library.by_module()[module], rule_id: RULES[module].model_validate(content)}
    changed: dict[str, Any] = {module.replace("-", "_"): rules}
    return dataclasses.replace(library, **changed)


def _definition_in(name: str, content: dict[str, Any]) -> Library:
    whole = _file("definitions.yaml")
    changed = {
        "thresholds": whole["thresholds"] | content["thresholds"],
        "definitions": whole["definitions"] | {name: _definition(name) | {"when": content["when"]}},
    }
    return dataclasses.replace(_loaded().library, definitions=Definitions.model_validate(changed))


def _mappings(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _mappings(each)
