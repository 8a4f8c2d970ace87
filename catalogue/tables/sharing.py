"""Asking and giving: requests, grants, deputies, the law, what differs, cases, demands, indicators."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table, Text

from catalogue.tables.columns import key, metadata, number, protected, text

sharing_request = protected(
    "sharing_request",
    key("id"),
    text("resource"),
    text("department"),
    text("systems"),
    text("items"),
    text("match"),
    text("matters"),
    text("purposes"),
    text("channels"),
    text("legal_basis"),
    text("scenario"),  # sealed
    number("not_before"),
    number("not_after"),
    number("daily_quota"),
    text("state"),
    text("created_by"),
    number("created_at"),
    Column("signed_by", Text),
    Column("decided_by", Text),
    text("refusal"),  # sealed
    Column("refusal_code", Text),
    Column("refusal_basis", Text),
    Column("supplement_asked", Text),  # sealed
    Column("supplement_given", Text),  # sealed
    Column("course", Text),  # sealed
)

sharing_grant = protected(
    "sharing_grant",
    key("id"),
    text("request"),
    text("resource"),
    text("provider"),
    text("department"),
    text("systems"),
    text("channels"),
    text("matters"),
    text("purposes"),
    text("items"),
    text("match"),
    text("masks"),
    text("rows"),
    number("max_rows"),
    number("not_before"),
    number("not_after"),
    number("daily_quota"),
    text("state"),
    number("attested"),
    text("operations"),
    Column("daily_rows", BigInteger),
    Column("daily_subjects", BigInteger),
    Column("course", Text),
)

grant_amendment = protected(
    "grant_amendment",
    key("id"),
    Column("grant", Text, nullable=False, quote=True),
    number("base"),
    text("items"),
    text("match"),
    text("matters"),
    text("systems"),
    number("daily_quota"),
    number("not_after"),
    text("reason"),  # sealed
    text("state"),
    text("proposed_by"),
    text("proposed_side"),
    number("proposed_at"),
    Column("consumer_signed", Text),
    Column("provider_signed", Text),
    Column("settled_at", BigInteger),
    Column("max_rows", BigInteger),
    Column("daily_rows", BigInteger),
    Column("daily_subjects", BigInteger),
    Column("changes", Text),
)

deputy = protected(
    "deputy",
    key("id"),
    text("department"),
    text("post"),
    text("principal"),
    text("deputy"),
    number("begins"),
    number("ends"),
    number("named_at"),
    Column("ended_at", BigInteger),
)

law_rule = protected(
    "law_rule",
    key("id"),
    text("rule"),
    number("value"),
    text("unit"),
    text("citation"),
    text("first_day"),
    Column("last_day", Text),
    number("provisional"),
    text("enacted_by"),
    number("enacted_at"),
)

workday_year = protected(
    "workday_year",
    key("id"),
    text("notice"),
    text("holidays"),
    text("made_up"),
    text("imported_by"),
    number("imported_at"),
)

notice = protected(
    "notice",
    key("id"),
    text("department"),
    text("kind"),
    text("about"),
    text("resource"),
    text("entries"),
    number("at"),
    Column("seen_by", Text),
    Column("seen_at", BigInteger),
)

correction = protected(
    "correction",
    key("id"),
    number("number"),
    text("resource"),
    text("item"),
    text("provider"),
    text("department"),
    text("subject_type"),
    text("subject"),
    text("words"),  # sealed
    text("state"),
    text("reported_by"),
    number("reported_at"),
    text("informed"),
    Column("answered_by", Text),
    Column("answered_at", BigInteger),
    text("answer"),  # sealed
    Column("closed_by", Text),
    Column("closed_at", BigInteger),
    Column("corrected", BigInteger),
)

dispute = protected(
    "dispute",
    key("id"),
    text("about_kind"),
    text("about"),
    text("resource"),
    text("claimant"),
    text("respondent"),
    text("tier"),
    text("state"),
    text("opened_by"),
    number("opened_at"),
    text("steps"),  # sealed
    Column("settled_at", BigInteger),
)

office_case = protected(
    "office_case",
    key("id"),
    text("number_token"),
    text("system"),
    text("department"),
    text("matter"),
    text("project"),
    text("state"),
    number("accepted_at"),
    Column("attested_by", Text),
    text("closed_with"),  # sealed
    Index("office_case_number", "system", "number_token", unique=True),
)

case_party = Table(
    "case_party",
    metadata,
    Column("case_id", Text, ForeignKey("office_case.id"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    text("type"),
    text("token"),
    text("role"),
    text("added_by"),
    Column("confirmed_by", Text),
    number("late"),
)

demand = protected(
    "demand",
    key("id"),
    text("department"),
    text("words"),
    text("need"),
    text("filed_by"),
    number("filed_at"),
    Column("resource", Text),
    Column("answer", Text),  # sealed
    Column("answered_by", Text),
    Column("answered_at", BigInteger),
)

indicator_target = protected(
    "indicator_target",
    key("id"),
    text("indicator"),
    number("percent"),
    text("due"),
    text("lead"),
    text("set_by"),
    number("set_at"),
    text("state"),
)

indicator_day = protected(
    "indicator_day",
    key("id"),
    number("taken_at"),
    text("measured"),
)
