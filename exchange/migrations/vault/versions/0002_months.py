"""A subject's keys of all months are looked up, so the vault knows fast which months it has."""

from alembic import op

revision = "vault_0002"
down_revision = "vault_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("vault_key_month", "vault_key", ["month"])


def downgrade() -> None:
    op.drop_index("vault_key_month", "vault_key")
