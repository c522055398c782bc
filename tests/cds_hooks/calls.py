"""Calls, and what their cards are made from: of patient-view with facts alone, of any hook with a whole patient."""

from collections.abc import Container
from dataclasses import replace
from typing import Any

from cds_hooks.basis import Basis
from cds_hooks.discovery import MODULES, modules_of, queries_of
from cds_hooks.request import HookRequest, read_request
from rules.engine.evaluate import evaluate
from rules.engine.facts import PatientFacts
from rules.pack import Pack
from service.decide import Decision, decide, drafts
from service.fhir.gather import from_call
from tests.builders import AS_OF, Patient, a_patient

__all__ = ["A_CALL", "a_basis", "answered"]

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


def answered(
    pack: Pack,
    hook: str,
    patient: Patient | None = None,
    modules: frozenset[str] = MODULES,
    keys: Container[str] | None = None,
    **context: Any,
) -> Decision:
    """
    The answer to a call of a patient whose EHR sends the whole prefetch.

    Args:
        keys: of the prefetch, those that are sent; None for all. context: what the context holds besides.
    """
    body = (patient or a_patient()).hook_body(pack, hook, **context)
    request = read_request(f"recumbent-{hook}", body, A_CALL.base_url)
    sent = {key: value for key, value in request.prefetch.items() if keys is None or key in keys}
    used = modules_of(hook, modules)
    resources = from_call(replace(request, prefetch=sent), queries_of(pack, used))
    return decide(request, resources, pack, AS_OF, modules)
