"""The tables of the embedded database. A change here needs a revision: python -m service.storage.migrations "what"."""

from datetime import datetime

from sqlalchemy import Index, MetaData
from sqlmodel import Field, SQLModel

__all__ = ["DecisionRow", "RuleLabelRow", "Table"]


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
