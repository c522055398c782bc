"""
The pipe in one function: request, resources, pack, moment → decision. Pure: the same four give the same bytes.

Network, database and recording stay outside, so that any old decision can be made again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import uuid5

from cds_hooks.basis import Basis
from cds_hooks.card import CARD_SPACE
from cds_hooks.cards import each_offer_once, make_cards
from cds_hooks.discovery import MODULES, ORDER_HOOKS, PATIENT_MODULES, facts_read, modules_of, queries_of
from cds_hooks.fingerprint import fingerprints
from cds_hooks.profiles import shape
from cds_hooks.quiet import Quiet, Silenced, silence
from cds_hooks.request import HookRequest
from cds_hooks.response import EVALUATION, CdsResponse, encode
from rules.engine.errors import RecumbentError
from rules.engine.evaluate import evaluate
from rules.engine.facts import Reason
from rules.engine.findings import Findings, NotEvaluated
from rules.engine.orders import check_orders
from rules.engine.truth import CANNOT_TELL
from rules.pack import ENGINE_VERSION, Pack
from service.fhir.coverage import Coverage, coverage_of
from service.fhir.drafts import drafts_of
from service.fhir.gather import PatientResources
from service.fhir.read_facts import Reading, read_facts

__all__ = ["DataNeededError", "Decision", "conclude", "coverage", "decide", "drafts"]


_NOT_A_CLINICIAN = "user-is-not-a-clinician"
_NOT_LOOKED_UP = "overrides: could not be looked up, so that every card is shown"
_COMPLAINT_KEYS = ("intake", "conditions", "encounter")
_ORDER_KEYS = ("conditions", "medications")


class DataNeededError(RecumbentError):
    """Nothing safe can be said on the data sent. The text names the prefetch keys that are needed."""


@dataclass(frozen=True, slots=True)
class Decision:
    """
    One answered call: what was known, what was found, what is said.

    Args:
        id: computed from the call, the pack and the moment.
        response: the answer, marked as recorded; body: the same as it is sent. modules: those that answered.
        quiet: what was in force of earlier overrides; None where that could not be looked up.
        fingerprints: of each shown card, by its uuid. silenced: the cards that were not shown.
    """

    id: str
    as_of: datetime
    reading: Reading
    findings: Findings
    response: CdsResponse
    body: bytes
    modules: frozenset[str]
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
    used = modules_of(request.hook, modules)
    reading = read_facts(resources, pack, coverage(pack, used), as_of)
    if reading.wrong_patient:
        raise DataNeededError("The Patient in the prefetch is not the patient of the context. Send the right one.")
    decision = conclude(request, pack, reading, as_of, used, quiet)
    findings = decision.findings
    if not findings.fired and not findings.silent and not any(each.fires for each in findings.orders):
        _require_data(request, reading, findings)
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
    of_orders = request.hook in ORDER_HOOKS
    rules = pack.rules.check_ids if of_orders else pack.rules.rule_ids
    if not request.by_clinician:
        findings = _nothing_said(rules)
    elif of_orders:
        findings = check_orders(pack.rules, reading.facts, reading.orders, modules)
    else:
        findings = evaluate(pack.rules, reading.facts, modules)
    moment = as_of.astimezone(UTC).isoformat().replace("+00:00", "Z")
    decision = str(uuid5(CARD_SPACE, f"{request.service}|{request.hook_instance}|{pack.id}|{moment}"))
    basis = Basis(
        request,
        pack,
        reading.facts,
        findings,
        reading.gaps,
        reading.unreadable,
        reading.created,
        moment,
        drafts(pack),
    )
    made = make_cards(basis)
    prints = {card.uuid: fingerprints(card, basis) for card in made}
    told, silenced = silence(made, prints, quiet or ())
    cards = tuple(each_offer_once(told))
    lacking = {each.rule for each in findings.not_evaluated}
    evaluation: dict[str, Any] = {
        "packId": pack.id,
        "engineVersion": ENGINE_VERSION,
        "decisionId": decision,
        "evaluated": [rule for rule in rules if rule not in lacking],
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
    response = shape(CdsResponse(cards, {EVALUATION: evaluation}), request.profile)
    shown = {card.uuid: prints[card.uuid] for card in cards}
    return Decision(decision, as_of, reading, findings, response, encode(response), modules, quiet, shown, silenced)


@lru_cache(maxsize=8)
def drafts(pack: Pack) -> Mapping[str, dict[str, Any]]:
    """What the cards of a pack may offer, as draft resources, built and validated once."""
    return drafts_of(pack.library.suggestions, pack.library.intake_url)


@lru_cache(maxsize=16)
def coverage(pack: Pack, modules: frozenset[str] = PATIENT_MODULES) -> Coverage:
    """Which prefetch keys cover which facts, of those that these modules read."""
    needed: dict[str, tuple[str, ...]] = {}
    others: dict[str, tuple[str, ...]] = {}
    for query in queries_of(pack, modules):
        keys = needed if query.needed else others
        for fact in query.facts:
            keys[fact] = (*keys.get(fact, ()), query.key)
    read = facts_read(pack, modules)
    facts = {name: fact for name, fact in pack.library.facts.items() if name in read}
    return coverage_of(facts, needed, others)


def _nothing_said(rules: Iterable[str]) -> Findings:
    """For a patient or relative as user: the cards are written for health professionals."""
    nothing = tuple(NotEvaluated(rule, _NOT_A_CLINICIAN) for rule in rules)
    return Findings(silent=_NOT_A_CLINICIAN, not_evaluated=nothing)


def _require_data(request: HookRequest, reading: Reading, findings: Findings) -> None:
    if request.hook in ORDER_HOOKS and not findings.outcomes:
        return  # no check is about these orders, whatever the record holds
    if not reading.has_patient:
        raise DataNeededError("prefetch.patient is missing or holds no Patient. Send it, or the right to read it.")
    if request.hook in ORDER_HOOKS:
        if all(key in reading.gaps for key in _ORDER_KEYS):
            raise DataNeededError(
                "There is nothing to check the orders against: prefetch.conditions and prefetch.medications are both "
                "missing. Send one."
            )
        return
    # A new problem is itself what is asked about.
    blind = request.hook != "problem-list-item-create" and all(key in reading.gaps for key in _COMPLAINT_KEYS)
    if blind and findings.complaint is CANNOT_TELL:
        raise DataNeededError(
            "There is no source of a leg complaint: prefetch.intake, prefetch.conditions and prefetch.encounter are "
            "all missing. Send one."
        )


def _degraded(reading: Reading) -> list[str]:
    """What fell short: searches that failed or were not complete, resources that could not be read."""
    gaps = [f"{key}: {reason.value}" for key, reason in reading.gaps.items() if reason is not Reason.NOT_LOOKED]
    return gaps + [f"{kind}: {count} could not be read" for kind, count in reading.unreadable.items()]
