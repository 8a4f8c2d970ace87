"""Which policy bundle is in force is a row of the register, vouched for by the log like all others."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "policy_bundle",
        sa.Column("digest", sa.Text(), primary_key=True),
        sa.Column("serial", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.Text(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("signed_by", sa.Text(), nullable=False),
        sa.Column("tests", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("proposed_at", sa.BigInteger(), nullable=False),
        sa.Column("proposal", sa.BigInteger()),
        sa.Column("activated_by", sa.Text()),
        sa.Column("activated_at", sa.BigInteger()),
        sa.Column("activation", sa.BigInteger()),
        sa.Column("withdrawn_by", sa.Text()),
        sa.Column("entry", sa.BigInteger(), nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("policy_bundle")
