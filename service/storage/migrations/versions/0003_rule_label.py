"""The table of rule labels."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rule_label",
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("text_sha256", sa.String(), nullable=False),
        sa.Column("pack_id", sa.String(), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_rule_label")),
    )
    with op.batch_alter_table("rule_label") as table:
        table.create_index(op.f("ix_rule_label_rule_version"), ["rule", "version"])


def downgrade() -> None:
    with op.batch_alter_table("rule_label") as table:
        table.drop_index(op.f("ix_rule_label_rule_version"))
    op.drop_table("rule_label")
