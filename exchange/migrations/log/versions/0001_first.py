"""The log as its first release has it."""

import sqlalchemy as sa
from alembic import op

revision = "log_0001"
down_revision = None
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    _create_tree()
    _create_index()
    _create_counts()


def _create_tree() -> None:
    op.create_table(
        "audit_head",
        sa.Column("origin", sa.Text, primary_key=True),
        sa.Column("size", _BIG, nullable=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.Column("epoch", _BIG, nullable=False),
        sa.Column("barrier", _BIG, nullable=False),
        sa.Column("last_act", _BIG, nullable=False),
        sa.Column("ts", _BIG, nullable=False),
        sa.Column("seal", sa.LargeBinary, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
    )
    op.create_table(
        "audit_entry",
        sa.Column("idx", _BIG, primary_key=True, autoincrement=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("leaf", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "audit_tile",
        sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("n", _BIG, primary_key=True, autoincrement=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.Column("hashes", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "audit_checkpoint",
        sa.Column("size", _BIG, primary_key=True, autoincrement=False),
        sa.Column("published_at", _BIG, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
    )
    op.create_table(
        "audit_disclosure",
        sa.Column("idx", _BIG, primary_key=True, autoincrement=False),
        sa.Column("part", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("key_id", sa.Text, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )


def _create_index() -> None:
    op.create_table(
        "audit_index",
        sa.Column("idx", _BIG, primary_key=True, autoincrement=False),
        sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("ts", _BIG, nullable=False),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in (
                "kind",
                "step",
                "consumer",
                "system",
                "provider",
                "resource",
                "matter",
                "decision",
                "code",
            )
        ),
        sa.Column("officer", sa.Text),
        sa.Column("case_number", sa.Text),
        sa.Column("subject", sa.Text),
        sqlite_with_rowid=False,
    )
    for name in ("consumer", "provider", "resource"):
        op.create_index(f"audit_index_{name}", "audit_index", [name, "idx", "n"])
    for name in ("officer", "case_number", "subject"):
        present = sa.text(f"{name} IS NOT NULL")
        op.create_index(
            f"audit_index_{name}",
            "audit_index",
            [name, "idx", "n"],
            sqlite_where=present,
            postgresql_where=present,
        )


def _create_counts() -> None:
    op.create_table(
        "audit_counter",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("n", _BIG, nullable=False),
    )
    op.create_table(
        "audit_quota",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("day", sa.Text, primary_key=True),
        sa.Column("used", _BIG, nullable=False),
    )
    op.create_table(
        "audit_nonce",
        sa.Column("nonce", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("expires", _BIG, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("audit_nonce_expires", "audit_nonce", ["expires"])
