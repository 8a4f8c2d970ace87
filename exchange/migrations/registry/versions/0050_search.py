"""Resources are found by pairs of characters, in FTS5 or in vectors; what is not found is demanded."""

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "resource_search",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("code", sa.Text(), nullable=False, unique=True),
        sa.Column("folded_code", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("sharing_class", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
    )
    op.create_index("resource_search_folded", "resource_search", ["folded_code"])
    op.create_table(
        "search_spelling",
        sa.Column("variant", sa.Text(), primary_key=True),
        sa.Column("word", sa.Text(), primary_key=True),
    )
    op.create_table(
        "search_synonyms",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("groups", sa.Text(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
    )
    op.create_table(
        "demand",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("need", sa.Text(), nullable=False),
        sa.Column("filed_by", sa.Text(), nullable=False),
        sa.Column("filed_at", sa.BigInteger(), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
    )
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE VIRTUAL TABLE resource_fts USING fts5(title, words, content='resource_search',"
            " content_rowid='id', tokenize='unicode61 remove_diacritics 0', prefix='1')"
        )
    else:
        for name in ("title", "words"):
            op.execute(f"ALTER TABLE resource_search ADD COLUMN {name}_vector tsvector NOT NULL")
            op.execute(
                f"CREATE INDEX resource_search_{name} ON resource_search USING gin ({name}_vector)"
            )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE resource_fts")
    for name in ("resource_search", "search_spelling", "search_synonyms", "demand"):
        op.drop_table(name)
