"""Loads of a published file: which rows it had as of which day, so that one of the last can come back."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

KEPT_LOADS = 5
"""Loads of a source that can come back; with a further one the oldest goes."""

CURRENT = "current"
BEFORE = "before"
DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One load. The log vouches for its row: an address put in by hand never comes back as rows."""

    id: str
    """That of the kept table (`fil_…`)."""
    source: str
    address: str
    """As `catalogue.files.format_address` writes it."""
    loaded_by: str
    loaded_at: datetime
    state: str = CURRENT
    """current, before (it can come back) or dropped."""


def of_source(loads: Iterable[Load], source: str) -> list[Load]:
    """Return a source's loads that can come back or are in use, the newest first."""
    own = [load for load in loads if load.source == source and load.state != DROPPED]
    return sorted(own, key=lambda load: (load.loaded_at, load.id), reverse=True)


def overdue_on(as_of: date, update_days: int | None) -> date | None:
    """Return the first day on which rows of a day are too old; None where no cycle was announced."""
    return None if update_days is None else as_of + timedelta(days=update_days + 1)
