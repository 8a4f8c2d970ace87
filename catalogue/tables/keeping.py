"""What the registry keeps of itself, and what was done while the log was down."""

from sqlalchemy import Table

from catalogue.tables.columns import key, metadata, number, text

registry_meta = Table(
    "registry_meta",
    metadata,
    key("name"),
    number("value"),
)

# Acts that took something away while the log was down (catalogue/service/unrecorded.py): sealed, and under a
# keyed digest. Empty while the log is well.
unrecorded_act = Table(
    "unrecorded_act",
    metadata,
    key("id"),
    number("made_at"),
    text("sealed"),
    text("mac"),
)
