"""
The pipe in one function: request, resources, pack, moment → decision. Pure: the same four give the same bytes.

Network, database and recording stay outside, so that any old decision can be made again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import uuid5

from cds_hooks.basis import Basis
from cds_hooks.cards import CARD_SPACE, make_cards
from cds_hooks.discovery import MODULES, queries_of
from cds_hooks.fingerprint import fingerprints
from cds_hooks.quiet import Quiet, Silenced, silence
from cds_hooks.request import HookRequest
from cds_hooks.response import EVALUATION, CdsResponse, encode
from rules.engine.errors import RecumbentError
from rules.engine.evaluate import evaluate
from rules.engine.facts import Reason
from rules.engine.findings import Findings, NotEvaluated
from rules.engine.truth import CANNOT_TELL
from rules.pack import ENGINE_VERSION, Pack
from service.fhir.coverage import Coverage, coverage_of
from service.fhir.gather import PatientResources
from service.fhir.read_facts import Reading, read_facts

__all__ = ["DataNeededError", "Decision", "conclude", "coverage", "decide"]


_NOT_A_CLINICIAN = "user-is-not-a-clinician"
_NOT_LOOKED_UP = "overrides: could not be looked up, so that every card is shown"
_COMPLAINT_KEYS = ("intake", "conditions", "encounter")


class DataNeededError(RecumbentError):
    """Nothing safe can be said on the data sent. The text names the prefetch keys that are needed."""


@dataclass(frozen=True, slots=True)
class Decision:
    """
    One answered call: what was known, what was found, what is said.

    Args:
        id: computed from the call, the pack and the moment.
        response: the answer, marked as recorded; body: the same as it is sent.
        quiet: what was in force of earlier overrides; None where that could not be looked up.
        fingerprints: of each shown card, by its uuid. silenced: the cards that were not shown.
    """

    id: str
    as_of: datetime
    reading: Reading
    findings: Findings
    response: CdsResponse
    body: bytes
    quiet: tuple[Quiet, ...] | None = ()
    fingerprints: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    silenced: tuple[Silenced, ...] = ()


def decide(
    request: HookRequest,
    resources: PatientResources,
    pack: Pack,
    as_of: datetime,
    modules: frozenset[str] = MODULES,
    quiet: tuple[Quiet, ...] | None = (),
) -> Decision:
    """
    Answer one call.

    Args:
        request, resources, pack: see their types. as_of: moment of the call, with timezone.
        modules: the rule modules that are switched on.
        quiet: what clinicians have overridden for this patient and is in force at this moment; None where that could
            not be looked up, so that every card is shown and the answer says so.

    Raises:
        DataNeededError: the Patient of the call, or every source of a complaint, is lacking, and no red flag stands on
            what was sent. A red flag that stands is never held back.
    """
    reading = read_facts(resources, pack, coverage(pack), as_of)
    if reading.wrong_patient:
        raise DataNeededError("The Patient in the prefetch is not the patient of the context. Send the right one.")
    decision = conclude(request, pack, reading, as_of, modules, quiet)
    if not decision.findings.fired and not decision.findings.silent:
        _require_data(reading, decision.findings)
    return decision


def conclude(
    request: HookRequest,
    pack: Pack,
    reading: Reading,
    as_of: datetime,
    modules: frozenset[str],
    quiet: tuple[Quiet, ...] | None = (),
) -> Decision:
    """From facts to the answer: the part of the pipe that a replay runs again."""
    findings = evaluate(pack.rules, reading.facts, modules) if request.by_clinician else _nothing_said(pack)
    moment = as_of.astimezone(UTC).isoformat().replace("+00:00", "Z")
    decision = str(uuid5(CARD_SPACE, f"{request.service}|{request.hook_instance}|{pack.id}|{moment}"))
    basis = Basis(request, pack, reading.facts, findings, reading.gaps, reading.unreadable)
    made = make_cards(basis)
    prints = {card.uuid: fingerprints(card, basis) for card in made}
    cards, silenced = silence(made, prints, quiet or ())
    lacking = {each.rule for each in findings.not_evaluated}
    evaluation: dict[str, Any] = {
        "packId": pack.id,
        "engineVersion": ENGINE_VERSION,
        "decisionId": decision,
        "evaluated": [rule for rule in pack.rules.rule_ids if rule not in lacking],
        "notEvaluated": [
            {"rule": each.rule, "reason": each.reason} | ({"facts": list(each.facts)} if each.facts else {})
            for each in findings.not_evaluated
        ],
        "dataAsOf": moment,
        "silenced": [
            {"topic": each.card.source.topic.code, "indicator": each.card.indicator, "reasons": each.reasons}
            for each in silenced
        ],
        "degraded": _degraded(reading) + ([_NOT_LOOKED_UP] if quiet is None else []),
        "recorded": True,
    }
    response = CdsResponse(cards, {EVALUATION: evaluation})
    shown = {card.uuid: prints[card.uuid] for card in cards}
    return Decision(decision, as_of, reading, findings, response, encode(response), quiet, shown, silenced)


@lru_cache(maxsize=8)
def coverage(pack: Pack) -> Coverage:
    """Which of the prefetch keys of a pack covers which of its facts."""
    needed: dict[str, tuple[str, ...]] = {}
    others: dict[str, tuple[str, ...]] = {}
    for query in queries_of(pack):
        keys = needed if query.needed else others
        for fact in query.facts:
            keys[fact] = (*keys.get(fact, ()), query.key)
    return coverage_of(pack.library.facts, needed, others)


def _nothing_said(pack: Pack) -> Findings:
    """For a patient or relative as user: the cards are written for health professionals."""
    nothing = tuple(NotEvaluated(rule, _NOT_A_CLINICIAN) for rule in pack.rules.rule_ids)
    return Findings(silent=_NOT_A_CLINICIAN, not_evaluated=nothing)


def _require_data(reading: Reading, findings: Findings) -> None:
    if not reading.has_patient:
        raise DataNeededError("prefetch.patient is missing or holds no Patient. Send it, or the right to read it.")
    blind = all(key in reading.gaps for key in _COMPLAINT_KEYS)
    if blind and findings.complaint is CANNOT_TELL:
        raise DataNeededError(
            "There is no source of a leg complaint: prefetch.intake, prefetch.conditions and prefetch.encounter are "
            "all missing. Send one."
        )


def _degraded(reading: Reading) -> list[str]:
    """What fell short: searches that failed or were not complete, resources that could not be read."""
    gaps = [f"{key}: {reason.value}" for key, reason in reading.gaps.items() if reason is not Reason.NOT_LOOKED]
    return gaps + [f"{kind}: {count} could not be read" for kind, count in reading.unreadable.items()]
