"""
The only reader of rules/library. Reads every file, reports every problem at once, and builds the compiled rules.

    library folder ──▶ load() ──▶ Library (the shapes, for texts) + CompiledRules + Terminology
                          └─▶ LibraryError with all problems of all files

Where facts.yaml or another shared file has a problem, the rules are only read, not compiled: each would complain of it.
"""

import csv
import dataclasses
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, TypeAdapter, ValidationError

from rules.engine.compile import compile_rules
from rules.engine.compile_criteria import Compiler
from rules.engine.compiled import CompiledRules
from rules.engine.errors import LibraryError, Problem
from rules.engine.offers import Offer
from rules.engine.provenance import About, Change, History
from rules.engine.rule import (
    Case,
    CauseRule,
    Definitions,
    MimicRule,
    Module,
    OrderCheckRule,
    RedFlagRule,
    Rule,
    Scale,
    ScoreRule,
    Source,
)
from rules.engine.safety_net import SafetyNet
from rules.engine.shape import Id
from rules.engine.vocabulary import ORDER_CHANGES, AnswerFact, DemographicFact, FactDefinition, OrderFact
from rules.explain import explain
from rules.references import check_cites, check_complaint, check_facts, check_offers, check_safety_net
from rules.strict_yaml import StrictLoader
from rules.terminology import NDC, RXNORM, Concept, OrderTerminology, Symptom, Terminology, UnitRow, ValueSet

__all__ = ["LIBRARY", "RULES", "Library", "Loaded", "choices_of", "load", "only", "words_for"]

LIBRARY = Path(__file__).parent / "library"
RULES: dict[str, type[Rule]] = {
    "red-flags": RedFlagRule,
    "causes": CauseRule,
    "mimics": MimicRule,
    "scores": ScoreRule,
    "order-checks": OrderCheckRule,
}
"""Folder of the library → the shape of its rules."""

_MODULES = ("red-flags", "causes", "order-checks")
_RULE_FILE = "Write it, or remove the folder."
_IMPLIES = ("equal", "narrower")
_ROUTES = "urn:recumbent-leg-pain:routes"

_STRENGTH = re.compile(r" (\d+(?:\.\d+)?) (MG|MCG|GM)(?= |$)(?!/)")
_MILLIGRAMS = {"MG": Decimal(1), "MCG": Decimal("0.001"), "GM": Decimal(1000)}

_T = TypeVar("_T", bound=BaseModel)
_Product = tuple[str, tuple[str, ...], str]


@dataclass(frozen=True, slots=True)
class Library:
    """
    The library as written: shapes by id, for texts, labels and checks.

    Args:
        questions: intake linkId → the question's text; options: choice linkId → answer code → its words.
        cases, history: (module, rule id) → its cases, and what changed from version to version.
        value_sets: those that a fact names.
    """

    about: About
    facts: Mapping[str, FactDefinition]
    definitions: Definitions
    scale: Scale
    sources: Mapping[str, Source]
    modules: Mapping[str, Module]
    red_flags: Mapping[str, RedFlagRule]
    causes: Mapping[str, CauseRule]
    mimics: Mapping[str, MimicRule]
    scores: Mapping[str, ScoreRule]
    order_checks: Mapping[str, OrderCheckRule]
    suggestions: Mapping[str, Offer]
    safety_net: Mapping[str, SafetyNet]
    cases: Mapping[tuple[str, str], tuple[Case, ...]]
    history: Mapping[tuple[str, str], tuple[Change, ...]]
    value_sets: Mapping[str, ValueSet]
    questions: Mapping[str, str]
    options: Mapping[str, Mapping[str, str]]
    intake_url: str

    def rules(self) -> Iterator[tuple[str, Rule]]:
        """Every rule with its module, by module and id."""
        for module, rules in self.by_module().items():
            for name in sorted(rules):
                yield module, rules[name]

    def by_module(self) -> dict[str, Mapping[str, Rule]]:
        """Folder of the library → its rules by id."""
        return {
            "red-flags": self.red_flags,
            "causes": self.causes,
            "mimics": self.mimics,
            "scores": self.scores,
            "order-checks": self.order_checks,
        }


@dataclass(frozen=True, slots=True)
class Loaded:
    """A library without problems: what was written, what runs, and the codes it knows, of records and of orders."""

    library: Library
    rules: CompiledRules
    terminology: Terminology
    orders: OrderTerminology


def load(folder: Path = LIBRARY) -> Loaded:
    """
    Read and compile a library folder.

    Raises:
        LibraryError: with every problem of every file; nothing is built then.
    """
    reader = _Reader(folder)
    value_sets = {path.stem: reader.value_set(path) for path in sorted((folder / "value-sets").glob("*.json"))}
    products = reader.products("terminology/rxnorm-products.csv.gz", "rxcui")
    packages = reader.products("terminology/ndc-ingredients.csv.gz", "ndc")
    units = reader.units("terminology/units.csv")
    library = reader.library(value_sets)
    symptoms = reader.symptoms("terminology/symptoms.csv", library)
    for module, rule in library.rules():
        reader.problems += check_cites(f"{module}/{rule.id}/rule.yaml", rule, library.sources)
    unreadable = frozenset(reader.unreadable)
    reader.problems += check_offers(library.suggestions, library.by_module(), library.order_checks, library.facts)
    reader.problems += check_safety_net(library.safety_net, library.red_flags, library.facts, library.sources)
    compiler = _compiler(library, reader.problems, unreadable)
    rules = compile_rules(
        compiler, library.red_flags, library.causes, library.mimics, library.scale, library.order_checks
    )
    reader.stop_at_problems()
    of_orders = {name: fact for name, fact in library.facts.items() if isinstance(fact, OrderFact)}
    of_patient = {name: fact for name, fact in library.facts.items() if name not in of_orders}
    terminology = Terminology.build(of_patient, library.value_sets, products, packages, units, symptoms)
    orders = Terminology.build(of_orders, library.value_sets, products, packages, units)
    ingredients = {(RXNORM, code): parts for code, parts, _ in products} | {
        (NDC, code): parts for code, parts, _ in packages
    }
    words = OrderTerminology(orders, ingredients, reader.strengths("terminology/rxnorm-products.csv.gz"))
    return Loaded(library, rules, _without_diagnoses(terminology, library), words)


def _without_diagnoses(terminology: Terminology, library: Library) -> Terminology:
    """A code that is the diagnosis of a cause is counted as that, and not as its symptoms once more."""
    known = {cause.known_by for cause in library.causes.values()}
    kept = {
        (system, code): found
        for (system, code), found in terminology.symptoms.items()
        if known.isdisjoint(match.fact for match in terminology.of_code(system, code))
    }
    return dataclasses.replace(terminology, symptoms=kept)


def only(loaded: Loaded, library: Library, rules: Iterable[tuple[str, Rule]]) -> Loaded:
    """
    A library of which nothing but these rules runs: for cases, which ask one rule a question each.

    Args:
        library: the loaded one, or one changed in its shapes. rules: (module, rule), by the shapes of that library.
    """
    used: dict[str, dict[str, Any]] = {module: {} for module in RULES}
    for module, rule in rules:
        used[module][rule.id] = rule
    compiled = compile_rules(
        _compiler(library, []), used["red-flags"], used["causes"], used["mimics"], library.scale, used["order-checks"]
    )
    return Loaded(library, compiled, loaded.terminology, loaded.orders)


def _compiler(library: Library, problems: list[Problem], unreadable: frozenset[str] = frozenset()) -> Compiler:
    return Compiler(
        library.facts,
        choices_of(library),
        library.definitions,
        library.scores,
        problems,
        unreadable,
        library.red_flags,
    )


def choices_of(library: Library) -> dict[str, frozenset[str]]:
    """Fact id → the words it may be compared with; a fact that is no choice is left out."""
    found = ((name, words_for(name, library)) for name in library.facts)
    return {name: words for name, words in found if words is not None}


def words_for(name: str, library: Library) -> frozenset[str] | None:
    """What a fact may be compared with: the answers of a choice, a sex, the change of an order; None for others."""
    match library.facts[name]:
        case AnswerFact(type="choice") as fact:
            return frozenset(library.options.get(fact.link_id, ()))
        case DemographicFact(of="sex"):
            return frozenset(("male", "female", "other"))
        case OrderFact(of="change"):
            return ORDER_CHANGES
    return None


# ── files ────────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Reader:
    """
    Reads the files of one folder and gathers what is wrong with them.

    `unreadable` names the rules, as module/id, that exist but have a problem: others may still speak of them.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problems: list[Problem] = []
        self.unreadable: set[str] = set()

    def stop_at_problems(self) -> None:
        if self.problems:
            raise LibraryError(self.problems)

    def library(self, value_sets: Mapping[str, ValueSet]) -> Library:
        """All shapes. Stops where a shared file has a problem, after the shape of every rule was looked at too."""
        questions, options, url = self._intake()
        facts = self._mapping("facts.yaml", "facts", FactDefinition)
        sources = self._mapping("sources.yaml", "sources", Source)
        definitions = self._shape("definitions.yaml", Definitions)
        scale = self._shape("scale.yaml", Scale)
        about = self._shape("library.yaml", About)
        modules = {name: found for name in _MODULES if (found := self._module(name))}
        if not self.problems and definitions:
            self.problems += check_facts(facts, value_sets, questions, options)
            self.problems += check_complaint(definitions)
            self.problems += check_cites("definitions.yaml", definitions, sources)
        shared = len(self.problems)
        offers = self._mapping("suggestions.yaml", "suggestions", Offer)
        nets = self._mapping("safety-net.yaml", "safety-net", SafetyNet)
        red_flags, causes, mimics, scores, order_checks = (self._rules(module) for module in RULES)
        cases = {key: found for module in RULES for key, found in self._beside(module, "cases", tuple[Case, ...])}
        history = {key: found for module in RULES for key, found in self._beside(module, "history", History)}
        if shared or definitions is None or scale is None or about is None:
            raise LibraryError(self.problems)
        used = {name: value_sets[name] for fact in facts.values() for name in getattr(fact, "value_set", ())}
        return Library(
            about,
            facts,
            definitions,
            scale,
            sources,
            modules,
            red_flags,
            causes,
            mimics,
            scores,
            order_checks,
            offers,
            nets,
            cases,
            history,
            used,
            questions,
            options,
            url,
        )

    def _problem(self, file: str, key: str, what: str, mend: str) -> None:
        self.problems.append(Problem(file, key, what, mend))

    # ── YAML files ──

    def _yaml(self, file: str) -> Any:
        try:
            content = yaml.load((self.folder / file).read_text(encoding="utf-8"), StrictLoader)  # noqa: S506 - it is safe
        except FileNotFoundError:
            self._problem(file, "", "the file is missing.", _RULE_FILE if file.count("/") == 2 else "Restore it.")
            return None
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line = f"line {mark.line + 1}" if mark else ""
            what = getattr(error, "problem", None) or getattr(error, "reason", None) or "it is not YAML"
            self._problem(file, line, f"it cannot be read: {what}.", "Correct the line, or the one before it.")
            return None
        except (OSError, UnicodeDecodeError) as error:
            what = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else "it cannot be opened"
            self._problem(file, "", f"it cannot be read: {what}.", "Save it as a plain text file in UTF-8.")
            return None
        if content is None:
            self._problem(file, "", "the file is empty.", _RULE_FILE if file.count("/") == 2 else "Restore it.")
        return content

    def _shape(self, file: str, shape: type[_T]) -> _T | None:
        content = self._yaml(file)
        if content is None:
            return None
        try:
            return shape.model_validate(content)
        except ValidationError as error:
            self._explain(file, content, error)
            return None

    def _mapping(self, file: str, key: str, shape: Any) -> dict[str, Any]:
        """A file whose one key maps ids to shapes; each entry is checked alone, so that one mistake hides no other."""
        content = self._yaml(file)
        if not isinstance(content, dict) or set(content) != {key} or not isinstance(content[key], dict):
            if content is not None:
                self._problem(file, "", f"it should hold one key, {key}.", f"Put all entries under {key}.")
            return {}
        entry_shape, id_shape, found = TypeAdapter(shape), TypeAdapter(Id), {}
        for name, entry in content[key].items():
            try:
                found[id_shape.validate_python(str(name))] = entry_shape.validate_python(entry)
            except ValidationError as error:
                self._explain(file, entry, error, f"{key}.{name}")
        return found

    def _module(self, name: str) -> Module | None:
        file = f"{name}/module.yaml"
        module = self._shape(file, Module)
        self._same_name(file, name, module)
        return module

    def _rules(self, module: str) -> dict[str, Any]:
        found = {}
        for name in self._folders(module):
            file = f"{module}/{name}/rule.yaml"
            rule = self._shape(file, RULES[module])
            if self._same_name(file, name, rule):
                found[name] = rule
            else:
                self.unreadable.add(f"{module}/{name}")
        return found

    def _folders(self, module: str) -> list[str]:
        paths = (self.folder / module).glob("*")
        return sorted(path.name for path in paths if path.is_dir() and not path.name.startswith("."))

    def _same_name(self, file: str, name: str, shape: Rule | Module | None) -> bool:
        if shape is not None and shape.id != name:
            what = f"it says {shape.id}, but its folder is named {name}."
            self._problem(file, "id", what, "Give both the same name.")
        return shape is not None and shape.id == name

    def _beside(self, module: str, what: str, shape: Any) -> Iterator[tuple[tuple[str, str], Any]]:
        """The lists that stand beside each rule of a module: its cases, and its history where it has one."""
        adapter = TypeAdapter(shape)
        for name in self._folders(module):
            file = f"{module}/{name}/{what}.yaml"
            if what == "history" and not (self.folder / file).exists():
                continue  # a rule that never changed has none
            content = self._yaml(file)
            if content is None:
                continue
            try:
                yield (module, name), adapter.validate_python(content)
            except ValidationError as error:
                self._explain(file, content, error)

    def _explain(self, file: str, content: Any, error: ValidationError, prefix: str = "") -> None:
        details = error.errors(include_url=False)
        inside = {detail["loc"][:depth] for detail in details for depth in range(len(detail["loc"]))}
        for detail in details:
            if detail["type"] == "too_short" and detail["loc"] in inside:
                continue  # what is wrong with its entries is said; the good ones alone were counted
            key, what, mend = explain(content, detail)
            self._problem(file, f"{prefix}.{key}".strip("."), what, mend)

    # ── FHIR files ──

    def _json(self, file: str) -> Any:
        try:
            return json.loads((self.folder / file).read_text(encoding="utf-8"))
        except (ValueError, OSError) as error:
            line = f"line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
            self._problem(file, line, "it cannot be read as JSON.", "Correct or restore it.")
            return None

    def _intake(self) -> tuple[dict[str, str], dict[str, dict[str, str]], str]:
        """Questions and answer options of the newest intake questionnaire."""
        newest = max((self.folder / "intake").glob("*.json"), key=_file_version, default=None)
        if newest is None:
            mend = "Restore intake/leg-pain-intake-….json."
            self._problem("intake", "", "there is no questionnaire.", mend)
            return {}, {}, ""
        file = f"intake/{newest.name}"
        content = self._json(file)
        questions: dict[str, str] = {}
        options: dict[str, dict[str, str]] = {}
        if content is None:
            return questions, options, ""
        try:
            for item in _items(content):
                questions[item["linkId"]] = item["text"]
                if "answerOption" in item:
                    codings = [option["valueCoding"] for option in item["answerOption"]]
                    options[item["linkId"]] = {coding["code"]: coding["display"] for coding in codings}
            return questions, options, content["url"]
        except (KeyError, TypeError, AttributeError) as error:
            what = f"it is not a questionnaire as it is needed here: {_lack(error)}."
            self._problem(file, "", what, "Correct it.")
            return {}, {}, ""

    def value_set(self, path: Path) -> ValueSet:
        """One FHIR R4 ValueSet file; only `concept` and `filter` with a code pattern are read."""
        file = f"value-sets/{path.name}"
        content = self._json(file)
        nothing = ValueSet(path.stem, (), ())
        if content is None:
            return nothing
        if not isinstance(content, dict) or content.get("resourceType") != "ValueSet" or content.get("id") != path.stem:
            what = "it is not a ValueSet with the name of the file as its id."
            self._problem(file, "id", what, "Give both the same name.")
            return nothing
        try:
            includes = content["compose"]["include"]
            concepts = tuple(_concept(each, one) for each in includes for one in each.get("concept", ()))
            patterns = tuple(
                (each["system"], self._prefix(file, one)) for each in includes for one in each.get("filter", ())
            )
            return ValueSet(path.stem, concepts, patterns, content.get("title", ""), content.get("version", ""))
        except (KeyError, TypeError, AttributeError) as error:
            what = f"it is not a value set as it is needed here: {_lack(error)}."
            self._problem(file, "compose", what, "Correct it.")
            return nothing

    def _prefix(self, file: str, pattern: Mapping[str, Any]) -> str:
        prefix: str = pattern["value"].removesuffix(".*").replace("\\.", ".")
        if pattern.get("op") != "regex" or not re.fullmatch(r"[A-Z0-9.]+", prefix):
            what = f"the filter {pattern['value']} is not a code prefix."
            self._problem(file, "compose", what, "Write op: regex and a prefix with .* behind it.")
        return prefix

    # ── tables ──

    def products(self, file: str, code: str) -> list[_Product]:
        """Rows of a product table: (product code, ingredient RxCUIs, route or '')."""
        rows = self._table(file)
        try:
            return [(row[code], tuple(row["ingredient_rxcuis"].split(";")), row["route"]) for row in rows]
        except (KeyError, AttributeError):
            self._problem(file, "", f"a row has no {code}, ingredient_rxcuis or route.", "Restore the file.")
            return []

    def strengths(self, file: str) -> dict[str, Decimal]:
        """RxCUI → milligrams in one piece, of products with one ingredient, from their systematic names."""
        names = ((row.get("rxcui", ""), _STRENGTH.search(row.get("name", "")), row) for row in self._table(file))
        return {
            code: Decimal(found[1]) * _MILLIGRAMS[found[2]]
            for code, found, row in names
            if found and ";" not in row.get("ingredient_rxcuis", "")
        }

    def units(self, file: str) -> list[UnitRow]:
        rows = self._table(file)
        try:
            return [
                UnitRow(r["analyte"], r["from_unit"], r["to_unit"], Decimal(r["factor"]), Decimal(r["offset"]))
                for r in rows
            ]
        except (KeyError, TypeError, ArithmeticError):
            self._problem(file, "", "a row is not analyte, from_unit, to_unit, factor, offset.", "Correct the row.")
            return []

    def symptoms(self, file: str, library: Library) -> dict[tuple[str, str], tuple[Symptom, ...]]:
        """Codes that imply an answer of the intake: (system, code) → answers."""
        by_item = {fact.link_id: name for name, fact in library.facts.items() if isinstance(fact, AnswerFact)}
        found: dict[tuple[str, str], tuple[Symptom, ...]] = {}
        for line, row in enumerate(self._table(file), 2):
            try:
                item, answer, relation = row["link_id"], row["answer"] or None, row["relation"]
                key = row["system"], row["code"]
            except KeyError as error:
                self._problem(file, f"line {line}", f"there is no column {error.args[0]}.", "Restore the file.")
                break
            if item not in by_item or relation not in _IMPLIES:
                what = "it names no question that a fact reads, or a relation that implies no answer."
                self._problem(file, f"line {line}", what, "Write a linkId of the intake, and equal or narrower.")
            elif (answer is not None) != (item in library.options) or answer not in library.options.get(item, (None,)):
                what = f"{answer or 'nothing'} is not an answer of {item}."
                self._problem(file, f"line {line}", what, "Write one of its answers, or none for a yes-or-no question.")
            else:
                symptom = Symptom(by_item[item], answer, row.get("display") or "")
                found[key] = (*found.get(key, ()), symptom)
        return found

    def _table(self, file: str) -> list[dict[str, str]]:
        path = self.folder / file
        try:
            text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            return list(csv.DictReader(io.StringIO(text.decode("utf-8"), newline="")))
        except (OSError, EOFError, ValueError, zlib.error, csv.Error) as error:
            what = "the file is missing." if isinstance(error, FileNotFoundError) else "it cannot be read."
            self._problem(file, "", what, "Restore the file.")
            return []


def _lack(error: Exception) -> str:
    return f"there is no {error.args[0]}" if isinstance(error, KeyError) else "an entry has another shape"


def _file_version(path: Path) -> tuple[list[int], str]:
    """1.10.0 is newer than 1.9.0, although it sorts before it as a text."""
    return [int(number) for number in re.findall(r"\d+", path.name)], path.name


def _items(group: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for item in group.get("item", ()):
        if item["type"] == "group":
            yield from _items(item)
        else:
            yield item


def _concept(include: Mapping[str, Any], concept: Mapping[str, Any]) -> Concept:
    names: Iterable[str | None] = (
        concept.get("display"),
        *(each["value"] for each in concept.get("designation", ())),
    )
    routes = [each["valueString"] for each in concept.get("extension", ()) if each["url"] == _ROUTES]
    return Concept(
        include["system"],
        concept["code"],
        tuple(name for name in names if name),
        frozenset(routes[0].split()) if routes else frozenset(),
    )
