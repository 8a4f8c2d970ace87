"""The search's tokens are 128 bits of the keyed digest: half the bytes in the table and its indexes."""

import sqlalchemy as sa
from alembic import op

revision = "log_0007"
down_revision = "log_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("officer", "case_number", "subject"):
        column = sa.column(name, sa.Text)
        index = sa.table("audit_index", column)
        op.execute(
            index.update()
            .where(sa.func.length(column) > 32)
            .values({name: sa.func.substr(column, 1, 32)})
        )
