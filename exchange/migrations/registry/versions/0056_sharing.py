"""How requests and grants went on, deputies, the rule table's own rows, imported years, notices."""

import sqlalchemy as sa
from alembic import op

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Nullable, and left out of a row's digest while empty (catalogue/protected.py).
    op.add_column("sharing_request", sa.Column("course", sa.Text()))
    op.add_column("sharing_grant", sa.Column("course", sa.Text()))
    op.create_table(
        "grant_amendment",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("grant", sa.Text(), nullable=False, quote=True),
        sa.Column("base", sa.BigInteger(), nullable=False),
        *(_text(name) for name in ("items", "match", "matters", "systems")),
        sa.Column("daily_quota", sa.BigInteger(), nullable=False),
        sa.Column("not_after", sa.BigInteger(), nullable=False),
        *(_text(name) for name in ("reason", "state", "proposed_by", "proposed_side")),
        sa.Column("proposed_at", sa.BigInteger(), nullable=False),
        sa.Column("consumer_signed", sa.Text()),
        sa.Column("provider_signed", sa.Text()),
        sa.Column("settled_at", sa.BigInteger()),
        *_vouched(),
    )
    op.create_table(
        "deputy",
        sa.Column("id", sa.Text(), primary_key=True),
        *(_text(name) for name in ("department", "post", "principal", "deputy")),
        sa.Column("begins", sa.BigInteger(), nullable=False),
        sa.Column("ends", sa.BigInteger(), nullable=False),
        sa.Column("named_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger()),
        *_vouched(),
    )
    op.create_table(
        "law_rule",
        sa.Column("id", sa.Text(), primary_key=True),
        _text("rule"),
        sa.Column("value", sa.BigInteger(), nullable=False),
        *(_text(name) for name in ("unit", "citation", "first_day")),
        sa.Column("last_day", sa.Text()),
        sa.Column("provisional", sa.BigInteger(), nullable=False),
        _text("enacted_by"),
        sa.Column("enacted_at", sa.BigInteger(), nullable=False),
        *_vouched(),
    )
    op.create_table(
        "workday_year",
        sa.Column("id", sa.Text(), primary_key=True),
        *(_text(name) for name in ("notice", "holidays", "made_up", "imported_by")),
        sa.Column("imported_at", sa.BigInteger(), nullable=False),
        *_vouched(),
    )
    op.create_table(
        "notice",
        sa.Column("id", sa.Text(), primary_key=True),
        *(_text(name) for name in ("department", "kind", "about", "resource", "entries")),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("seen_by", sa.Text()),
        sa.Column("seen_at", sa.BigInteger()),
        *_vouched(),
    )


def downgrade() -> None:
    for name in ("notice", "workday_year", "law_rule", "deputy", "grant_amendment"):
        op.drop_table(name)
    op.drop_column("sharing_grant", "course")
    op.drop_column("sharing_request", "course")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _vouched() -> tuple[sa.Column[int], sa.Column[str]]:
    return sa.Column("entry", sa.BigInteger(), nullable=False), _text("salt")
