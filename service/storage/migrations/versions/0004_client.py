"""The tables of clients and of the tokens that they used."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "client",
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("jwks_url", sa.String(), nullable=True),
        sa.Column("jwks", sa.String(), nullable=True),
        sa.Column("algorithms", sa.String(), nullable=False),
        sa.Column("audiences", sa.String(), nullable=False),
        sa.Column("tenants", sa.String(), nullable=False),
        sa.Column("fhir_servers", sa.String(), nullable=False),
        sa.Column("hooks", sa.String(), nullable=False),
        sa.Column("profile", sa.String(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("issuer", name=op.f("pk_client")),
    )
    op.create_table(
        "used_token",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("until", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_used_token")),
    )
    with op.batch_alter_table("used_token") as table:
        table.create_index(op.f("ix_used_token_until"), ["until"])


def downgrade() -> None:
    with op.batch_alter_table("used_token") as table:
        table.drop_index(op.f("ix_used_token_until"))
    op.drop_table("used_token")
    op.drop_table("client")
