"""Tables of sign-in, in the registry's database.

Only digests of secrets are kept. `seal` is a keyed digest of the row: one put in by SQL signs nobody in.
"""

from sqlalchemy import BigInteger, Column, Index, Table, Text

from catalogue.tables import metadata

session = Table(
    "identity_session",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("officer", Text, nullable=False),
    Column("opened_ms", BigInteger, nullable=False),
    Column("used_ms", BigInteger, nullable=False),
    Column("entry", BigInteger, nullable=False),
    Column("seal", Text, nullable=False),
    Index("identity_session_officer", "officer"),
)

link = Table(
    "identity_link",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("officer", Text, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("entry", BigInteger, nullable=False),
    Column("seal", Text, nullable=False),
)
