"""Tables of exports, in the registry's database.

No row of them widens a decision: every page and every download is decided anew. `seal` is a keyed digest of
what a row says: one changed by SQL is as if it were not there. What names a person is sealed.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text

from catalogue.tables import metadata

export = Table(
    "export",
    metadata,
    Column("id", Text, primary_key=True),
    Column("system", Text, nullable=False),
    Column("department", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("resource", Text, nullable=False),
    Column("format", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("wanted", LargeBinary, nullable=False),
    Column("terms", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("entry", BigInteger, nullable=False),
    Column("pages", Integer, nullable=False),
    Column("records", BigInteger, nullable=False),
    Column("place", LargeBinary),
    Column("parts", Text, nullable=False),
    Column("manifest", LargeBinary),
    Column("code", Text, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("ended_ms", BigInteger),
    Column("ended_entry", BigInteger),
    Column("expires_ms", BigInteger),
    Column("leased_by", Text),
    Column("lease_ms", BigInteger, nullable=False),
    Column("touched_ms", BigInteger, nullable=False),
    Column("seal", Text, nullable=False),
    Index("export_department", "department", "id"),
    Index("export_state", "state"),
)

export_page = Table(
    "export_page",
    metadata,
    Column("export", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("records", Integer, nullable=False),
    Column("digest", Text, nullable=False),
    Column("entry", BigInteger, nullable=False),
)
