"""Cards on draft orders: one an order, the worst first, its worst finding in full. Pure."""

from collections.abc import Iterator, Sequence

from cds_hooks.basis import Basis, Urgency
from cds_hooks.card import close, fact_lines, make_card, titles
from cds_hooks.detail import FIXED, Detail
from cds_hooks.entries import check_entry
from cds_hooks.response import Card
from cds_hooks.suggestions import Offered
from rules.engine.findings import OrderFinding
from rules.engine.rule import OrderCheck, OrderCheckRule
from rules.references import REMOVE

__all__ = ["order_cards"]

_SHOWN = 3
"""Cards; what is to be said of further orders stands in the last one."""
_NOT_CHECKED_SHOWN = 4
_URGENCY: dict[str, Urgency] = {"critical": "emergency", "warning": "urgent", "info": "routine"}

_Findings = list[OrderFinding]


def order_cards(basis: Basis) -> tuple[Card, ...]:
    """One card for each order that something is to be said of."""
    orders: dict[str, _Findings] = {}
    for each in basis.findings.orders:
        orders.setdefault(each.order.reference, []).append(each)
    told = [found for found in orders.values() if found[0].fires]
    shown, further = told[:_SHOWN], told[_SHOWN:]
    return tuple(_card(basis, found, further if found is shown[-1] else []) for found in shown)


def _card(basis: Basis, found: _Findings, further: Sequence[_Findings]) -> Card:
    """
    Args:
        found: of one order, the worst first. further: of the orders that have no card of their own.
    """
    fired = [each for each in found if each.fires]
    first, here = fired[0], basis.of_order(fired[0].order)
    rule, check = _rule(basis, first), _check(basis, first)
    detail = Detail()
    detail.add(FIXED, f"**Order: {basis.pack.library.facts[first.kind].title}.** {check.why}")
    found_facts = _grounds(basis, first)
    detail.list(0, "**Found in the data sent**", fact_lines(here, found_facts))
    if first.presumed:
        detail.add(FIXED, f"**Holds unless** (not known): {titles(here, first.presumed)}.")
    detail.list(0, "**Also on this order**", [_check(basis, each).summary for each in fired[1:]])
    if further:
        detail.add(FIXED, f"**Further orders to look at:** {len(further)}.")
    detail.list(0, "**Also on other orders**", [_elsewhere(basis, each[0]) for each in further])
    detail.list(0, "**To consider**", check.consider)
    open_ = [fact for fact in dict.fromkeys(_not_checked(basis, found)) if fact not in found_facts]
    if open_:
        detail.add(3, f"**Not checked, facts missing:** {titles(here, open_[:_NOT_CHECKED_SHOWN])}.")
    rules = list({each.rule: ("order-checks", _rule(basis, each)) for each in fired}.values())
    close(detail, basis, rules, check.cites)
    others = [each for order in further for each in order if each.fires]
    return make_card(
        here,
        kind=f"order-{rule.id}",
        display=f"Order check: {rule.title}",
        urgency=_URGENCY[first.severity],
        summary=check.summary,
        detail=detail.text(),
        rules=rules[:3],
        cites=check.cites,
        findings=[check_entry(basis.of_order(each.order), each) for each in (*fired, *others)],
        offers=_offers(basis, fired),
        about=first.order.reference,
        about_a_drug=first.order.reference.startswith("MedicationRequest"),
    )


def _rule(basis: Basis, found: OrderFinding) -> OrderCheckRule:
    return basis.pack.library.order_checks[found.rule]


def _check(basis: Basis, found: OrderFinding) -> OrderCheck:
    return next(check for check in _rule(basis, found).checks if check.id == found.check)


def _elsewhere(basis: Basis, found: OrderFinding) -> str:
    """What is to be said of an order that the card is not about."""
    return f"{basis.pack.library.facts[found.kind].title}: {_check(basis, found).summary}"


def _grounds(basis: Basis, found: OrderFinding) -> list[str]:
    """What a check rests on, without the kind of order itself, which the card names, and those that it is not."""
    orders = basis.pack.order_facts
    return [fact for fact in found.facts if fact not in orders or orders[fact].of not in ("what", "reason")]


def _not_checked(basis: Basis, found: _Findings) -> Iterator[str]:
    """What the open checks of an order wait for in the record, those of the worst first."""
    return (fact for each in found for fact in each.lacking if fact not in basis.pack.order_facts)


def _offers(basis: Basis, fired: _Findings) -> Iterator[Offered]:
    """What the checks offer; only what is still a draft, and has an id that the client gave, can be taken away."""
    for each in fired:
        for offer in _check(basis, each).offers:
            if offer != REMOVE:
                yield Offered(offer)
            elif each.order.removable:
                yield Offered(REMOVE, each.order.reference)
