"""A resource's row keeps the names that its items ever had, and the revision announced before."""

import sqlalchemy as sa
from alembic import op

revision = "0012_names_for_ever"
down_revision = "0011_certificates"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Nullable, as in 0010: left out of a row's digest while empty.
    op.add_column("resource", sa.Column("names", sa.Text()))
    op.add_column("resource", sa.Column("before", sa.Text(), quote=True))


def downgrade() -> None:
    op.drop_column("resource", "before")
    op.drop_column("resource", "names")
