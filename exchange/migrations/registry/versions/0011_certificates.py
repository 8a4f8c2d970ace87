"""Publishers say which items of a resource make its records e-certificates."""

import sqlalchemy as sa
from alembic import op

revision = "0011_certificates"
down_revision = "0010_listing"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Nullable, as in 0010: left out of a row's digest while empty.
    op.add_column("resource", sa.Column("certificate", sa.Text()))


def downgrade() -> None:
    op.drop_column("resource", "certificate")
