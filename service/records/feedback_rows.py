"""
Feedback as rows of the table feedback, and back.

In the clear stand only words of our own tables and ids of our own making. All that came from the client, and all that
says something of the patient, is sealed: encrypted like the facts of a decision.
"""

from datetime import datetime
from typing import Any

import msgspec

from cds_hooks.feedback import Feedback
from cds_hooks.quiet import Override
from service.records.facts_json import Told
from service.records.rows import to_moment, to_text
from service.records.vault import Vault

__all__ = ["ALL", "CARD", "INSERT", "OVERRIDES", "Given", "Sealed", "Sender", "to_override", "to_row", "unseal"]

INSERT = """
INSERT INTO feedback (
    id, tenant, client, service, card, decision, patient, critical, outcome, outcome_at, reason, sealed, sealed_key,
    recorded_at
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO NOTHING
"""

# The decision that gave a card last, if the card is of this tenant and service.
CARD = """
SELECT decision.id, summary, facts, facts_key
FROM card JOIN decision ON decision.id = card.decision
WHERE card.uuid = ? AND tenant = ? AND service = ?
ORDER BY decision.rowid DESC LIMIT 1
"""

# The last word on each card; SQLite takes the other columns from the row of the max(). A client's clock may be ahead,
# so nothing counts from later than it came. The cards answered last are enough: an older one is shown again at worst.
OVERRIDES = """
SELECT
    reason, critical, min(outcome_at, recorded_at), sealed, sealed_key,
    max(min(outcome_at, recorded_at) || recorded_at) AS latest
FROM feedback
WHERE tenant = ? AND patient = ? AND outcome = 'overridden'
GROUP BY card ORDER BY latest DESC LIMIT 50
"""

ALL = """
SELECT
    feedback.tenant, feedback.client, feedback.service, feedback.card, feedback.decision, outcome, outcome_at, reason,
    sealed, sealed_key, feedback.recorded_at, summary, pack_id
FROM feedback LEFT JOIN decision ON decision.id = feedback.decision
ORDER BY feedback.rowid
"""


class Sender(msgspec.Struct, frozen=True):
    """From where feedback came: the site, the EHR as its token names it, and the service it was sent to."""

    tenant: str
    client: str
    service: str


class Given(msgspec.Struct, frozen=True):
    """The decision that gave a card."""

    decision: str
    critical: bool
    told: Told


class Sealed(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    What is encrypted.

    Args:
        card: as the client named it. user: the kind of user of the call.
        encounter: a pseudonym. facts: ids of the facts that the card named.
    """

    card: str
    suggestions: tuple[str, ...] = ()
    site_reason: tuple[str, str, str] | None = None
    comment: str | None = None
    user: str | None = None
    encounter: str | None = None
    fingerprints: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()


_sealed = msgspec.json.Decoder(Sealed)


def to_row(
    entry: Feedback, given: Given | None, sender: Sender, vault: Vault, recorded_at: datetime
) -> tuple[Any, ...]:
    """The values of INSERT. given: None for a card that is not known here."""
    sealed = Sealed(entry.card, entry.suggestions, entry.site_reason, entry.comment)
    if given is not None:
        prints, facts = given.told.cards.get(entry.card, ((), ()))
        sealed = msgspec.structs.replace(
            sealed, user=given.told.call.user, encounter=given.told.whose.encounter, fingerprints=prints, facts=facts
        )
    key, encrypted = vault.encrypt(msgspec.json.encode(sealed))
    whole = msgspec.json.encode((sender.tenant, sender.service, entry)).decode()
    return (
        vault.pseudonym("feedback", whole),
        sender.tenant,
        sender.client,
        sender.service,
        given and entry.card,
        given and given.decision,
        given and given.told.whose.patient,
        bool(given and given.critical),
        entry.outcome,
        to_text(entry.at),
        entry.reason,
        encrypted,
        key,
        to_text(recorded_at),
    )


def to_override(row: tuple[Any, ...], vault: Vault) -> Override:
    """
    A row of OVERRIDES.

    Raises:
        VaultError: the key is not in the vault, or the row was changed.
    """
    reason, critical, at, encrypted, key, _ = row
    sealed = unseal(encrypted, key, vault)
    return Override(reason, to_moment(at), bool(critical), sealed.encounter, sealed.fingerprints)


def unseal(encrypted: bytes, key: str, vault: Vault) -> Sealed:
    """
    What was encrypted.

    Raises:
        VaultError: the key is not in the vault, or the bytes were changed.
    """
    return _sealed.decode(vault.decrypt(key, encrypted))
