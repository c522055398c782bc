"""
The labels of the loaded pack, and of every pack that was loaded before.

    pack ──▶ labels_of ──▶ JSON ──▶ SHA-256 ──▶ stored once ──▶ found again by rule and version, whatever is loaded now

A version has more than one content where a value set, a fact or a source that it rests on changed, or where the rule
was changed without a new version. Neither replaces the other.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from rules.engine.rule import Rule
from rules.label import encode, labels_of
from rules.pack import Pack
from service.log import log
from service.storage.database import Store
from service.storage.labels import LabelStore, StoredLabel

__all__ = ["Found", "LabelBook", "open_labels"]


@dataclass(frozen=True, slots=True)
class Found:
    """
    A label, and how it stands to the loaded pack.

    Args:
        content: its JSON, whose SHA-256 is that of `stored`.
        loaded: this very content belongs to the loaded pack.
        loaded_version: the version of the rule in the loaded pack; None where it does not hold the rule.
        others: other contents of the same version, newest first.
    """

    content: bytes
    stored: StoredLabel
    loaded: bool
    loaded_version: int | None
    others: tuple[StoredLabel, ...]


class LabelBook:
    """
    Finds labels. Reads the disk: from async code, call it in a thread.

    Args:
        current: rule ("causes/sciatica") → its label in the loaded pack.
    """

    def __init__(self, store: LabelStore, current: Mapping[str, StoredLabel]) -> None:
        self._store = store
        self._current = current

    def find(self, rule: str, version: int, sha256: str | None = None) -> Found | None:
        """
        The label of a rule version.

        Args:
            sha256: the content to be found; without it that of the loaded pack, else the one stored last.

        Raises:
            StoreError: the database cannot be read.
        """
        stored = self._store.of_version(rule, version)
        current = self._current.get(rule)
        wanted = sha256
        if wanted is None and current is not None and current.version == version:
            wanted = current.sha256
        label = next((each for each in stored if wanted in (None, each.sha256)), None)
        content = self._store.content(label.sha256) if label else None
        if label is None or content is None:
            return None
        others = tuple(each for each in stored if each is not label)
        loaded = current is not None and current.sha256 == label.sha256
        return Found(content, label, loaded, current.version if current else None, others)


def open_labels(store: Store, pack: Pack, now: datetime) -> LabelBook:
    """
    Store the labels of a pack that are new, and find all that were ever stored.

    Raises:
        StoreError: the database cannot be read or written.
    """
    labels = LabelStore(store)
    known = labels.known()
    rules = {f"{module}/{rule.id}": rule for module, rule in pack.library.rules()}
    current: dict[str, StoredLabel] = {}
    new: list[tuple[StoredLabel, bytes]] = []
    for label in labels_of(pack.library, pack.terminology):
        content = encode(label)
        sha256 = hashlib.sha256(content).hexdigest()
        stored = StoredLabel(sha256, label.rule, label.version, _text_hash(rules[label.rule]), pack.id, now)
        current[label.rule] = stored
        if sha256 not in known:
            new.append((stored, content))
    if new:
        _warn_of_changed(labels, [label for label, _ in new])
        labels.keep(new)
    return LabelBook(labels, current)


def _text_hash(rule: Rule) -> str:
    """Of what the rule itself says. Defaults are left out, so that a key that a later program adds changes nothing."""
    return hashlib.sha256(rule.model_dump_json(exclude_defaults=True).encode()).hexdigest()


def _warn_of_changed(labels: LabelStore, new: list[StoredLabel]) -> None:
    """A start does not fail for a rule that was changed without a new version, but it does not pass it in silence."""
    changed = [
        f"{each.rule} {each.version}"
        for each in new
        if any(other.text_sha256 != each.text_sha256 for other in labels.of_version(each.rule, each.version))
    ]
    if changed:
        log.warning("rules-changed-without-a-version", rules=changed)
