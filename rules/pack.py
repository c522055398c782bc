"""
One immutable pack: the whole library at one state. Its id is the hash of its content.

The same files give the same id on any machine; any edit gives another.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

from rules.engine.compiled import CompiledRules
from rules.engine.vocabulary import AnswerFact, DemographicFact, OrderFact
from rules.loader import LIBRARY, Library, load
from rules.terminology import OrderTerminology, Terminology

__all__ = ["ENGINE_VERSION", "Pack", "content_hash", "load_pack"]

ENGINE_VERSION = "2"
"""Goes up when the same pack and facts may give other findings or other card bytes."""

_GENERATED = {"INDEX.md", "lock.json", "schema"}


@dataclass(frozen=True, slots=True, eq=False)
class Pack:
    """
    Everything that decides what is said.

    Args:
        id: "sha256:" and 64 hexadecimal digits over the library's files.
        answer_facts: intake linkId → its fact id and definition.
        answer_looks: fact id → look-back in days, of those read from the intake.
        demographic_facts: fact id → definition, of those read from the Patient. order_facts: of a draft order.
    """

    id: str
    library: Library
    rules: CompiledRules
    terminology: Terminology
    orders: OrderTerminology
    answer_facts: Mapping[str, tuple[str, AnswerFact]]
    answer_looks: Mapping[str, Decimal]
    demographic_facts: Mapping[str, DemographicFact]
    order_facts: Mapping[str, OrderFact]


def content_hash(folder: Path) -> str:
    """SHA-256 over every file below a folder, with its path; generated and hidden files (.DS_Store) are left out."""
    digest = hashlib.sha256()
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    for path in sorted(path for path in paths if _counts(path)):
        content = hashlib.sha256((folder / path).read_bytes()).hexdigest()
        digest.update(f"{path.as_posix()} {content}\n".encode())
    return f"sha256:{digest.hexdigest()}"


def _counts(path: Path) -> bool:
    return path.parts[0] not in _GENERATED and not any(part.startswith(".") for part in path.parts)


@cache
def load_pack(folder: Path = LIBRARY) -> Pack:
    """
    The pack of a library folder, read once per process.

    Raises:
        LibraryError: with every problem of every file.
    """
    loaded = load(folder)
    facts = loaded.library.facts
    answers: dict[str, tuple[str, AnswerFact]] = {}
    for name, fact in facts.items():
        if isinstance(fact, AnswerFact):
            answers.setdefault(fact.link_id, (name, fact))
    demographics = {name: fact for name, fact in facts.items() if isinstance(fact, DemographicFact)}
    looks = {name: fact.look_back for name, fact in answers.values()}
    return Pack(
        content_hash(folder),
        loaded.library,
        loaded.rules,
        loaded.terminology,
        loaded.orders,
        answers,
        looks,
        demographics,
        {name: fact for name, fact in facts.items() if isinstance(fact, OrderFact)},
    )
