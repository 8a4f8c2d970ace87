"""Search rows bear numbers of words and raw tokens; words lead to bundles, in place of eight wide indexes."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "log_0008"
down_revision = "log_0007"
branch_labels = None
depends_on = None

FOUND_BY = (
    "code", "decision", "kind", "matter", "resource", "system", "officer", "provider", "consumer",
)  # fmt: skip
WORDS = (*FOUND_BY, "step", "items")
SPARSE = ("case_number", "subject")
OLD_INDEXES = (
    "consumer", "provider", "resource", "system", "matter", "kind", "decision", "code", "sealed",
    "officer", *SPARSE,
)  # fmt: skip
BUNDLE = 256
CHUNK = 1_024

_BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    for name in OLD_INDEXES:
        op.drop_index(f"audit_index_{name}", "audit_index")
    op.rename_table("audit_index", "audit_index_before")
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        # A table that is renamed keeps the name of its key, which the new one needs.
        op.execute("ALTER INDEX audit_index_pkey RENAME TO audit_index_before_pkey")
    word, places, index = _create()
    ids: dict[tuple[str, str], int] = {}
    placed: set[tuple[int, int]] = set()
    for rows in _chunks(connection):
        known = len(ids)
        numbered = [_numbered(row, ids) for row in rows]
        new = [(facet, value, number) for (facet, value), number in [*ids.items()][known:]]
        fresh = {
            (row[name], row["idx"] // BUNDLE)
            for row in numbered
            for name in FOUND_BY
            if row[name] is not None
        } - placed
        placed |= fresh
        if new:
            op.bulk_insert(
                word, [dict(zip(("facet", "value", "id"), each, strict=True)) for each in new]
            )
        if fresh:
            op.bulk_insert(places, [{"word": one, "n": n} for one, n in sorted(fresh)])
        op.bulk_insert(index, numbered)
    op.drop_table("audit_index_before")
    _create_indexes()


def _create() -> tuple[sa.Table, sa.Table, sa.Table]:
    word = op.create_table(
        "audit_word",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("facet", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
    )
    places = op.create_table(
        "audit_word_bundle",
        sa.Column("word", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )
    index = op.create_table(
        "audit_index",
        sa.Column("idx", _BIG, primary_key=True, autoincrement=False),
        sa.Column("ts", _BIG, nullable=False),
        *(sa.Column(name, sa.Integer, nullable=name == "officer") for name in WORDS),
        sa.Column("n", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("sealed", sa.Boolean, nullable=False, server_default=sa.false()),
        *(sa.Column(name, sa.LargeBinary) for name in SPARSE),
        sqlite_with_rowid=False,
    )
    return word, places, index


def _create_indexes() -> None:
    op.create_index("audit_word_value", "audit_word", ["facet", "value"], unique=True)
    sealed = sa.text("sealed")
    op.create_index(
        "audit_index_sealed",
        "audit_index",
        ["idx", "n"],
        sqlite_where=sealed,
        postgresql_where=sealed,
    )
    for name in SPARSE:
        present = sa.text(f"{name} IS NOT NULL")
        op.create_index(
            f"audit_index_{name}",
            "audit_index",
            [name],
            sqlite_where=present,
            postgresql_where=present,
        )


def _chunks(connection: sa.Connection) -> Iterator[list[Any]]:
    """Give the old rows in order, some at once; rows of one entry are never far apart."""
    names = ("idx", "n", "ts", "sealed", *WORDS, *SPARSE)
    old = sa.table("audit_index_before", *(sa.column(name) for name in names))
    query = sa.select(old).order_by(old.c.idx, old.c.n).limit(CHUNK)
    at = (-1, -1)
    while (
        rows := connection.execute(
            query.where(sa.or_(old.c.idx > at[0], sa.and_(old.c.idx == at[0], old.c.n > at[1])))
        )
        .mappings()
        .all()
    ):
        yield list(rows)
        at = (rows[-1]["idx"], rows[-1]["n"])


def _numbered(row: Any, ids: dict[tuple[str, str], int]) -> dict[str, Any]:
    made = {name: row[name] for name in ("idx", "n", "ts")} | {"sealed": bool(row["sealed"])}
    for name in WORDS:
        value = row[name]
        made[name] = None if value is None else ids.setdefault((name, value), len(ids))
    for name in SPARSE:
        made[name] = None if row[name] is None else bytes.fromhex(row[name])
    return made
