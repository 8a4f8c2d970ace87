"""The tables of the log's database and of the vault's, as SQLAlchemy Core sees them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    false,
    text,
)

log_metadata = MetaData()
vault_metadata = MetaData()

# SQLite makes only a column of type INTEGER its row id, and appends fastest to that.
_Big = BigInteger().with_variant(Integer, "sqlite")

# Exactly one row. `note` is the newest checkpoint that had been signed when this head was written: the
# head's own is signed only after its commit is known. `last_act` starts the chain of the entries that
# record registry rows; the seal covers every column but `note`.
head = Table(
    "audit_head",
    log_metadata,
    Column("origin", Text, primary_key=True),
    Column("size", _Big, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("epoch", _Big, nullable=False),
    Column("barrier", _Big, nullable=False),
    Column("last_act", _Big, nullable=False),
    Column("ts", _Big, nullable=False),
    Column("seal", LargeBinary, nullable=False),
    Column("note", Text, nullable=False),
)

entry = Table(
    "audit_entry",
    log_metadata,
    Column("idx", _Big, primary_key=True, autoincrement=False),
    # Null once archived: then the body lies in a file, and `audit_archive` says where.
    Column("body", LargeBinary),
    Column("leaf", LargeBinary, nullable=False),
)

# What many entries share and name by its SHA-256 (hex): the standing part of a question. Nothing personal.
document = Table(
    "audit_document",
    log_metadata,
    Column("digest", Text, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

# The bundles of 256 entries whose bodies lie in files.
archive = Table(
    "audit_archive",
    log_metadata,
    Column("n", _Big, primary_key=True, autoincrement=False),
    Column("folder", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("archived_at", _Big, nullable=False),
)

# Full tiles only; a partial one is derived from the leaves or from the roots of the level below.
tile = Table(
    "audit_tile",
    log_metadata,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("n", _Big, primary_key=True, autoincrement=False),
    Column("root", LargeBinary, nullable=False),
    Column("hashes", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

# Only checkpoints that were published: those others may hold against us. `tsa_token` says when a
# time-stamping authority saw it (RFC 3161); null where none did, or not yet.
checkpoint = Table(
    "audit_checkpoint",
    log_metadata,
    Column("size", _Big, primary_key=True, autoincrement=False),
    Column("published_at", _Big, nullable=False),
    Column("note", Text, nullable=False),
    Column("tsa_token", LargeBinary),
)

# How entries are found. Identifiers stand here only as keyed tokens, never in a leaf.
index = Table(
    "audit_index",
    log_metadata,
    Column("idx", _Big, primary_key=True, autoincrement=False),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("ts", _Big, nullable=False),
    Column("kind", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column("consumer", Text, nullable=False),
    Column("system", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("resource", Text, nullable=False),
    Column("matter", Text, nullable=False),
    Column("decision", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("officer", Text),
    Column("case_number", Text),
    Column("subject", Text),
    Column("items", Text, nullable=False, server_default=""),
    Column("sealed", Boolean, nullable=False, server_default=false()),
    sqlite_with_rowid=False,
)
Index("audit_index_consumer", index.c.consumer, index.c.idx, index.c.n)
Index("audit_index_provider", index.c.provider, index.c.idx, index.c.n)
Index("audit_index_resource", index.c.resource, index.c.idx, index.c.n)
Index("audit_index_system", index.c.system, index.c.idx, index.c.n)
Index("audit_index_matter", index.c.matter, index.c.idx, index.c.n)
# What nearly every row has is found by walking the rows themselves; only the rest is worth an index.
COMMON = {"kind": ("call",), "decision": ("", "given"), "code": ("",)}
for _rare, _values in COMMON.items():
    _condition = text(" AND ".join(f"{_rare} <> '{value}'" for value in _values))
    Index(
        f"audit_index_{_rare}",
        index.c[_rare],
        index.c.idx,
        index.c.n,
        sqlite_where=_condition,
        postgresql_where=_condition,
    )
Index(
    "audit_index_sealed",
    index.c.idx,
    index.c.n,
    sqlite_where=text("sealed"),
    postgresql_where=text("sealed"),
)
for _sparse in ("officer", "case_number", "subject"):
    _column = index.c[_sparse]
    Index(
        f"audit_index_{_sparse}",
        _column,
        index.c.idx,
        index.c.n,
        sqlite_where=_column.is_not(None),
        postgresql_where=_column.is_not(None),
    )

# Gap-free numbering: the newest number given out under a name.
counter = Table(
    "audit_counter",
    log_metadata,
    Column("name", Text, primary_key=True),
    Column("n", _Big, nullable=False),
)

quota = Table(
    "audit_quota",
    log_metadata,
    Column("key", Text, primary_key=True),
    Column("day", Text, primary_key=True),
    Column("used", _Big, nullable=False),
)

# The nonce leads the key, so that a batch looks up all of its nonces at once.
nonce = Table(
    "audit_nonce",
    log_metadata,
    Column("nonce", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("expires", _Big, nullable=False),
    Index("audit_nonce_expires", "expires"),
    sqlite_with_rowid=False,
)

# One row an entry and key: whoever's key is destroyed takes exactly his own part along.
disclosure = Table(
    "audit_disclosure",
    log_metadata,
    Column("idx", _Big, primary_key=True, autoincrement=False),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("key_id", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

# Where the sequencer of the newest epoch takes drafts from gateways; empty where each node has its own.
leader = Table(
    "audit_leader",
    log_metadata,
    Column("origin", Text, primary_key=True),
    Column("url", Text, nullable=False),
    Column("epoch", _Big, nullable=False),
    Column("since", _Big, nullable=False),
)

# The vault. `lookup` is an HMAC: the table does not say whose key a row is. A destroyed key keeps its row
# (`wrapped` empty, `erased_at` set), and the next call on that subject makes a new one.
vault_key = Table(
    "vault_key",
    vault_metadata,
    Column("key_id", Text, primary_key=True),
    Column("lookup", Text, nullable=False),
    Column("retention", Text, nullable=False),
    Column("month", Text, nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    Column("created_at", _Big, nullable=False),
    Column("erased_at", _Big),
)
Index(
    "vault_key_lookup",
    vault_key.c.lookup,
    unique=True,
    sqlite_where=text("erased_at IS NULL"),
    postgresql_where=text("erased_at IS NULL"),
)

Index("vault_key_month", vault_key.c.month)

# The vault's own keys (look-up, tokens), wrapped, so that a new key-encryption key leaves them alone.
vault_secret = Table(
    "vault_secret",
    vault_metadata,
    Column("name", Text, primary_key=True),
    Column("wrapped", LargeBinary, nullable=False),
)
