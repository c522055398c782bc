"""The shape of safety-net.yaml: what a patient should come back for, and what on record answers a red flag."""

from typing import Annotated

from pydantic import Field

from rules.engine.shape import Cite, Id, Shape

__all__ = ["SafetyNet"]


class SafetyNet(Shape):
    """
    One line of advice at discharge.

    Args:
        return_if: in words for a patient. for_: the red-flag rules that it belongs to.
        addressed_by: facts that say that something was done about them: a referral, a test, a treatment.
    """

    return_if: Annotated[str, Field(max_length=160)]
    for_: tuple[Id, ...] = Field(min_length=1)
    addressed_by: tuple[Id, ...] = ()
    cites: tuple[Cite, ...] = Field(min_length=1)
