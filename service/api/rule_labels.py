"""
The public label pages: what a card's source link opens. HTML for people, JSON for programs.

    /rules                               every rule of the loaded library
    /rules/causes/sciatica/2             a rule version, also when it is long retired or another one is loaded
    /rules/causes/sciatica/2/<sha256>    one content of it; as JSON the very bytes that have this hash

Only the last one as JSON may be cached for good: the others say how they stand to what is loaded now.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from rules.engine.compiled import module_of
from rules.engine.rule import Rule
from rules.label import Label, decode
from service.api.accept import preferred
from service.api.openapi import LABEL, LABEL_CONTENT, LABELS, STYLE_SHEET
from service.api.pages import STYLE, render
from service.errors import operation_outcome
from service.headers import PAGE_POLICY
from service.log import log
from service.records.labels import Found
from service.state import State
from service.storage.database import StoreError
from service.storage.labels import StoredLabel

__all__ = ["router"]

router = APIRouter(prefix="/rules")

_HTML, _JSON, _OUTCOME = "text/html", "application/json", "application/fhir+json"
_NOT_HELD = "No label of this rule and version was ever loaded here. GET /rules lists the rules of today."
_NOT_OFFERED = "This address answers text/html and application/json. Accept one of them."
_UNREADABLE = "The stored labels cannot be read now. Cards are given all the same. Try again later."
_VERSION = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)
_KINDS = {
    "red-flags": "Red flag",
    "causes": "Likely cause",
    "mimics": "Mimic",
    "scores": "Score",
    "order-checks": "Order check",
}
_FOLDERS = {
    "mimics": ("Mimics", "Conditions beyond the causes that are named and not ranked."),
    "scores": ("Scores", "Validated scores and grades that rules read, and that are shown beside the causes."),
}


@router.head("", include_in_schema=False)
@router.get("", summary="All rules", responses=LABELS)
def rules(request: Request) -> Response:
    """Every rule of the loaded library with the address of its label."""
    state: State = request.app.state.recumbent
    by_module = state.pack.library.by_module()
    kind = preferred(_accepted(request), (_HTML, _JSON))
    if kind is None:
        return operation_outcome(406, "not-supported", _NOT_OFFERED)
    if kind == _HTML:
        modules = [_module(state, folder, rules.values()) for folder, rules in by_module.items()]
        return _answer(request, render("rules.html", root="rules/", pack=state.pack.id, modules=modules), _HTML)
    listed = [
        {
            "rule": f"{folder}/{rule.id}",
            "title": rule.title,
            "version": rule.version,
            "status": rule.status,
            "label": f"{state.settings.base_url}/rules/{folder}/{rule.id}/{rule.version}",
        }
        for folder, rule in state.pack.library.rules()
    ]
    return _answer(request, msgspec.json.encode({"pack": state.pack.id, "rules": listed}), _JSON)


@router.head("/style.css", include_in_schema=False)
@router.get("/style.css", summary="The style sheet of the pages", responses=STYLE_SHEET)
def style(request: Request) -> Response:
    """The one style sheet of all pages."""
    return _answer(request, STYLE, "text/css")


@router.head("/{module}/{rule_id}/{version}", include_in_schema=False)
@router.get("/{module}/{rule_id}/{version}", summary="The label of a rule version", responses=LABEL)
def rule_label(module: str, rule_id: str, version: str, request: Request) -> Response:
    """What the rule is for, when it holds and why, on which facts and numbers, what it misses, and how it changed."""
    return _label(request, f"{module}/{rule_id}", version, None, "../../")


@router.head("/{module}/{rule_id}/{version}/{sha256}", include_in_schema=False)
@router.get("/{module}/{rule_id}/{version}/{sha256}", summary="One content of a rule version", responses=LABEL_CONTENT)
def label_content(module: str, rule_id: str, version: str, sha256: str, request: Request) -> Response:
    """The label of a rule version as it was with this content; as JSON the bytes that have this SHA-256."""
    return _label(request, f"{module}/{rule_id}", version, sha256, "../../../")


def _label(request: Request, rule: str, version: str, sha256: str | None, root: str) -> Response:
    state: State = request.app.state.recumbent
    kind = preferred(_accepted(request), (_HTML, _JSON))
    if kind is None:
        return operation_outcome(406, "not-supported", _NOT_OFFERED)
    try:
        found = state.labels.find(rule, int(version), sha256) if _VERSION.fullmatch(version) else None
    except StoreError as error:
        log.error("labels-unreadable", reason=type(error).__name__)
        return operation_outcome(503, "transient", _UNREADABLE)
    if found is None:
        return _not_held(request, root)
    if kind == _JSON:
        return _json(request, state, found, alone=sha256 is not None)
    return _answer(request, _page(state, found, root), _HTML)


def _not_held(request: Request, root: str) -> Response:
    """A page for a browser, which asks for HTML by name; the usual OperationOutcome for all others."""
    if preferred(_accepted(request), (_OUTCOME, _HTML)) == _OUTCOME:
        return operation_outcome(404, "not-found", _NOT_HELD)
    return _answer(request, render("missing.html", root=root, text=_NOT_HELD), _HTML, 404)


# ── how a label stands to what is loaded now ─────────────────────────────────────────────────────────────────────────


class _Other(msgspec.Struct, frozen=True, rename="camel"):
    """Another content of the same version; same_text says whether the rule itself reads the same there."""

    sha256: str
    first_loaded: date
    same_text: bool


@dataclass(frozen=True, slots=True)
class _Standing:
    """
    Args:
        kind: "used" or "unused". link: the version that is loaded, where it is another.
    """

    kind: str
    text: str
    link: int | None = None


def _standing(state: State, label: Label, found: Found) -> _Standing:
    if found.loaded and label.status == "active" and _is_on(state, label.rule):
        return _Standing("used", "This version is in use.")
    if found.loaded:
        return _Standing("unused", _WHY_UNUSED[label.status])
    if found.loaded_version is None:
        return _Standing("unused", "This version is not in use. The library that is loaded now does not hold the rule.")
    if found.loaded_version == label.version:
        text = "This is an earlier content of this version. Another one is loaded now:"
        return _Standing("unused", text, found.loaded_version)
    return _Standing("unused", "This version is not in use. Loaded now is:", found.loaded_version)


_WHY_UNUSED = {
    "active": "This version is loaded, but its module is switched off here.",
    "draft": "This is a draft. It is not used for any patient.",
    "retired": "This rule is retired and not used any more. The page stays, since old cards link to it.",
}


def _is_on(state: State, rule: str) -> bool:
    """Scores belong to no module of their own; they are used as long as any module is."""
    module = module_of(rule)
    return bool(state.settings.modules) if module == "scores" else module in state.settings.modules


# ── answers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _page(state: State, found: Found, root: str) -> bytes:
    label = decode(found.content)
    return render(
        "label.html",
        root=root,
        label=label,
        kind=_KINDS.get(label.rule.split("/")[0], "Rule"),
        standing=_standing(state, label, found),
        stored=found.stored,
        date=found.stored.stored_at.date(),
        others=[_other(found, each) for each in found.others],
    )


def _json(request: Request, state: State, found: Found, *, alone: bool) -> Response:
    """Alone the content is for ever what it is; with what is said around it, only for today."""
    if alone:
        return _answer(request, found.content, _JSON, cache="public, max-age=31536000, immutable")
    standing = _standing(state, decode(found.content), found)
    answer = {
        "inUse": standing.kind == "used",
        "standing": standing.text,
        "loadedVersion": found.loaded_version,
        "pack": state.pack.id,
        "sha256": found.stored.sha256,
        "firstLoaded": found.stored.stored_at,
        "firstPack": found.stored.pack_id,
        "otherContents": [_other(found, each) for each in found.others],
        "label": msgspec.Raw(found.content),
    }
    return _answer(request, msgspec.json.encode(answer), _JSON)


def _other(found: Found, other: StoredLabel) -> _Other:
    return _Other(other.sha256, other.stored_at.date(), other.text_sha256 == found.stored.text_sha256)


def _module(state: State, folder: str, rules: Iterable[Rule]) -> dict[str, Any]:
    about = state.pack.library.modules.get(folder)
    title, use = (about.title, about.intended_use) if about else _FOLDERS.get(folder, (folder, ""))
    return {"id": folder, "title": title, "about": use, "on": _is_on(state, folder), "rules": sorted(rules, key=_title)}


def _title(rule: Rule) -> str:
    return rule.title.lower()


def _accepted(request: Request) -> str:
    return ",".join(request.headers.getlist("accept"))


def _answer(request: Request, body: bytes, media_type: str, status: int = 200, cache: str = "no-cache") -> Response:
    """
    An answer that a browser may keep.

    Args:
        cache: no-cache means that it is asked each time whether what is kept still holds, which a 304 answers.
    """
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"Cache-Control": cache, "Content-Security-Policy": PAGE_POLICY, "ETag": tag, "Vary": "Accept"}
    known = re.findall(r'"[^"]*"|\*', ",".join(request.headers.getlist("if-none-match")))
    if status == 200 and (tag in known or "*" in known):
        return Response(None, 304, headers)
    return Response(body, status, headers, media_type=media_type)
