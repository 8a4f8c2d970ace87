"""Sign-in links and sessions of officers."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "identity_session",
        sa.Column("digest", sa.Text(), primary_key=True),
        sa.Column("officer", sa.Text(), nullable=False),
        sa.Column("opened_ms", sa.BigInteger(), nullable=False),
        sa.Column("used_ms", sa.BigInteger(), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=False),
        sa.Column("seal", sa.Text(), nullable=False),
    )
    op.create_index("identity_session_officer", "identity_session", ["officer"])
    op.create_table(
        "identity_link",
        sa.Column("digest", sa.Text(), primary_key=True),
        sa.Column("officer", sa.Text(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=False),
        sa.Column("seal", sa.Text(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("identity_link")
    op.drop_index("identity_session_officer", "identity_session")
    op.drop_table("identity_session")
