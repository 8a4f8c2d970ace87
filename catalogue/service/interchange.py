"""What a file says of a department's entries, compared with the registry and taken in one transaction."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from catalogue import demands, lifecycle, store, validation
from catalogue.demands import Demand
from catalogue.errors import CatalogueError, StateError
from catalogue.interchange.differences import Change, Difference, difference, missing
from catalogue.interchange.entries import UNCONNECTED, changed, drafted
from catalogue.interchange.fields import ENTRY_FIELDS
from catalogue.interchange.model import NotTaken, Read, Told, Wanted, shown
from catalogue.lifecycle import WAITING, Registration
from catalogue.model import Actor, Resource, Role, SourceAddress
from catalogue.rows import DEMAND, DEPARTMENT, RESOURCE, SOURCE
from catalogue.service.people import chunks
from catalogue.service.unit import Unit, UseCases

NOWHERE = "https://unconnected.invalid"
"""Address of the source of entries whose data nobody reads yet (RFC 6761: the name leads nowhere)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPlan:
    """What an import would do, or did: every entry of the file, and every one that it lacks."""

    differences: tuple[Difference, ...]
    needs: tuple[Wanted, ...]
    """Needs of the file that are filed as demands; those filed before are not among them."""
    not_taken: tuple[NotTaken, ...]
    notes: tuple[str, ...]
    digest: str
    """Of all this: who takes it says what was looked at."""
    committed: bool = False


@dataclass(slots=True, kw_only=True)
class _Work:
    """An import while it is decided entry by entry."""

    file: str
    department: str
    differences: list[Difference] = field(default_factory=list)
    registrations: list[Registration] = field(default_factory=list)
    not_taken: list[NotTaken] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    needs: list[Wanted] = field(default_factory=list)


class Interchange(UseCases):
    def plan_import(self, read: Read, *, by: Actor) -> ImportPlan:
        """Say what taking a file would change, and what of it cannot be taken; nothing is written."""
        with self._unit(by) as unit:
            return _plan(read, _decided(unit, read))

    def import_entries(self, read: Read, *, by: Actor, looked_at: str) -> ImportPlan:
        """Take what can be taken, as drafts of the actor's department: all of it, or nothing.

        `looked_at` is the digest of the plan that somebody saw. Raises StateError where it is another by now.
        """
        with self._unit(by) as unit:
            work = _decided(unit, read)
            plan = _plan(read, work)
            if plan.digest != looked_at:
                raise StateError("the file or the catalogue is not what was looked at: look again")
            _record_entries(unit, work)
            for one in work.needs:
                filed = demands.file_demand(
                    one.words,
                    one.need,
                    id_=self._fresh_id("dmd"),
                    by=unit.actor(),
                    at=self._now(),
                )
                _record_demand(unit, filed)
        return replace(plan, committed=True)


def _plan(read: Read, work: _Work) -> ImportPlan:
    told = (
        tuple(work.differences),
        tuple(work.needs),
        (*read.not_taken, *work.not_taken),
        tuple(work.notes),
    )
    digest = hashlib.sha256(msgspec.json.encode(told, order="deterministic")).hexdigest()
    return ImportPlan(
        differences=told[0], needs=told[1], not_taken=told[2], notes=told[3], digest=digest
    )


def _decided(unit: Unit, read: Read) -> _Work:
    actor = unit.actor()
    lifecycle.require_decider(actor, Role.OPERATOR, Role.HEAD, department=actor.department)
    departments = unit.all(DEPARTMENT)
    held = unit.all(RESOURCE)
    names = store.resource_names(unit.connection)
    taken = {name for code in names for name in names[code]}
    work = _Work(file=read.seen.get("file", "file"), department=actor.department)
    for told in read.told:
        work.notes += [f"{told.code}: {note}" for note in told.notes]
        if not _is_own(told, work, departments):
            continue
        before = held.get(told.code)
        if before is None and told.code in names:
            unit.find(RESOURCE, told.code)  # raises where the log does not vouch for it
        try:
            base = _base(told, before)
            after = _after(told, base, work, taken)
            registration = _drafted(after, base, before, actor, work, told)
        except CatalogueError as error:
            _refuse(work, told, error)
            continue
        taken |= {after.type_name, after.field_name, after.list_name}
        if registration is not None:
            work.registrations.append(registration)
    own = {
        code: one.resource
        for code, one in held.items()
        if one.resource.department == actor.department and one.resource.state != "withdrawn"
    }
    if read.told:
        work.differences += missing(own, {told.code for told in read.told} | _refused(read, work))
    _take_needs(unit, read.wanted, work)
    return work


def _refused(read: Read, work: _Work) -> set[str]:
    """Return the codes that the file names and that are not taken: they are not missing."""
    return {one.code for one in (*read.not_taken, *work.not_taken) if one.code}


def _is_own(told: Told, work: _Work, departments: Mapping[str, object]) -> bool:
    """A department imports its own entries; a publisher whom nobody knows here is taken for it."""
    given = str(told.fields.get("department") or "")
    if given in {"", work.department}:
        return True
    if given in departments:
        work.not_taken.append(
            NotTaken(
                file=work.file,
                row=told.row,
                column=ENTRY_FIELDS["department"].zh,
                found=shown(given),
                needed=f"entries of {work.department}",
                code=told.code,
            )
        )
        return False
    work.notes.append(f"{told.code}: publisher {given[:40]} is not registered")
    return True


def _base(told: Told, before: Registration | None) -> Resource | None:
    """Return what a file's entry is compared with; None where there is none of its code.

    That is what stands, where the file says the same, and else the revision that is being prepared: so
    neither an export nor what was imported a moment ago changes anything.
    """
    if before is None:
        return None
    standing = before.resource
    same = difference(standing, changed(told, standing)).change is Change.UNCHANGED
    return standing if same else before.latest.resource


def _after(told: Told, base: Resource | None, work: _Work, taken: set[str]) -> Resource:
    if base is not None:
        return changed(told, base)
    above = bool(told.fields.get("upstream_holder"))
    source = "" if above else source_name(work.department)
    return drafted(told, department=work.department, source=source, taken=taken)


def _drafted(
    after: Resource,
    base: Resource | None,
    before: Registration | None,
    actor: Actor,
    work: _Work,
    told: Told,
) -> Registration | None:
    """Return the new registration; None where nothing changes. Raises CatalogueError."""
    found = difference(base, after)
    if found.change is Change.UNCHANGED:
        work.differences.append(found)
        return None
    validation.check_resource(after)
    registration = lifecycle.draft(after, by=actor, before=before)
    if before is None and told.items == ():
        work.notes.append(f"{told.code}: no items are told; drafted with a record's number alone")
    work.differences.append(found)
    return registration


def _refuse(work: _Work, told: Told, error: CatalogueError) -> None:
    findings = [(str(one), one.zh) for one in error.findings] or [(error.detail, error.text("zh"))]
    work.not_taken += [
        NotTaken(
            file=work.file, row=told.row, found="an entry that is refused", needed=needed,
            needed_zh=zh, code=told.code,
        )
        for needed, zh in findings
    ]  # fmt: skip


def _take_needs(unit: Unit, wanted: Sequence[Wanted], work: _Work) -> None:
    """Take the needs that were not filed before; those that no demand has room for are told."""
    filed = {
        (one.words, one.need)
        for one in unit.all(DEMAND).values()
        if one.department == work.department
    }
    for one in wanted:
        if (one.words, one.need) in filed:
            continue
        filed.add((one.words, one.need))
        for text, most, column in (
            (one.words, demands.WORDS_CHARACTERS, "所需资源名称"),
            (one.need, demands.NEED_CHARACTERS, "用途"),
        ):
            if not 0 < len(text.strip()) <= most:
                work.not_taken.append(
                    NotTaken(
                        file=work.file,
                        row=one.row,
                        column=column,
                        found=f"{len(text)} characters",
                        needed=f"at most {most} characters",
                    )
                )
                break
        else:
            work.needs.append(one)


def _record_entries(unit: Unit, work: _Work) -> None:
    name = source_name(work.department)
    if any(one.resource.source == name for one in work.registrations):
        _record_source(unit, name, work.department)
    counts = {one.code: one.change for one in work.differences}
    for chunk in chunks(work.registrations):
        changes = [counts[one.resource.code] for one in chunk]
        unit.record(
            "resource.imported",
            *((RESOURCE, one) for one in chunk),
            facts={
                "provider": work.department,
                "resources": len(chunk),
                "added": changes.count(Change.ADDED),
                "changed": changes.count(Change.CHANGED),
            },
        )


def _record_source(unit: Unit, name: str, department: str) -> None:
    """Register the source of entries that are not connected yet, once: it waits, nothing is read there."""
    if unit.find(SOURCE, name) is not None:
        return
    source = validation.check_source(
        SourceAddress(name=name, department=department, kind="http", address=NOWHERE, state=WAITING)
    )
    unit.record("source.listed", (SOURCE, source), facts={"sources": 1})


def _record_demand(unit: Unit, filed: Demand) -> None:
    unit.record(
        "demand.filed",
        (DEMAND, filed),
        facts={"demand": filed.id, "department": filed.department},
        private={"words": filed.words},
    )


def source_name(department: str) -> str:
    return f"{department[:100]}.{UNCONNECTED}"
