"""A grant: what one department may have of another, for what, until when, and how that changed."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class GrantState(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class RowRule:
    """A condition on rows. A value starting with `$` is bound from the call (`$caller.region`)."""

    item: str
    op: str
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantCourse:
    """How a grant went on after it was given. None: not happened."""

    revision: int = 1
    """Goes up with each amendment that both sides signed."""
    resumes_at: datetime | None = None
    """When a suspension ends by itself; None: somebody has to resume it."""
    return_flow: str | None = None
    """The item by which rows are held to the consumer's own region (回流); None: they are not."""
    ended_for: str = ""
    """Why it ended: one of ENDINGS; empty while it stands."""
    ended_at: datetime | None = None
    went_out: tuple[str, ...] = ()
    """How copies left the exchange under it: `export`, `pull`, `file`; they have to be destroyed."""
    destroyed: bool | None = None
    """Whether the consumer confirmed that; None: nothing has to be destroyed."""
    destroyed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """授权: what the provider agreed to. It ends by expiry, suspension (for a time) or revocation."""

    id: str
    request: str
    resource: str
    provider: str
    department: str
    systems: tuple[str, ...]
    channels: tuple[str, ...]
    matters: tuple[str, ...]
    purposes: tuple[str, ...]
    items: tuple[str, ...]
    match: tuple[str, ...]
    masks: dict[str, str]
    rows: tuple[RowRule, ...]
    max_rows: int
    not_before: datetime
    not_after: datetime
    """First moment at which the grant no longer holds."""
    daily_quota: int
    state: GrantState
    attested: bool = False
    operations: tuple[str, ...] = ()
    daily_rows: int | None = None
    """Records that may be given in one day; None: as many as its calls may hold."""
    daily_subjects: int | None = None
    """Different subjects that may be asked about in one day, by whomever; None: not bounded here."""
    course: GrantCourse | None = None
    """None: it stands as it was given."""

    @property
    def way(self) -> GrantCourse:
        """How it went on, as far as that is known."""
        return self.course or GrantCourse()
