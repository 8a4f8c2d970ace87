"""A matter has versions, facts by which it is measured, and materials."""

import sqlalchemy as sa
from alembic import op

revision = "0060"
down_revision = "0057"
branch_labels = None
depends_on = None

# Nullable, and left out of a row's digest while empty (catalogue/protected.py).
_NUMBERS = (
    "version",
    "online_depth",
    "trips",
    "statutory_days",
    "promised_days",
    "baseline_days",
)
_TEXTS = ("type", "lists", "materials")


def upgrade() -> None:
    for name in _NUMBERS:
        op.add_column("matter", sa.Column(name, sa.BigInteger()))
    for name in _TEXTS:
        op.add_column("matter", sa.Column(name, sa.Text()))
    op.create_table(
        "matter_version",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("matter", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("held", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_by", sa.Text(), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("matter_version")
    for name in (*_NUMBERS, *_TEXTS):
        op.drop_column("matter", name)
