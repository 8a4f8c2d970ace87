"""The vault as its first release has it."""

import sqlalchemy as sa
from alembic import op

revision = "vault_0001"
down_revision = None
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "vault_key",
        sa.Column("key_id", sa.Text, primary_key=True),
        sa.Column("lookup", sa.Text, nullable=False),
        sa.Column("retention", sa.Text, nullable=False),
        sa.Column("month", sa.Text, nullable=False),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
        sa.Column("created_at", _BIG, nullable=False),
        sa.Column("erased_at", _BIG),
    )
    standing = sa.text("erased_at IS NULL")
    op.create_index(
        "vault_key_lookup",
        "vault_key",
        ["lookup"],
        unique=True,
        sqlite_where=standing,
        postgresql_where=standing,
    )
    op.create_table(
        "vault_secret",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
    )
