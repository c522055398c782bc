"""JSON Schemas of the library's file formats, for editors: generated from the shapes, written to library/schema/."""

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from rules.engine.offers import Offer
from rules.engine.provenance import About, History
from rules.engine.rule import (
    Case,
    CauseRule,
    Definitions,
    MimicRule,
    Module,
    OrderCheckRule,
    RedFlagRule,
    Scale,
    ScoreRule,
    Source,
)
from rules.engine.safety_net import SafetyNet
from rules.engine.shape import Id
from rules.engine.vocabulary import FactDefinition

__all__ = ["schemas", "write_schemas"]

_SHAPES: dict[str, Any] = {
    "red-flag": RedFlagRule,
    "cause": CauseRule,
    "mimic": MimicRule,
    "score": ScoreRule,
    "order-check": OrderCheckRule,
    "suggestions": dict[str, dict[Id, Offer]],
    "safety-net": dict[str, dict[Id, SafetyNet]],
    "cases": tuple[Case, ...],
    "history": History,
    "definitions": Definitions,
    "facts": dict[str, dict[Id, FactDefinition]],
    "sources": dict[str, dict[Id, Source]],
    "library": About,
    "module": Module,
    "scale": Scale,
}


def schemas() -> dict[str, dict[str, Any]]:
    """File name → JSON Schema 2020-12."""
    found = {}
    for name, shape in _SHAPES.items():
        schema = TypeAdapter(shape).json_schema(by_alias=True)
        found[f"{name}.schema.json"] = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    return found


def write_schemas(folder: Path) -> list[str]:
    """Write the schemas below a library folder; returns the names of those that changed."""
    target = folder / "schema"
    target.mkdir(exist_ok=True)
    texts = {name: json.dumps(schema, indent=2, sort_keys=True) + "\n" for name, schema in schemas().items()}
    changed = [
        name
        for name, text in texts.items()
        if not (target / name).exists() or (target / name).read_text("utf-8") != text
    ]
    for name in changed:
        (target / name).write_text(texts[name], encoding="utf-8")
    return [f"schema/{name}" for name in changed]
