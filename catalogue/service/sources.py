"""What happens to a source once it is there: described anew, kept for maintenance, loaded, flagged."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from catalogue import files, lifecycle, loads, store, validation
from catalogue.errors import InvalidError, StateError, UnknownError
from catalogue.flags import Flag
from catalogue.flaws import Flaw
from catalogue.loads import Load
from catalogue.model import Actor, Role, SourceAddress
from catalogue.rows import LOAD, SOURCE
from catalogue.service.unit import Unit, UseCases

LONGEST_REST = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A source after a load."""

    source: SourceAddress
    dropped: tuple[Load, ...]
    """Loads that cannot come back any more."""


class Sources(UseCases):
    def describe_source(self, name: str, description: str, *, by: Actor) -> SourceAddress:
        """Keep a service's own description. What is announced is read as before: its readings stand."""
        with self._unit(by) as unit:
            source = _own(unit, name)
            described = validation.check_source(replace(source, description=description))
            unit.record(
                "source.described",
                (SOURCE, described),
                facts={**_named(source), "characters": len(description)},
            )
        return described

    def rest_source(
        self, name: str, *, until: datetime | None, reason: str, by: Actor
    ) -> SourceAddress:
        """Keep a source for maintenance until a moment; None ends it. It takes away, so it holds at once.

        Raises InvalidError for a moment that is past or too far, or without a reason.
        """
        if not reason.strip():
            raise InvalidError(Flaw("a reason is missing"))
        with self._unit(by) as unit:
            source = _own(unit, name, authority=True)
            now = self._now()
            if until is not None and not now < until <= now + LONGEST_REST:
                raise InvalidError(
                    Flaw("maintenance ends within {0} days from now", LONGEST_REST.days)
                )
            if until is None and (source.rests_until is None or source.rests_until <= now):
                raise StateError(f"source {name} is not kept for maintenance")
            changed = replace(source, rests_until=until)
            unit.record(
                "source.resumed" if until is None else "source.rests",
                (SOURCE, changed),
                narrowing=until is not None,
                at_once=until is not None,
                facts={
                    **_named(source),
                    "until": "" if until is None else until.isoformat(timespec="milliseconds"),
                },
                private={"reason": reason},
            )
        return changed

    def load_source(
        self, before: SourceAddress, address: str, *, by: Actor, facts: Mapping[str, int]
    ) -> Loaded:
        """Put other rows under a file's source: the commit point of a load.

        `before` is the source as the rows were compared with it. Raises StateError where it changed since.
        """
        with self._unit(by) as unit:
            source = _own(unit, before.name)
            if source.kind != files.KIND or source.address != before.address:
                raise StateError(f"source {before.name} was loaded by somebody else meanwhile")
            loaded = replace(source, address=address)
            validation.check_source(loaded)
            now = self._now()
            held = loads.of_source(unit.all(LOAD).values(), source.name)
            current = [load for load in held if load.address == source.address] or [
                _first(source, at=now)
            ]
            new = Load(
                id=files.parse_address(address).id,
                source=source.name,
                address=address,
                loaded_by=unit.actor().id,
                loaded_at=now,
            )
            others = [load for load in held if load not in current and load.id != new.id]
            past = [replace(current[0], state=loads.BEFORE), *others]
            kept = loads.KEPT_LOADS
            dropped = tuple(replace(load, state=loads.DROPPED) for load in past[kept:])
            unit.record(
                "source.loaded",
                (SOURCE, loaded),
                (LOAD, new),
                (LOAD, past[0]),
                *((LOAD, load) for load in dropped),
                narrowing=True,
                facts={
                    **_named(source),
                    "rows": files.parse_address(address).rows,
                    "as_of": files.parse_address(address).as_of.isoformat(),
                    **facts,
                },
                private={"content": files.parse_address(address).content},
            )
        return Loaded(source=loaded, dropped=dropped)

    def flag_resource(self, flag: Flag) -> bool:
        """Remember what is wrong with a resource's source; returns whether it was not known yet."""
        with self._engine.begin() as connection:
            known = store.flags(connection).get(flag.resource)
            if known is not None and (known.code, known.items) == (flag.code, flag.items):
                return False
            store.put_flag(connection, flag)
        return True

    def unflag_resource(self, resource: str) -> bool:
        """Forget what was wrong once it is right again; returns whether there was a flag."""
        with self._engine.begin() as connection:
            return store.drop_flag(connection, resource)

    def flags(self) -> dict[str, Flag]:
        """Return what is wrong, by resource."""
        with self._engine.connect() as connection:
            return store.flags(connection)


def _own(unit: Unit, name: str, *, authority: bool = False) -> SourceAddress:
    """Return a source if the actor may act for its department."""
    source = unit.find(SOURCE, name)
    if source is None:
        raise UnknownError(f"source {name}")
    actor = unit.actor()
    if authority and actor.has(Role.AUTHORITY):
        lifecycle.require_decider(actor, Role.AUTHORITY)
    else:
        lifecycle.require_decider(actor, Role.OPERATOR, Role.HEAD, department=source.department)
    return source


def _first(source: SourceAddress, *, at: datetime) -> Load:
    """The load of a file that was registered before loads were kept."""
    return Load(
        id=files.parse_address(source.address).id,
        source=source.name,
        address=source.address,
        loaded_by="",
        loaded_at=at,
    )


def _named(source: SourceAddress) -> dict[str, object]:
    return {"source": source.name, "provider": source.department, "kind": source.kind}
