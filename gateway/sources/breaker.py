"""Guards a source: a deadline, a bound on reads at once, and rest after it failed several times in a row."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from math import ceil
from typing import TypeVar

from gateway.errors import (
    BulkUnsupportedError,
    CircuitOpenError,
    SourceBusyError,
    SourceDriftError,
    SourceError,
    SourceNotListableError,
    SourceTimeoutError,
    SourceUnavailableError,
)
from gateway.model import Permitted, Row
from gateway.ports import Lister, PagedSource, ReadNow, Source

T = TypeVar("T")


class Breaker:
    """Closed, open after `failures` in a row, half-open after `rest_s`: one probe decides."""

    def __init__(
        self, *, monotonic: Callable[[], float], failures: int = 5, rest_s: float = 10.0
    ) -> None:
        self._monotonic = monotonic
        self._failures = failures
        self._rest_s = rest_s
        self._failed = 0
        self._opened_at: float | None = None
        self._probing = False
        self.calm = True
        """Whether nothing is held against the source: then it need not be asked, and success is no news."""

    @property
    def resting(self) -> bool:
        """Whether the source failed so often lately that it is left alone, but for a probe."""
        return self._opened_at is not None

    def admit(self) -> None:
        """Let a read begin; raises CircuitOpenError while the source is left alone."""
        if self._opened_at is None:
            return
        left = self._rest_s - (self._monotonic() - self._opened_at)
        if self._probing or left > 0:
            raise CircuitOpenError(failures=self._failed, retry_after_s=max(1, ceil(left)))
        self._probing = True

    def succeeded(self) -> None:
        self._failed, self._opened_at, self._probing = 0, None, False
        self.calm = True

    def failed(self) -> None:
        self._failed += 1
        self.calm = False
        if self._probing or self._failed >= self._failures:
            self._opened_at, self._probing = self._monotonic(), False

    def gave_up(self) -> None:
        """The caller went away: that says nothing about the source, so another may probe."""
        self._probing = False


class Bulkhead:
    """Bounds the reads of one source: some under way, some waiting, no more. One that hangs fills its own.

    Overload is an error at once, not a longer queue. It is entered for one read, and left after it.
    """

    def __init__(self, *, at_once: int = 16, waiting: int = 64) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._room = at_once + waiting

    async def __aenter__(self) -> None:
        """Raises SourceBusyError where as many wait as may."""
        if self._room == 0:
            raise SourceBusyError(retry_after_s=1)
        self._room -= 1
        try:
            await self._free.acquire()
        except BaseException:
            self._room += 1
            raise

    async def __aexit__(self, *_: object) -> None:
        self._free.release()
        self._room += 1


class Guarded:
    """A source behind a breaker, a bulkhead and a deadline. Implements `gateway.ports.Source`.

    The deadline is the source's own budget within the call's: waiting for a place is part of it.
    """

    def __init__(
        self,
        source: Source,
        *,
        breaker: Breaker,
        timeout_s: float,
        bulkhead: Bulkhead | None = None,
        drifted: Callable[[Permitted, SourceDriftError], None] | None = None,
    ) -> None:
        """`drifted` is told of every drift that a read meets; None where nobody listens."""
        self._source = source
        self._breaker = breaker
        self._timeout_s = timeout_s
        self._bulkhead = bulkhead or Bulkhead()
        self._drifted = drifted
        self._read_now: ReadNow | None = getattr(source, "read_now", None)

    @property
    def failing(self) -> bool:
        """Whether the source is left alone because it failed."""
        return self._breaker.resting

    def read_now(
        self, permitted: Permitted, *, keys: Sequence[str], call: str
    ) -> Sequence[Row] | None:
        """Read without waiting, where the source can; None leaves it to `read`."""
        read_now, breaker = self._read_now, self._breaker
        if read_now is None:
            return None
        if not breaker.calm:
            breaker.admit()
        rows = None
        try:
            rows = read_now(permitted, keys=keys, call=call)
        except SourceError as error:
            self._judge(permitted, error)
            raise
        finally:
            if rows is None:
                breaker.gave_up()
        if rows is not None and not breaker.calm:
            breaker.succeeded()
        return rows

    def _judge(self, permitted: Permitted, error: SourceError) -> None:
        if isinstance(error, SourceDriftError) and self._drifted is not None:
            self._drifted(permitted, error)
        if isinstance(error, (SourceUnavailableError, SourceTimeoutError)):
            self._breaker.failed()
        else:
            # It answered, if wrongly: leaving it alone would not make the next answer right.
            self._breaker.succeeded()

    async def read(self, permitted: Permitted, *, keys: Sequence[str], call: str) -> Sequence[Row]:
        return await self._guarded(
            permitted, lambda: self._source.read(permitted, keys=keys, call=call)
        )

    async def read_list(self, permitted: Permitted, *, call: str) -> Sequence[Row]:
        source = self._source
        if not isinstance(source, Lister):
            raise SourceNotListableError(reason="the source reads by keys alone")
        return await self._guarded(permitted, lambda: source.read_list(permitted, call=call))

    async def page(
        self, permitted: Permitted, *, after: str | None, call: str
    ) -> tuple[Sequence[Row], bool]:
        """Read a page of all records; raises BulkUnsupportedError where the source has no pages."""
        source = self._source
        if not isinstance(source, PagedSource):
            raise BulkUnsupportedError
        return await self._guarded(
            permitted, lambda: source.page(permitted, after=after, call=call)
        )

    async def _guarded(self, permitted: Permitted, read: Callable[[], Awaitable[T]]) -> T:
        self._breaker.admit()
        try:
            async with asyncio.timeout(self._timeout_s), self._bulkhead:
                rows = await read()
        except SourceBusyError:
            # It was not asked, which says nothing about it.
            self._breaker.gave_up()
            raise
        except TimeoutError as error:
            self._breaker.failed()
            raise SourceTimeoutError(timeout_ms=int(self._timeout_s * 1000)) from error
        except SourceError as error:
            self._judge(permitted, error)
            raise
        except BaseException:
            self._breaker.gave_up()
            raise
        self._breaker.succeeded()
        return rows

    async def close(self) -> None:
        await self._source.close()
