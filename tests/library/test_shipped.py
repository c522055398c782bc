"""What must be true of the library as it is shipped, besides its cases and what holds for any facts."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from rules.check import check
from rules.engine.errors import LibraryError, Problem
from rules.engine.rule import Rule
from rules.loader import LIBRARY
from rules.lock import generated
from rules.pack import Pack, load_pack
from rules.references import cites_of
from rules.schema import schemas
from rules.texts import check_texts


def shipped_rules() -> list[tuple[str, Rule]]:
    try:
        return list(load_pack().library.rules())
    except LibraryError:
        return []


RULES = shipped_rules()
each_rule = pytest.mark.parametrize(("module", "rule"), RULES, ids=[f"{module}/{rule.id}" for module, rule in RULES])


def test_the_library_is_without_problems() -> None:
    try:
        check(LIBRARY)
        problems: tuple[Problem, ...] = ()
    except LibraryError as error:
        problems = error.problems

    assert [str(problem) for problem in problems] == []


@each_rule
def test_a_rule_is_cited(shipped_pack: Pack, module: str, rule: Rule) -> None:
    cited = [cite.split(" ")[0] for _, cite in cites_of(rule)]

    assert cited
    assert [source for source in cited if source not in shipped_pack.library.sources] == []


@each_rule
def test_a_rule_was_reviewed_and_not_in_the_future(module: str, rule: Rule) -> None:
    assert date.fromisoformat(rule.reviewed) <= datetime.now(UTC).date()


@each_rule
def test_the_texts_of_a_rule_are_fit_for_a_card(module: str, rule: Rule) -> None:
    assert [str(problem) for problem in check_texts(rule, f"{module}/{rule.id}/rule.yaml")] == []


@pytest.mark.parametrize("name", ["lock.json", "INDEX.md"])
def test_a_generated_file_is_up_to_date(shipped_pack: Pack, name: str) -> None:
    assert generated(LIBRARY, shipped_pack.library)[name] == (LIBRARY / name).read_text(encoding="utf-8")


def test_every_source_is_cited(shipped_pack: Pack) -> None:
    library = shipped_pack.library
    shapes = [library.definitions, *library.safety_net.values(), *(rule for _, rule in library.rules())]
    cited = {cite.split(" ")[0] for shape in shapes for _, cite in cites_of(shape)}

    assert sorted(set(library.sources) - cited) == []


# ── schemas for editors ──────────────────────────────────────────────────────────────────────────────────────────────

SCHEMA_OF = {
    "facts.yaml": "facts",
    "sources.yaml": "sources",
    "definitions.yaml": "definitions",
    "scale.yaml": "scale",
    "module.yaml": "module",
    "cases.yaml": "cases",
    "history.yaml": "history",
    "library.yaml": "library",
    "red-flags": "red-flag",
    "causes": "cause",
    "mimics": "mimic",
    "scores": "score",
    "order-checks": "order-check",
    "suggestions.yaml": "suggestions",
    "safety-net.yaml": "safety-net",
}


def schema_of(path: Path) -> dict[str, Any]:
    name = path.name if path.name != "rule.yaml" else path.parent.parent.name
    return schemas()[f"{SCHEMA_OF[name]}.schema.json"]


class PlainLoader(yaml.SafeLoader):
    """YAML as an editor sees it: a date is a text."""


PlainLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def as_an_editor_reads(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), PlainLoader)  # noqa: S506 - it is a SafeLoader


YAML_FILES = sorted(set(LIBRARY.rglob("*.yaml")) - {LIBRARY / "terminology" / "unverified.yaml"})


@pytest.mark.parametrize("path", YAML_FILES, ids=lambda path: path.relative_to(LIBRARY).as_posix())
def test_the_schema_for_editors_accepts_a_shipped_file(path: Path) -> None:
    validator = Draft202012Validator(schema_of(path))

    assert [error.message for error in validator.iter_errors(as_an_editor_reads(path))] == []


@pytest.mark.parametrize("path", YAML_FILES, ids=lambda path: path.relative_to(LIBRARY).as_posix())
def test_the_schema_for_editors_refuses_an_unknown_key(path: Path) -> None:
    content = as_an_editor_reads(path)
    entry = content[0] if isinstance(content, list) else next(iter(content.values()))
    (content if not isinstance(entry, dict) or path.name == "definitions.yaml" else entry)["no-such-key"] = 1

    assert list(Draft202012Validator(schema_of(path)).iter_errors(content))


@pytest.mark.parametrize("name", sorted(schemas()))
def test_a_schema_is_sound_and_the_shipped_one_is_up_to_date(name: str) -> None:
    schema = schemas()[name]
    Draft202012Validator.check_schema(schema)

    assert schema == json.loads((LIBRARY / "schema" / name).read_text(encoding="utf-8"))
