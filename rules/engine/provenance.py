"""The shape of library.yaml and history.yaml: who made the library, who paid for it, and what changed in a rule."""

from typing import Annotated

from pydantic import AfterValidator, Field

from rules.engine.shape import Day, Shape

__all__ = ["About", "Change", "History"]

_SHORTEST = 10


def _says_something(text: str) -> str:
    if len(text.strip()) < _SHORTEST:
        raise ValueError("it says too little.", "Say it in a sentence.")
    return text.strip()


_Stated = Annotated[str, Field(max_length=400), AfterValidator(_says_something)]


class About(Shape):
    """library.yaml: what is stated once for all rules."""

    developer: _Stated = Field(description="who turned the published evidence into these rules")
    funding: _Stated = Field(description="who paid for the implementation, or that nobody did")


class Change(Shape):
    """One version of a rule: when it was written, and which patients then get something else."""

    version: int = Field(ge=1)
    date: Day
    change: _Stated


History = tuple[Change, ...]
"""history.yaml beside a rule: every version from its present one down to the first."""
