"""Erasures and legal holds are rows that the log vouches for."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "erasure",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("subject_type", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text()),
        sa.Column("legal_basis", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("proposal", sa.BigInteger()),
        sa.Column("approved_by", sa.Text()),
        sa.Column("approved_at", sa.BigInteger()),
        sa.Column("keys", sa.Text(), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn_by", sa.Text()),
        sa.Column("entry", sa.BigInteger(), nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
    )
    op.create_table(
        "legal_hold",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("everybody", sa.BigInteger(), nullable=False),
        sa.Column("subject_type", sa.Text()),
        sa.Column("subject", sa.Text()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.Column("lifted_by", sa.Text()),
        sa.Column("lifted_at", sa.BigInteger()),
        sa.Column("entry", sa.BigInteger(), nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("legal_hold")
    op.drop_table("erasure")
