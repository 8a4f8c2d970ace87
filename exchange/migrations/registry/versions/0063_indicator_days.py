"""What the indicators were, a row a day."""

import sqlalchemy as sa
from alembic import op

revision = "0063"
down_revision = "0062"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "indicator_day",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("taken_at", sa.BigInteger(), nullable=False),
        sa.Column("measured", sa.Text(), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("indicator_day")
