"""
Draft orders in the light of the facts. Pure; each order is looked at alone, with the facts as they are for it.

Only the checks of what is ordered are asked. A check fires like a red flag: strictly, or with unknown exceptions taken
for no; what is unknown otherwise never makes it fire, unless the check itself asks for a measurement first (`missing`).
"""

from collections.abc import Iterable, Iterator

from rules.engine.attempts import Attempts
from rules.engine.compiled import CompiledCheck, CompiledRules
from rules.engine.criteria import Look, carrying, presumed, unknowns
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
    asked = [found for order in orders for found in _of_order(rules, facts, order, attempt)]
    words = ((f"{MODULE}/{each.rule}", MET.value if each.fires else each.outcome.value) for each in asked)
    outcomes = strongest(words)
    return Findings(
        orders=tuple(sorted(_told(rules, asked), key=_worst_first)),
        outcomes={rule: word for rule, word in outcomes.items() if word == "met" or rule not in attempt.failed},
        not_evaluated=tuple(_not_evaluated(rules, outcomes, asked, attempt)),
    )


def _of_order(
    rules: CompiledRules, facts: PatientFacts, order: DraftOrder, attempt: Attempts
) -> Iterator[OrderFinding]:
    values = facts.with_order(order)
    look, presuming = Look(values), Look(values, presume=True)
    kinds = [name for name in rules.checks_of if isinstance(order.facts.get(name), Known)]
    for check in dict.fromkeys(check for name in kinds for check in rules.checks_of[name]):
        if check.stops is order.stops:
            kind = next(name for name in check.orders if name in kinds)
            found = attempt(check.name, _stand, check, order, kind, look, presuming)
            if found is not None:
                yield found


def _stand(check: CompiledCheck, order: DraftOrder, kind: str, look: Look, presuming: Look) -> OrderFinding:
    """How a check stands: strictly, and where that cannot be told, with unknown exceptions taken for no."""
    outcome = check.criterion.test(look)
    open_ = outcome is CANNOT_TELL
    fires = outcome is MET or (open_ and check.criterion.presumes and check.criterion.test(presuming) is MET)
    reasons = dict.fromkeys(carrying(check.criterion, presuming) if fires else ())
    unless = dict.fromkeys(presumed(check.criterion, look, presuming) if fires and open_ else ())
    lacking = dict.fromkeys(unknowns(check.criterion, look) if open_ and not fires else ())
    return OrderFinding(
        check.rule,
        check.id,
        order,
        kind,
        check.severity,
        outcome,
        fires,
        tuple(reasons),
        tuple(unless),
        tuple(lacking),
    )


def _told(rules: CompiledRules, asked: list[OrderFinding]) -> Iterator[OrderFinding]:
    """Those that fire, without those that another one of the same order says better; and those that cannot be told."""
    checks = {f"{check.rule}/{check.id}": check for each in rules.checks_of.values() for check in each}
    fired = {(each.order.reference, each.name) for each in asked if each.fires}
    for each in asked:
        better = ((each.order.reference, name) for name in checks[each.name].superseded_by)
        if fired.isdisjoint(better) if each.fires else each.outcome is CANNOT_TELL:
            yield each


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
