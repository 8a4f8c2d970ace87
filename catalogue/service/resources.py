"""Sources, resources and matters: what departments have, and what for."""

from collections.abc import Sequence
from datetime import datetime

from catalogue import files, lifecycle, store, validation
from catalogue.errors import DuplicateError, InvalidError, UnknownError
from catalogue.lifecycle import Registration
from catalogue.loads import Load
from catalogue.model import Actor, Matter, Resource, Role, SourceAddress
from catalogue.rows import DEPARTMENT, LOAD, MATTER, RESOURCE, SOURCE
from catalogue.service.people import Taken, chunks, taken
from catalogue.service.unit import Unit, UseCases
from catalogue.workdays import ZONE


class Resources(UseCases):
    def import_matters(self, rows: Sequence[Matter], *, by: Actor) -> Taken:
        """Register matters, change those that differ; codes are kept as they were given."""
        for row in rows:
            validation.check_matter(row)
        with self._unit(by) as unit:
            lifecycle.require_decider(unit.actor(), Role.AUTHORITY)
            known = unit.all(MATTER)
            departments = unit.all(DEPARTMENT)
            for row in rows:
                if row.department not in departments:
                    raise UnknownError(f"department {row.department} of matter {row.code}")
                if row.code not in known:
                    unit.find(MATTER, row.code)  # raises where the log does not vouch for it
            for chunk in chunks([row for row in rows if known.get(row.code) != row]):
                unit.record(
                    "matter.registered",
                    *((MATTER, row) for row in chunk),
                    narrowing=any(row.code in known for row in chunk),
                    facts={"matters": len(chunk)},
                )
        return taken(rows, known=known)

    def add_source(self, source: SourceAddress, *, by: Actor) -> SourceAddress:
        validation.check_source(source)
        with self._unit(by) as unit:
            unit.need(DEPARTMENT, source.department)
            if unit.find(SOURCE, source.name) is not None:
                raise DuplicateError(f"source {source.name}")
            lifecycle.accept_source(None, source, by=unit.actor(), announced=False)
            _record_source(
                unit, "source.added", source, *_first_load(source, unit.actor(), self._now())
            )
        return source

    def change_source(self, source: SourceAddress, *, by: Actor) -> SourceAddress:
        validation.check_source(source)
        with self._unit(by) as unit:
            before = unit.need(SOURCE, source.name)
            standing = any(
                registration.resource.source == source.name
                and registration.resource.state == "announced"
                for registration in unit.all(RESOURCE).values()
            )
            lifecycle.accept_source(before, source, by=unit.actor(), announced=standing)
            _record_source(unit, "source.changed", source, narrowing=True)
        return source

    def draft_resource(self, resource: Resource, *, by: Actor) -> Resource:
        validation.check_resource(resource)
        with self._unit(by) as unit:
            before = unit.find(RESOURCE, resource.code)
            drafted = lifecycle.draft(resource, by=unit.actor(), before=before)
            if resource.upstream is None:
                source = unit.need(SOURCE, resource.source)
                if source.department != resource.department:
                    raise InvalidError(f"source {resource.source} belongs to another department")
                validation.check_reading(resource, source)
            _check_names(unit, resource)
            _record_resource(unit, "resource.drafted", drafted)
        return drafted.resource

    def submit_resource(self, code: str, *, by: Actor) -> Resource:
        """The department's head signs off what somebody else drafted."""
        with self._unit(by) as unit:
            signed = lifecycle.submit(unit.need(RESOURCE, code), by=unit.actor())
            validation.check_complete(signed.resource)
            _record_resource(unit, "resource.submitted", signed)
        return signed.resource

    def announce_resource(self, code: str, *, by: Actor) -> Resource:
        """The authority announces; from now on the resource can be asked for."""
        with self._unit(by) as unit:
            today = self._now().astimezone(ZONE).date()
            announced = lifecycle.announce(unit.need(RESOURCE, code), by=unit.actor(), on=today)
            validation.check_complete(announced.resource)
            _record_resource(unit, "resource.announced", announced)
        return announced.resource

    def withdraw_resource(self, code: str, *, by: Actor, reason: str = "") -> Resource:
        with self._unit(by) as unit:
            withdrawn = lifecycle.withdraw(unit.need(RESOURCE, code), by=unit.actor())
            _record_resource(unit, "resource.withdrawn", withdrawn, narrowing=True, reason=reason)
        return withdrawn.resource


def _check_names(unit: Unit, resource: Resource) -> None:
    """GraphQL names belong to one resource for ever, also to a withdrawn one."""
    wanted = {resource.field_name, resource.list_name}
    for code, (type_name, *fields) in store.resource_names(unit.connection).items():
        if code == resource.code:
            continue
        if type_name == resource.type_name or wanted.intersection(fields):
            raise DuplicateError(f"the GraphQL names of resource {code}")


def _first_load(source: SourceAddress, by: Actor, at: datetime) -> tuple[Load, ...]:
    """Of a file, the load that it begins with; nothing of any other source."""
    if source.kind != files.KIND:
        return ()
    return (
        Load(
            id=files.parse_address(source.address).id,
            source=source.name,
            address=source.address,
            loaded_by=by.id,
            loaded_at=at,
        ),
    )


def _record_source(
    unit: Unit, kind: str, source: SourceAddress, *loaded: Load, narrowing: bool = False
) -> None:
    unit.record(
        kind,
        (SOURCE, source),
        *((LOAD, load) for load in loaded),
        narrowing=narrowing,
        facts={
            "source": source.name,
            "provider": source.department,
            "kind": source.kind,
            "state": source.state,
            "writes": source.write_reason is not None,
            **_file_facts(source),
        },
        private=_private(source),
    )


def _file_facts(source: SourceAddress) -> dict[str, object]:
    if source.kind != files.KIND:
        return {}
    address = files.parse_address(source.address)
    return {"rows": address.rows, "as_of": address.as_of.isoformat()}


def _private(source: SourceAddress) -> dict[str, str]:
    """What auditors alone may open: of a short file the bare digest would already tell the contents."""
    private = {} if source.write_reason is None else {"reason": source.write_reason}
    if source.kind == files.KIND:
        private["content"] = files.parse_address(source.address).content
    return private


def _record_resource(
    unit: Unit,
    kind: str,
    registration: Registration,
    *,
    narrowing: bool = False,
    reason: str = "",
) -> None:
    resource = registration.resource
    unit.record(
        kind,
        (RESOURCE, registration),
        narrowing=narrowing,
        at_once=narrowing,
        facts={
            "resource": resource.code,
            "provider": resource.department,
            "revision": resource.revision,
            "class": resource.sharing_class.value,
            "state": resource.state,
        },
        private={"reason": reason} if reason else {},
    )
