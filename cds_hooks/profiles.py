"""
Client profiles: what one kind of client gets otherwise than another. Pure.

A profile is a short list of steps on a finished card. None of them changes the summary, the detail, the indicator, the
findings or the uuid of a card, and none takes a card away. Why each step is there: service/adr/0010-….md.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Literal

import msgspec

from cds_hooks.response import Card, CdsResponse, Suggestion

__all__ = ["GENERIC", "PROFILES", "Profile", "recognize", "shape"]

Profile = Literal["generic-2.0.1", "generic-3.0", "epic", "oracle", "sandbox"]
GENERIC: Profile = "generic-2.0.1"

_EPIC_EXTENSIONS = "com.epic.cdshooks.request."
_EPIC_CREATES = frozenset(("ServiceRequest", "MedicationRequest", "Condition"))
_FINDINGS = "org.recumbent.findings"

Step = Callable[[Card], Card]
_extensions = msgspec.json.Decoder(dict[str, msgspec.Raw])


def recognize(extension: msgspec.Raw) -> Profile:
    """The profile of a client that did not say which it is, from the extension of its request; empty if it has none."""
    try:
        names = _extensions.decode(bytes(extension) or b"{}")
    except msgspec.DecodeError:  # real clients send lists and texts too
        return GENERIC
    return "epic" if any(name.startswith(_EPIC_EXTENSIONS) for name in names) else GENERIC


def shape(response: CdsResponse, profile: Profile) -> CdsResponse:
    """The answer as this kind of client is to get it."""
    return CdsResponse(tuple(_shaped(card, PROFILES[profile]) for card in response.cards), response.extension)


def _shaped(card: Card, steps: tuple[Step, ...]) -> Card:
    for step in steps:
        card = step(card)
    return card


def _topic_of_its_flags(card: Card) -> Card:
    """
    A topic of its own for each set of red flags; that of other cards stays, as the client asks.

    The client remembers an override by the topic alone. One topic for all red flags would let the override of one hide
    another one later. Alphanumeric, below 100 characters.
    """
    named = sorted(f"{entry['rule']}/{entry['flag']}" for entry in card.extension[_FINDINGS] if "flag" in entry)
    if not named:
        return card
    digest = hashlib.sha256("|".join(named).encode()).hexdigest()[:16]
    topic = msgspec.structs.replace(card.source.topic, code=card.source.topic.code + digest)
    return msgspec.structs.replace(card, source=msgspec.structs.replace(card.source, topic=topic))


def _only_what_it_can_file(card: Card) -> Card:
    """Without suggestions to create what the client cannot, such as a Task: they would fail in the clinician's hand."""
    return _with(card, tuple(each for each in card.suggestions if _can_file(each)))


def _can_file(suggestion: Suggestion) -> bool:
    drafts = [action.resource for action in suggestion.actions if action.resource is not None]
    return all(draft["resourceType"] in _EPIC_CREATES for draft in drafts)


def _described_by_what_it_does(card: Card) -> Card:
    """The label inside the description of each action, since the client does not show labels."""
    return _with(card, tuple(_told(each) for each in card.suggestions))


def _told(suggestion: Suggestion) -> Suggestion:
    actions = tuple(
        msgspec.structs.replace(action, description=f"{suggestion.label}. {action.description}")
        for action in suggestion.actions
    )
    return msgspec.structs.replace(suggestion, actions=actions)


def _at_most_one(card: Card) -> Card:
    """CDS Hooks 1.0 knows no other selectionBehavior; an unknown one makes the client treat the card as an error."""
    return msgspec.structs.replace(card, selection_behavior="at-most-one") if card.suggestions else card


def _with(card: Card, suggestions: tuple[Suggestion, ...]) -> Card:
    behavior = card.selection_behavior if suggestions else None
    return msgspec.structs.replace(card, suggestions=suggestions, selection_behavior=behavior)


PROFILES: Mapping[Profile, tuple[Step, ...]] = {
    "generic-2.0.1": (),
    "generic-3.0": (),  # actionSelectionBehavior would say nothing, since each suggestion has one action
    "epic": (_topic_of_its_flags, _only_what_it_can_file, _described_by_what_it_does),
    "oracle": (_at_most_one,),
    "sandbox": (),
}
"""Profile → its steps. One without steps gets the cards as they are made."""
