"""What the withdrawal of an entry hits: grants under which it is used, and matters that rest on it."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from catalogue.errors import StateError
from catalogue.granted import Grant, GrantState
from catalogue.model import Matter, Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class HitGrant:
    grant: str
    department: str
    systems: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HitMatter:
    matter: str
    name: str
    department: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """Everything that a withdrawal hits now."""

    grants: tuple[HitGrant, ...]
    matters: tuple[HitMatter, ...]

    @property
    def departments(self) -> tuple[str, ...]:
        hit = {one.department for one in self.grants} | {one.department for one in self.matters}
        return tuple(sorted(hit))

    @property
    def mark(self) -> str:
        """What tells this list from another: whoever saw it says so when withdrawing."""
        told = "\n".join(
            [*(one.grant for one in self.grants), "", *(one.matter for one in self.matters)]
        )
        return hashlib.sha256(told.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """One withdrawal, with what it hit."""

    id: str
    """`<code>@<number>` of the revision that was withdrawn."""
    resource: str
    revision: int
    name: str
    department: str
    impact: Impact
    withdrawn_by: str
    withdrawn_at: datetime


def impact(
    resource: Resource, *, grants: Iterable[Grant], matters: Iterable[Matter], at: datetime
) -> Impact:
    """Return what a withdrawal would hit: grants that hold or pause, and matters that list the entry."""
    return Impact(
        grants=tuple(
            HitGrant(grant=one.id, department=one.department, systems=one.systems)
            for one in sorted(grants, key=lambda one: one.id)
            if one.resource == resource.code
            and one.state is not GrantState.REVOKED
            and one.not_after > at
        ),
        matters=tuple(
            HitMatter(matter=one.code, name=one.name, department=one.department)
            for one in sorted(matters, key=lambda one: one.code)
            if resource.code in one.listed and one.state == "active"
        ),
    )


def check_seen(found: Impact, seen: str | None) -> None:
    """Raise StateError where the officer saw another list; None: they were shown none."""
    if seen is not None and seen != found.mark:
        raise StateError(
            f"the withdrawal hits {len(found.grants)} grants and {len(found.matters)} matters now:"
            " look at the list again",
            code="IMPACT_CHANGED",
        )
