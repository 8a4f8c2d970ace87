"""An entry keeps its checks and returns, and every announced revision stands in a row of its own."""

import sqlalchemy as sa
from alembic import op

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Nullable, and left out of a row's digest while empty (catalogue/protected.py).
    op.add_column("resource", sa.Column("course", sa.Text()))
    op.create_table(
        "resource_revision",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("announced_by", sa.Text(), nullable=False),
        sa.Column("announced_at", sa.BigInteger(), nullable=False),
        sa.Column("restored_from", sa.BigInteger()),
        sa.Column("entry", sa.BigInteger(), nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
    )
    op.create_index("resource_revision_resource", "resource_revision", ["resource"])


def downgrade() -> None:
    op.drop_table("resource_revision")
    op.drop_column("resource", "course")
