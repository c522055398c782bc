"""
What a card offers to do: draft resources that the clinician may take over, or a draft order to take away.

One action a suggestion, readable on its own; nothing is done by itself. Whether a result is there already is looked up,
so that nothing is offered twice.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from cds_hooks.basis import Basis
from cds_hooks.response import Action, Suggestion
from rules.engine.facts import Absent, Known
from rules.references import REMOVE

__all__ = ["Offered", "offered_by", "offered_for", "suggestions_of"]

_SHOWN = 4
_ENCOUNTER = re.compile(r"(?:Encounter/)?([A-Za-z0-9\-._:]{1,256})")


class Offered(NamedTuple):
    """An id of suggestions.yaml, or `remove-order` with the order that it would remove."""

    offer: str
    order: str | None = None


def offered_by(basis: Basis, rules: Iterable[str]) -> Iterator[Offered]:
    """What these rules ("red-flags/acute-limb-ischemia") offer, without tests whose results are there."""
    for rule in rules:
        for name, offer in basis.pack.library.suggestions.items():
            if rule in offer.for_ and not _found(basis, offer.missing):
                yield Offered(name)


def offered_for(basis: Basis, facts: Iterable[str]) -> Iterator[Offered]:
    """What would find these missing facts; the intake for those that are questions."""
    offers = basis.pack.library.suggestions
    for fact in facts:
        if basis.pack.library.facts[fact].kind == "answer":
            yield from (Offered(name) for name, offer in offers.items() if offer.creates == "Task")
        yield from (Offered(name) for name, offer in offers.items() if fact in offer.missing)


def _found(basis: Basis, facts: Iterable[str]) -> bool:
    return any(isinstance(basis.facts[fact], Known | Absent) for fact in facts)


def suggestions_of(basis: Basis, card: str, reason: str, offers: Iterable[Offered]) -> tuple[Suggestion, ...]:
    """
    The first of the offers, each once, as suggestions.

    Args:
        card: uuid of the card. reason: why it is offered, as its summary says.
    """
    distinct = list(dict.fromkeys(offers))[:_SHOWN]
    return tuple(_suggestion(basis, card, reason, each) for each in distinct)


def _suggestion(basis: Basis, card: str, reason: str, offered: Offered) -> Suggestion:
    uuid = str(uuid5(UUID(card), f"{offered.offer} {offered.order or ''}"))
    if offered.offer == REMOVE:
        what = "Remove this draft order; nothing was sent yet."
        return Suggestion("Remove this order", uuid, (Action("delete", what, resource_id=offered.order),))
    offer = basis.pack.library.suggestions[offered.offer]
    resource = _filled(basis, basis.drafts[offered.offer], reason)
    return Suggestion(offer.label, uuid, (Action("create", offer.description, resource=resource),))


def _filled(basis: Basis, draft: dict[str, Any], why: str) -> dict[str, Any]:
    """The draft for this patient, encounter and moment, with what the card says as the reason."""
    request, task = basis.request, draft["resourceType"] == "Task"
    patient, reason = {"reference": f"Patient/{request.patient_id}"}, {"text": why}
    filled = draft | {"for" if task else "subject": patient, "authoredOn": basis.moment}
    if encounter := _ENCOUNTER.fullmatch(request.encounter_id or ""):
        filled["encounter"] = {"reference": f"Encounter/{encounter[1]}"}
    return filled | {"reasonCode": reason if task else [reason]}
