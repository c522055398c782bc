"""What the cards of one answer are made from."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from cds_hooks.request import HookRequest
from rules.engine.facts import DraftOrder, PatientFacts, Reason
from rules.engine.findings import Findings
from rules.pack import Pack

__all__ = ["Basis", "Urgency"]

Urgency = Literal["emergency", "urgent", "routine"]


@dataclass(frozen=True, slots=True)
class Basis:
    """
    What the cards of one answer are made from.

    Args:
        gaps: search key → why it was not completely looked through.
        unreadable: resource type → how many could not be read.
        created: "Condition/id" of the problems that were just put on the list.
        moment: of the call, as it is written in drafts. drafts: id of suggestions.yaml → a draft FHIR R4 resource
            without patient, encounter, moment and reason.
    """

    request: HookRequest
    pack: Pack
    facts: PatientFacts
    findings: Findings
    gaps: Mapping[str, Reason]
    unreadable: Mapping[str, int]
    created: frozenset[str] = frozenset()
    moment: str = ""
    drafts: Mapping[str, dict[str, Any]] = field(default_factory=dict)

    def urgency_of(self, cause: str) -> Urgency:
        """The highest urgency of the red flags that fired for a cause; routine without one."""
        fired = {flag.urgency for flag in self.findings.fired if flag.cause == cause}
        return "emergency" if "emergency" in fired else "urgent" if fired else "routine"

    def of_order(self, order: DraftOrder) -> "Basis":
        """The same with the facts as they are for one draft order."""
        return replace(self, facts=PatientFacts(self.facts.with_order(order), self.facts.unknown))
