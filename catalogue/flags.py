"""What is wrong with a resource's source: told beside the entry, which stays as it was announced."""

from dataclasses import dataclass
from datetime import datetime

DRIFTED = "SOURCE_DRIFT"
"""The source lacks what the entry promises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    resource: str
    code: str
    items: tuple[str, ...]
    """Names of the items in question; empty where the table or operation itself is."""
    seen_at: datetime
