"""Group commit: callers wait in line, one thread takes everything that waits and commits it at once."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from threading import Condition, Lock, Thread
from typing import Any, Generic, TypeVar

from audit.errors import AuditError, LogBusyError, LogUnavailableError

Asked = TypeVar("Asked")
Given = TypeVar("Given")

_Promise = Future[Given] | asyncio.Future[Given]
"""What whoever waits holds: a thread the one, a task on a loop the other."""

_Standing = tuple[Asked, _Promise[Given], float]
"""What is asked, by whom, and since when."""

TOGETHER = 16
"""So many that came from one loop wait for no more: the disk works while others of that turn are ruled."""

_logging = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long the oldest append may have waited before new calls are sent away, and by which clock."""

    monotonic: Callable[[], float]
    seconds: float


ENDLESS = Patience(monotonic=lambda: 0.0, seconds=0.0)
"""By a clock that stands still nobody has ever waited."""


class WaitingLine(Generic[Asked, Given]):
    """A bounded line before one committing thread. There is no timer: a lone caller never waits.

    `commit` gives one answer, or one error, for each of what it is handed; an exception that it raises
    is the answer to all. After such a failure the line is broken until a commit, or `probe`, succeeds.
    Who asks whether it is ready is sent away once somebody has waited for longer than the `patience`.
    """

    def __init__(
        self,
        commit: Callable[[Sequence[Asked]], Sequence[Given | AuditError]],
        *,
        probe: Callable[[], None],
        limit: int,
        most: int,
        patience: Patience,
    ) -> None:
        self._commit = commit
        self._probe = probe
        self._limit = limit
        self._most = most
        self._patience = patience
        self._since: float | None = None
        """Since when what is being committed has waited; None: nothing is."""
        self._lock = Lock()
        self._changed = Condition(self._lock)
        """Of the lock, which is held by itself where nothing is told: callers do that at each call."""
        self._waiting: deque[_Standing[Asked, Given]] = deque()
        self._arriving: dict[asyncio.AbstractEventLoop, list[_Standing[Asked, Given]]] = {}
        """Who came from a loop that may bring more in the same moment: not in line yet."""
        self._broken: str | None = None
        self._probing = False
        self._closed = False
        self._thread = Thread(target=self._run, name="log-committer", daemon=True)
        self._thread.start()

    def put(self, asked: Asked) -> Future[Given]:
        """Stand in line. Raises LogBusyError where the line is full."""
        future: Future[Given] = Future()
        with self._lock:
            if self._closed:
                raise LogUnavailableError("the log is closed")
            self._check_room()
            self._waiting.append((asked, future, self._patience.monotonic()))
            self._changed.notify()
        return future

    def put_async(self, asked: Asked) -> asyncio.Future[Given]:
        """Stand in line from a running loop, which is woken once for all that a batch answers.

        Whoever comes in the same moment stands in line together, so that one batch takes them, up to where
        they are enough for a batch of their own.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Given] = loop.create_future()
        with self._lock:
            if self._closed:
                raise LogUnavailableError("the log is closed")
            self._check_room()
            came = self._arriving.setdefault(loop, [])
            came.append((asked, future, self._patience.monotonic()))
            first = len(came) == 1
            if len(came) >= TOGETHER:
                self._line_up(loop)
        if first:
            loop.call_soon(self._let_in, loop, 1)
        return future

    def _let_in(self, loop: asyncio.AbstractEventLoop, seen: int) -> None:
        """Put in line who came from a loop, once a turn of it has brought nobody else."""
        with self._lock:
            came = len(self._arriving.get(loop, ()))
            if seen < came < TOGETHER:
                loop.call_soon(self._let_in, loop, came)
            elif came:
                self._line_up(loop)

    def _line_up(self, loop: asyncio.AbstractEventLoop) -> None:
        self._waiting.extend(self._arriving.pop(loop))
        self._changed.notify()

    def ready(self) -> None:
        """Raise LogUnavailableError while the log refuses; each such question has it tried again."""
        with self._lock:
            if self._closed:
                raise LogUnavailableError("the log is closed")
            self._check_room()
            oldest = self._since
            if oldest is None and self._waiting:
                oldest = self._waiting[0][2]
            patience = self._patience
            if oldest is not None and patience.monotonic() - oldest > patience.seconds:
                raise LogBusyError(f"an append has waited for more than {patience.seconds:g} s")
            if self._broken is not None:
                # Nobody appends while the log refuses, so that only asking can find it well again.
                self._probing = True
                self._changed.notify()
                raise LogUnavailableError(self._broken)

    def _check_room(self) -> None:
        arriving = sum(map(len, self._arriving.values()))
        if len(self._waiting) + arriving >= self._limit:
            raise LogBusyError(f"{self._limit} appends are waiting already")

    def close(self) -> None:
        """Commit what waits, then stop. Safe to call twice."""
        with self._lock:
            self._closed = True
            for came in self._arriving.values():
                self._waiting.extend(came)
            self._arriving.clear()
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._lock:
                self._changed.wait_for(lambda: self._waiting or self._probing or self._closed)
                taken = [
                    self._waiting.popleft() for _ in range(min(len(self._waiting), self._most))
                ]
                probing, self._probing = self._probing, False
                self._since = taken[0][2] if taken else None
                if not taken and not probing:
                    return
            # Who went away while waiting is not appended; from here on nobody can go away.
            batch = [(asked, promise) for asked, promise, _ in taken if _still_waits(promise)]
            if batch:
                self._serve(batch)
            elif probing:
                self._try_again()
            with self._lock:
                self._since = None

    def _serve(self, batch: Sequence[tuple[Asked, _Promise[Given]]]) -> None:
        promises = [promise for _, promise in batch]
        try:
            answers = self._commit([asked for asked, _ in batch])
        except Exception as error:  # noqa: BLE001 - whatever went wrong, nobody may go unanswered
            said = self._break(error)
            _keep(zip(promises, _failures(said, error, count=len(batch)), strict=True))
            return
        self._mend()
        _keep(zip(promises, answers, strict=True))

    def _try_again(self) -> None:
        try:
            self._probe()
        except Exception as error:  # noqa: BLE001 - the line stays broken, whatever the reason
            self._break(error)
        else:
            self._mend()

    def _break(self, error: Exception) -> str:
        # Only our own errors are known to hold no personal data; of others the kind must do.
        said = str(error) if isinstance(error, AuditError) else f"failed: {type(error).__name__}"
        _logging.error("the log refuses: %s", said)
        with self._lock:
            self._broken = said
        return said

    def _mend(self) -> None:
        with self._lock:
            self._broken = None


def _still_waits(promise: _Promise[Given]) -> bool:
    if isinstance(promise, Future):
        return promise.set_running_or_notify_cancel()
    return not promise.cancelled()


def _failures(said: str, error: Exception, *, count: int) -> Iterator[LogUnavailableError]:
    """One exception object each: a raised one collects the raiser's traceback."""
    for _ in range(count):
        failure = LogUnavailableError(said)
        failure.__cause__ = error
        yield failure


def _keep(answered: Iterable[tuple[_Promise[Given], Given | AuditError]]) -> None:
    """Hand out what a batch answers; each loop is woken once, whoever of its tasks waited."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[Any, Any]]] = {}
    for promise, answer in answered:
        if isinstance(promise, Future):
            _settle(promise, answer)
        else:
            by_loop.setdefault(promise.get_loop(), []).append((promise, answer))
    for loop, settled in by_loop.items():
        # A loop that was closed meanwhile has nobody on it who waits.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle_all, settled)


def _settle_all(answered: Iterable[tuple[asyncio.Future[Any], Any]]) -> None:
    for promise, answer in answered:
        # Who went away after the batch had begun is not told; the entry stands.
        if not promise.done():
            _settle(promise, answer)


def _settle(promise: _Promise[Any], answer: Any) -> None:
    if isinstance(answer, AuditError):
        promise.set_exception(answer)
    else:
        promise.set_result(answer)
