"""A gateway's side of the sequencer's service: sends drafts, checks what comes back, finds the next leader.

It holds the log's public keys only. Every answer's proof is checked up to a checkpoint that they signed
before anybody is given it: what is no entry of the log is taken for no answer.
"""

import asyncio
import itertools
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from threading import Lock, Thread

from audit import wire
from audit.checkpoint import Checkpoint, parse_checkpoint
from audit.entry import Draft, Sequenced
from audit.errors import (
    AuditError,
    LogBusyError,
    LogUnavailableError,
    MalformedError,
    ProofError,
)
from audit.merkle import check_inclusion, leaf_hash
from audit.note import Verifier, open_note
from audit.standing import check_draft

Find = Callable[[], tuple[str, int] | None]
"""Says where the newest sequencer listens, and its epoch; None where there was none yet."""

_UNKNOWN = "the connection to the sequencer was lost: whether the entry is in the log is not known"


class RemoteLog:
    """Appends through the sequencer's service. Safe to use from any thread and from the loop."""

    def __init__(
        self,
        *,
        origin: str,
        gateway: str,
        verifiers: Sequence[Verifier],
        find: Find,
        deadline_s: float,
        renew: Callable[[Sequence[Verifier]], Sequence[Verifier]] | None = None,
    ) -> None:
        """`renew` returns the keys known and those that took over from them (`audit.rotation.followed`).

        It is asked where an answer does not hold under the keys known; None: a new key needs a new start.
        """
        self._renew = renew
        self._origin = origin
        self._gateway = gateway
        self._verifiers = tuple(verifiers)
        self._find = find
        self._deadline_s = deadline_s
        self._lock = Lock()
        self._line: _Line | None = None
        self._epoch = 0
        self._opened: tuple[str, Checkpoint] | None = None
        self._closed = False

    def append(self, draft: Draft) -> Sequenced:
        """Block until the entry is durable and under a signed checkpoint. Never call on the loop.

        Raises as `Log.append` does; LogUnavailableError also past the deadline and where the connection
        was lost: then the entry may be in the log, and nothing may be given for it.
        """
        check_draft(draft)
        line = self._connected()
        try:
            sequenced = line.ask(draft).result(self._deadline_s)
        except FutureTimeoutError as error:
            line.doubted = True
            raise LogUnavailableError("the sequencer did not answer in time") from error
        try:
            return self._checked(sequenced)
        except LogUnavailableError:
            if not self._renewed():
                raise
            return self._checked(sequenced)

    async def append_async(self, draft: Draft) -> Sequenced:
        """Wait for the same without blocking the loop."""
        check_draft(draft)
        line = await asyncio.to_thread(self._connected)
        try:
            async with asyncio.timeout(self._deadline_s):
                sequenced = await asyncio.wrap_future(line.ask(draft))
        except TimeoutError as error:
            line.doubted = True
            raise LogUnavailableError("the sequencer did not answer in time") from error
        try:
            return self._checked(sequenced)
        except LogUnavailableError:
            if not await asyncio.to_thread(self._renewed):
                raise
            return self._checked(sequenced)

    def ready(self) -> None:
        """Raise LogUnavailableError where no sequencer is to be reached. Blocks for a connection."""
        self._connected()

    @property
    def epoch(self) -> int:
        """Of the sequencer that was last reached; 0 before the first."""
        return self._epoch

    def close(self) -> None:
        with self._lock:
            self._closed = True
            line, self._line = self._line, None
        if line is not None:
            line.close()

    def _connected(self) -> "_Line":
        with self._lock:
            if self._closed:
                raise LogUnavailableError("the log is closed")
            if self._line is not None and (self._line.broken or self._is_past(self._line)):
                self._line.close()
                self._line = None
            if self._line is None:
                self._line = self._connect()
            return self._line

    def _is_past(self, line: "_Line") -> bool:
        """Whether another sequencer has begun since; looked up only where this one gave cause for it."""
        if not line.doubted:
            return False
        line.doubted = False
        found = self._find()
        return found is not None and found[1] > line.epoch

    def _connect(self) -> "_Line":
        found = self._find()
        if found is None:
            raise LogUnavailableError("no sequencer has begun yet")
        path, epoch = found
        hello = wire.Hello(version=wire.VERSION, origin=self._origin, gateway=self._gateway)
        try:
            line = _Line(path, hello, deadline_s=self._deadline_s)
        except (OSError, MalformedError) as error:
            raise LogUnavailableError(
                f"the sequencer of epoch {epoch} is not to be reached ({type(error).__name__})"
            ) from error
        if line.epoch < max(epoch, self._epoch):
            line.close()
            raise LogUnavailableError(f"a sequencer of epoch {line.epoch} after one of {epoch}")
        self._epoch = line.epoch
        return line

    def _checked(self, sequenced: Sequenced) -> Sequenced:
        try:
            checkpoint = self._read(sequenced.checkpoint)
            if checkpoint.origin != self._origin or checkpoint.size != sequenced.size:
                raise ProofError("the checkpoint is of another tree than the answer")  # noqa: TRY301
            check_inclusion(
                leaf_hash(sequenced.body),
                index=sequenced.index,
                size=checkpoint.size,
                proof=sequenced.proof,
                root=checkpoint.root,
            )
        except (ProofError, MalformedError) as error:
            raise LogUnavailableError(f"the sequencer's answer does not hold: {error}") from error
        return sequenced

    def _renewed(self) -> bool:
        """Whether keys have taken over from those that were known; then they are known, too."""
        if self._renew is None:
            return False
        known = self._verifiers
        try:
            self._verifiers = tuple(self._renew(known))
        except (ProofError, MalformedError):
            return False
        return self._verifiers != known

    def _read(self, note: str) -> Checkpoint:
        """Open a checkpoint once for all the answers of its batch."""
        opened = self._opened
        if opened is None or opened[0] != note:
            opened = (note, parse_checkpoint(open_note(note, self._verifiers).text))
            self._opened = opened
        return opened[1]


class _Line:
    """One connection: drafts go out as they come, answers find their callers by number."""

    def __init__(self, path: str, hello: wire.Hello, *, deadline_s: float) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._lock = Lock()
        self._numbers = itertools.count()
        self._waiting: dict[int, Future[Sequenced]] = {}
        self.broken = False
        self.doubted = False
        """Whether it refused, or did not answer in time: perhaps it leads no more."""
        try:
            self._socket.settimeout(deadline_s)
            self._socket.connect(path)
            self._file = self._socket.makefile("rb")
            self._socket.sendall(wire.frame(hello))
            welcome = wire.read_from_sequencer(self._read())
            if not isinstance(welcome, wire.Welcome) or welcome.version != wire.VERSION:
                raise MalformedError("a sequencer that does not say who it is")  # noqa: TRY301
            self._socket.settimeout(None)
        except BaseException:
            self._socket.close()
            raise
        self.epoch = welcome.epoch
        self._most = welcome.most
        Thread(target=self._listen, name="log-answers", daemon=True).start()

    def ask(self, draft: Draft) -> "Future[Sequenced]":
        """Send a draft. Raises LogBusyError where too many are unanswered, LogUnavailableError."""
        future: Future[Sequenced] = Future()
        with self._lock:
            if self.broken:
                raise LogUnavailableError("the connection to the sequencer was lost")
            if len(self._waiting) >= self._most:
                raise LogBusyError(f"{self._most} appends are unanswered")
            number = next(self._numbers)
            message = wire.frame(wire.ask_of(number, draft))
            self._waiting[number] = future
            try:
                self._socket.sendall(message)
            except OSError:
                # Part of it may have gone out; the listener tells everybody who waits.
                self._socket.close()
        return future

    def close(self) -> None:
        """Take no more; who still waits is told that nobody knows."""
        with self._lock:
            self.broken = True
            try:
                self._socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                self._socket.close()

    def _listen(self) -> None:
        try:
            while True:
                self._take(wire.read_from_sequencer(self._read()))
        except (OSError, ValueError, MalformedError):
            pass
        finally:
            self._end()

    def _take(self, message: wire.FromSequencer) -> None:
        if isinstance(message, wire.Welcome):
            raise MalformedError("a sequencer that says who it is a second time")
        with self._lock:
            future = self._waiting.pop(message.number, None)
        if future is None:
            raise MalformedError("an answer that nobody asked for")
        if isinstance(message, wire.Given):
            future.set_result(wire.sequenced_of(message))
        else:
            error = wire.error_of(message)
            self.doubted = self.doubted or type(error) is LogUnavailableError
            future.set_exception(error)

    def _end(self) -> None:
        with self._lock:
            self.broken = True
            waiting, self._waiting = self._waiting, {}
            self._socket.close()
        self._file.close()
        for future in waiting.values():
            failure: AuditError = LogUnavailableError(_UNKNOWN)
            future.set_exception(failure)

    def _read(self) -> bytes:
        length = wire.length_of(self._read_exactly(wire.LENGTH))
        return self._read_exactly(length)

    def _read_exactly(self, count: int) -> bytes:
        content = self._file.read(count)
        if len(content) != count:
            raise ConnectionResetError("the sequencer hung up")
        return content
