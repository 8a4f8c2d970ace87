"""A grant bounds the records and the different subjects of one day."""

import sqlalchemy as sa
from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Nullable, and left out of a row's digest while empty (catalogue/protected.py).
    op.add_column("sharing_grant", sa.Column("daily_rows", sa.BigInteger()))
    op.add_column("sharing_grant", sa.Column("daily_subjects", sa.BigInteger()))


def downgrade() -> None:
    op.drop_column("sharing_grant", "daily_subjects")
    op.drop_column("sharing_grant", "daily_rows")
