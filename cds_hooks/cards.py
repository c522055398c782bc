"""
Findings to cards, by hook. Pure; wording only, no clinical logic.

    patient-view, encounter-start   red flags, causes, missing data   patient_cards.py
    order-select, order-sign        one card an order                 order_cards.py
    encounter-discharge             what is open, what to watch       discharge_cards.py
    problem-list-item-create        what the new problem calls for    problem_cards.py
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

from cds_hooks.basis import Basis
from cds_hooks.card import make_card
from cds_hooks.discharge_cards import discharge_cards
from cds_hooks.order_cards import order_cards
from cds_hooks.patient_cards import patient_cards
from cds_hooks.problem_cards import problem_cards
from cds_hooks.response import Card
from rules.engine.truth import MET

__all__ = ["each_offer_once", "make_cards"]

_BY_HOOK: Mapping[str, Callable[[Basis], tuple[Card, ...]]] = {
    "patient-view": patient_cards,
    "encounter-start": patient_cards,
    "order-select": order_cards,
    "order-sign": order_cards,
    "encounter-discharge": discharge_cards,
    "problem-list-item-create": problem_cards,
}


def make_cards(basis: Basis) -> tuple[Card, ...]:
    """The cards of one answer, the most urgent first; none where there is nothing to say."""
    findings = basis.findings
    if findings.silent == "under-18":
        return (_adults_only(basis),) if findings.complaint is MET else ()
    return () if findings.silent else _BY_HOOK[basis.request.hook](basis)


def each_offer_once(cards: Iterable[Card]) -> Iterator[Card]:
    """What an earlier card offers, a later one does not offer again."""
    seen: set[tuple[str, str | None]] = set()
    for card in cards:
        offers = {(each.label, each.actions[0].resource_id): each for each in card.suggestions}
        left = tuple(each for key, each in offers.items() if key not in seen)
        seen |= offers.keys()
        yield msgspec.structs.replace(card, suggestions=left, selection_behavior="any" if left else None)


def _adults_only(basis: Basis) -> Card:
    """Said once to whoever asks about a child, since silence would read as reassurance."""
    module = basis.pack.library.modules["causes"]
    rule = next(iter(basis.pack.library.causes.values()))
    return make_card(
        basis,
        kind="scope",
        display="Leg pain scope",
        urgency="routine",
        summary="Leg complaint under 18 years: these rules are for adults, none was run. Consider a pediatrician.",
        detail=f"No red flag and no cause was checked. **Intended use.** {module.intended_use} **Not for.** "
        f"{module.not_for} Rules: none was run.",
        rules=[("causes", rule)],
        cites=(),
        findings=[],
    )
