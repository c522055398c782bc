"""The cards before a discharge: red flags that nothing on record answers, and what to come back for. Pure."""

from collections.abc import Sequence

from cds_hooks.basis import Basis
from cds_hooks.card import close, make_card
from cds_hooks.detail import FIXED, Detail
from cds_hooks.patient_cards import red_flag_card
from cds_hooks.response import Card
from rules.engine.facts import Known
from rules.engine.findings import RedFlag
from rules.engine.safety_net import SafetyNet
from rules.engine.truth import MET

__all__ = ["discharge_cards"]

_LINES = 8


def discharge_cards(basis: Basis) -> tuple[Card, ...]:
    """What is still open, and the safety net; nothing without a leg complaint or a red flag."""
    findings = basis.findings
    if findings.complaint is not MET and not findings.fired:
        return ()
    open_ = [flag for flag in findings.fired if not _addressed(basis, flag)]
    still_open = (red_flag_card(basis, open_),) if open_ else ()
    return (*still_open, _come_back_if(basis, open_)) if basis.pack.library.safety_net else still_open


def _addressed(basis: Basis, flag: RedFlag) -> bool:
    """A referral, test or treatment on record that answers the red flag."""
    nets = [net for net in basis.pack.library.safety_net.values() if flag.rule in net.for_]
    facts = (basis.facts.answered.get(fact) for net in nets for fact in net.addressed_by)
    return any(isinstance(fact, Known) for fact in facts)


def _come_back_if(basis: Basis, open_: Sequence[RedFlag]) -> Card:
    library = basis.pack.library
    flagged = {flag.rule for flag in basis.findings.fired}
    unchecked = {each.rule.removeprefix("red-flags/") for each in basis.findings.not_evaluated}

    def order(named: tuple[str, SafetyNet]) -> tuple[bool, bool]:
        return flagged.isdisjoint(named[1].for_), unchecked.isdisjoint(named[1].for_)

    nets = [net for _, net in sorted(library.safety_net.items(), key=order)][:_LINES]
    handled = [flag for flag in basis.findings.fired if flag not in open_]
    named = dict.fromkeys(rule for net in nets for rule in net.for_)
    rules = [("red-flags", library.red_flags[rule]) for rule in named]
    cites = [cite for net in nets for cite in net.cites]
    detail = Detail()
    detail.list(0, "**The patient should come back at once if**", [net.return_if for net in nets])
    if handled:
        names = ", ".join(dict.fromkeys(library.red_flags[flag.rule].title.lower() for flag in handled))
        detail.add(FIXED, f"A referral, test or treatment is on record for: {names}.")
    close(detail, basis, rules[:3], cites)
    return make_card(
        basis,
        kind="safety-net",
        display="Leg pain safety net",
        urgency="routine",
        summary="Discharge with a leg complaint: consider telling the patient which signs call for coming back.",
        detail=detail.text(),
        rules=rules[:3],
        cites=cites,
        findings=[],
    )
