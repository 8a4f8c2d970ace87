"""An entry carries the core metadata of the directory: one column for a resource's, one for an item's."""

import sqlalchemy as sa
from alembic import op

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Nullable, and left out of a row's digest while empty (catalogue/protected.py).
    op.add_column("resource", sa.Column("more", sa.Text()))
    op.add_column("resource_item", sa.Column("more", sa.Text()))


def downgrade() -> None:
    op.drop_column("resource_item", "more")
    op.drop_column("resource", "more")
