"""Group commit: callers wait in line, one thread takes everything that waits and commits it at once."""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from threading import Condition, Thread
from typing import Generic, TypeVar

from audit.errors import AuditError, LogBusyError, LogUnavailableError

Asked = TypeVar("Asked")
Given = TypeVar("Given")

_logging = logging.getLogger(__name__)


class WaitingLine(Generic[Asked, Given]):
    """A bounded line before one committing thread. There is no timer: a lone caller never waits.

    `commit` gives one answer, or one error, for each of what it is handed; an exception that it raises
    is the answer to all. After such a failure the line is broken until a commit, or `probe`, succeeds.
    """

    def __init__(
        self,
        commit: Callable[[Sequence[Asked]], Sequence[Given | AuditError]],
        *,
        probe: Callable[[], None],
        limit: int,
        most: int,
    ) -> None:
        self._commit = commit
        self._probe = probe
        self._limit = limit
        self._most = most
        self._changed = Condition()
        self._waiting: deque[tuple[Asked, Future[Given]]] = deque()
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
            if len(self._waiting) >= self._limit:
                raise LogBusyError(f"{self._limit} appends are waiting already")
            self._waiting.append((asked, future))
            self._changed.notify()
        return future

    def ready(self) -> None:
        """Raise LogUnavailableError while the log refuses; each such question has it tried again."""
        with self._changed:
            if self._closed:
                raise LogUnavailableError("the log is closed")
            if len(self._waiting) >= self._limit:
                raise LogBusyError(f"{self._limit} appends are waiting already")
            if self._broken is not None:
                # Nobody appends while the log refuses, so that only asking can find it well again.
                self._probing = True
                self._changed.notify()
                raise LogUnavailableError(self._broken)

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
                if not taken and not probing:
                    return
            # Who went away while waiting is not appended; from here on nobody can go away.
            batch = [(asked, held) for asked, held in taken if held.set_running_or_notify_cancel()]
            if batch:
                self._serve(batch)
            elif probing:
                self._try_again()

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
