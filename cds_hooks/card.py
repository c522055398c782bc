"""
The frame of every card: summary, detail, source, topic, reasons to set it aside, links, offers, findings.

Everything printed comes from our own library: titles, advice, numbers with units and dates. Text of the patient's
record is never printed, so nothing has to be escaped.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal
from uuid import UUID, uuid5

from cds_hooks.basis import Basis, Urgency
from cds_hooks.detail import FIXED, Detail
from cds_hooks.override_reasons import reasons_for
from cds_hooks.request import HookRequest
from cds_hooks.response import Card, Coding, Link, Source
from cds_hooks.suggestions import Offered, suggestions_of
from cds_hooks.values import fact_line
from rules.engine.rule import Rule
from rules.pack import Pack
from rules.texts import LONGEST_SUMMARY, length_of

__all__ = ["CARD_SPACE", "as_many_as_fit", "card_uuid", "close", "fact_lines", "make_card", "titles"]

CARD_SPACE = UUID("5d2c7a3e-5f0e-5b7e-9a53-2f5c1e6b8d10")
"""Name space of card, suggestion and decision ids."""

TOPIC_SYSTEM = "urn:recumbent-leg-pain:topic"
_FACTS_SHOWN = 8
_USE = "For health professionals; what was not sent was not checked."

_INDICATOR: dict[Urgency, Literal["critical", "warning", "info"]] = {
    "emergency": "critical",
    "urgent": "warning",
    "routine": "info",
}


def card_uuid(request: HookRequest, pack: Pack, kind: str) -> str:
    """The same call, pack and kind of card give the same uuid."""
    return str(uuid5(CARD_SPACE, f"{request.hook_instance}|{pack.id}|{kind}"))


def make_card(
    basis: Basis,
    *,
    kind: str,
    display: str,
    urgency: Urgency,
    summary: str,
    detail: str,
    rules: Sequence[tuple[str, Rule]],
    cites: Iterable[str],
    findings: list[dict[str, Any]],
    offers: Iterable[Offered] = (),
    about: str = "",
    about_a_drug: bool = False,
) -> Card:
    """
    One card.

    Args:
        kind: the topic, the same for every card of one family, so that clients can remember an override.
        rules: (module, rule), the first one being the source. offers: what it offers to do.
        about: tells cards of one kind apart, such as the order that it is about. about_a_drug: it rests on a drug.
    """
    topic = Coding("".join(part for part in f"leg pain {kind}".replace("-", " ").split()), TOPIC_SYSTEM, display)
    uuid = card_uuid(basis.request, basis.pack, f"{kind} {about}".strip())
    short = _cut(summary)
    suggestions = suggestions_of(basis, uuid, short, offers)
    return Card(
        uuid=uuid,
        summary=short,
        detail=detail,
        indicator=_INDICATOR[urgency],
        source=Source(_authority(basis, cites), _label_url(basis, *rules[0]), topic),
        override_reasons=reasons_for(urgency, has_suggestions=bool(suggestions), about_a_drug=about_a_drug),
        links=tuple(
            Link(f"Rule: {rule.title}"[:80], _label_url(basis, module, rule), "absolute") for module, rule in rules
        ),
        extension={"org.recumbent.urgency": urgency, "org.recumbent.findings": findings},
        suggestions=suggestions,
        selection_behavior="any" if suggestions else None,
    )


def close(detail: Detail, basis: Basis, rules: Sequence[tuple[str, Rule]], cites: Iterable[str]) -> None:
    """Evidence, limits, rules and versions: the end of every card; the full basis stands behind the links."""
    sources = [basis.pack.library.sources[name] for name in dict.fromkeys(cite.split(" ")[0] for cite in cites)]
    if sources:
        named = list(dict.fromkeys(f"{each.publisher} ({each.year})" for each in sources))
        detail.add(1, f"**Evidence.** {'; '.join(named[:2])}.")
    if len(rules) == 1:
        detail.add(5, f"**Limits.** {rules[0][1].limits}")
    versions = ", ".join(f"{module}/{rule.id} v{rule.version}" for module, rule in rules)
    detail.add(FIXED, f"{_USE} Rules: {versions}.")


def fact_lines(basis: Basis, facts: Iterable[str]) -> list[str]:
    """The first facts, one line each."""
    return [fact_line(fact, basis.facts[fact], basis.pack.library) for fact in list(facts)[:_FACTS_SHOWN]]


def titles(basis: Basis, facts: Iterable[str]) -> str:
    """Facts by their titles, in one line."""
    return ", ".join(basis.pack.library.facts[fact].title for fact in facts)


def as_many_as_fit(sentence: Callable[[int], str], most: int) -> str:
    """The sentence that names as many things as a summary has room for, at least one."""
    fitting = sentence(1)
    for count in range(2, most + 1):
        longer = sentence(count)
        if len(longer) > LONGEST_SUMMARY:
            break
        fitting = longer
    return fitting


def _cut(text: str) -> str:
    """A text below the limit in code points and in UTF-16 units, cut at a word."""
    while length_of(text) > LONGEST_SUMMARY:
        text = text[:-2].rsplit(" ", 1)[0].rstrip(",;") + "…"
    return text


def _authority(basis: Basis, cites: Iterable[str]) -> str:
    """The first named source, since the source line of a card is the real authority."""
    for cite in cites:
        source = basis.pack.library.sources[cite.split(" ")[0]]
        if source.publisher != "Recumbent":
            return f"{source.title} ({source.year})"[:120]
    return "Recumbent rule library"


def _label_url(basis: Basis, module: str, rule: Rule) -> str:
    return f"{basis.request.base_url}/rules/{module}/{rule.id}/{rule.version}"
