"""The announced revisions of an entry. Each is written once, with its announcement, and never again."""

from dataclasses import dataclass, replace
from datetime import datetime

from catalogue.lifecycle import Registration
from catalogue.model import Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    id: str
    """`<code>@<number>`."""
    resource: str
    revision: int
    content: Resource
    """The whole entry as it was announced."""
    announced_by: str
    announced_at: datetime
    restored_from: int | None = None
    """Number of the revision that was restored; None: it is no restoration."""


def revision_id(code: str, number: int) -> str:
    return f"{code}@{number}"


def made(registration: Registration, *, at: datetime) -> Revision:
    """Return the revision that an announcement makes."""
    resource = registration.resource
    return Revision(
        id=revision_id(resource.code, resource.revision),
        resource=resource.code,
        revision=resource.revision,
        content=resource,
        announced_by=registration.announced_by or "",
        announced_at=at,
        restored_from=registration.course.restored_from,
    )


def restored(held: Revision, now: Resource) -> Resource:
    """Return the content of an older revision as the next draft of the entry.

    Names are kept for ever, so they are those that the entry has.
    """
    return replace(
        held.content,
        type_name=now.type_name,
        field_name=now.field_name,
        list_name=now.list_name,
        published_on=now.published_on,
    )
