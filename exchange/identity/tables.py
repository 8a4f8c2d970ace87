"""Tables of sign-in, in the registry's database.

Only digests of secrets are kept. `seal` is a keyed digest of the row: one put in by SQL signs nobody in.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text

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

credential = Table(
    "identity_credential",
    metadata,
    Column("officer", Text, primary_key=True),
    Column("password", Text, nullable=False),
    Column("totp", LargeBinary, nullable=False),
    Column("entry", BigInteger, nullable=False),
    Column("seal", Text, nullable=False),
    Column("used_step", BigInteger, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("failed_ms", BigInteger, nullable=False),
)
