"""
Three-valued truth: met, not-met, cannot-tell.

An unknown fact is neither yes nor no. The tables are Kleene's strong three-valued logic, written out so that a reader
can check them; the compiled criteria short-circuit, and a test compares them with these tables pair by pair.

Source: S. C. Kleene, Introduction to Metamathematics, 1952, section 64.
"""

from enum import Enum

__all__ = ["AND", "CANNOT_TELL", "MET", "NOT", "NOT_MET", "OR", "Truth"]


class Truth(Enum):
    """What a criterion says about one patient. The values are the words used in files, records and answers."""

    MET = "met"
    NOT_MET = "not-met"
    CANNOT_TELL = "cannot-tell"

    # The enum's own hash is worked out in Python on every lookup; each member is the only one of its kind anyway.
    __hash__ = object.__hash__


MET, NOT_MET, CANNOT_TELL = Truth.MET, Truth.NOT_MET, Truth.CANNOT_TELL

AND = {
    (MET, MET): MET,
    (MET, NOT_MET): NOT_MET,
    (MET, CANNOT_TELL): CANNOT_TELL,
    (NOT_MET, MET): NOT_MET,
    (NOT_MET, NOT_MET): NOT_MET,
    (NOT_MET, CANNOT_TELL): NOT_MET,
    (CANNOT_TELL, MET): CANNOT_TELL,
    (CANNOT_TELL, NOT_MET): NOT_MET,
    (CANNOT_TELL, CANNOT_TELL): CANNOT_TELL,
}
OR = {
    (MET, MET): MET,
    (MET, NOT_MET): MET,
    (MET, CANNOT_TELL): MET,
    (NOT_MET, MET): MET,
    (NOT_MET, NOT_MET): NOT_MET,
    (NOT_MET, CANNOT_TELL): CANNOT_TELL,
    (CANNOT_TELL, MET): MET,
    (CANNOT_TELL, NOT_MET): CANNOT_TELL,
    (CANNOT_TELL, CANNOT_TELL): CANNOT_TELL,
}
NOT = {MET: NOT_MET, NOT_MET: MET, CANNOT_TELL: CANNOT_TELL}
