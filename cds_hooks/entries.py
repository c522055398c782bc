"""The findings extension of a card: what was found, as data for programs (`org.recumbent.findings`). Pure."""

from typing import Any

from cds_hooks.basis import Basis
from cds_hooks.values import plain_value
from rules.engine.facts import Absent, Fact, Known
from rules.engine.findings import Cause, OrderFinding, RedFlag
from rules.engine.rule import CauseRule
from rules.engine.vocabulary import unit_of

__all__ = ["cause_entry", "check_entry", "flag_entry", "problem_entry"]


def _fact_entry(basis: Basis, fact: str, direction: str, weight: Any) -> dict[str, Any]:
    value: Fact = basis.facts[fact]
    entry: dict[str, Any] = {"fact": fact, "direction": direction}
    if isinstance(value, Known | Absent):
        entry["value"] = plain_value(value)
        unit = unit_of(basis.pack.library.facts[fact])
        optional = {
            "unit": unit if not isinstance(entry["value"], bool) else None,
            "date": value.date,
            "source": value.source,
        }
        entry |= {key: each for key, each in optional.items() if each}
    if weight is not None:
        entry["weight"] = weight
    return entry


def flag_entry(basis: Basis, fired: RedFlag) -> dict[str, Any]:
    rule, ranked = basis.pack.library.red_flags[fired.rule], _ranked(basis, fired.cause)
    entry = _entry(basis, fired.cause, ranked, fired.urgency, True, f"red-flags/{rule.id}", rule.version)
    entry["flag"] = fired.flag
    entry["evidence"] = [_fact_entry(basis, fact, "for", None) for fact in fired.facts]
    entry["missing"] = list(fired.presumed)
    return entry


def cause_entry(basis: Basis, cause: Cause) -> dict[str, Any]:
    rule: CauseRule = basis.pack.library.causes[cause.cause]
    urgency = basis.urgency_of(cause.cause)
    entry = _entry(basis, cause.cause, cause, urgency, urgency != "routine", f"causes/{rule.id}", rule.version)
    entry["evidence"] = [
        _fact_entry(basis, each.facts[0], each.direction, each.weight)
        | (
            {"with": [_fact_entry(basis, fact, each.direction, None) for fact in each.facts[1:]]}
            if each.facts[1:]
            else {}
        )
        for each in cause.evidence
        if each.facts
    ]
    entry["missing"] = list(dict.fromkeys((*cause.capped_by, *cause.missing)))
    return entry


def problem_entry(basis: Basis, rule: CauseRule) -> dict[str, Any]:
    """A cause that was just put on the problem list."""
    entry = _entry(
        basis, rule.id, _ranked(basis, rule.id), basis.urgency_of(rule.id), False, f"causes/{rule.id}", rule.version
    )
    evidence = [_fact_entry(basis, rule.known_by, "for", None)] if rule.known_by else []
    return entry | {
        "known": True,
        "redFlag": basis.urgency_of(rule.id) != "routine",
        "evidence": evidence,
        "missing": [],
    }


def check_entry(basis: Basis, found: OrderFinding) -> dict[str, Any]:
    """Args: basis: with the facts as they are for the order."""
    rule = basis.pack.library.order_checks[found.rule]
    return {
        "check": found.name,
        "order": found.order.reference,
        "kind": found.kind,
        "severity": found.severity,
        "rule": f"order-checks/{rule.id}",
        "version": rule.version,
        "evidence": [_fact_entry(basis, fact, "for", None) for fact in found.facts],
        "missing": list(found.presumed),
    }


def _ranked(basis: Basis, cause: str) -> Cause | None:
    return next((each for each in basis.findings.causes if each.cause == cause), None)


def _entry(
    basis: Basis, cause: str, ranked: Cause | None, class_: str, red_flag: bool, rule: str, version: int
) -> dict[str, Any]:
    """The parts every finding has; rank and likelihood only where the cause was ranked for this patient."""
    library = basis.pack.library
    title = library.causes[cause].title if cause in library.causes else library.red_flags[rule.split("/")[1]].title
    entry: dict[str, Any] = {"cause": cause, "title": title}
    if ranked is not None:
        entry |= {"rank": ranked.rank, "likelihood": ranked.likelihood, "known": ranked.known}
    return entry | {"class": class_, "redFlag": red_flag, "rule": rule, "version": version}
