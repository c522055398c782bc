"""
Small libraries in memory, and patients as facts.

    rules = a_library().with_flag("cold-leg/cold", all_of(yes("cool"), yes("pale"))).compile()
    findings = evaluate(rules, known(cool=True, pale=False))

Every library knows the same facts and thresholds, and the scale of the shipped one. Criteria are written as in a file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from pydantic import TypeAdapter

from rules.engine.compile import compile_rules
from rules.engine.compile_criteria import Compiler
from rules.engine.compiled import CompiledRules
from rules.engine.errors import Problem
from rules.engine.facts import Absent, DraftOrder, Interval, Known, PatientFacts
from rules.engine.rule import CauseRule, Definitions, OrderCheckRule, RedFlagRule, Scale, ScoreRule
from rules.engine.vocabulary import ORDER_CHANGES, FactDefinition

__all__ = ["COLORS", "FACTS", "Library", "a_library", "all_of", "an_order", "any_of", "known", "no", "yes"]

COLORS = ("blue", "red", "white")
_ANSWERS = ("leg-pain", "cool", "pale", "numb", "weak", "warm", "fever", "cramp", "itch")
_ANSWER = {"kind": "answer", "type": "boolean", "look-back": "14 d"}
_CONDITION = {"kind": "condition", "value-set": ["a-set"], "none-recorded-means-none": True}
_NUMBER = {"kind": "measurement", "value-set": ["a-set"], "look-back": "90 d", "plausible": [0, 1000]}
_ORDER = {"kind": "order", "value-set": ["a-set"]}

FACTS: dict[str, FactDefinition] = TypeAdapter(dict[str, FactDefinition]).validate_python(
    {name: _ANSWER | {"link-id": name, "title": name} for name in _ANSWERS}
    | {
        "color": _ANSWER | {"type": "choice", "link-id": "color", "title": "color of the foot"},
        "potassium": _NUMBER | {"unit": "mmol/L", "title": "potassium", "how": "order potassium"},
        "ferritin": _NUMBER | {"unit": "ng/mL", "title": "ferritin"},
        "diabetes": _CONDITION | {"title": "diabetes"},
        "gout": _CONDITION | {"title": "gout", "how": "look it up"},
        "statin": _CONDITION | {"kind": "medication", "title": "statin"},
        "age": {"kind": "demographic", "of": "age", "unit": "a", "title": "age"},
        "sex": {"kind": "demographic", "of": "sex", "title": "sex"},
        "deceased": {"kind": "demographic", "of": "deceased", "title": "deceased"},
        "stockings": _ORDER | {"title": "stockings"},
        "bandage": _ORDER | {"title": "bandage"},
        "daily-dose": {"kind": "order", "of": "daily-dose", "unit": "mg/d", "title": "daily dose"},
        "change": {"kind": "order", "of": "change", "title": "change"},
    }
)
"""The answers can be asked for, and so can potassium and gout; the others cannot."""

_THRESHOLDS = {
    "low": {"value": Decimal("3.5"), "unit": "mmol/L", "cites": ["a-source"]},
    "high": {"value": Decimal("5.0"), "unit": "mmol/L", "cites": ["a-source"]},
    "ferritin-low": {"value": 75, "unit": "ng/mL", "cites": ["a-source"]},
    "recent": {"value": 90, "unit": "d", "cites": ["a-source"]},
    "high-dose": {"value": 900, "unit": "mg/d", "cites": ["a-source"]},
}
_SCALE = {
    "pre-test": {"common": Decimal("0.10"), "uncommon": Decimal("0.05"), "rare": Decimal("0.02")},
    "supports": {"strong": 6, "moderate": 3, "weak": Decimal("1.5")},
    "opposes": {"strong": Decimal("0.15"), "moderate": Decimal("0.35"), "weak": Decimal("0.7")},
    "expert-floor": Decimal("0.03"),
    "expert-cap": 30,
    "bands": [
        {"word": "very-likely", "from": Decimal("0.85")},
        {"word": "likely", "from": Decimal("0.50")},
        {"word": "possible", "from": Decimal("0.15")},
        {"word": "unlikely", "from": 0},
    ],
    "chance-of-yes": Decimal("0.2"),
    "flag-worth": {"emergency": Decimal("0.2"), "urgent": Decimal("0.12")},
    "reason": "as in the shipped library",
}
_LIMITS = "What this rule misses is said here."

Criterion = dict[str, Any]


def yes(fact: str) -> Criterion:
    return {"fact": fact, "is": "present"}


def no(fact: str) -> Criterion:
    return {"fact": fact, "is": "absent"}


def all_of(*parts: Criterion) -> Criterion:
    return {"all": list(parts)}


def any_of(*parts: Criterion) -> Criterion:
    return {"any": list(parts)}


def known(
    given: Mapping[str, Known | Absent] | None = None, /, **values: bool | str | int | Decimal | Interval
) -> PatientFacts:
    """Facts by keyword: `known(leg_pain=True, color="blue", potassium=Decimal("3.1"))`; or as they are, by position."""
    facts = {name.replace("_", "-"): _fact(value) for name, value in values.items()}
    return PatientFacts(facts | dict(given or {}))


def an_order(reference: str = "DeviceRequest/o1", *, stops: bool = False, **facts: Any) -> DraftOrder:
    """A draft order with its facts by keyword, as in `known`; None is not known."""
    named = {name.replace("_", "-"): None if value is None else _fact(value) for name, value in facts.items()}
    return DraftOrder(reference, named, stops)


def _fact(value: bool | str | int | Decimal | Interval) -> Known | Absent:
    if value is False:
        return Absent()
    if isinstance(value, str):
        return Known(frozenset((value,)))
    return Known(value if isinstance(value, bool | Interval) else Decimal(value))


@dataclass(frozen=True)
class Library:
    """A library to be: each method adds to it and gives back a new one."""

    definitions: dict[str, Criterion] = field(default_factory=lambda: {"leg-complaint": yes("leg-pain")})
    flags: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    causes: dict[str, dict[str, Any]] = field(default_factory=dict)
    scores: dict[str, dict[str, Any]] = field(default_factory=dict)
    checks: dict[str, dict[str, Any]] = field(default_factory=dict)
    scale: dict[str, Any] = field(default_factory=lambda: _SCALE)

    def with_scale(self, **changed: Any) -> "Library":
        """With other numbers on the scale."""
        return replace(self, scale=self.scale | {key.replace("_", "-"): value for key, value in changed.items()})

    def with_definition(self, name: str, when: Criterion) -> "Library":
        return replace(self, definitions=self.definitions | {name: when})

    def with_flag(self, name: str, when: Criterion, urgency: str = "urgent", **keys: Any) -> "Library":
        """With a flag, named rule/flag."""
        rule, flag = name.split("/")
        shape = {
            "id": flag,
            "class": urgency,
            "within": "2 weeks",
            "when": when,
            "summary": "A finding: consider a step.",
            "why": "A reason.",
            "consider": ["Check it."],
            "cites": ["a-source"],
        }
        shape |= {key.replace("_", "-"): value for key, value in keys.items()}
        return replace(self, flags=self.flags | {rule: [*self.flags.get(rule, []), shape]})

    def with_cause(self, name: str, *rows: dict[str, Any], pre_test: str = "common", **keys: Any) -> "Library":
        """With a cause; a row is its id, `when` and weight."""
        shape = {
            "id": name,
            "pre-test": pre_test,
            "evidence": [{"cites": ["a-source"]} | row for row in rows],
            "next": ["Check it."],
            "cites": ["a-source"],
        }
        shape |= {key.replace("_", "-"): value for key, value in keys.items()}
        return replace(self, causes=self.causes | {name: shape})

    def with_score(self, name: str, *items: dict[str, Any], cut_offs: dict[str, int], **keys: Any) -> "Library":
        """With a score; an item is its id, `when` and points."""
        cites = ["a-source"]
        cuts = {cut: {"value": value, "unit": "{score}", "cites": cites} for cut, value in cut_offs.items()}
        shape = {"id": name, "items": list(items), "thresholds": _THRESHOLDS | cuts, "cites": cites}
        shape |= {key.replace("_", "-"): value for key, value in keys.items()}
        return replace(self, scores=self.scores | {name: shape})

    def with_check(
        self,
        name: str,
        when: Criterion,
        severity: str = "warning",
        orders: tuple[str, ...] = ("stockings",),
        **keys: Any,
    ) -> "Library":
        """With an order check, named rule/check; the orders are those of its rule."""
        rule, check = name.split("/")
        shape = {
            "id": check,
            "severity": severity,
            "when": when,
            "summary": "A finding: consider a step.",
            "why": "A reason.",
            "consider": ["Check it."],
            "cites": ["a-source"],
        }
        shape |= {key.replace("_", "-"): value for key, value in keys.items()}
        earlier = self.checks.get(rule, {"checks": []})["checks"]
        return replace(self, checks=self.checks | {rule: {"orders": list(orders), "checks": [*earlier, shape]}})

    def compile(self) -> CompiledRules:
        problems: list[Problem] = []
        rules = self.compile_into(problems)
        if problems:
            raise AssertionError([str(problem) for problem in problems])
        return rules

    def compile_into(self, problems: list[Problem]) -> CompiledRules:
        """Compile a library that has problems."""
        named = {name: {"title": name, "when": when} for name, when in self.definitions.items()}
        definitions = Definitions.model_validate({"thresholds": _THRESHOLDS, "definitions": named})
        scores = {name: ScoreRule.model_validate(_rule(name) | shape) for name, shape in self.scores.items()}
        flags = {
            name: RedFlagRule.model_validate(_rule(name) | {"cause": "a-cause", "flags": shapes})
            for name, shapes in self.flags.items()
        }
        causes = {name: CauseRule.model_validate(_rule(name) | shape) for name, shape in self.causes.items()}
        checks = {name: OrderCheckRule.model_validate(_rule(name) | shape) for name, shape in self.checks.items()}
        options = {
            "color": frozenset(COLORS),
            "sex": frozenset(("male", "female", "other")),
            "change": frozenset(ORDER_CHANGES),
        }
        compiler = Compiler(FACTS, options, definitions, scores, problems, red_flags=flags)
        return compile_rules(compiler, flags, causes, {}, Scale.model_validate(self.scale), checks)


def _rule(name: str) -> dict[str, Any]:
    about = {"id": name, "version": 1, "status": "active", "title": name, "reviewed": "2026-11-21", "limits": _LIMITS}
    return about | {"thresholds": _THRESHOLDS}


def a_library() -> Library:
    """A library with nothing but the definition of a leg complaint: leg pain."""
    return Library()
