"""What is taken away while the log is down holds at once: the act waits here until the log takes it."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "unrecorded_act",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("mac", sa.Text(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("unrecorded_act")
