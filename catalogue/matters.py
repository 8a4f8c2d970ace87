"""How matters change: a changed one is a new version, and what it was before stays readable. Decides only."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime

from catalogue.flaws import Flaw
from catalogue.lifecycle import require_decider
from catalogue.materials import Material
from catalogue.model import Actor, Matter, MatterVersion, Resource, Role

_KEPT = (
    "type",
    "lists",
    "online_depth",
    "trips",
    "statutory_days",
    "promised_days",
    "baseline_days",
    "materials",
)
"""Facts that an import which does not state them leaves as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """How one material differs from the one of the same code before."""

    code: str
    name: str
    fields: tuple[str, ...]
    """Names of the members that differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What a list of materials makes of the one before it, by code."""

    matter: str
    added: tuple[str, ...]
    changed: tuple[Change, ...]
    removed: tuple[str, ...]
    unchanged: int

    @property
    def differs(self) -> bool:
        return bool(self.added or self.changed or self.removed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfit:
    """A material that names what is not there, or what contradicts itself."""

    matter: str
    material: str
    """Its code; empty: the matter itself is not there."""
    field: str
    message: Flaw


def version_id(code: str, version: int) -> str:
    return f"{code}@{version}"


def number_of(matter: Matter) -> int:
    """Return the number of the version: a matter registered before there were versions is the first."""
    return matter.version or 1


def revised(known: Matter | None, row: Matter) -> Matter:
    """Return a matter as an import makes it: the next version where it differs, else as it is known.

    A fact that the row does not state stays as it is known.
    """
    if known is None:
        return replace(row, version=1)
    unstated = {name: getattr(known, name) for name in _KEPT if getattr(row, name) is None}
    wanted = replace(row, version=known.version, **unstated)
    return known if wanted == known else replace(wanted, version=number_of(known) + 1)


def ended(known: Matter, *, by: str, at: datetime) -> MatterVersion:
    """Return what is kept of a version when another takes its place."""
    return MatterVersion(
        id=version_id(known.code, number_of(known)),
        matter=known.code,
        version=number_of(known),
        held=known,
        ended_at=at,
        ended_by=by,
    )


def require_keeper(by: Actor, department: str) -> None:
    """Raise NotAllowedError for whoever may not say what a department's matter asks for.

    The department itself knows it, and the authority keeps the lists of all.
    """
    if by.has(Role.AUTHORITY):
        require_decider(by, Role.AUTHORITY)
    else:
        require_decider(by, Role.OPERATOR, Role.HEAD, department=department)


def difference(
    matter: str, before: Sequence[Material] | None, after: Sequence[Material]
) -> Difference:
    """Say what another list of materials changes; `before` None: none was listed."""
    known = {one.code: one for one in before or ()}
    wanted = {one.code: one for one in after}
    both = [(known[code], one) for code, one in wanted.items() if code in known]
    changed = tuple(
        Change(code=new.code, name=new.name, fields=_differing(old, new))
        for old, new in both
        if old != new
    )
    return Difference(
        matter=matter,
        added=tuple(code for code in wanted if code not in known),
        changed=changed,
        removed=tuple(code for code in known if code not in wanted),
        unchanged=len(both) - len(changed),
    )


def misfits(
    matter: str,
    materials: Sequence[Material],
    *,
    departments: Mapping[str, object],
    resources: Mapping[str, Resource],
) -> Iterator[Misfit]:
    """Yield what the catalogue does not know of materials. An e-certificate may be connected later."""
    for one in materials:
        held = resources.get(one.resource)
        if one.resource and held is None:
            yield _misfit(
                matter, one, "resource", Flaw("no resource {0} in the catalogue", one.resource)
            )
        if one.department and one.department not in departments:
            yield _misfit(matter, one, "department", Flaw("no department {0}", one.department))
        elif held is not None and one.department not in {"", held.department}:
            message = Flaw("resource {0} is of department {1}", held.code, held.department)
            yield _misfit(matter, one, "department", message)


def _misfit(matter: str, material: Material, field: str, message: Flaw) -> Misfit:
    return Misfit(matter=matter, material=material.code, field=field, message=message)


def _differing(old: Material, new: Material) -> tuple[str, ...]:
    return tuple(
        one.name for one in fields(Material) if getattr(old, one.name) != getattr(new, one.name)
    )
