"""What is looked at afterwards or kept apart: policies, emergencies, erasures, documents, reviews."""

from sqlalchemy import BigInteger, Column, Text

from catalogue.tables.columns import key, number, protected, text

policy_bundle = protected(
    "policy_bundle",
    key("digest"),
    number("serial"),
    text("revision"),
    number("expires"),
    text("signed_by"),
    number("tests"),
    text("state"),
    text("proposed_by"),
    number("proposed_at"),
    Column("proposal", BigInteger),
    Column("activated_by", Text),
    Column("activated_at", BigInteger),
    Column("activation", BigInteger),
    Column("withdrawn_by", Text),
)

emergency_access = protected(
    "emergency_access",
    key("id"),
    text("resource"),
    text("provider"),
    text("department"),
    text("system"),
    text("matter"),
    text("purpose"),
    text("items"),
    text("subject_type"),
    text("subject"),
    text("reason"),
    number("minutes"),
    text("state"),
    text("asked_by"),
    number("asked_at"),
    Column("confirmed_by", Text),
    Column("opened_at", BigInteger),
    Column("not_after", BigInteger),
    Column("case", Text, quote=True),
    Column("grant", Text, quote=True),
    Column("ended_at", BigInteger),
    Column("reviewed_by", Text),
    Column("reviewed_at", BigInteger),
    Column("verdict", Text),
    text("finding"),
)

erasure = protected(
    "erasure",
    key("id"),
    text("subject_type"),
    Column("subject", Text),  # sealed
    text("legal_basis"),  # sealed
    text("document"),  # sealed
    text("state"),
    text("asked_by"),
    number("asked_at"),
    Column("proposal", BigInteger),
    Column("approved_by", Text),
    Column("approved_at", BigInteger),
    text("keys"),
    number("entries"),
    Column("withdrawn_by", Text),
)

legal_hold = protected(
    "legal_hold",
    key("id"),
    number("everybody"),
    Column("subject_type", Text),
    Column("subject", Text),  # sealed
    text("reason"),  # sealed
    text("document"),  # sealed
    text("set_by"),
    number("set_at"),
    Column("lifted_by", Text),
    Column("lifted_at", BigInteger),
)

trusted_document = protected(
    "trusted_document",
    key("id"),
    text("department"),
    text("digest"),
    text("name"),
    text("text"),
    text("state"),
    text("registered_by"),
    number("registered_at"),
    Column("withdrawn_by", Text),
)

review = protected(
    "review",
    key("id"),
    text("document"),  # sealed
    text("reason"),  # sealed
    text("departments"),
    text("systems"),
    text("resources"),
    text("matters"),
    text("cases"),  # sealed
    text("subjects"),  # sealed
    number("since"),
    number("until"),
    text("officers"),
    number("sealed"),
    number("expires"),
    text("state"),
    text("proposed_by"),
    number("proposed_at"),
    Column("confirmed_by", Text),
    Column("confirmed_at", BigInteger),
    Column("closed_by", Text),
    Column("closed_at", BigInteger),
    text("conclusion"),  # sealed
)

review_sample = protected(
    "review_sample",
    key("id"),
    text("review"),
    text("seed"),
    number("count"),
    number("size"),
    number("population"),
    text("digest"),
    text("drawn"),
    text("drawn_by"),
    number("drawn_at"),
    text("words"),  # sealed
)

identity_opening = protected(
    "identity_opening",
    key("id"),
    text("review"),
    number("about"),
    text("names"),
    text("reason"),  # sealed
    text("asked_by"),
    number("asked_at"),
    Column("confirmed_by", Text),
    Column("confirmed_at", BigInteger),
)

review_question = protected(
    "review_question",
    key("id"),
    text("review"),
    text("department"),
    text("about"),
    text("text"),  # sealed
    number("days"),
    text("asked_by"),
    number("asked_at"),
    Column("answer", Text),  # sealed
    Column("answered_by", Text),
    Column("answered_at", BigInteger),
)

review_verdict = protected(
    "review_verdict",
    key("id"),
    text("review"),
    number("about"),
    text("verdict"),
    text("finding"),  # sealed
    text("given_by"),
    number("given_at"),
)
