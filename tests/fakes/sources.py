"""Sources that give what the test set, fail as the test set, or never answer; and a loop to wait in."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from gateway.model import Permitted, Row

T = TypeVar("T")


class FixedSource:
    """Implements `gateway.ports.Source` over records kept by their key, and remembers its reads."""

    def __init__(self, records: Mapping[str, Sequence[Row]] | None = None) -> None:
        self._records = records or {}
        self.reads: list[tuple[Permitted, tuple[str, ...], str]] = []
        self._closed = False

    async def read(self, permitted: Permitted, *, keys: Sequence[str], call: str) -> Sequence[Row]:
        if self._closed:
            raise AssertionError("read after close")
        if not keys or len(set(keys)) != len(keys):
            raise AssertionError(f"{len(keys)} keys, distinct ones needed")
        self.reads.append((permitted, tuple(keys), call))
        return [row for key in keys for row in self._records.get(key, ())]

    async def close(self) -> None:
        self._closed = True


class FailingSource(FixedSource):
    """Fails every read, and counts them, until it is mended."""

    def __init__(
        self, error: Exception, records: Mapping[str, Sequence[Row]] | None = None
    ) -> None:
        super().__init__(records)
        self._error: Exception | None = error

    def mend(self) -> None:
        self._error = None

    async def read(self, permitted: Permitted, *, keys: Sequence[str], call: str) -> Sequence[Row]:
        rows = await super().read(permitted, keys=keys, call=call)
        if self._error is not None:
            raise self._error
        return rows


class SilentSource(FixedSource):
    """Takes every read and never answers."""

    cancelled = 0

    async def read(self, permitted: Permitted, *, keys: Sequence[str], call: str) -> Sequence[Row]:
        await super().read(permitted, keys=keys, call=call)
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        raise AssertionError("nobody completes this future")


class LyingSource(FixedSource):
    """Gives the same records whoever is asked for."""

    def __init__(self, rows: Sequence[Row]) -> None:
        super().__init__()
        self._rows = rows

    async def read(self, permitted: Permitted, *, keys: Sequence[str], call: str) -> Sequence[Row]:
        await super().read(permitted, keys=keys, call=call)
        return self._rows


class _Jumping(selectors.DefaultSelector):
    """Where the loop would wait, its clock is put forward instead."""

    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            raise AssertionError("the loop would wait for ever")
        self.now += max(timeout, 0.0)
        return super().select(0)


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop without waiting: for deadlines in tests that do no real input or output."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


def run_without_waiting(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(work())
