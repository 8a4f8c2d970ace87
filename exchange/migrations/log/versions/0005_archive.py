"""Bodies of old entries may lie in files, and what many questions share is kept once."""

import sqlalchemy as sa
from alembic import op

revision = "log_0005"
down_revision = "log_0004"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    # SQLite has no ALTER COLUMN: the table is written anew, as it was but for the one constraint.
    with op.batch_alter_table("audit_entry") as entries:
        entries.alter_column("body", existing_type=sa.LargeBinary(), nullable=True)
    op.create_table(
        "audit_document",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "audit_archive",
        sa.Column("n", _BIG, primary_key=True, autoincrement=False),
        sa.Column("folder", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("archived_at", _BIG, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("audit_archive")
    op.drop_table("audit_document")
    with op.batch_alter_table("audit_entry") as entries:
        entries.alter_column("body", existing_type=sa.LargeBinary(), nullable=False)
