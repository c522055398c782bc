"""The tables of the embedded database. A change here needs a revision: python -m service.storage.migrations "what"."""

from datetime import datetime

from sqlalchemy import Index, MetaData
from sqlmodel import Field, SQLModel

__all__ = ["CardRow", "ClientRow", "DecisionRow", "FeedbackRow", "RuleLabelRow", "Table", "UsedTokenRow"]


class Table(SQLModel):
    """Base of all tables. Each constraint has a computed name, because a migration can only change what has a name."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class DecisionRow(Table, table=True):
    """
    One answered call, as service/records writes it; records/decision.py says what each column means.

    Args:
        facts: compressed and encrypted.
        facts_key: id of the key they were encrypted with.
        recorded_at: when it was written, by this machine's clock.
    """

    __tablename__ = "decision"
    __table_args__ = (Index(None, "tenant", "as_of"),)

    id: str = Field(primary_key=True)
    as_of: datetime
    tenant: str
    client: str
    service: str
    hook: str
    hook_instance: str = Field(index=True)
    pack_id: str
    engine_version: str
    summary: bytes
    facts: bytes
    facts_key: str
    recorded_at: datetime


class RuleLabelRow(Table, table=True):
    """
    The label of a rule version, as service/storage/labels.py writes it, which says what each column means.

    Args:
        content: JSON, compressed.
    """

    __tablename__ = "rule_label"
    __table_args__ = (Index(None, "rule", "version"),)

    sha256: str = Field(primary_key=True)
    rule: str
    version: int
    text_sha256: str
    pack_id: str
    stored_at: datetime
    content: bytes


class CardRow(Table, table=True):
    """
    Which decision gave a card, so that feedback finds it.

    Args:
        uuid: of the card; a call that was repeated gave it twice, in two decisions.
        decision: id of the decision.
    """

    __tablename__ = "card"

    uuid: str = Field(primary_key=True)
    decision: str = Field(primary_key=True)


class FeedbackRow(Table, table=True):
    """
    What a clinician did with one card, as service/records writes it.

    Args:
        id: a pseudonym of the whole entry, so that the same entry twice is one row.
        client: who sent it. service: to which it was sent.
        card, decision: None for a card that is not known here.
        patient: a pseudonym; None as well.
        critical: of the card.
        outcome_at: when the clinician did it, by the client's clock.
        reason: a code of cds_hooks/override_reasons.py, or "other".
        sealed: what else is known of it, with what the clinician wrote; encrypted.
        sealed_key: id of the key it was encrypted with.
        recorded_at: when it was written, by this machine's clock.
    """

    __tablename__ = "feedback"
    __table_args__ = (Index(None, "tenant", "patient"),)

    id: str = Field(primary_key=True)
    tenant: str
    client: str
    service: str
    card: str | None
    decision: str | None
    patient: str | None
    critical: bool
    outcome: str
    outcome_at: datetime
    reason: str | None
    sealed: bytes
    sealed_key: str
    recorded_at: datetime


class ClientRow(Table, table=True):
    """A registered client, as service/storage/clients.py writes it and says what each column means; lists are JSON."""

    __tablename__ = "client"

    issuer: str = Field(primary_key=True)
    jwks_url: str | None
    jwks: str | None
    algorithms: str
    audiences: str
    tenants: str
    fhir_servers: str
    hooks: str
    profile: str
    enabled: bool


class UsedTokenRow(Table, table=True):
    """
    A token that was used, so that it is not accepted again.

    Args:
        digest: SHA-256 of its issuer and jti. until: second of the Unix epoch after which it is expired anyway.
    """

    __tablename__ = "used_token"

    digest: str = Field(primary_key=True)
    until: int = Field(index=True)
