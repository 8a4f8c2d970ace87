"""Where gateways find the sequencer that writes for all of them."""

import sqlalchemy as sa
from alembic import op

revision = "log_0004"
down_revision = "log_0006"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "audit_leader",
        sa.Column("origin", sa.Text, primary_key=True),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("epoch", _BIG, nullable=False),
        sa.Column("since", _BIG, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("audit_leader")
