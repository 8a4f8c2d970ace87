"""A request may be supplemented once, and a refusal names its code and law apart from its words."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

COLUMNS = ("refusal_code", "refusal_basis", "supplement_asked", "supplement_given")


def upgrade() -> None:
    # Nullable, and left out of a row's digest while empty (catalogue/protected.py): the rows of an older
    # home stay as its log recorded them.
    for name in COLUMNS:
        op.add_column("sharing_request", sa.Column(name, sa.Text()))


def downgrade() -> None:
    for name in reversed(COLUMNS):
        op.drop_column("sharing_request", name)
