"""A call of patient-view, and what its cards are made from, for cards that do not depend on what was sent."""

from typing import Any

from cds_hooks.basis import Basis
from cds_hooks.request import HookRequest
from rules.engine.evaluate import evaluate
from rules.engine.facts import PatientFacts
from rules.pack import Pack
from service.decide import drafts

__all__ = ["A_CALL", "a_basis"]

A_CALL = HookRequest(
    service="recumbent-patient-view",
    hook="patient-view",
    hook_instance="0c5b3f6e-6f0a-4a44-9c57-5f2a7d3e1b90",
    patient_id="p1",
    user="Practitioner",
    encounter_id=None,
    prefetch={},
    base_url="https://cds.example.org",
)


def a_basis(pack: Pack, facts: PatientFacts, **parts: Any) -> Basis:
    """What the cards of this call are made from; parts are those of Basis that matter to the test."""
    usual: dict[str, Any] = {"gaps": {}, "unreadable": {}, "moment": "2026-11-21T12:00:00Z", "drafts": drafts(pack)}
    findings = parts.pop("findings", None) or evaluate(pack.rules, facts)
    return Basis(parts.pop("request", A_CALL), pack, facts, findings, **usual | parts)
