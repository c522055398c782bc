"""
What a shape cannot see: the names in one file that stand for something in another.

Facts name value sets, items of the intake, formulas and other facts; rules and definitions cite sources.
"""

from collections.abc import Container, Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from rules.engine.compile import COMPLAINT
from rules.engine.errors import Problem
from rules.engine.formulas import FORMULAS
from rules.engine.offers import Offer
from rules.engine.rule import Definitions, OrderCheckRule, Rule, Source
from rules.engine.safety_net import SafetyNet
from rules.engine.vocabulary import AnswerFact, ChangeFact, DerivedFact, FactDefinition

__all__ = ["REMOVE", "check_cites", "check_complaint", "check_facts", "check_offers", "check_safety_net", "cites_of"]

REMOVE = "remove-order"
"""The one offer that suggestions.yaml need not name: to take the draft order away."""

_Fault = tuple[str, str]


def check_facts(
    facts: Mapping[str, FactDefinition],
    value_sets: Container[str],
    questions: Container[str],
    choices: Container[str],
) -> Iterator[Problem]:
    """
    The names that facts.yaml takes from elsewhere.

    Args:
        value_sets: ids of value-sets/. questions: linkIds of the intake; choices: those with a list of answers.
    """
    for name, fact in facts.items():
        faults = [*_value_set_faults(fact, value_sets), *_relation_faults(fact, facts)]
        if isinstance(fact, AnswerFact):
            faults += _answer_faults(name, fact, facts, questions, choices)
        for what, mend in faults:
            yield Problem("facts.yaml", f"facts.{name}", what, mend)


def _value_set_faults(fact: FactDefinition, value_sets: Container[str]) -> Iterator[_Fault]:
    for name in getattr(fact, "value_set", ()):
        if name not in value_sets:
            yield f"there is no value-sets/{name}.json.", "Add the file, or correct the name."


def _relation_faults(fact: FactDefinition, facts: Container[str]) -> Iterator[_Fault]:
    """Of a fact that is worked out from others."""
    if isinstance(fact, DerivedFact):
        if fact.formula not in FORMULAS:
            yield f"there is no formula {fact.formula}.", f"The formulas are: {', '.join(sorted(FORMULAS))}."
        for part in (*fact.of, *filter(None, (fact.instead_of,))):
            if part not in facts:
                yield f"it is worked out from {part}, which is not a fact.", "Correct the name, or add that fact."
    elif isinstance(fact, ChangeFact) and fact.of not in facts:
        yield f"it follows {fact.of}, which is not a fact.", "Correct the name, or add that fact."


def _answer_faults(
    name: str,
    fact: AnswerFact,
    facts: Mapping[str, FactDefinition],
    questions: Container[str],
    choices: Container[str],
) -> Iterator[_Fault]:
    if fact.link_id not in questions:
        yield f"the intake has no item {fact.link_id}.", "Correct the link-id, or add the item to a new intake version."
    elif (fact.type == "choice") != (fact.link_id in choices):
        mend = "Take the type of the item."
        yield f"it is of type {fact.type}, but the intake item {fact.link_id} is of another.", mend
    same = [other for other, each in facts.items() if isinstance(each, AnswerFact) and each.link_id == fact.link_id]
    if same[0] != name:
        yield f"it reads the intake item {fact.link_id}, which {same[0]} reads already.", "Remove one of the two."


def check_complaint(definitions: Definitions) -> Iterator[Problem]:
    """Without the definition of a leg complaint no cause would ever speak."""
    if COMPLAINT not in definitions.definitions:
        what = f"the definition {COMPLAINT} is missing, and without it no cause is ever shown."
        yield Problem("definitions.yaml", "definitions", what, "Define what counts as a leg complaint.")


def check_offers(
    offers: Mapping[str, Offer],
    rules: Mapping[str, Mapping[str, Rule]],
    order_checks: Mapping[str, OrderCheckRule],
    facts: Container[str],
) -> Iterator[Problem]:
    """
    Each offer is made by what exists, and each order check offers what exists.

    Args:
        rules: by folder of the library and id.
    """
    for name, offer in offers.items():
        for rule in offer.for_:
            module, _, rule_id = rule.partition("/")
            if rule_id not in rules[module]:
                yield Problem("suggestions.yaml", f"{name}.for", f"there is no rule {rule}.", "Correct the name.")
        for fact in offer.missing:
            if fact not in facts:
                yield Problem("suggestions.yaml", f"{name}.missing", f"{fact} is not a fact.", "Correct the name.")
    for name, order_check in order_checks.items():
        for check in order_check.checks:
            for offered in sorted(set(check.offers) - {REMOVE} - offers.keys()):
                file, what = f"order-checks/{name}/rule.yaml", f"{offered} is not in suggestions.yaml."
                yield Problem(file, f"checks.{check.id}.offers", what, "Correct the name, or add it there.")


def check_safety_net(
    nets: Mapping[str, SafetyNet], red_flags: Container[str], facts: Container[str], sources: Container[str]
) -> Iterator[Problem]:
    """The names that safety-net.yaml takes from elsewhere."""
    for name, net in nets.items():
        cited = tuple(cite.split(" ")[0] for cite in net.cites)
        tables = (("red flag", net.for_, red_flags), ("fact", net.addressed_by, facts), ("source", cited, sources))
        for what, names, table in tables:
            for each in names:
                if each not in table:
                    yield Problem("safety-net.yaml", name, f"there is no {what} {each}.", "Correct the name.")


def check_cites(file: str, shape: Rule | Definitions, sources: Mapping[str, Source]) -> Iterator[Problem]:
    """Each cite begins with a source of sources.yaml."""
    for key, cite in cites_of(shape):
        source = cite.split(" ")[0]
        if source not in sources:
            what = f"the source {source} is not in sources.yaml."
            yield Problem(file, key, what, "Add it there, or correct the id.")


def cites_of(value: Any, at: str = "") -> Iterator[tuple[str, str]]:
    """Every cite inside a shape, with its key."""
    if isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            inner, key = getattr(value, name), f"{at}.{field.alias or name}".strip(".")
            if name == "cites":
                yield from ((key, cite) for cite in inner)
            else:
                yield from cites_of(inner, key)
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from cites_of(inner, f"{at}.{name}")
    elif isinstance(value, tuple):
        for place, inner in enumerate(value, 1):
            yield from cites_of(inner, f"{at}.{getattr(inner, 'id', place)}")
