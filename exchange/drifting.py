"""Notes that a source lacks what its entry promises: in the log, and as a flag beside the entry (S9).

The entry itself stays as it was announced. The flag goes once the department put it right and looks again.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol

from audit.entry import Draft, IndexRow
from audit.errors import AuditError
from audit.log import Log
from catalogue.flags import DRIFTED, Flag
from catalogue.model import Resource
from gateway.errors import SourceDriftError
from gateway.model import Permitted

_LOGGING = logging.getLogger("exchange")


class Flags(Protocol):
    """The registry's part in it."""

    def flag_resource(self, flag: Flag) -> bool: ...
    def unflag_resource(self, resource: str) -> bool: ...
    def flags(self) -> Mapping[str, Flag]: ...


class Drifting:
    """Takes note of drifts as calls meet them; a call does not wait for it."""

    def __init__(self, flags: Flags, log: Log, *, now: Callable[[], datetime]) -> None:
        self._flags = flags
        self._log = log
        self._now = now
        self._noted: set[tuple[str, int, tuple[str, ...]]] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def met(self, permitted: Permitted, error: SourceDriftError) -> None:
        """Note a drift that a call met, once for each revision of the resource."""
        resource = permitted.step.resource
        items = missing_of(error)
        if (resource.code, resource.revision, items) in self._noted:
            return
        self._noted.add((resource.code, resource.revision, items))
        task = asyncio.ensure_future(asyncio.to_thread(self._note_met, resource, items))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def note(self, resource: Resource, items: tuple[str, ...]) -> bool:
        """Flag a resource and record it; returns whether that is new. Blocks."""
        flag = Flag(resource=resource.code, code=DRIFTED, items=items, seen_at=self._now())
        if not self._flags.flag_resource(flag):
            return False
        self._record("resource.flagged", resource, items)
        return True

    def clear(self, resource: Resource) -> bool:
        """Take a resource's flag away, as somebody found it right again; returns whether there was one."""
        self._noted = {one for one in self._noted if one[0] != resource.code}
        if not self._flags.unflag_resource(resource.code):
            return False
        self._record("resource.unflagged", resource, ())
        return True

    async def settle(self) -> None:
        """Wait for what is being noted."""
        await asyncio.gather(*self._tasks)

    def _note_met(self, resource: Resource, items: tuple[str, ...]) -> None:
        try:
            self.note(resource, items)
        except AuditError as error:
            _LOGGING.warning("a drift of %s was not recorded: %s", resource.code, error.code)

    def _record(self, kind: str, resource: Resource, items: tuple[str, ...]) -> None:
        self._log.append(
            Draft(
                kind=kind,
                clear={
                    "department": resource.department,
                    "facts": {
                        "resource": resource.code,
                        "provider": resource.department,
                        "revision": resource.revision,
                        "code": DRIFTED,
                        "items": list(items[:50]),
                    },
                },
                index=(IndexRow(provider=resource.department, resource=resource.code),),
            )
        )


def missing_of(error: SourceDriftError) -> tuple[str, ...]:
    """Return the items that a drift names; none where it is the table or operation itself."""
    told = error.facts.get("missing")
    return tuple(sorted(str(name) for name in told)) if isinstance(told, list) else ()
