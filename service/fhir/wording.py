"""
What a free text says about the names in it: stated, denied or doubted, of a relative, or in the past.

Only used where a record holds no known code. It errs towards not counting: with any word of denial, doubt or kinship
beside a name, anywhere in the text, the name is not believed.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from rules.engine.vocabulary import MedicationFact
from rules.terminology import Match, NamedKind, Terminology, words_of

__all__ = ["Said", "read_wordings"]

_DENIED = frozenset(
    words_of("""
    no not nil neither nor denies denied denying negative neg never absent absence lack free
    exclude excluded excludes excluding rule ruled rules ruling ro
    query questionable possible possibly probable probably likely unlikely suspected suspicion suspect presumed
    uncertain unconfirmed differential consider vs versus concern fear worry risk
    screening evaluation evaluate workup prophylaxis prophylactic prevention vaccination education counseling
    family familial father mother parent parents brother sister sibling siblings brothers sisters son daughter
    grandfather grandmother uncle aunt cousin relative relatives maternal paternal husband wife partner fh fhx
    allergy allergic allergies intolerance intolerant
    """)
)
_PAST = frozenset(
    words_of("""
    history hx ho previous previously prior former formerly past old resolved healed status sp post remote childhood
    """)
)
_LOCAL = frozenset(words_of("cream ointment topical gel lotion foam shampoo ophthalmic eye otic ear nasal"))
"""A medicine for the skin, eye, ear or nose does not act as its class does: its text alone is not believed."""
_SHORT = re.compile(r"\b([hrs])/([op])\b")
"""h/o, r/o and s/p: read as one word each."""
_AGE = re.compile(r"\b(?:years?|yrs?|y|months?|weeks?|days?)[ -]*old\b")
"""The age of a person is not a word of the past."""
_UNSPECIFIED = re.compile(r"\bnot (?:otherwise|elsewhere) (?:specified|classified)\b")


class Said(NamedTuple):
    """
    What the texts of one concept say.

    Args:
        stated: facts that are named, and neither denied nor doubted.
        past: the texts speak of the past.
        denied: something is named, and all that is named is denied, doubted or of a relative.
    """

    stated: tuple[Match, ...] = ()
    past: bool = False
    denied: bool = False


def read_wordings(texts: Iterable[str], kind: NamedKind, terminology: Terminology) -> Said:
    """The facts that the texts of one concept state. What one of them denies, another does not restore."""
    stated: dict[Match, None] = {}
    denied: set[Match] = set()
    past = False
    for text in dict.fromkeys(texts):
        plain = words_of(text)
        if not terminology.names_in(plain, kind):
            continue
        if kind is MedicationFact and not _LOCAL.isdisjoint(plain):
            return Said()
        words = _words(text)
        names = terminology.names_in(words, kind)
        beside = _beside(words, names)
        doubted = "?" in text or not _DENIED.isdisjoint(beside.values())
        past = past or not _PAST.isdisjoint(beside.values())
        for start, _, matches in names:
            if doubted or any(word == "without" for at, word in beside.items() if at < start):
                denied.update(matches)
            else:
                stated.update(dict.fromkeys(matches))
    left = tuple(match for match in stated if match not in denied)
    return Said(left, past, bool(denied) and not left)


def _words(text: str) -> tuple[str, ...]:
    plain = _UNSPECIFIED.sub(" ", _AGE.sub(" ", _SHORT.sub(r"\1\2", text.lower())))
    return words_of(plain)


def _beside(words: tuple[str, ...], names: list[tuple[int, int, tuple[Match, ...]]]) -> dict[int, str]:
    """The words that belong to no name, by their place."""
    named = {at for start, end, _ in names for at in range(start, end)}
    return {at: word for at, word in enumerate(words) if at not in named}
