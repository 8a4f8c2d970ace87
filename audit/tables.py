"""The tables of the log's database and of the vault's, as SQLAlchemy Core sees them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
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

FOUND_BY = (
    "code", "decision", "kind", "matter", "resource", "system", "officer", "provider", "consumer",
)  # fmt: skip
"""Columns of search rows whose words lead to bundles; where several are wanted, the first of these leads."""

WORDS = (*FOUND_BY, "step", "items")
"""Columns of search rows that hold words by number."""

# What search rows say again and again, each value of a column once. `facet` is the column's name.
word = Table(
    "audit_word",
    log_metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("facet", Text, nullable=False),
    Column("value", Text, nullable=False),
)
Index("audit_word_value", word.c.facet, word.c.value, unique=True)

# In which bundles of 256 entries a word stands: a search by words looks into these bundles and no others.
word_bundle = Table(
    "audit_word_bundle",
    log_metadata,
    Column("word", Integer, primary_key=True, autoincrement=False),
    Column("n", Integer, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

# How entries are found: by words (their ids stand here) and by keyed tokens, 16 raw bytes. Identifiers stand
# here in no other form, and in a leaf in none. The widest columns lead, so that PostgreSQL pads nothing.
index = Table(
    "audit_index",
    log_metadata,
    Column("idx", _Big, primary_key=True, autoincrement=False),
    Column("ts", _Big, nullable=False),
    # An officer's word is his keyed token: the same few officers ask again and again.
    *(Column(name, Integer, nullable=name == "officer") for name in WORDS),
    Column("n", SmallInteger, primary_key=True, autoincrement=False),
    Column("sealed", Boolean, nullable=False, server_default=false()),
    Column("case_number", LargeBinary),
    Column("subject", LargeBinary),
    sqlite_with_rowid=False,
)
Index(
    "audit_index_sealed",
    index.c.idx,
    index.c.n,
    sqlite_where=text("sealed"),
    postgresql_where=text("sealed"),
)
# SQLite puts a row's key behind each of these; PostgreSQL keeps equal tokens once, and sorts the few rows.
for _sparse in ("case_number", "subject"):
    _column = index.c[_sparse]
    Index(
        f"audit_index_{_sparse}",
        _column,
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
