"""The cards on a problem that was just put on the list: what it calls for, beside its red flags. Pure."""

from collections.abc import Sequence

from cds_hooks.basis import Basis
from cds_hooks.card import as_many_as_fit, close, make_card
from cds_hooks.detail import Detail
from cds_hooks.entries import problem_entry
from cds_hooks.patient_cards import missing_card, patient_cards, red_flag_card
from cds_hooks.response import Card
from cds_hooks.suggestions import offered_by
from cds_hooks.values import in_a_sentence
from rules.engine.facts import Known
from rules.engine.rule import CauseRule
from rules.engine.truth import MET

__all__ = ["problem_cards"]

_STEPS, _QUESTIONS, _WARNINGS = 4, 3, 3


def problem_cards(basis: Basis) -> tuple[Card, ...]:
    """What a new problem of ours calls for; of a new complaint, its red flags and likely causes."""
    findings, new = basis.findings, _new(basis)
    if not new:
        return patient_cards(basis) if _new_complaint(basis) or findings.fired else ()
    made = [red_flag_card(basis)] if findings.fired else []
    made.append(_called_for(basis, new))
    made += [missing_card(basis)] if findings.complaint is MET and findings.missing else []
    return tuple(made)


def _is_new(basis: Basis, fact: str | None) -> bool:
    value = basis.facts.answered.get(fact or "")
    return isinstance(value, Known) and value.source in basis.created


def _new(basis: Basis) -> list[CauseRule]:
    """The causes that the new problems are."""
    causes = basis.pack.library.causes.values()
    return [rule for rule in causes if rule.status == "active" and _is_new(basis, rule.known_by)]


def _new_complaint(basis: Basis) -> bool:
    complaint = basis.pack.rules.complaint
    return basis.findings.complaint is MET and any(_is_new(basis, fact) for fact in complaint.reads)


def _called_for(basis: Basis, new: Sequence[CauseRule]) -> Card:
    first, detail = new[0], Detail()
    detail.list(0, f"**To consider** ({in_a_sentence(first.title)})", first.next[:_STEPS])
    for other in new[1:]:
        detail.list(1, f"**To consider** ({in_a_sentence(other.title)})", other.next[:_STEPS])
    detail.list(0, "**To avoid**", [text for rule in new for text in rule.avoid][:_WARNINGS])
    detail.list(1, "**To ask**", first.ask[:_QUESTIONS])
    detail.list(2, "**What the patient may do**", first.self_care.safe[:_STEPS])
    detail.list(2, "**What would harm**", first.self_care.unsafe[:_WARNINGS])
    rules = [("causes", rule) for rule in new]
    close(detail, basis, rules, first.cites)

    def sentence(count: int) -> str:
        names = ", ".join(in_a_sentence(rule.title) for rule in new[:count])
        return f"New on the problem list: {names}. Check what it calls for: tests, medicines to avoid, red flags."

    return make_card(
        basis,
        kind="problem",
        display="Leg pain new problem",
        urgency="routine",
        summary=as_many_as_fit(sentence, len(new)),
        detail=detail.text(),
        rules=rules[:3],
        cites=first.cites,
        findings=[problem_entry(basis, rule) for rule in new],
        offers=offered_by(basis, (f"causes/{rule.id}" for rule in new)),
    )
