"""The tables of cards and feedback; the cards of the decisions that are there already are listed."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# A summary that is not JSON, which no version wrote, must not keep the program from starting.
_CARDS_SO_FAR = """
INSERT OR IGNORE INTO card (uuid, decision)
SELECT json_extract(listed.value, '$.uuid'), decision.id
FROM decision, json_each(
    CASE WHEN json_valid(CAST(summary AS TEXT)) THEN CAST(summary AS TEXT) ELSE '{}' END, '$.cards'
) AS listed
WHERE json_extract(listed.value, '$.uuid') IS NOT NULL
"""


def upgrade() -> None:
    op.create_table(
        "card",
        sa.Column("uuid", sa.String(), nullable=False),
        sa.Column("decision", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("uuid", "decision", name=op.f("pk_card")),
    )
    op.execute(_CARDS_SO_FAR)
    op.create_table(
        "feedback",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("client", sa.String(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("card", sa.String(), nullable=True),
        sa.Column("decision", sa.String(), nullable=True),
        sa.Column("patient", sa.String(), nullable=True),
        sa.Column("critical", sa.Boolean(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("outcome_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_key", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feedback")),
    )
    with op.batch_alter_table("feedback") as table:
        table.create_index(op.f("ix_feedback_tenant_patient"), ["tenant", "patient"])


def downgrade() -> None:
    with op.batch_alter_table("feedback") as table:
        table.drop_index(op.f("ix_feedback_tenant_patient"))
    op.drop_table("feedback")
    op.drop_table("card")
