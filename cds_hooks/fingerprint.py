"""
What a card rests on, as fingerprints: one for each thing it says. Pure.

Two cards with the same fingerprints say the same on the same facts, whenever and in whatever words they were made. A
fingerprint is a plain hash, which someone who guesses the facts can make too: it is kept encrypted, like them.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from cds_hooks.basis import Basis
from cds_hooks.entries import cause_entry
from cds_hooks.patient_cards import shown_causes, shown_mimics
from cds_hooks.response import Card
from cds_hooks.values import plain_value
from rules.engine.facts import Known, Unknown

__all__ = ["facts_of_card", "fingerprints"]

_FINDINGS = "org.recumbent.findings"
_SAID = ("rule", "version", "flag", "check", "kind", "severity", "class", "likelihood", "known")
"""What an entry says; not where it stands in the answer, which words it has, or the id of a draft order."""

_encoder = msgspec.json.Encoder(decimal_format="string", order="sorted")


def fingerprints(card: Card, basis: Basis) -> tuple[str, ...]:
    """
    One for each red flag, cause, condition or missing fact that the card names.

    It changes with the rule's version, with what is said, and with each value that was used. The date of a value counts
    only under a red flag: a sign of danger that is recorded again is a new sign, while the same cause on the same value
    is no news.
    """
    topic = card.source.topic.code
    grounds = _GROUNDS.get(topic, _findings)(card, basis)
    return tuple(sorted({_digest([topic, ground]) for ground in grounds} or {_digest([topic])}))


def facts_of_card(card: Card) -> tuple[str, ...]:
    """The ids of the facts that the card names as evidence: what to look at where the chart is said to be wrong."""
    return tuple(sorted({each["fact"] for entry in card.extension[_FINDINGS] for each in _evidence(entry)}))


def _findings(card: Card, basis: Basis) -> Iterator[Any]:
    """Of red flags, order checks, and any card whose findings are all that it says."""
    for entry in card.extension[_FINDINGS]:
        yield _ground(entry, dated="flag" in entry) | {"presumed": sorted(entry["missing"])}


def _causes(card: Card, basis: Basis) -> Iterator[Any]:
    for cause in shown_causes(basis.findings):
        yield _ground(cause_entry(basis, cause), dated=False)
    for name in shown_mimics(basis.findings):
        yield _mimic(basis, name)


def _missing(card: Card, basis: Basis) -> Iterator[Any]:
    for each in basis.findings.missing:
        value = basis.facts[each.fact]
        yield [each.fact, value.reason.value if isinstance(value, Unknown) else None, sorted(each.decides)]
    for kind, count in basis.unreadable.items():
        yield ["unreadable", kind, count]


def _safety_net(card: Card, basis: Basis) -> Iterator[Any]:
    """The same advice for everybody, but a new red flag is a new reason to give it."""
    for flag in basis.findings.fired:
        yield ["flag", flag.rule, flag.flag]


_GROUNDS = {"legpaincauses": _causes, "legpainmissingdata": _missing, "legpainsafetynet": _safety_net}


def _mimic(basis: Basis, name: str) -> Any:
    """Findings do not say which facts made it fire, so all that it reads and that are known count."""
    read = basis.pack.rules.reads.get(f"mimics/{name}", ())
    facts = {fact: plain_value(value) for fact in read if isinstance(value := basis.facts[fact], Known)}
    return ["mimics", name, basis.pack.library.mimics[name].version, facts]


def _ground(entry: Mapping[str, Any], dated: bool) -> dict[str, Any]:
    parts = ("fact", "direction", "value", "unit", *(("date",) if dated else ()))
    evidence = [[each.get(part) for part in parts] for each in _evidence(entry)]
    return {name: entry[name] for name in _SAID if name in entry} | {"evidence": sorted(evidence, key=_encoder.encode)}


def _evidence(entry: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for each in entry["evidence"]:
        yield each
        yield from each.get("with", ())


def _digest(ground: Any) -> str:
    return hashlib.sha256(_encoder.encode(ground)).hexdigest()
