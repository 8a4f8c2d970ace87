"""Every budget of a grant may be amended, and an amendment changes what it names alone."""

import sqlalchemy as sa
from alembic import op

revision = "0064"
down_revision = "0063"
branch_labels = None
depends_on = None

_NUMBERS = ("max_rows", "daily_rows", "daily_subjects")


def upgrade() -> None:
    # Nullable, and left out of a row's digest while empty (catalogue/protected.py).
    for name in _NUMBERS:
        op.add_column("grant_amendment", sa.Column(name, sa.BigInteger()))
    op.add_column("grant_amendment", sa.Column("changes", sa.Text()))


def downgrade() -> None:
    for name in ("changes", *reversed(_NUMBERS)):
        op.drop_column("grant_amendment", name)
