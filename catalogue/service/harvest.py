"""Catalogues that were published elsewhere, taken over whole by the authority."""

from collections.abc import Sequence

from catalogue import files, lifecycle, store, validation
from catalogue.errors import DuplicateError, InvalidError, StateError, UnknownError
from catalogue.flaws import Flaw
from catalogue.lifecycle import Registration
from catalogue.model import Actor, Resource, Role, SourceAddress
from catalogue.rows import DEPARTMENT, RESOURCE, SOURCE
from catalogue.service.people import Taken, chunks
from catalogue.service.unit import Unit, UseCases


class Harvesting(UseCases):
    def import_sources(self, rows: Sequence[SourceAddress], *, by: Actor) -> Taken:
        """List sources that are not read yet; each waits until its department and the authority open it."""
        for row in rows:
            validation.check_source(row)
            if row.state != lifecycle.WAITING or row.secret is not None:
                raise InvalidError(
                    Flaw("source {0}: a waiting source without secret needed", row.name)
                )
            if row.kind == files.KIND:
                raise InvalidError(
                    Flaw("source {0}: a file is published by its department", row.name)
                )
        with self._unit(by) as unit:
            lifecycle.require_decider(unit.actor(), Role.AUTHORITY)
            departments = unit.all(DEPARTMENT)
            added: list[SourceAddress] = []
            unchanged: list[SourceAddress] = []
            for row in rows:
                if row.department not in departments:
                    raise UnknownError(f"department {row.department} of source {row.name}")
                before = unit.find(SOURCE, row.name)
                if before is not None and before.department != row.department:
                    raise DuplicateError(f"source {row.name} of another department")
                # One that was opened in the meantime stays as its department has it.
                (added if before is None else unchanged).append(row)
            for chunk in chunks(added):
                unit.record(
                    "source.listed",
                    *((SOURCE, row) for row in chunk),
                    fresh=True,
                    facts={"sources": len(chunk)},
                )
        return Taken(
            added=tuple(row.name for row in added), unchanged=tuple(row.name for row in unchanged)
        )

    def check_opening(self, name: str, *, by: Actor) -> None:
        """Raise unless the officer may open this source now: before anybody reaches out to its address."""
        with self._unit(by) as unit:
            self._may_open(unit, name)

    def open_source(self, source: SourceAddress, *, by: Actor, reason: str) -> SourceAddress:
        """Open a source that waits. The authority announced what stands on it, so it answers for the address.

        Raises InvalidError without a reason, StateError where the source does not wait.
        """
        validation.check_source(source)
        if not reason.strip():
            raise InvalidError(Flaw("a reason for opening the source is missing"))
        with self._unit(by) as unit:
            before = self._may_open(unit, source.name)
            lifecycle.accept_source(before, source, by=unit.actor(), announced=True)
            private = {"reason": reason}
            if source.write_reason is not None:
                private["write_reason"] = source.write_reason
            unit.record(
                "source.opened",
                (SOURCE, source),
                # The old address is read no more from the next call on, though nothing was read there.
                narrowing=True,
                facts={
                    "source": source.name,
                    "provider": source.department,
                    "kind": source.kind,
                    "state": source.state,
                    "writes": source.write_reason is not None,
                },
                private=private,
            )
        return source

    def _may_open(self, unit: Unit, name: str) -> SourceAddress:
        lifecycle.require_decider(unit.actor(), Role.AUTHORITY)
        before = unit.need(SOURCE, name)
        if before.state != lifecycle.WAITING:
            raise StateError(f"source {name} is {before.state}, {lifecycle.WAITING} needed")
        return before

    def import_resources(self, rows: Sequence[Resource], *, by: Actor) -> Taken:
        """List resources of a published catalogue as announced, in the authority's name.

        What is listed already, and the same, is left alone. What differs is refused: a change of an announced
        resource takes its own department's chain.
        """
        for row in rows:
            validation.check_resource(row)
        with self._unit(by) as unit:
            actor = unit.actor()
            sources = unit.all(SOURCE)
            names = store.resource_names(unit.connection)
            added: list[Registration] = []
            unchanged: list[str] = []
            for row in rows:
                listed = lifecycle.take_over(row, by=actor)
                if row.code in names:
                    _check_same(unit, listed)
                    unchanged.append(row.code)
                    continue
                source = sources.get(row.source)
                if source is None or source.department != row.department:
                    raise InvalidError(
                        Flaw("resource {0}: a source of its department needed", row.code)
                    )
                added.append(listed)
            _check_names(added, names)
            for chunk in chunks(added):
                unit.record(
                    "resource.listed",
                    *((RESOURCE, listed) for listed in chunk),
                    fresh=True,
                    facts={"resources": len(chunk)},
                )
        return Taken(
            added=tuple(listed.resource.code for listed in added), unchanged=tuple(unchanged)
        )


def _check_same(unit: Unit, listed: Registration) -> None:
    before = unit.need(RESOURCE, listed.resource.code)
    if before.resource != listed.resource:
        raise StateError(f"resource {listed.resource.code} is registered with other contents")


def _check_names(added: Sequence[Registration], names: dict[str, tuple[str, str, str]]) -> None:
    """GraphQL names belong to one resource for ever; codes stand once in a file."""
    types = {held[0] for held in names.values()}
    fields = {name for held in names.values() for name in held[1:]}
    codes: set[str] = set()
    for listed in added:
        resource = listed.resource
        wanted = {resource.field_name, resource.list_name}
        if resource.type_name in types or wanted & fields or resource.code in codes:
            raise DuplicateError(f"the code or the GraphQL names of resource {resource.code}")
        types.add(resource.type_name)
        fields |= wanted
        codes.add(resource.code)
