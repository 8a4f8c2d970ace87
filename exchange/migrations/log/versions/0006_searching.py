"""The search finds by items, systems, matters and the rarer kinds, and knows which entries are sealed."""

import json

import sqlalchemy as sa
from alembic import op

from audit.canonical import bitmap, parse_bitmap

revision = "log_0006"
down_revision = "log_0003"
branch_labels = None
depends_on = None

RARE = {"kind": ("call",), "decision": ("", "given"), "code": ("",)}
CHUNK = 1_000
NAMED = ("asked", "matched")


def upgrade() -> None:
    op.add_column("audit_index", sa.Column("items", sa.Text, nullable=False, server_default=""))
    op.add_column(
        "audit_index", sa.Column("sealed", sa.Boolean, nullable=False, server_default=sa.false())
    )
    for name in ("system", "matter"):
        op.create_index(f"audit_index_{name}", "audit_index", [name, "idx", "n"])
    for name, common in RARE.items():
        rest = sa.text(" AND ".join(f"{name} <> '{value}'" for value in common))
        op.create_index(
            f"audit_index_{name}",
            "audit_index",
            [name, "idx", "n"],
            sqlite_where=rest,
            postgresql_where=rest,
        )
    sealed = sa.text("sealed")
    op.create_index(
        "audit_index_sealed",
        "audit_index",
        ["idx", "n"],
        sqlite_where=sealed,
        postgresql_where=sealed,
    )
    _fill_items(op.get_bind())


def downgrade() -> None:
    for name in ("system", "matter", "sealed", *RARE):
        op.drop_index(f"audit_index_{name}", "audit_index")
    op.drop_column("audit_index", "sealed")
    op.drop_column("audit_index", "items")


def _fill_items(connection: sa.Connection) -> None:
    """Find earlier calls by their items too: each step's entry names them."""
    entries = sa.text(
        "SELECT idx, body FROM audit_entry WHERE idx >= :first AND body IS NOT NULL "
        "ORDER BY idx LIMIT :most"
    )
    first = 0
    while rows := connection.execute(entries, {"first": first, "most": CHUNK}).all():
        found = [one for idx, body in rows for one in _steps(int(idx), body)]
        if found:
            connection.execute(
                sa.text("UPDATE audit_index SET items = :items WHERE idx = :idx AND step = :step"),
                found,
            )
        first = int(rows[-1][0]) + 1


def _steps(index: int, body: bytes) -> list[dict[str, object]]:
    return [
        {"idx": index, "step": step["ref"], "items": items}
        for step in json.loads(body).get("steps", [])
        if (items := bitmap(one for name in NAMED for one in parse_bitmap(step[name])))
    ]
