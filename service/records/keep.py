"""From a decision to its record, and back: what is kept of an answered call, and how it is made again."""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from cds_hooks.request import HookRequest
from cds_hooks.response import Card
from rules.pack import ENGINE_VERSION, Pack
from service.decide import Decision, conclude, coverage
from service.records.decision import DecisionRecord
from service.records.facts_json import NOBODY, Whose, read_back, to_json

__all__ = ["ReplayError", "record_of", "replay"]


def record_of(
    request: HookRequest,
    decision: Decision,
    pack: Pack,
    timings: Mapping[str, float],
    tenant: str,
    client: str,
    whose: Whose = NOBODY,
) -> DecisionRecord:
    """
    The record of one decision.

    Args:
        timings: stage → milliseconds of CPU or waiting; not part of what a replay compares.
        whose: patient and encounter in pseudonyms, so that feedback on a card holds for their next calls.
    """
    findings, reading = decision.findings, decision.reading
    summary: dict[str, Any] = {
        "responseSha256": hashlib.sha256(decision.body).hexdigest(),
        "profile": request.profile,
        "cards": [
            _named(card, request, sha256=hashlib.sha256(f"{card.summary}\n{card.detail}".encode()).hexdigest())
            for card in decision.response.cards
        ],
        "silenced": [_named(each.card, request, reasons=each.reasons) for each in decision.silenced],
        "outcomes": findings.outcomes,
        "notEvaluated": {each.rule: each.reason for each in findings.not_evaluated},
        "flags": [f"{flag.rule}/{flag.flag}" for flag in findings.fired],
        "silent": findings.silent,
        "complaint": findings.complaint.value,
        "leftOut": reading.left_out,
        "unreadable": reading.unreadable,
        "gaps": {key: reason.value for key, reason in reading.gaps.items()},
        "masked": ["user id", "prefetch", "fhirAuthorization"],
        "milliseconds": timings,
    }
    return DecisionRecord(
        id=decision.id,
        as_of=decision.as_of,
        tenant=tenant,
        client=client,
        service=request.service,
        hook=request.hook,
        hook_instance=request.hook_instance,
        pack_id=pack.id,
        engine_version=ENGINE_VERSION,
        summary=msgspec.json.encode(summary),
        facts=to_json(request, decision, whose),
    )


def _named(card: Card, request: HookRequest, **more: Any) -> dict[str, Any]:
    """A card without its words, and what more is kept of it."""
    return {
        "uuid": card.uuid,
        "topic": card.source.topic.code,
        "indicator": card.indicator,
        **more,
        "rules": _rules(card, request.base_url),
    }


def _rules(card: Card, base_url: str) -> list[str]:
    """The rules that a card links to, each as module/id/version: the intervention that feedback is about."""
    labels = f"{base_url}/rules/"
    return [link.url.removeprefix(labels) for link in card.links if link.url.startswith(labels)]


class ReplayError(Exception):
    """A record cannot be made again: another pack or engine, or other bytes came out."""


def replay(record: DecisionRecord, pack: Pack) -> bytes:
    """
    Make an old answer again from its record, byte for byte.

    Raises:
        ReplayError: the pack or engine is not the one of the record, or the bytes differ.
    """
    if (record.pack_id, record.engine_version) != (pack.id, ENGINE_VERSION):
        raise ReplayError("The decision was made by another pack or engine than the one loaded. Load that one.")
    kept = read_back(record.facts, lambda modules: coverage(pack, modules))
    body = conclude(kept.request, pack, kept.reading, record.as_of, kept.modules, kept.quiet).body
    if hashlib.sha256(body).hexdigest() != msgspec.json.decode(record.summary)["responseSha256"]:
        raise ReplayError("The replay gave other bytes than were sent. Compare engine version and library files.")
    return body
