"""Exports are jobs with a lease, and pages that were read."""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0020_reviews"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "export",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("wanted", sa.LargeBinary(), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.LargeBinary()),
        sa.Column("parts", sa.Text(), nullable=False),
        sa.Column("manifest", sa.LargeBinary()),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("ended_ms", sa.BigInteger()),
        sa.Column("ended_entry", sa.BigInteger()),
        sa.Column("expires_ms", sa.BigInteger()),
        sa.Column("leased_by", sa.Text()),
        sa.Column("lease_ms", sa.BigInteger(), nullable=False),
        sa.Column("touched_ms", sa.BigInteger(), nullable=False),
        sa.Column("seal", sa.Text(), nullable=False),
    )
    op.create_index("export_department", "export", ["department", "id"])
    op.create_index("export_state", "export", ["state"])
    op.create_table(
        "export_page",
        sa.Column("export", sa.Text(), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True),
        sa.Column("records", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("export_page")
    op.drop_table("export")
