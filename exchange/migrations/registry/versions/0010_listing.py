"""Publishers say by which items the records of an unconditional resource are filtered and ordered."""

import sqlalchemy as sa
from alembic import op

revision = "0010_listing"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Nullable, and left out of a row's digest while empty (catalogue/protected.py): the rows of an older
    # home stay as its log recorded them.
    op.add_column("resource", sa.Column("listing", sa.Text()))


def downgrade() -> None:
    op.drop_column("resource", "listing")
