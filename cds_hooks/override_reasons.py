"""
Why a clinician sets a card aside. HL7 non-adherence codes where they fit, two of our own for gaps, each with its HL7
parent.

A critical card offers only reasons that do not postpone it.

Source: HL7 CodeSystem non-adherence-reason-codes, from the AHRQ CDSiC override taxonomy of 2025.
"""

from cds_hooks.response import Coding

__all__ = ["CRITICAL_REASONS", "OWN_SYSTEM", "PARENTS", "REASONS"]

HL7_SYSTEM = "http://terminology.hl7.org/CodeSystem/non-adherence-reason-codes"
OWN_SYSTEM = "urn:recumbent-leg-pain:override-reason"

PARENTS = {"excluded-by-exam": "cds-not-applicable", "data-wrong": "cds-not-applicable"}
"""Our own codes and the HL7 code that exports count them under."""

_EXAMINED = Coding("excluded-by-exam", OWN_SYSTEM, "Examined: finding excluded")
_KNOWN = Coding("action-completed", HL7_SYSTEM, "Already known or being worked up")
_WRONG = Coding("data-wrong", OWN_SYSTEM, "Chart data wrong or out of date")
_WAITING = Coding("need-more-info", HL7_SYSTEM, "Waiting for results or consult")
_UNFIT = Coding("patient-ineligible", HL7_SYSTEM, "Does not fit this patient")
_NOT_MINE = Coding("inappropriate-recipient", HL7_SYSTEM, "Not my patient or not my role")
_LATER = Coding("wrong-time-workflow", HL7_SYSTEM, "Wrong moment, will handle later")

CRITICAL_REASONS = (_EXAMINED, _KNOWN, _WRONG, _WAITING, _UNFIT, _NOT_MINE)
REASONS = (_KNOWN, _EXAMINED, _UNFIT, _WRONG, _WAITING, _NOT_MINE, _LATER)
