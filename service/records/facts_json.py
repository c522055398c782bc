"""
A decision's facts as JSON, and back: what a replay needs, no more. It is patient data and is stored only encrypted.

    {"call": {…}, "states": [why each group of searches was not complete, or null],
     "known": {fact: [value, date, source, days, note, from text]}, "absent": {fact: [date, source]},
     "unknown": {fact: reason}, "orders": [{"reference": …, "known": …, "absent": …, "open": [fact]}], "gaps": {…}, …,
     "quiet": [[fingerprint, reason, critical]] or null, "whose": {…}, "cards": {uuid: [fingerprints, facts]}}

Facts that no resource speaks of are not listed: they follow from the states and the pack.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from cds_hooks.fingerprint import facts_of_card
from cds_hooks.profiles import GENERIC
from cds_hooks.quiet import Quiet
from cds_hooks.request import HookRequest
from rules.engine.facts import Absent, DraftOrder, Fact, Interval, Known, Reason, Unknown
from service.decide import Decision
from service.fhir.coverage import Coverage
from service.fhir.read_facts import Reading
from service.fhir.settle import Settled

__all__ = ["NOBODY", "Kept", "Told", "Whose", "read_back", "read_told", "to_json"]

_encoder = msgspec.json.Encoder(decimal_format="string")


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known again of an old call. The resources were not kept, and a replay does not need them."""

    request: HookRequest
    reading: Reading
    modules: frozenset[str]
    quiet: tuple[Quiet, ...] | None


class Whose(msgspec.Struct, frozen=True):
    """Of whom a call was, in pseudonyms (Vault.pseudonym): the patient, and the encounter where one was named."""

    patient: str | None = None
    encounter: str | None = None


NOBODY = Whose()


class _Call(msgspec.Struct):
    user: str


class Told(msgspec.Struct):
    """
    What feedback on a decision's cards has to know of it.

    Args:
        cards: uuid → fingerprints, and the ids of the facts that the card names.
    """

    call: _Call
    whose: Whose = NOBODY
    cards: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}


_told = msgspec.json.Decoder(Told)


def to_json(request: HookRequest, decision: Decision, whose: Whose) -> bytes:
    """The call, the facts it was answered on, and what feedback on its cards has to know."""
    reading = decision.reading
    return _encoder.encode(
        {
            "call": {
                "service": request.service,
                "hook": request.hook,
                "hookInstance": request.hook_instance,
                "user": request.user,
                "patient": request.patient_id,
                "encounter": request.encounter_id,
                "baseUrl": request.base_url,
                "profile": request.profile,
                "modules": sorted(decision.modules),
            },
            "states": [state and state.value for state in reading.settled.states],
            **_by_state(reading.settled.stated),
            "orders": [
                {
                    "reference": each.reference,
                    "stops": each.stops,
                    "removable": each.removable,
                    **_by_state(each.facts),
                }
                for each in reading.orders
            ],
            "created": sorted(reading.created),
            "gaps": {key: reason.value for key, reason in reading.gaps.items()},
            "leftOut": reading.left_out,
            "unreadable": reading.unreadable,
            "hasPatient": reading.has_patient,
            "quiet": decision.quiet and [(each.fingerprint, each.reason, each.critical) for each in decision.quiet],
            "whose": whose,
            "cards": {
                card.uuid: (decision.fingerprints[card.uuid], facts_of_card(card)) for card in decision.response.cards
            },
        }
    )


def read_back(content: bytes, coverage_of: Callable[[frozenset[str]], Coverage]) -> Kept:
    """The call and the reading as they were. coverage_of: modules → the coverage of the pack which decided."""
    stored = msgspec.json.decode(content)
    call = stored["call"]
    modules = frozenset(call["modules"])
    request = HookRequest(
        service=call["service"],
        hook=call["hook"],
        hook_instance=call["hookInstance"],
        patient_id=call["patient"],
        user=call["user"],
        encounter_id=call["encounter"],
        prefetch={},
        base_url=call["baseUrl"],
        profile=call.get("profile", GENERIC),  # records of before profiles have none
    )
    unknown = {fact: Unknown(Reason(reason)) for fact, reason in stored["unknown"].items()}
    settled = Settled(
        tuple(Reason(state) if state else None for state in stored["states"]), _answered(stored) | unknown
    )
    orders = tuple(
        DraftOrder(each["reference"], _answered(each) | dict.fromkeys(each["open"]), each["stops"], each["removable"])
        for each in stored["orders"]
    )
    gaps = {key: Reason(reason) for key, reason in stored["gaps"].items()}
    reading = Reading(
        settled.facts(coverage_of(modules)),
        settled,
        stored["leftOut"],
        stored["unreadable"],
        gaps,
        stored["hasPatient"],
        False,
        orders,
        frozenset(stored["created"]),
    )
    quiet = stored.get("quiet", [])  # records of before feedback have none
    return Kept(request, reading, modules, None if quiet is None else tuple(Quiet(*each) for each in quiet))


def read_told(content: bytes) -> Told:
    """What feedback has to know, without the rest."""
    return _told.decode(content)


def _by_state(facts: Mapping[str, Fact | None]) -> dict[str, Any]:
    """Facts by what is known of them; `open` are those of an order that nothing says anything of."""
    known: dict[str, Any] = {}
    absent: dict[str, Any] = {}
    unknown: dict[str, str] = {}
    for fact, value in facts.items():
        if isinstance(value, Known):
            days = _value(value.days) if value.days is not None else None
            known[fact] = (_value(value.value), value.date, value.source, days, value.note, value.from_text)
        elif isinstance(value, Absent):
            absent[fact] = (value.date, value.source)
        elif value is not None:
            unknown[fact] = value.reason.value
    open_ = [fact for fact, value in facts.items() if value is None]
    return {"known": known, "absent": absent, "unknown": unknown, "open": open_}


def _answered(stored: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {fact: Absent(*given) for fact, given in stored["absent"].items()}
    for fact, (value, date, source, days, note, from_text) in stored["known"].items():
        began: Any = _read(days) if days is not None else None
        found[fact] = Known(_read(value), date, source, began, note, from_text)
    return found


def _value(value: Any) -> Any:
    """True as it is, a number as text, a choice as a list, an interval as an object."""
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, Interval):
        return {"low": value.low, "high": value.high, "lowOpen": value.low_open, "highOpen": value.high_open}
    return value


def _read(value: Any) -> Any:
    if isinstance(value, str):
        return Decimal(value)
    if isinstance(value, list):
        return frozenset(value)
    if isinstance(value, Mapping):
        low, high = (None if value[side] is None else Decimal(value[side]) for side in ("low", "high"))
        return Interval(low, high, value["lowOpen"], value["highOpen"])
    return value
