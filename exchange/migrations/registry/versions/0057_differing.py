"""Corrections of wrong values, disputes between departments, and demands that were answered."""

import sqlalchemy as sa
from alembic import op

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "correction",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("number", sa.BigInteger(), nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in (
                "resource",
                "item",
                "provider",
                "department",
                "subject_type",
                "subject",
                "words",
                "state",
                "reported_by",
            )
        ),
        sa.Column("reported_at", sa.BigInteger(), nullable=False),
        sa.Column("informed", sa.Text(), nullable=False),
        sa.Column("answered_by", sa.Text()),
        sa.Column("answered_at", sa.BigInteger()),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("closed_by", sa.Text()),
        sa.Column("closed_at", sa.BigInteger()),
        sa.Column("corrected", sa.BigInteger()),
        sa.Column("entry", sa.BigInteger(), nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
    )
    op.create_table(
        "dispute",
        sa.Column("id", sa.Text(), primary_key=True),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in (
                "about_kind",
                "about",
                "resource",
                "claimant",
                "respondent",
                "tier",
                "state",
                "opened_by",
            )
        ),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("steps", sa.Text(), nullable=False),
        sa.Column("settled_at", sa.BigInteger()),
        sa.Column("entry", sa.BigInteger(), nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
    )
    # Nullable, and left out of a row's digest while empty (catalogue/protected.py).
    op.add_column("demand", sa.Column("resource", sa.Text()))
    op.add_column("demand", sa.Column("answer", sa.Text()))
    op.add_column("demand", sa.Column("answered_by", sa.Text()))
    op.add_column("demand", sa.Column("answered_at", sa.BigInteger()))


def downgrade() -> None:
    for name in ("answered_at", "answered_by", "answer", "resource"):
        op.drop_column("demand", name)
    op.drop_table("dispute")
    op.drop_table("correction")
