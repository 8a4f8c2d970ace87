"""The registry's tables.

Every row of a protected table carries `entry`, the index in the log of the act that made it so, and the
`salt` of its digest. Values are text and integers only: flags are 0 and 1, times are milliseconds since the
epoch, lists are JSON, bytes are base64url. So the digest covers exactly what the database holds, whatever
it is.
"""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, MetaData, Table, Text

metadata = MetaData()


def _protected(name: str, *columns: Column[str] | Column[int] | Index) -> Table:
    return Table(
        name,
        metadata,
        *columns,
        Column("entry", BigInteger, nullable=False),
        Column("salt", Text, nullable=False),
    )


def _key(name: str) -> Column[str]:
    return Column(name, Text, primary_key=True)


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _number(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


department = _protected(
    "department",
    _key("code"),
    _text("code_kind"),
    _text("name"),
    _text("name_en"),
    _text("level"),
    _text("region"),
    Column("superior", Text),
)

system = _protected(
    "system",
    _key("id"),
    _text("department"),
    _text("name"),
    _text("zone"),
    _text("state"),
    Column("responsible", Text),
    _number("intake"),
)

system_key = _protected(
    "system_key",
    _key("id"),
    _text("system"),
    _text("algorithm"),
    _text("public"),
    _text("state"),
    Column("not_after", BigInteger),
)

officer = _protected(
    "officer",
    _key("id"),
    _text("department"),
    _text("staff_number"),  # sealed
    _text("staff_token"),
    _text("name"),  # sealed
    _text("post"),
    _text("roles"),
    _number("clearance"),
    _text("state"),
    Index("officer_staff", "department", "staff_token", unique=True),
)

officer_key = _protected(
    "officer_key",
    _key("id"),
    _text("officer"),
    _text("public"),
    _text("state"),
)

invitation = _protected(
    "invitation",
    _key("id"),
    _text("system"),
    _text("code_hash"),
    _number("expires"),
    _text("state"),
)

source = _protected(
    "source",
    _key("name"),
    _text("department"),
    _text("kind"),
    _text("address"),
    Column("secret", Text),  # sealed by whoever took it
    _text("zone"),
    _number("timeout_ms"),
    Column("write_reason", Text),
    _text("state"),
    Column("description", Text),
    Column("rests_until", BigInteger),
)

resource = _protected(
    "resource",
    _key("code"),
    _text("department"),
    _text("name"),
    _text("name_en"),
    Column("type_name", Text, nullable=False, unique=True),
    Column("field_name", Text, nullable=False, unique=True),
    Column("list_name", Text, nullable=False, unique=True),
    _text("source"),
    Column("table", Text, nullable=False, quote=True),
    _text("sharing_class"),
    _text("abstract"),
    _number("level"),
    _number("personal"),
    _text("consent"),
    _number("single"),
    _number("protected"),
    _text("purposes"),
    _text("no_share_basis"),
    _text("conditions"),
    Column("validity", Text),
    _text("state"),
    _number("revision"),
    _text("drafted_by"),
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
    _text("name"),
    _text("title"),
    Column("column", Text, nullable=False, quote=True),
    _text("graphql_name"),
    _text("type"),
    _text("sharing_class"),
    _number("level"),
    _text("mask"),
    Column("subject", Text),
    _number("key"),
    _number("match"),
    _text("unit"),
    Column("more", Text),
)

source_load = _protected(
    "source_load",
    _key("id"),
    _text("source"),
    _text("address"),
    _text("loaded_by"),
    _number("loaded_at"),
    _text("state"),
    Index("source_load_source", "source"),
)

# What was seen of a resource's source and not yet put right. It opens nothing, so nothing vouches for it.
resource_flag = Table(
    "resource_flag",
    metadata,
    _key("resource"),
    _text("code"),
    _text("items"),
    _number("seen_at"),
)

matter = _protected(
    "matter",
    _key("code"),
    _text("kind"),
    _text("department"),
    _text("name"),
    _text("case_pattern"),
    _number("max_parties"),
    _text("relations"),
    _text("resources"),
    _text("state"),
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

matter_version = _protected(
    "matter_version",
    _key("id"),
    _text("matter"),
    _number("version"),
    _text("held"),
    _number("ended_at"),
    _text("ended_by"),
)

sharing_request = _protected(
    "sharing_request",
    _key("id"),
    _text("resource"),
    _text("department"),
    _text("systems"),
    _text("items"),
    _text("match"),
    _text("matters"),
    _text("purposes"),
    _text("channels"),
    _text("legal_basis"),
    _text("scenario"),  # sealed
    _number("not_before"),
    _number("not_after"),
    _number("daily_quota"),
    _text("state"),
    _text("created_by"),
    _number("created_at"),
    Column("signed_by", Text),
    Column("decided_by", Text),
    _text("refusal"),  # sealed
    Column("refusal_code", Text),
    Column("refusal_basis", Text),
    Column("supplement_asked", Text),  # sealed
    Column("supplement_given", Text),  # sealed
    Column("course", Text),  # sealed
)

sharing_grant = _protected(
    "sharing_grant",
    _key("id"),
    _text("request"),
    _text("resource"),
    _text("provider"),
    _text("department"),
    _text("systems"),
    _text("channels"),
    _text("matters"),
    _text("purposes"),
    _text("items"),
    _text("match"),
    _text("masks"),
    _text("rows"),
    _number("max_rows"),
    _number("not_before"),
    _number("not_after"),
    _number("daily_quota"),
    _text("state"),
    _number("attested"),
    _text("operations"),
    Column("daily_rows", BigInteger),
    Column("daily_subjects", BigInteger),
    Column("course", Text),
)

grant_amendment = _protected(
    "grant_amendment",
    _key("id"),
    Column("grant", Text, nullable=False, quote=True),
    _number("base"),
    _text("items"),
    _text("match"),
    _text("matters"),
    _text("systems"),
    _number("daily_quota"),
    _number("not_after"),
    _text("reason"),  # sealed
    _text("state"),
    _text("proposed_by"),
    _text("proposed_side"),
    _number("proposed_at"),
    Column("consumer_signed", Text),
    Column("provider_signed", Text),
    Column("settled_at", BigInteger),
)

deputy = _protected(
    "deputy",
    _key("id"),
    _text("department"),
    _text("post"),
    _text("principal"),
    _text("deputy"),
    _number("begins"),
    _number("ends"),
    _number("named_at"),
    Column("ended_at", BigInteger),
)

law_rule = _protected(
    "law_rule",
    _key("id"),
    _text("rule"),
    _number("value"),
    _text("unit"),
    _text("citation"),
    _text("first_day"),
    Column("last_day", Text),
    _number("provisional"),
    _text("enacted_by"),
    _number("enacted_at"),
)

workday_year = _protected(
    "workday_year",
    _key("id"),
    _text("notice"),
    _text("holidays"),
    _text("made_up"),
    _text("imported_by"),
    _number("imported_at"),
)

notice = _protected(
    "notice",
    _key("id"),
    _text("department"),
    _text("kind"),
    _text("about"),
    _text("resource"),
    _text("entries"),
    _number("at"),
    Column("seen_by", Text),
    Column("seen_at", BigInteger),
)

correction = _protected(
    "correction",
    _key("id"),
    _number("number"),
    _text("resource"),
    _text("item"),
    _text("provider"),
    _text("department"),
    _text("subject_type"),
    _text("subject"),
    _text("words"),  # sealed
    _text("state"),
    _text("reported_by"),
    _number("reported_at"),
    _text("informed"),
    Column("answered_by", Text),
    Column("answered_at", BigInteger),
    _text("answer"),  # sealed
    Column("closed_by", Text),
    Column("closed_at", BigInteger),
    Column("corrected", BigInteger),
)

dispute = _protected(
    "dispute",
    _key("id"),
    _text("about_kind"),
    _text("about"),
    _text("resource"),
    _text("claimant"),
    _text("respondent"),
    _text("tier"),
    _text("state"),
    _text("opened_by"),
    _number("opened_at"),
    _text("steps"),  # sealed
    Column("settled_at", BigInteger),
)

office_case = _protected(
    "office_case",
    _key("id"),
    _text("number_token"),
    _text("system"),
    _text("department"),
    _text("matter"),
    _text("project"),
    _text("state"),
    _number("accepted_at"),
    Column("attested_by", Text),
    _text("closed_with"),  # sealed
    Index("office_case_number", "system", "number_token", unique=True),
)

case_party = Table(
    "case_party",
    metadata,
    Column("case_id", Text, ForeignKey("office_case.id"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    _text("type"),
    _text("token"),
    _text("role"),
    _text("added_by"),
    Column("confirmed_by", Text),
    _number("late"),
)

policy_bundle = _protected(
    "policy_bundle",
    _key("digest"),
    _number("serial"),
    _text("revision"),
    _number("expires"),
    _text("signed_by"),
    _number("tests"),
    _text("state"),
    _text("proposed_by"),
    _number("proposed_at"),
    Column("proposal", BigInteger),
    Column("activated_by", Text),
    Column("activated_at", BigInteger),
    Column("activation", BigInteger),
    Column("withdrawn_by", Text),
)

emergency_access = _protected(
    "emergency_access",
    _key("id"),
    _text("resource"),
    _text("provider"),
    _text("department"),
    _text("system"),
    _text("matter"),
    _text("purpose"),
    _text("items"),
    _text("subject_type"),
    _text("subject"),
    _text("reason"),
    _number("minutes"),
    _text("state"),
    _text("asked_by"),
    _number("asked_at"),
    Column("confirmed_by", Text),
    Column("opened_at", BigInteger),
    Column("not_after", BigInteger),
    Column("case", Text, quote=True),
    Column("grant", Text, quote=True),
    Column("ended_at", BigInteger),
    Column("reviewed_by", Text),
    Column("reviewed_at", BigInteger),
    Column("verdict", Text),
    _text("finding"),
)

erasure = _protected(
    "erasure",
    _key("id"),
    _text("subject_type"),
    Column("subject", Text),  # sealed
    _text("legal_basis"),  # sealed
    _text("document"),  # sealed
    _text("state"),
    _text("asked_by"),
    _number("asked_at"),
    Column("proposal", BigInteger),
    Column("approved_by", Text),
    Column("approved_at", BigInteger),
    _text("keys"),
    _number("entries"),
    Column("withdrawn_by", Text),
)

legal_hold = _protected(
    "legal_hold",
    _key("id"),
    _number("everybody"),
    Column("subject_type", Text),
    Column("subject", Text),  # sealed
    _text("reason"),  # sealed
    _text("document"),  # sealed
    _text("set_by"),
    _number("set_at"),
    Column("lifted_by", Text),
    Column("lifted_at", BigInteger),
)

trusted_document = _protected(
    "trusted_document",
    _key("id"),
    _text("department"),
    _text("digest"),
    _text("name"),
    _text("text"),
    _text("state"),
    _text("registered_by"),
    _number("registered_at"),
    Column("withdrawn_by", Text),
)

review = _protected(
    "review",
    _key("id"),
    _text("document"),  # sealed
    _text("reason"),  # sealed
    _text("departments"),
    _text("systems"),
    _text("resources"),
    _text("matters"),
    _text("cases"),  # sealed
    _text("subjects"),  # sealed
    _number("since"),
    _number("until"),
    _text("officers"),
    _number("sealed"),
    _number("expires"),
    _text("state"),
    _text("proposed_by"),
    _number("proposed_at"),
    Column("confirmed_by", Text),
    Column("confirmed_at", BigInteger),
    Column("closed_by", Text),
    Column("closed_at", BigInteger),
    _text("conclusion"),  # sealed
)

review_sample = _protected(
    "review_sample",
    _key("id"),
    _text("review"),
    _text("seed"),
    _number("count"),
    _number("size"),
    _number("population"),
    _text("digest"),
    _text("drawn"),
    _text("drawn_by"),
    _number("drawn_at"),
    _text("words"),  # sealed
)

identity_opening = _protected(
    "identity_opening",
    _key("id"),
    _text("review"),
    _number("about"),
    _text("names"),
    _text("reason"),  # sealed
    _text("asked_by"),
    _number("asked_at"),
    Column("confirmed_by", Text),
    Column("confirmed_at", BigInteger),
)

review_question = _protected(
    "review_question",
    _key("id"),
    _text("review"),
    _text("department"),
    _text("about"),
    _text("text"),  # sealed
    _number("days"),
    _text("asked_by"),
    _number("asked_at"),
    Column("answer", Text),  # sealed
    Column("answered_by", Text),
    Column("answered_at", BigInteger),
)

review_verdict = _protected(
    "review_verdict",
    _key("id"),
    _text("review"),
    _number("about"),
    _text("verdict"),
    _text("finding"),  # sealed
    _text("given_by"),
    _number("given_at"),
)

# Written once, with the announcement; what is announced next is a row of its own.
resource_revision = _protected(
    "resource_revision",
    _key("id"),
    _text("resource"),
    _number("revision"),
    _text("content"),
    _text("announced_by"),
    _number("announced_at"),
    Column("restored_from", BigInteger),
    Index("resource_revision_resource", "resource"),
)

withdrawal = _protected(
    "withdrawal",
    _key("id"),
    _text("resource"),
    _number("revision"),
    _text("name"),
    _text("department"),
    _text("impact"),
    _text("withdrawn_by"),
    _number("withdrawn_at"),
)

item_source = _protected(
    "item_source",
    _key("id"),
    _text("department"),
    _text("title"),
    _text("reason"),  # sealed
    _text("designated_by"),
    _number("designated_at"),
)

registry_meta = Table(
    "registry_meta",
    metadata,
    _key("name"),
    _number("value"),
)

# Acts that took something away while the log was down (catalogue/service/unrecorded.py): sealed, and under a
# keyed digest. Empty while the log is well.
unrecorded_act = Table(
    "unrecorded_act",
    metadata,
    _key("id"),
    _number("made_at"),
    _text("sealed"),
    _text("mac"),
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
    _text("folded_code"),
    _text("department"),
    _text("sharing_class"),
    _text("state"),
    _text("title"),
    _text("words"),
    _text("digest"),
    Index("resource_search_folded", "folded_code"),
)

# Every English word of a title, under each form that it has with one letter left out.
search_spelling = Table(
    "search_spelling",
    metadata,
    _key("variant"),
    _key("word"),
)

search_synonyms = _protected(
    "search_synonyms",
    _key("id"),
    _text("groups"),
    _text("set_by"),
    _number("set_at"),
)

demand = _protected(
    "demand",
    _key("id"),
    _text("department"),
    _text("words"),
    _text("need"),
    _text("filed_by"),
    _number("filed_at"),
    Column("resource", Text),
    Column("answer", Text),  # sealed
    Column("answered_by", Text),
    Column("answered_at", BigInteger),
)

indicator_target = _protected(
    "indicator_target",
    _key("id"),
    _text("indicator"),
    _number("percent"),
    _text("due"),
    _text("lead"),
    _text("set_by"),
    _number("set_at"),
    _text("state"),
)

indicator_day = _protected(
    "indicator_day",
    _key("id"),
    _number("taken_at"),
    _text("measured"),
)
