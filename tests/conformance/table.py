"""cds_hooks/conformance.yaml: what CDS Hooks asks of a service, and the page that is made from it."""

from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field

from rules.engine.shape import Shape
from rules.strict_yaml import StrictLoader

__all__ = ["PAGE", "ROOT", "Requirement", "as_page", "requirements"]

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "cds_hooks" / "CONFORMANCE.md"
_TABLE = ROOT / "cds_hooks" / "conformance.yaml"
_HEAD = """# Conformance with CDS Hooks

What CDS Hooks 2.0.1 and 3.0.0-ballot ask of a service, how it is read here, and the tests that show it. Made from
[conformance.yaml](conformance.yaml), which explains the columns; `python -m tests.conformance` makes it anew.
"""


class Requirement(Shape):
    """One entry of the table; see its head."""

    id: str = Field(pattern=r"^(@\d+|[a-z0-9]+(-[a-z0-9]+)*)$")
    version: Literal["2.0.1", "3.0.0-ballot"]
    level: Literal["SHALL", "SHALL NOT", "SHOULD", "SHOULD NOT", "MAY", "ours"]
    says: str = Field(min_length=10)
    status: Literal["met", "not-yet", "not-applicable"]
    why: str = ""
    tests: tuple[str, ...] = ()


@cache
def requirements() -> tuple[Requirement, ...]:
    content: dict[str, Any] = yaml.load(_TABLE.read_text("utf-8"), StrictLoader)  # noqa: S506 - it is safe
    return tuple(Requirement.model_validate(each) for each in content["requirements"])


def as_page() -> str:
    counts = [
        f"{sum(each.status == status for each in requirements())} {status.replace('-', ' ')}"
        for status in ("met", "not-yet", "not-applicable")
    ]
    rows = "\n".join(_row(each) for each in requirements())
    columns = "| id | version | level | our reading | status | tests |\n| --- | --- | --- | --- | --- | --- |"
    return f"{_HEAD}\n{', '.join(counts)}.\n\n{columns}\n{rows}\n"


def _row(each: Requirement) -> str:
    reading = f"{each.says} *{each.why}*" if each.why else each.says
    tests = "<br>".join(_link(test) for test in each.tests)
    status = each.status.replace("-", " ")
    return f"| {each.id} | {each.version} | {each.level} | {reading} | {status} | {tests} |"


def _link(test: str) -> str:
    path, _, name = test.partition("::")
    return f"[{name.removeprefix('test_').replace('_', ' ')}](../{path})"
