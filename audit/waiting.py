"""Group commit: callers wait in line, one thread takes everything that waits and commits it at once."""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Condition, Thread
from typing import Generic, TypeVar

from audit.errors import AuditError, LogBusyError, LogUnavailableError

Asked = TypeVar("Asked")
Given = TypeVar("Given")

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
        self._changed = Condition()
        self._waiting: deque[tuple[Asked, Future[Given], float]] = deque()
        self._broken: str | None = None
        self._probing = False
        self._closed = False
        self._thread = Thread(target=self._run, name="log-committer", daemon=True)
        self._thread.start()

    def put(self, asked: Asked) -> Future[Given]:
        """Stand in line. Raises LogBusyError where the line is full."""
        future: Future[Given] = Future()
        with self._changed:
            if self._closed:
                raise LogUnavailableError("the log is closed")
            self._check_room()
            self._waiting.append((asked, future, self._patience.monotonic()))
            self._changed.notify()
        return future

    def ready(self) -> None:
        """Raise LogUnavailableError while the log refuses; each such question has it tried again."""
        with self._changed:
            if self._closed:
                raise LogUnavailableError("the log is closed")
            self._check_room()
            self._check_patience()
            if self._broken is not None:
                # Nobody appends while the log refuses, so that only asking can find it well again.
                self._probing = True
                self._changed.notify()
                raise LogUnavailableError(self._broken)

    def _check_room(self) -> None:
        if len(self._waiting) >= self._limit:
            raise LogBusyError(f"{self._limit} appends are waiting already")

    def _check_patience(self) -> None:
        oldest = self._since
        if oldest is None and self._waiting:
            oldest = self._waiting[0][2]
        if oldest is not None and self._patience.monotonic() - oldest > self._patience.seconds:
            raise LogBusyError(f"an append has waited for more than {self._patience.seconds:g} s")

    def close(self) -> None:
        """Commit what waits, then stop. Safe to call twice."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._probing or self._closed)
                taken = [
                    self._waiting.popleft() for _ in range(min(len(self._waiting), self._most))
                ]
                probing, self._probing = self._probing, False
                self._since = taken[0][2] if taken else None
                if not taken and not probing:
                    return
            # Who went away while waiting is not appended; from here on nobody can go away.
            batch = [
                (asked, held) for asked, held, _ in taken if held.set_running_or_notify_cancel()
            ]
            if batch:
                self._serve(batch)
            elif probing:
                self._try_again()
            with self._changed:
                self._since = None

    def _serve(self, batch: Sequence[tuple[Asked, Future[Given]]]) -> None:
        try:
            answers = self._commit([asked for asked, _ in batch])
        except Exception as error:  # noqa: BLE001 - whatever went wrong, nobody may go unanswered
            said = self._break(error)
            for _, future in batch:
                # One exception object each: a raised one collects the raiser's traceback.
                failure = LogUnavailableError(said)
                failure.__cause__ = error
                future.set_exception(failure)
            return
        self._mend()
        for (_, future), answer in zip(batch, answers, strict=True):
            if isinstance(answer, AuditError):
                future.set_exception(answer)
            else:
                future.set_result(answer)

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
        with self._changed:
            self._broken = said
        return said

    def _mend(self) -> None:
        with self._changed:
            self._broken = None
