"""
The public label page of a rule version: what a card's source link opens. HTML for people, JSON for programs.

Only the versions of the loaded pack are known; a link to another version says so.
"""

from html import escape

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from rules.engine.rule import Rule
from rules.words import Section, rule_in_words
from service.api.openapi import LABEL
from service.errors import operation_outcome
from service.state import State

__all__ = ["router"]

router = APIRouter()


@router.get("/rules/{module}/{rule_id}/{version}", summary="The label of a rule version", responses=LABEL)
async def rule_label(module: str, rule_id: str, version: str, request: Request) -> Response:
    """Logic in words, thresholds, evidence, limits and sources of one rule."""
    state: State = request.app.state.recumbent
    rules = {(name, rule.id): rule for name, rule in state.pack.library.rules()}
    rule = rules.get((module, rule_id))
    if rule is None or str(rule.version) != version:
        return operation_outcome(404, "not-found", "The loaded pack does not hold this rule in this version.")
    sections = rule_in_words(state.pack.library, rule)
    if "application/json" in request.headers.get("accept", ""):
        return JSONResponse(_json(module, rule, sections, state.pack.id))
    return HTMLResponse(_page(module, rule, sections, state.pack.id))


def _json(module: str, rule: Rule, sections: tuple[Section, ...], pack: str) -> dict[str, object]:
    return {
        "rule": f"{module}/{rule.id}",
        "title": rule.title,
        "version": rule.version,
        "status": rule.status,
        "reviewed": rule.reviewed,
        "pack": pack,
        "sections": [{"heading": section.heading, "lines": section.lines} for section in sections],
    }


def _page(module: str, rule: Rule, sections: tuple[Section, ...], pack: str) -> str:
    body = "".join(_section(section) for section in sections)
    title = escape(rule.title)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"></head><body><main>'
        f"<h1>{title}</h1><p>Rule {escape(module)}/{escape(rule.id)}, version {rule.version}, {rule.status}, "
        f"last reviewed {rule.reviewed}.<br>Pack {escape(pack)}.</p>{body}"
        "<p>Decision support for licensed health professionals. It does not replace examination.</p>"
        "</main></body></html>"
    )


def _section(section: Section) -> str:
    """Indented lines become nested lists."""
    html, depth = [f"<h2>{escape(section.heading)}</h2><ul>"], 0
    for line in section.lines:
        level = (len(line) - len(line.lstrip(" "))) // 2
        html.append("<ul>" * (level - depth) + "</ul>" * (depth - level) + f"<li>{escape(line.strip())}</li>")
        depth = level
    return "".join(html) + "</ul>" * (depth + 1)
