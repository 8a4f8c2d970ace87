"""A published checkpoint may bear the token of a time-stamping authority (RFC 3161)."""

import sqlalchemy as sa
from alembic import op

revision = "log_0003"
down_revision = "log_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("audit_checkpoint", sa.Column("tsa_token", sa.LargeBinary))
