"""The next revision of an entry is prepared while the announced one stands."""

import sqlalchemy as sa
from alembic import op

revision = "0062"
down_revision = "0061"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Nullable, and left out of a row's digest while empty (catalogue/protected.py).
    op.add_column("resource", sa.Column("prepared", sa.Text()))


def downgrade() -> None:
    op.drop_column("resource", "prepared")
