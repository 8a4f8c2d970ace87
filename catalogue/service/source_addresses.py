"""Addresses of sources: where departments' data is read."""

from datetime import datetime

from catalogue import files, lifecycle, validation
from catalogue.errors import DuplicateError
from catalogue.loads import Load
from catalogue.model import Actor, SourceAddress
from catalogue.rows import DEPARTMENT, LOAD, RESOURCE, SOURCE
from catalogue.service.unit import Unit, UseCases


class SourceAddresses(UseCases):
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
