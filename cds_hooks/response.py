"""
What we answer: CDS Hooks 2.0.1 cards. Empty attributes are left out by one serializer, encode(), since the
specification allows no null, "", [] or {} except `cards: []`.
"""

from decimal import Decimal
from typing import Any, Literal

import msgspec

__all__ = [
    "EVALUATION",
    "Action",
    "Card",
    "CdsResponse",
    "Coding",
    "Link",
    "Source",
    "Suggestion",
    "encode",
    "unrecorded",
]

EVALUATION = "org.recumbent.evaluation"
"""The extension of an answer that says what was and was not evaluated."""

_KEPT = frozenset(("org.recumbent.findings", "evidence", "missing"))
"""Lists that stay when they are empty, by our contract for the findings."""

_NUMBERS = (int, float, Decimal)
_NESTED = (dict, list, tuple)


class _Part(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    pass


class Coding(_Part, frozen=True):
    """A code with its system; display is required for override reasons."""

    code: str
    system: str
    display: str | None = None


class Source(_Part, frozen=True):
    """Who says so. `topic` is the same for every card of one kind, so that clients can remember an override."""

    label: str
    url: str
    topic: Coding


class Link(_Part, frozen=True):
    """A link that the client shows below the card."""

    label: str
    url: str
    type: Literal["absolute"]


class Action(_Part, frozen=True):
    """
    What the client does when a suggestion is taken: create a draft resource, or delete a draft order.

    Args:
        description: readable on its own, since some clients show nothing else.
        resource: a whole FHIR R4 resource to create. resource_id: "Type/id" of the order to delete.
    """

    type: Literal["create", "delete"]
    description: str
    resource: dict[str, Any] | None = None
    resource_id: str | None = None


class Suggestion(_Part, frozen=True):
    """One thing to do, with one action."""

    label: str
    uuid: str
    actions: tuple[Action, ...]


class Card(_Part, frozen=True):
    """One card. `detail` is GitHub Flavored Markdown without HTML, tables or images."""

    uuid: str
    summary: str
    detail: str
    indicator: Literal["info", "warning", "critical"]
    source: Source
    override_reasons: tuple[Coding, ...]
    links: tuple[Link, ...]
    extension: dict[str, Any]
    suggestions: tuple[Suggestion, ...] = ()
    selection_behavior: Literal["any", "at-most-one"] | None = None


class CdsResponse(msgspec.Struct, frozen=True):
    """The body of an answered call."""

    cards: tuple[Card, ...]
    extension: dict[str, Any]


_encoder = msgspec.json.Encoder(decimal_format="number")


def encode(response: CdsResponse) -> bytes:
    """The answer as JSON, without empty attributes; the same response gives the same bytes."""
    cards = _filled(msgspec.to_builtins(response.cards, builtin_types=(Decimal,)))
    # What was evaluated names every rule; its entries are made without empty attributes.
    said = {key: value for key, value in response.extension[EVALUATION].items() if value or isinstance(value, _NUMBERS)}
    return _encoder.encode({"cards": cards, "extension": response.extension | {EVALUATION: said}})


def unrecorded(response: CdsResponse) -> CdsResponse:
    """The same answer, which says that it was not recorded: the cards matter more than the record."""
    evaluation = {**response.extension[EVALUATION], "recorded": False}
    return CdsResponse(response.cards, {**response.extension, EVALUATION: evaluation})


def _filled(value: Any) -> Any:
    """The value without empty attributes, inside too; a number and a bool are never empty."""
    if isinstance(value, dict):
        filled = {}
        for key, each in value.items():
            inner = _filled(each) if isinstance(each, _NESTED) else each
            if inner or key in _KEPT or isinstance(inner, _NUMBERS):
                filled[key] = inner
        return filled
    return [_filled(each) if isinstance(each, _NESTED) else each for each in value]
