"""
From what the caller sent to the resources of one patient, and how completely each search was answered.

A key that is missing means nobody looked; null or a Bundle without a match means there is none; an OperationOutcome
means that the look failed; a Bundle with a next page is only part of the answer. Only a complete look can make a fact
Absent.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from cds_hooks.discovery import Query
from cds_hooks.request import HookRequest
from rules.engine.facts import Reason
from service.fhir.resources import (
    UNREADABLE,
    Bundle,
    BundleEntry,
    decode_bundle,
    decode_header,
    given,
    type_of,
)

__all__ = ["PatientResources", "from_bundle", "from_call", "from_prefetch"]

Entry = tuple[str | None, msgspec.Raw]


@dataclass(frozen=True, slots=True)
class PatientResources:
    """
    What was gathered about one patient, undecoded.

    Args:
        patient_id: the id that every resource must name.
        entries: (full URL or None, resource as JSON).
        looked: search key → why a fact that it covers and does not hold is unknown; NONE_RECORDED is a complete look.
        created: the problems that were just put on the list, as sources of facts name them.
        orders: the draft orders of the call. selected: "Type/id" of those that are asked about; None for all.
    """

    patient_id: str
    entries: tuple[Entry, ...]
    looked: Mapping[str, Reason]
    orders: tuple[Entry, ...] = ()
    selected: frozenset[str] | None = None
    created: frozenset[str] = frozenset()


def from_call(request: HookRequest, queries: Iterable[Query]) -> PatientResources:
    """The resources of a hook request: its prefetch, and what its context holds."""
    sent = from_prefetch(request.patient_id, request.prefetch, queries)
    return dataclasses.replace(
        sent,
        entries=_distinct((*sent.entries, *_of_context(request.conditions))),
        created=frozenset(_created(request.conditions)),
        orders=_of_context(request.draft_orders),
        selected=request.selections,
    )


def _of_context(bundle: msgspec.Raw | None) -> tuple[Entry, ...]:
    """The resources of a Bundle of the context, which real clients send without a type."""
    if bundle is None:
        return ()
    return tuple((entry.full_url, entry.resource) for entry in decode_bundle(bundle).entry)


def _created(bundle: msgspec.Raw | None) -> Iterator[str]:
    for url, raw in _of_context(bundle):
        header = decode_header(raw)
        yield f"Condition/{header.id}" if header.id else url or "Condition"


def from_prefetch(patient_id: str, prefetch: Mapping[str, msgspec.Raw], queries: Iterable[Query]) -> PatientResources:
    """
    The resources of a hook request's prefetch, each once even if several keys hold it. Data are read under any key,
    since customers type the keys; but a look counts as complete only under a key of ours.
    """
    ours = {query.key: query for query in queries}
    entries: list[Entry] = []
    looked = dict.fromkeys(ours, Reason.NOT_LOOKED)
    for key, value in prefetch.items():
        state, found = _answer(value, ours.get(key))
        entries += found
        if key in ours:
            looked[key] = state
    return PatientResources(patient_id, _distinct(entries), looked)


def from_bundle(patient_id: str, bundle: Bundle, queries: Iterable[Query]) -> PatientResources:
    """The resources of a whole record in one Bundle: a complete look for every type of resource that it holds."""
    state, entries = _sorted(bundle)
    types = {type_of(raw) for _, raw in entries}
    looked = {query.key: state if query.type in types else Reason.NOT_LOOKED for query in queries}
    return PatientResources(patient_id, _distinct(entries), looked)


def _answer(value: msgspec.Raw, query: Query | None) -> tuple[Reason, list[Entry]]:
    """What one prefetch value says: how complete the look was, and the resources in it."""
    if not given(value):
        return Reason.NONE_RECORDED, []
    try:
        bundle = decode_bundle(value)
    except UNREADABLE:
        return _single(value, type_of(value), query)
    if bundle.resource_type != "Bundle":
        return _single(value, bundle.resource_type, query)
    state, entries = _sorted(bundle)
    # Resources, and none of the type that was asked for: this is the answer to another question.
    astray = query and entries and all(type_of(raw) != query.type for _, raw in entries)
    return (Reason.NOT_LOOKED if astray else state), entries


def _single(value: msgspec.Raw, kind: str | None, query: Query | None) -> tuple[Reason, list[Entry]]:
    """What a prefetch value says that is no Bundle we can read."""
    if kind == "OperationOutcome":
        return Reason.FAILED, []
    if kind is None or kind == "Bundle":
        return Reason.UNREADABLE, []
    return (Reason.NONE_RECORDED if query and query.type == kind else Reason.NOT_LOOKED), [(None, value)]


def _sorted(bundle: Bundle) -> tuple[Reason, list[Entry]]:
    """How complete a Bundle is, and its resources without the outcomes of the search itself."""
    state = Reason.INCOMPLETE if bundle.partial else Reason.NONE_RECORDED
    entries: list[Entry] = []
    for entry in bundle.entry:
        if not _is_outcome(entry):
            entries.append((entry.full_url, entry.resource))
        elif _is_error(entry.resource):
            state = Reason.FAILED
    return state, entries


def _is_outcome(entry: BundleEntry) -> bool:
    if entry.mode is None:
        return type_of(entry.resource) == "OperationOutcome"
    return entry.mode == "outcome"


class _Issue(msgspec.Struct):
    severity: Any = None


class _Outcome(msgspec.Struct):
    issue: list[_Issue] = []


def _is_error(outcome: msgspec.Raw) -> bool:
    """An outcome among the matches may say that the search failed; one that only warns ("no results") does not."""
    try:
        issues = msgspec.json.decode(outcome, type=_Outcome).issue
    except UNREADABLE:
        return True
    return any(issue.severity in ("error", "fatal") for issue in issues)


def _distinct(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Each resource once: two searches often find the same one, and it would be counted twice where it is left out."""
    listed = list(entries)
    urls = {url for url, _ in listed}
    if len(urls) == len(listed) and None not in urls:
        return tuple(listed)
    return tuple({(url, bytes(raw)): (url, raw) for url, raw in listed}.values())
