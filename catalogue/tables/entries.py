"""Who takes part and what they publish: departments, systems, officers, sources, entries, matters, search."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table, Text

from catalogue.tables.columns import key, metadata, number, protected, text

department = protected(
    "department",
    key("code"),
    text("code_kind"),
    text("name"),
    text("name_en"),
    text("level"),
    text("region"),
    Column("superior", Text),
)

system = protected(
    "system",
    key("id"),
    text("department"),
    text("name"),
    text("zone"),
    text("state"),
    Column("responsible", Text),
    number("intake"),
)

system_key = protected(
    "system_key",
    key("id"),
    text("system"),
    text("algorithm"),
    text("public"),
    text("state"),
    Column("not_after", BigInteger),
)

officer = protected(
    "officer",
    key("id"),
    text("department"),
    text("staff_number"),  # sealed
    text("staff_token"),
    text("name"),  # sealed
    text("post"),
    text("roles"),
    number("clearance"),
    text("state"),
    Index("officer_staff", "department", "staff_token", unique=True),
)

officer_key = protected(
    "officer_key",
    key("id"),
    text("officer"),
    text("public"),
    text("state"),
)

invitation = protected(
    "invitation",
    key("id"),
    text("system"),
    text("code_hash"),
    number("expires"),
    text("state"),
)

source = protected(
    "source",
    key("name"),
    text("department"),
    text("kind"),
    text("address"),
    Column("secret", Text),  # sealed by whoever took it
    text("zone"),
    number("timeout_ms"),
    Column("write_reason", Text),
    text("state"),
    Column("description", Text),
    Column("rests_until", BigInteger),
)

resource = protected(
    "resource",
    key("code"),
    text("department"),
    text("name"),
    text("name_en"),
    Column("type_name", Text, nullable=False, unique=True),
    Column("field_name", Text, nullable=False, unique=True),
    Column("list_name", Text, nullable=False, unique=True),
    text("source"),
    Column("table", Text, nullable=False, quote=True),
    text("sharing_class"),
    text("abstract"),
    number("level"),
    number("personal"),
    text("consent"),
    number("single"),
    number("protected"),
    text("purposes"),
    text("no_share_basis"),
    text("conditions"),
    Column("validity", Text),
    text("state"),
    number("revision"),
    text("drafted_by"),
    Column("signed_by", Text),
    Column("announced_by", Text),
    Column("emergency_items", Text),
    Column("reading", Text),
    Column("update_days", BigInteger),
    Column("listing", Text),
    Column("certificate", Text),
    Column("names", Text),
    Column("before", Text, quote=True),
    Column("more", Text),
    Column("course", Text),
    Column("prepared", Text),
)

resource_item = Table(
    "resource_item",
    metadata,
    Column("resource", Text, ForeignKey("resource.code"), primary_key=True),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    text("name"),
    text("title"),
    Column("column", Text, nullable=False, quote=True),
    text("graphql_name"),
    text("type"),
    text("sharing_class"),
    number("level"),
    text("mask"),
    Column("subject", Text),
    number("key"),
    number("match"),
    text("unit"),
    Column("more", Text),
)

source_load = protected(
    "source_load",
    key("id"),
    text("source"),
    text("address"),
    text("loaded_by"),
    number("loaded_at"),
    text("state"),
    Index("source_load_source", "source"),
)

# What was seen of a resource's source and not yet put right. It opens nothing, so nothing vouches for it.
resource_flag = Table(
    "resource_flag",
    metadata,
    key("resource"),
    text("code"),
    text("items"),
    number("seen_at"),
)

matter = protected(
    "matter",
    key("code"),
    text("kind"),
    text("department"),
    text("name"),
    text("case_pattern"),
    number("max_parties"),
    text("relations"),
    text("resources"),
    text("state"),
    Column("version", BigInteger),
    Column("type", Text),
    Column("lists", Text),
    Column("online_depth", BigInteger),
    Column("trips", BigInteger),
    Column("statutory_days", BigInteger),
    Column("promised_days", BigInteger),
    Column("baseline_days", BigInteger),
    Column("materials", Text),
)

matter_version = protected(
    "matter_version",
    key("id"),
    text("matter"),
    number("version"),
    text("held"),
    number("ended_at"),
    text("ended_by"),
)

# Written once, with the announcement; what is announced next is a row of its own.
resource_revision = protected(
    "resource_revision",
    key("id"),
    text("resource"),
    number("revision"),
    text("content"),
    text("announced_by"),
    number("announced_at"),
    Column("restored_from", BigInteger),
    Index("resource_revision_resource", "resource"),
)

withdrawal = protected(
    "withdrawal",
    key("id"),
    text("resource"),
    number("revision"),
    text("name"),
    text("department"),
    text("impact"),
    text("withdrawn_by"),
    number("withdrawn_at"),
)

item_source = protected(
    "item_source",
    key("id"),
    text("department"),
    text("title"),
    text("reason"),  # sealed
    text("designated_by"),
    number("designated_at"),
)

# What resources are found by (catalogue/finding.py). Derived from the rows above, and made again where it is
# not as they are; nothing is shown because of it. Beside it stands, on SQLite, the FTS5 table `resource_fts`
# over `title` and `words`; on PostgreSQL, the columns `title_vector` and `words_vector`.
resource_search = Table(
    "resource_search",
    metadata,
    # Shorter titles have smaller numbers, so that what is asked for by number comes in the order of its rank.
    Column(
        "id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False
    ),
    Column("code", Text, nullable=False, unique=True),
    text("folded_code"),
    text("department"),
    text("sharing_class"),
    text("state"),
    text("title"),
    text("words"),
    text("digest"),
    Index("resource_search_folded", "folded_code"),
)

# Every English word of a title, under each form that it has with one letter left out.
search_spelling = Table(
    "search_spelling",
    metadata,
    key("variant"),
    key("word"),
)

search_synonyms = protected(
    "search_synonyms",
    key("id"),
    text("groups"),
    text("set_by"),
    number("set_at"),
)
