"""Searching the log by facets, page by page; each search is itself an entry."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

from audit.search import Counts, count, search
from audit.store import StoredIndexRow
from audit.wanted import Position, Wanted
from catalogue.codes import normalise_subject
from catalogue.model import Actor, Role, SubjectType
from catalogue.rows import OFFICER
from exchange.acts.numbering import numbers_of
from exchange.acts.recording import record_read
from exchange.acts.register import ActError, act
from exchange.acts.seeing import Sight, closed_row, sight_of
from exchange.node import Node

Told = dict[str, Any]

SHOWN = (
    "index", "step", "kind", "consumer", "system", "provider", "resource", "matter", "decision", "code",
)  # fmt: skip
OPEN_FACETS = frozenset({"since", "until", "department"})
"""Facets that say nothing of a sealed entry which its number, its time and the reader do not say."""


@act("audit.search")
def search_log(  # noqa: PLR0913 - the facets of a search
    node: Node,
    actor: Actor,
    *,
    case: str | None = None,
    department: str | None = None,
    consumer: str | None = None,
    system: str | None = None,
    officer: str | None = None,
    resource: str | None = None,
    item: str | None = None,
    subject: list[str] | None = None,
    matter: str | None = None,
    decision: str | None = None,
    code: str | None = None,
    kind: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    first: int = 20,
    after: list[int] | None = None,
    counts: bool = False,
    review: str | None = None,
    shard: str | None = None,
) -> Told:
    """Entries newest first: a department's own and those asked of it, all for an auditor.

    A supervisor finds the scope of his reviews; under a `review` one finds its scope alone.
    `department` asked or was asked, `consumer` asked or acted; `officer` is an id or a staff number, `item`
    a name in `resource`, `subject` (type, identifier); `after` is what the page before gave as `next`. With
    `counts` the newest entries found are counted by facet. For the calls of one system or one resource
    `numbers` says which are missing. A `shard` that was frozen is searched by its name or origin.
    """
    node = node.of_shard(shard)
    sight = sight_of(node, actor, department=department, review=review)
    wanted = Wanted(
        case=case,
        consumer=consumer,
        system=system,
        officer=None if officer is None else _officer(node, actor, officer),
        resource=resource,
        item=None if item is None else _ordinal(node, resource, item),
        subject=_subject(subject),
        matter=matter,
        decision=decision,
        code=code,
        kind=kind,
        since=since,
        until=until,
    )
    wanted = sight.over(wanted)
    if officer is not None and not actor.has(Role.AUDITOR):
        # Who called in another department is not for the department that was asked.
        wanted = replace(wanted, consumer=_own(actor, consumer))
    # Recorded first: what an auditor looks for is itself looked at.
    record_search(node, actor, wanted, {"first": first}, sight=sight)
    return found(node, actor, wanted, first=first, after=place_of(after), counts=counts)


def found(
    node: Node,
    actor: Actor,
    wanted: Wanted,
    *,
    first: int,
    after: Position | None,
    counts: bool = False,
) -> Told:
    """Return a page of what is wanted, narrowed to what the actor may see. Recording it is the caller's."""
    bare = wanted.within is None and facets_of(wanted) <= OPEN_FACETS
    open_ = wanted if bare else replace(wanted, open_to=actor.id)
    # Read before the page: a number given out meanwhile is then no gap.
    numbers = numbers_of(node, actor, wanted)
    page = search(node.indexed, open_, token=node.vault.token, first=first, after=after)
    return {
        "entries": [_told(node, actor, row) for row in page.rows],
        "next": list(page.next) if page.next else None,
        "counts": _counted(node, actor, wanted) if counts else None,
        "numbers": None if numbers is None else numbers.of(page, after=after),
        "sealed": _sealed(node, actor, wanted),
    }


def record_search(
    node: Node,
    actor: Actor,
    wanted: Wanted,
    facts: Mapping[str, Any],
    *,
    sight: Sight,
) -> None:
    """Record a search: its facets are named, what stood in them is only committed to."""
    values = {name: _plain(getattr(wanted, name)) for name in sorted(facets_of(wanted))}
    record_read(
        node,
        actor,
        "log.searched",
        {"facets": sorted(values), **facts, **sight.facts()},
        private={"wanted": values},
        about=wanted.subject,
        sealed=sight.sealed,
    )


def facets_of(wanted: Wanted) -> frozenset[str]:
    """Return the names of the facets by which something is wanted; a reader's bounds are none."""
    held = {one.name: getattr(wanted, one.name) for one in fields(wanted) if one.name != "within"}
    return frozenset(name for name, value in held.items() if value not in {None, False})


def place_of(after: Sequence[int] | None) -> Position | None:
    return (after[0], after[1]) if after and len(after) == 2 else None


def _told(node: Node, actor: Actor, row: StoredIndexRow) -> Told:
    if closed_row(node, actor, row):
        return dict.fromkeys(SHOWN, "") | {"index": row.index, "at": None, "sealed": True}
    at = datetime.fromtimestamp(row.ts / 1000, UTC).isoformat(timespec="seconds")
    return {name: getattr(row, name) for name in SHOWN} | {"at": at, "sealed": row.sealed}


def _counted(node: Node, actor: Actor, wanted: Wanted) -> Told:
    counted: Counts = count(node.indexed, replace(wanted, open_to=actor.id), token=node.vault.token)
    return {"entries": counted.entries, "whole": counted.whole, "by": counted.by}


def _sealed(node: Node, actor: Actor, wanted: Wanted) -> int | None:
    """Return how many entries of the time are sealed, for an auditor; None for everybody else."""
    if not actor.has(Role.AUDITOR):
        return None
    sealed = Wanted(since=wanted.since, until=wanted.until, sealed=True)
    return count(node.indexed, sealed, token=node.vault.token).entries


def _officer(node: Node, actor: Actor, given: str) -> str:
    """Return the id of an officer named by id or staff number; a department names its own alone."""
    everyone = actor.has(Role.AUDITOR)
    held = [
        one
        for one in node.held(OFFICER).values()
        if given in {one.id, one.staff_number} and (everyone or one.department == actor.department)
    ]
    if len(held) > 1:
        raise ActError("ACT_ARGUMENTS", f"{len(held)} officers of this staff number, an id needed")
    if not held:
        raise ActError("NOT_FOUND", "no such officer")
    return held[0].id


def _own(actor: Actor, consumer: str | None) -> str:
    if consumer not in {None, actor.department}:
        raise ActError("ROLE_MISSING", "only an auditor searches by another department's officers")
    return actor.department


def _ordinal(node: Node, resource: str | None, item: str) -> int:
    held = None if resource is None else node.live.load().resources.get(resource)
    if held is None:
        raise ActError("ACT_ARGUMENTS", "an item is searched for within its resource")
    ordinals = [one.ordinal for one in held.items if item in {one.name, one.title}]
    if len(ordinals) != 1:
        raise ActError("ACT_ARGUMENTS", f"{resource} has no such item")
    return ordinals[0]


def _subject(given: list[str] | None) -> tuple[str, str] | None:
    if given is None:
        return None
    if len(given) != 2:
        raise ActError("ACT_ARGUMENTS", "subject needs a type and an identifier")
    try:
        kind = SubjectType(given[0])
    except ValueError as error:
        known = ", ".join(SubjectType)
        raise ActError("ACT_ARGUMENTS", f"an unknown type of subject, {known} needed") from error
    return kind.value, normalise_subject(kind, given[1])


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
