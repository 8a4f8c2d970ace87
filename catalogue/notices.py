"""Notices (告知): what a department is told because it concerns it, and whether anybody has seen it."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from catalogue.errors import StateError
from catalogue.lifecycle import require_role
from catalogue.model import Actor, Role


class NoticeKind(StrEnum):
    EXTENSION = "extension"
    """The authority gave a provider more time to answer the department's request."""
    OVERDUE = "overdue"
    """A request was not answered in time (to the authority)."""
    DISPUTED = "disputed"
    """A value that the department received is disputed."""
    SETTLED = "settled"
    """That dispute is over: the value was corrected, or it stands."""
    TRANSFERRED = "transferred"
    """The department's request was passed on to another provider."""
    AMENDED = "amended"
    """A grant of the department has a next revision, or one is proposed."""
    ENDED = "ended"
    """A grant ended, and copies have to be destroyed."""
    DISPUTE = "dispute"
    """Somebody brought a dispute against the department, or it went on."""
    WITHDRAWN = "withdrawn"
    """A resource that the department uses, or that a matter of it rests on, was withdrawn."""
    ANSWERED = "answered"
    """The department's demand was answered with a resource."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    id: str
    department: str
    """Who is told."""
    kind: NoticeKind
    about: str
    """Id of the request, grant, correction, dispute or demand."""
    resource: str
    entries: tuple[int, ...]
    """Of the department's own calls that it is about; empty for most."""
    at: datetime
    seen_by: str | None = None
    """Officer id; None until somebody has seen it."""
    seen_at: datetime | None = None


def see(held: Notice, *, by: Actor, at: datetime) -> Notice:
    """Take note for one's department."""
    officer = require_role(by, Role.OPERATOR, Role.HEAD, Role.AUTHORITY, department=held.department)
    if held.seen_by is not None:
        raise StateError(f"notice {held.id} was seen already")
    return replace(held, seen_by=officer.id, seen_at=at)
