"""
Why a clinician sets a card aside, and what follows from it. HL7 non-adherence codes where they fit, two of our own for
gaps, each with its HL7 parent.

Source: HL7 CodeSystem non-adherence-reason-codes, from the AHRQ CDSiC override taxonomy of 2025.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from cds_hooks.basis import Urgency
from cds_hooks.response import Coding

__all__ = [
    "HL7_SYSTEM",
    "OTHER",
    "OVERRIDE_REASONS",
    "OWN_SYSTEM",
    "FollowUp",
    "OverrideReason",
    "Silence",
    "reasons_for",
]

HL7_SYSTEM = "http://terminology.hl7.org/CodeSystem/non-adherence-reason-codes"
OWN_SYSTEM = "urn:recumbent-leg-pain:override-reason"

OTHER = "other"
"""What a code of the client that is not in this table is counted as; it silences nothing."""

Silence = timedelta | Literal["this-encounter", "until-a-new-fact"]
FollowUp = Literal["precision", "data-quality", "targeting", "site-report", "rule-owner"]


@dataclass(frozen=True, slots=True)
class OverrideReason:
    """
    One reason.

    Args:
        code: of HL7, or ours where there is a parent.
        display: at most 45 characters.
        silence: how long a card of the same grounds stays away; None: it comes again at the next call.
        critical_silence: the same for a critical card.
        parent: the HL7 code that exports count one of our own codes under.
        follow_up: who has to look at it: precision counts it against the rule's predictive value.
    """

    code: str
    display: str
    silence: Silence | None = None
    critical_silence: Silence | None = None
    parent: str | None = None
    follow_up: FollowUp | None = None

    @property
    def coding(self) -> Coding:
        """As it stands on a card."""
        return Coding(self.code, OWN_SYSTEM if self.parent else HL7_SYSTEM, self.display)


def _days(days: int) -> timedelta:
    return timedelta(days=days)


_NOT_APPLICABLE = "cds-not-applicable"

OVERRIDE_REASONS = {
    each.code: each
    for each in (
        OverrideReason("action-completed", "Already known or being worked up", _days(90), "this-encounter"),
        OverrideReason(
            "excluded-by-exam",
            "Examined: finding excluded",
            "until-a-new-fact",
            "until-a-new-fact",
            parent=_NOT_APPLICABLE,
        ),
        OverrideReason("patient-ineligible", "Does not fit this patient", _days(30), follow_up="precision"),
        OverrideReason(
            "data-wrong", "Chart data wrong or out of date", parent=_NOT_APPLICABLE, follow_up="data-quality"
        ),
        OverrideReason("need-more-info", "Waiting for results or consult", _days(7)),
        OverrideReason("inappropriate-recipient", "Not my patient or not my role", follow_up="targeting"),
        OverrideReason("wrong-time-workflow", "Wrong moment, will handle later", "this-encounter"),
        OverrideReason("action-not-priority", "More urgent problem first", "this-encounter"),
        OverrideReason("risk-benefit-ratio", "Benefit of drug outweighs symptom", _days(90)),
        OverrideReason("patient-contraindication", "Contraindicated for this patient", "until-a-new-fact"),
        OverrideReason("patient-refuses", "Patient declines", _days(90)),
        OverrideReason("service-not-available", "Test or service not available here", follow_up="site-report"),
        OverrideReason("policy-contradicts", "Local policy differs", follow_up="rule-owner"),
        OverrideReason("does-not-align-latest-evidence", "I disagree with the evidence", follow_up="rule-owner"),
    )
}
"""
Code → reason. A client may send any of them for any card, and those that no card offers have their meaning all the
same.
"""


def _codings(*codes: str) -> tuple[Coding, ...]:
    return tuple(OVERRIDE_REASONS[code].coding for code in codes)


# Seven at most, the most likely first. What no list has room for is still understood when a client sends it.
_CRITICAL = _codings(
    "excluded-by-exam",
    "action-completed",
    "data-wrong",
    "need-more-info",
    "patient-ineligible",
    "inappropriate-recipient",
)
_USUAL = _codings(
    "action-completed",
    "excluded-by-exam",
    "patient-ineligible",
    "data-wrong",
    "need-more-info",
    "inappropriate-recipient",
    "wrong-time-workflow",
)
_SUGGESTING = _codings(
    "action-completed",
    "patient-contraindication",
    "patient-refuses",
    "service-not-available",
    "data-wrong",
    "need-more-info",
    "policy-contradicts",
)
_OF_A_DRUG = _codings(
    "action-completed",
    "risk-benefit-ratio",
    "excluded-by-exam",
    "patient-ineligible",
    "data-wrong",
    "need-more-info",
    "wrong-time-workflow",
)
_SUGGESTING_ON_A_DRUG = _codings(
    "risk-benefit-ratio",
    "patient-contraindication",
    "patient-refuses",
    "action-completed",
    "data-wrong",
    "need-more-info",
    "does-not-align-latest-evidence",
)


def reasons_for(urgency: Urgency, *, has_suggestions: bool = False, about_a_drug: bool = False) -> tuple[Coding, ...]:
    """
    The reasons that a card offers, the most likely first, seven at most.

    Args:
        urgency: an emergency offers only the reasons that do not postpone it, whatever else is true of the card.
        has_suggestions: the card suggests something that can be declined, contraindicated or not available.
        about_a_drug: a drug that the patient takes speaks for what the card says.
    """
    if urgency == "emergency":
        return _CRITICAL
    if has_suggestions:
        return _SUGGESTING_ON_A_DRUG if about_a_drug else _SUGGESTING
    return _OF_A_DRUG if about_a_drug else _USUAL
