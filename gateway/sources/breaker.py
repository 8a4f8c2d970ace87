"""Leaves a source alone for a while after it failed several times in a row, then asks it once."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from gateway.errors import (
    CircuitOpenError,
    SourceError,
    SourceNotListableError,
    SourceTimeoutError,
    SourceUnavailableError,
)
from gateway.model import Permitted, Row
from gateway.ports import Lister, ReadNow, Source


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

    def admit(self) -> None:
        """Let a read begin; raises CircuitOpenError while the source is left alone."""
        if self._opened_at is None:
            return
        if self._probing or self._monotonic() - self._opened_at < self._rest_s:
            raise CircuitOpenError(failures=self._failed)
        self._probing = True

    def succeeded(self) -> None:
        self._failed, self._opened_at, self._probing = 0, None, False

    def failed(self) -> None:
        self._failed += 1
        if self._probing or self._failed >= self._failures:
            self._opened_at, self._probing = self._monotonic(), False

    def gave_up(self) -> None:
        """The caller went away: that says nothing about the source, so another may probe."""
        self._probing = False


class Guarded:
    """A source behind a breaker and a deadline. Implements `gateway.ports.Source`."""

    def __init__(self, source: Source, *, breaker: Breaker, timeout_s: float) -> None:
        self._source = source
        self._breaker = breaker
        self._timeout_s = timeout_s
        self._read_now: ReadNow | None = getattr(source, "read_now", None)

    def read_now(
        self, permitted: Permitted, *, keys: Sequence[str], call: str
    ) -> Sequence[Row] | None:
        """Read without waiting, where the source can; None leaves it to `read`."""
        if self._read_now is None:
            return None
        self._breaker.admit()
        rows = None
        try:
            rows = self._read_now(permitted, keys=keys, call=call)
        except SourceError as error:
            self._judge(error)
            raise
        finally:
            if rows is None:
                self._breaker.gave_up()
        if rows is not None:
            self._breaker.succeeded()
        return rows

    def _judge(self, error: SourceError) -> None:
        if isinstance(error, (SourceUnavailableError, SourceTimeoutError)):
            self._breaker.failed()
        else:
            # It answered, if wrongly: leaving it alone would not make the next answer right.
            self._breaker.succeeded()

    async def read(self, permitted: Permitted, *, keys: Sequence[str], call: str) -> Sequence[Row]:
        return await self._guard(lambda: self._source.read(permitted, keys=keys, call=call))

    async def read_list(self, permitted: Permitted, *, call: str) -> Sequence[Row]:
        source = self._source
        if not isinstance(source, Lister):
            raise SourceNotListableError(reason="the source reads by keys alone")
        return await self._guard(lambda: source.read_list(permitted, call=call))

    async def _guard(self, read: Callable[[], Awaitable[Sequence[Row]]]) -> Sequence[Row]:
        self._breaker.admit()
        try:
            async with asyncio.timeout(self._timeout_s):
                rows = await read()
        except TimeoutError as error:
            self._breaker.failed()
            raise SourceTimeoutError(timeout_ms=int(self._timeout_s * 1000)) from error
        except SourceError as error:
            self._judge(error)
            raise
        except BaseException:
            self._breaker.gave_up()
            raise
        self._breaker.succeeded()
        return rows

    async def close(self) -> None:
        await self._source.close()
