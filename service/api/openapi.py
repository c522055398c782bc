"""What the OpenAPI document says of the routes that read their body themselves."""

from typing import Any

from cds_hooks.feedback import MAX_ENTRIES
from cds_hooks.schemas import SCHEMAS

__all__ = ["DISCOVERY", "FEEDBACK", "HOOK", "LABEL", "LABELS", "LABEL_CONTENT", "READY", "STYLE_SHEET"]

_OUTCOME = {"application/fhir+json": {"schema": {"type": "object", "title": "OperationOutcome"}}}


def _refusal(text: str) -> dict[str, Any]:
    return {"description": text, "content": _OUTCOME}


def _page(text: str, schema: dict[str, Any]) -> dict[str, Any]:
    """HTML for people, JSON for programs."""
    return {"description": text, "content": {"text/html": {}, "application/json": {"schema": schema}}}


_UNAUTHENTICATED = _refusal("No valid token of a registered client, though clients are registered")

_ENTRY = {
    "type": "object",
    "required": ["card", "outcome", "outcomeTimestamp"],
    "properties": {
        "card": {"type": "string", "minLength": 1, "maxLength": 200},
        "outcome": {"type": "string", "enum": ["accepted", "overridden"]},
        "outcomeTimestamp": {"type": "string", "format": "date-time"},
        "acceptedSuggestions": {"type": "array", "items": {"type": "object", "required": ["id"]}},
        "overrideReason": {
            "type": "object",
            "properties": {"reason": {"type": "object"}, "userComment": {"type": "string"}},
        },
    },
}
_BATCH = {
    "type": "object",
    "required": ["feedback"],
    "properties": {"feedback": {"type": "array", "minItems": 1, "maxItems": MAX_ENTRIES, "items": _ENTRY}},
}
_RULES = {
    "type": "object",
    "required": ["pack", "rules"],
    "properties": {"pack": {"type": "string"}, "rules": {"type": "array"}},
}
_CONTENT = {
    "type": "object",
    "required": ["format", "rule", "title", "version", "status", "attributes", "history", "limits"],
    "properties": {"rule": {"type": "string"}, "version": {"type": "integer"}, "attributes": {"type": "array"}},
}
_LABEL = {
    "type": "object",
    "required": ["inUse", "standing", "pack", "sha256", "otherContents", "label"],
    "properties": {"inUse": {"type": "boolean"}, "sha256": {"type": "string"}, "label": _CONTENT},
}

# `default` also keeps FastAPI from adding a 422, which no route gives.
_ELSE: dict[int | str, dict[str, Any]] = {"default": _refusal("Anything else: see its text")}

DISCOVERY: dict[int | str, dict[str, Any]] = _ELSE | {
    200: {"description": "The services", "content": {"application/json": {"schema": SCHEMAS["discovery"]}}},
    401: _UNAUTHENTICATED,
}
_UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "What the caller has still holds"}}
_LABEL_ANSWERS: dict[int | str, dict[str, Any]] = (
    _ELSE
    | _UNCHANGED
    | {
        404: _refusal("This rule was never loaded in this version, or not with this content"),
        406: _refusal("The caller takes neither HTML nor JSON"),
        503: _refusal("The stored labels cannot be read now"),
    }
)
LABEL = _LABEL_ANSWERS | {200: _page("The rule in words, and how it stands to what is loaded now", _LABEL)}
LABEL_CONTENT = _LABEL_ANSWERS | {200: _page("The rule in words, with this content", _CONTENT)}
LABELS = _ELSE | _UNCHANGED | {200: _page("The rules", _RULES), 406: _refusal("The caller takes neither HTML nor JSON")}
STYLE_SHEET = _ELSE | _UNCHANGED | {200: {"description": "The style sheet", "content": {"text/css": {}}}}
READY: dict[int | str, dict[str, Any]] = _ELSE | {503: _refusal("Decisions cannot be recorded now")}
HOOK: dict[str, Any] = {
    "openapi_extra": {
        "requestBody": {"required": True, "content": {"application/json": {"schema": SCHEMAS["request"]}}}
    },
    "responses": _ELSE
    | {
        200: {
            "description": "Cards; an empty list means: looked, nothing to say",
            "content": {"application/json": {"schema": SCHEMAS["response"]}},
        },
        400: _refusal("Malformed request"),
        401: _UNAUTHENTICATED,
        403: _refusal("This client may not call this service"),
        404: _refusal("No such service"),
        412: _refusal("Data are missing without which nothing safe can be said"),
        413: _refusal("Body too large"),
        415: _refusal("Not JSON in UTF-8"),
    },
}
FEEDBACK: dict[str, Any] = {
    "openapi_extra": {"requestBody": {"required": True, "content": {"application/json": {"schema": _BATCH}}}},
    "responses": _ELSE
    | {
        200: {"description": "Every entry is recorded; no body", "content": {}},
        400: _refusal("Malformed: nothing was recorded, or all but the entries that the text names"),
        401: _UNAUTHENTICATED,
        403: _refusal("This client may not call this service"),
        404: _refusal("No such service"),
        413: _refusal("Body too large"),
        415: _refusal("Not JSON in UTF-8"),
        503: _refusal("Not recorded now; send it again"),
    },
}
