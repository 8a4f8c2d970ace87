"""What the gateway needs from the rest of the exchange, and no more."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

import msgspec

from audit.entry import Draft, Quota, Sequenced
from catalogue.model import Case
from catalogue.snapshot import Snapshot
from gateway.cursors import Cursors
from gateway.model import Permitted, Row
from policies.engine import DecisionPoint


class Source(Protocol):
    """One department's source, opened. Reads only what was permitted."""

    async def read(self, permitted: Permitted, *, keys: Sequence[str], call: str) -> Sequence[Row]:
        """Return the records whose key item is among `keys`, only the permitted and needed items.

        Row filter, column list and `max_rows` of the verdict are part of the statement. `call` is the
        call number, sent along to the source. Raises SourceError (a subclass says which way it failed).
        """
        ...

    async def close(self) -> None: ...


@runtime_checkable
class Lister(Protocol):
    """A source that can list: most cannot, and need not say so."""

    async def read_list(self, permitted: Permitted, *, call: str) -> Sequence[Row]:
        """Return the records after the step's place in its order, one more than may be given.

        Filters, order and place of the step, row filter and `max_rows` of the verdict are part of the
        statement. Raises as `Source.read`.
        """
        ...


@runtime_checkable
class PagedSource(Protocol):
    """A source that can also be read from one end to the other, in the order of the key."""

    async def page(
        self, permitted: Permitted, *, after: str | None, call: str
    ) -> tuple[Sequence[Row], bool]:
        """Return the records whose key comes after `after`, whole keys only, and whether others follow.

        Otherwise as `read`: at most as many as the verdict and the step allow. Records without a key are
        nobody's and left out. Raises KeyTooWideError where one key has more records than a page may hold.
        """
        ...


class ReadNow(Protocol):
    """`read_now` of a source that can answer some reads faster than anybody could wait for them."""

    def __call__(
        self, permitted: Permitted, *, keys: Sequence[str], call: str
    ) -> Sequence[Row] | None:
        """Read as `Source.read` does, on the loop and within a few milliseconds.

        None where that cannot be: then `read` is asked, and says what is wrong.
        """
        ...


class Recorder(Protocol):
    async def append(self, draft: Draft) -> Sequenced:
        """Return once the entry is durable and under a signed checkpoint, and not before.

        Raises LogUnavailableError (503) where it cannot be, StaleSnapshotError where the draft's snapshot
        is older than the barrier.
        """
        ...

    async def ready(self) -> None:
        """Raise LogUnavailableError while the log refuses: nothing is decided then."""
        ...


class Registry(Protocol):
    async def snapshot(self) -> Snapshot:
        """Return the current picture, reloaded first if the registry changed in any way."""
        ...

    async def case(self, system: str, number: str) -> Case | None:
        """Return the caller's case as the log vouches for it; None where there is none."""
        ...

    def token(self, kind: str, value: str) -> str:
        """Return the keyed digest by which parties are compared (kind: the subject type)."""
        ...


class Foreseen(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of some quotas before the log's batch decides."""

    fresh: frozenset[Quota]
    """To be counted: all but members that were counted already."""
    over: frozenset[Quota] = frozenset()
    """Of which too little is left."""


class Quotas(Protocol):
    async def used_today(self, grants: Sequence[str], day: str) -> Mapping[str, int]:
        """Return how many calls are counted against each grant; the log's batch has the last word."""
        ...

    async def used(self, places: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], int]:
        """Return how much is counted by (key, day); the log's batch has the last word here too."""
        ...

    async def foresee(self, quotas: Sequence[Quota]) -> Foreseen:
        """Say which quotas are spent and which members were counted, as far as it is known at once."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    decisions: DecisionPoint
    sources: Mapping[str, Source]
    """Open sources by name; a name that is missing counts as a source that is down."""
    recorder: Recorder
    registry: Registry
    quotas: Quotas
    now: Callable[[], datetime]
    """Aware UTC."""
    monotonic: Callable[[], float]
    """Seconds; for deadlines only."""
    fresh_id: Callable[[str], str]
    """A new UUIDv7 with the given prefix."""
    gateway: str
    """Name of this gateway, as entries carry it."""
    cursors: Cursors | None = None
    """None: lists give no cursors and take none."""
