"""
Read an answer as strictly as a client may: every SHALL of CDS Hooks 2.0.1 on cards, suggestions, actions and links.

Each rule stands in cds-hooks.hl7.org/2.0, "CDS Service Response"; drafts must be valid FHIR R4.
"""

from collections.abc import Collection, Iterator
from typing import Any
from urllib.parse import urlsplit

from fhir.resources.R4B import get_fhir_model_class
from pydantic import ValidationError

__all__ = ["problems_of"]

_MOST = 139
"""UTF-16 units of a summary."""
_INDICATORS = ("info", "warning", "critical")


def problems_of(answer: Any, drafts: Collection[str] = ()) -> list[str]:
    """
    What is wrong with the body of an answer; empty for a sound one.

    Args:
        drafts: "Type/id" of the draft orders of the call; a suggestion may take away only these.
    """
    cards = answer.get("cards") if isinstance(answer, dict) else None
    if not isinstance(cards, list) or not all(isinstance(card, dict) for card in cards):
        return ["an answer is an object with a list of cards"]
    found = [*_empty(cards, "cards")]
    if "systemActions" in answer:
        found.append("systemActions are not for advice")
    for number, card in enumerate(cards):
        found += [f"cards[{number}]: {each}" for each in _of_card(card, drafts)]
    uuids = [card.get("uuid") for card in cards]
    return found + (["two cards of one uuid"] if len(set(uuids)) < len(uuids) else [])


def _of_card(card: dict[str, Any], drafts: Collection[str]) -> Iterator[str]:
    summary, source = card.get("summary", ""), card.get("source", {})
    if not 0 < len(summary.encode("utf-16-le")) // 2 <= _MOST or "\n" in summary:
        yield f"summary is one sentence of 1 to {_MOST} characters"
    if card.get("indicator") not in _INDICATORS:
        yield "indicator is info, warning or critical"
    if not card.get("uuid"):
        yield "uuid is missing, so that no feedback can be sent"
    if not source.get("label") or not _is_absolute(source.get("url")):
        yield "source has a label and an absolute url"
    if "<" in card.get("detail", ""):
        yield "detail holds HTML"
    if any({"code", "system", "display"} - reason.keys() for reason in card.get("overrideReasons", ())):
        yield "an override reason has code, system and display"
    if not all(_is_link(link) for link in card.get("links", ())):
        yield "a link has a label, the type absolute, and an absolute url"
    yield from _of_suggestions(card, drafts)


def _of_suggestions(card: dict[str, Any], drafts: Collection[str]) -> Iterator[str]:
    if "suggestions" in card and card.get("selectionBehavior") not in ("any", "at-most-one"):
        yield "suggestions need a selectionBehavior"
    for suggestion in card.get("suggestions", ()):
        if not suggestion.get("label") or not suggestion.get("uuid") or len(suggestion.get("actions", ())) != 1:
            yield "a suggestion has a label, a uuid and one action"
        for action in suggestion.get("actions", ()):
            yield from _of_action(action, drafts)


def _of_action(action: dict[str, Any], drafts: Collection[str]) -> Iterator[str]:
    if not action.get("description"):
        yield "an action has a description"
    if action.get("type") == "create":
        yield from _of_resource(action.get("resource"))
    elif action.get("type") != "delete":
        yield "an action creates or deletes"
    elif "resource" in action or action.get("resourceId") not in drafts:
        yield "a delete names a draft order of this call, and nothing else"


def _of_resource(resource: Any) -> Iterator[str]:
    if not isinstance(resource, dict) or resource.get("status") != "draft" or "id" in resource:
        yield "a create holds a new draft resource"
        return
    try:
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    except (KeyError, ValidationError):
        yield "a create holds a valid FHIR R4 resource"


def _empty(value: Any, place: str) -> Iterator[str]:
    """Attributes that are null or empty; the findings extension is a contract of its own."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inside:
        if each is None or each in ("", [], {}):
            yield f"{place}.{key} is empty"
        elif key != "extension":
            yield from _empty(each, f"{place}.{key}")


def _is_link(link: dict[str, Any]) -> bool:
    return bool(link.get("label")) and link.get("type") == "absolute" and _is_absolute(link.get("url"))


def _is_absolute(url: Any) -> bool:
    parts = urlsplit(url or "")
    return parts.scheme in ("http", "https") and bool(parts.netloc)
