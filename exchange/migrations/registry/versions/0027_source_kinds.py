"""Services are described, sources rest, files are loaded again, and what drifted is flagged."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Nullable, and left out of a row's digest while empty (catalogue/protected.py): the rows of an older
    # home stay as its log recorded them.
    op.add_column("source", sa.Column("description", sa.Text()))
    op.add_column("source", sa.Column("rests_until", sa.BigInteger()))
    op.add_column("resource", sa.Column("reading", sa.Text()))
    op.add_column("resource", sa.Column("update_days", sa.BigInteger()))
    op.create_table(
        "source_load",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("loaded_by", sa.Text(), nullable=False),
        sa.Column("loaded_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
    )
    op.create_index("source_load_source", "source_load", ["source"])
    op.create_table(
        "resource_flag",
        sa.Column("resource", sa.Text(), primary_key=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("items", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("resource_flag")
    op.drop_table("source_load")
    for table, column in (
        ("resource", "update_days"),
        ("resource", "reading"),
        ("source", "rests_until"),
        ("source", "description"),
    ):
        op.drop_column(table, column)
