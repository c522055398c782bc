"""JSON Schemas of what we accept and send, from schema/; its README says how they are kept true."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

__all__ = ["SCHEMAS"]

_FOLDER = Path(__file__).parent / "schema"

SCHEMAS: Mapping[str, dict[str, Any]] = {
    path.name.removesuffix(".schema.json"): msgspec.json.decode(path.read_bytes())
    for path in sorted(_FOLDER.glob("*.schema.json"))
}
"""discovery, request and response → JSON Schema 2020-12."""
