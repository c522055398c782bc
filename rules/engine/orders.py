"""
Draft orders in the light of the facts. Pure; each order is looked at alone, with the facts as they are for it.

Only the checks of what is ordered are asked. A check fires like a red flag: strictly, or with unknown exceptions taken
for no; what is unknown otherwise never makes it fire, unless the check itself asks for a measurement first (`missing`).
"""

from collections.abc import Iterable, Iterator

from rules.engine.attempts import Attempts
from rules.engine.compiled import CompiledCheck, CompiledRules
from rules.engine.criteria import Look, standing, unknowns
from rules.engine.evaluate import out_of_scope, strongest
from rules.engine.facts import DraftOrder, Known, PatientFacts
from rules.engine.findings import Findings, NotEvaluated, OrderFinding
from rules.engine.truth import CANNOT_TELL, MET, Truth

__all__ = ["MODULE", "check_orders"]

MODULE = "order-checks"
_SEVERITY = {"critical": 0, "warning": 1, "info": 2}


def check_orders(
    rules: CompiledRules, facts: PatientFacts, orders: Iterable[DraftOrder], modules: frozenset[str]
) -> Findings:
    """
    What is to be said of each draft order, the worst first.

    Args:
        facts: of the patient, without the orders. modules: those that are switched on.
    """
    if MODULE not in modules:
        return Findings(not_evaluated=tuple(NotEvaluated(rule, "module is switched off") for rule in rules.check_ids))
    attempt = Attempts()
    if silent := out_of_scope(Look(facts.answered)):
        return Findings(silent=silent, not_evaluated=tuple(NotEvaluated(rule, silent) for rule in rules.check_ids))
    looked = [list(_of_order(rules, facts, order, attempt)) for order in orders]
    asked = [found for each in looked for _, found in each]
    words = ((f"{MODULE}/{each.rule}", MET.value if each.fires else each.outcome.value) for each in asked)
    outcomes = strongest(words)
    return Findings(
        orders=tuple(sorted((found for each in looked for found in _told(each)), key=_worst_first)),
        outcomes={rule: word for rule, word in outcomes.items() if word == "met" or rule not in attempt.failed},
        not_evaluated=tuple(_not_evaluated(rules, outcomes, asked, attempt)),
    )


def _of_order(
    rules: CompiledRules, facts: PatientFacts, order: DraftOrder, attempt: Attempts
) -> Iterator[tuple[CompiledCheck, OrderFinding]]:
    values = facts.with_order(order)
    look, presuming = Look(values), Look(values, presume=True)
    kinds = [name for name in rules.checks_of if isinstance(order.facts.get(name), Known)]
    for check in dict.fromkeys(check for name in kinds for check in rules.checks_of[name]):
        if check.stops is order.stops:
            kind = next(name for name in check.orders if name in kinds)
            found = attempt(check.name, _stand, check, order, kind, look, presuming)
            if found is not None:
                yield check, found


def _stand(check: CompiledCheck, order: DraftOrder, kind: str, look: Look, presuming: Look) -> OrderFinding:
    stands = standing(check.criterion, look, presuming)
    open_ = stands.outcome is CANNOT_TELL and not stands.fires
    lacking = tuple(dict.fromkeys(unknowns(check.criterion, look))) if open_ else ()
    return OrderFinding(check.rule, check.id, order, kind, check.severity, *stands, lacking)


def _told(looked: Iterable[tuple[CompiledCheck, OrderFinding]]) -> Iterator[OrderFinding]:
    """Of one order: what fires, without what another one that fires says better; and what cannot be told."""
    pairs = list(looked)
    fired = {found.name for _, found in pairs if found.fires}
    for check, found in pairs:
        if fired.isdisjoint(check.superseded_by) if found.fires else found.outcome is CANNOT_TELL:
            yield found


def _worst_first(found: OrderFinding) -> tuple[bool, int, bool, str, str, str]:
    return (
        not found.fires,
        _SEVERITY[found.severity],
        found.presumed != (),
        found.order.reference,
        found.rule,
        found.check,
    )


def _not_evaluated(
    rules: CompiledRules, outcomes: dict[str, str], asked: Iterable[OrderFinding], attempt: Attempts
) -> Iterator[NotEvaluated]:
    lacking: dict[str, dict[str, None]] = {}
    for each in asked:
        lacking.setdefault(f"{MODULE}/{each.rule}", {}).update(dict.fromkeys(each.lacking))
    for rule in rules.check_ids:
        if rule in attempt.failed:
            yield NotEvaluated(rule, "rule failed")
        elif rule not in outcomes:
            yield NotEvaluated(rule, "no such order")
        elif outcomes[rule] == Truth.CANNOT_TELL.value:
            yield NotEvaluated(rule, "facts are missing", tuple(lacking[rule]))
