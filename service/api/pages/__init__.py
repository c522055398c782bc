"""
Pages for people: one template each, one style sheet, no script. Everything that is put into a template is escaped.

A page links to others by relative addresses, so that it also works below a path of a proxy.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from rules.terminology import ATC, ICD10, ICD10CM, LOINC, NDC, RXNORM, SNOMED
from rules.unit_words import unit_words

__all__ = ["STYLE", "render"]

_FOLDER = Path(__file__).parent
STYLE = (_FOLDER / "style.css").read_bytes()

_SYSTEMS = {
    SNOMED: "SNOMED CT",
    LOINC: "LOINC",
    RXNORM: "RxNorm",
    NDC: "NDC",
    ATC: "ATC",
    ICD10CM: "ICD-10-CM",
    ICD10: "ICD-10",
}


@dataclass(slots=True)
class _Line:
    text: str
    below: list["_Line"] = field(default_factory=list)


def _tree(lines: Sequence[str]) -> list[_Line]:
    """Lines that are indented by two blanks for each level, as lines with the lines below them."""
    top = _Line("")
    path = [top]
    for line in lines:
        text = line.lstrip(" ")
        depth = min((len(line) - len(text)) // 2, len(path) - 1)
        del path[depth + 1 :]
        path[depth].below.append(_Line(text))
        path.append(path[depth].below[-1])
    return top.below


def _system(url: str) -> str:
    return _SYSTEMS.get(url, url)


_TEMPLATES = Environment(
    loader=FileSystemLoader(_FOLDER),
    autoescape=True,
    undefined=StrictUndefined,  # a part that is missing is a mistake of ours, and not an empty place on a label
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters |= {"system": _system, "tree": _tree, "unit": unit_words}


def render(template: str, **values: Any) -> bytes:
    """A page in UTF-8."""
    return _TEMPLATES.get_template(template).render(values).encode()
