"""
The shape of suggestions.yaml: what a card may offer to order in one click, and which rules and missing facts offer it.

Each becomes a complete draft FHIR R4 resource (service/fhir/drafts.py). A clinician signs it, or does not.
"""

from typing import Annotated, Literal

from pydantic import Field

from rules.engine.shape import Id, Shape

__all__ = ["Offer", "OfferCode"]


class OfferCode(Shape):
    """A verified code of what is offered."""

    system: Annotated[str, Field(pattern=r"^https?://")]
    code: str
    display: str


class Offer(Shape):
    """
    One thing to order: a test, a referral, a medicine, or the intake to be filled in.

    `for` names the red flags and causes ("red-flags/acute-limb-ischemia") that offer it; `missing` the facts that it
    would find. Order checks name their offers themselves.
    """

    label: str = Field(max_length=60, description="verb and object, as on a button: Order ankle-brachial index")
    description: str = Field(max_length=200, description="what is ordered and why, readable on its own")
    creates: Literal["ServiceRequest", "MedicationRequest", "Task"]
    code: tuple[OfferCode, ...] = Field(default=(), description="several only where they mean the same")
    text: str = Field(max_length=100, description="what is ordered, in words")
    priority: Literal["routine", "urgent", "asap", "stat"] = "routine"
    dosage: str | None = Field(default=None, max_length=100, description="of a medicine: what to fill in or to adapt")
    for_: tuple[Annotated[str, Field(pattern=r"^(red-flags|causes)/[a-z0-9-]+$")], ...] = ()
    missing: tuple[Id, ...] = ()
