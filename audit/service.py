"""The sequencer as a service: one process holds the log and its keys, gateways send it drafts over a socket.

The socket lies in a folder that only the exchange's own user can enter: who can reach it may append, and
nothing else. A gateway gets what `Log.append` gives, and needs none of the log's secrets for it.
"""

import asyncio
import logging
import os
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from pathlib import Path

from audit import wire
from audit.entry import Sequenced
from audit.errors import AuditError, LogBusyError, LogUnavailableError, MalformedError
from audit.log import Log
from audit.sequencer import Asked

UNANSWERED = 1_024
"""Drafts of one gateway that may be unanswered; more are refused at once."""

CHECKED_EVERY_S = 1.0

_LOGGING = logging.getLogger(__name__)


class Service:
    """Takes drafts from any number of gateways into one log."""

    def __init__(self, log: Log, *, unanswered: int = UNANSWERED) -> None:
        self._log = log
        self._unanswered = unanswered
        self._writers: set[asyncio.StreamWriter] = set()

    async def serve(
        self,
        path: Path,
        *,
        ready: Callable[[], None],
        check: Callable[[], None],
        every_s: float = CHECKED_EVERY_S,
    ) -> None:
        """Listen until cancelled, or until `check`, asked every so often, says that another leads.

        `ready` is called once gateways may come. Raises what `check` raises: LogUnavailableError.
        """
        with suppress(FileNotFoundError):
            os.unlink(path)  # noqa: PTH108 - what an earlier one left; before anybody is served
        before = os.umask(0o177)
        try:
            server = await asyncio.start_unix_server(self._meet, path, limit=wire.MOST)
        finally:
            os.umask(before)
        async with server:
            try:
                await asyncio.to_thread(ready)
                while True:
                    await asyncio.sleep(every_s)
                    await asyncio.to_thread(check)
            finally:
                for writer in tuple(self._writers):
                    writer.close()

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            await _Gateway(reader, writer, self._log, self._unanswered).talk()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        except MalformedError as error:
            _LOGGING.warning("a gateway is cut off: %s", error)
        finally:
            self._writers.discard(writer)
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


class _Gateway:
    """One gateway's connection."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        log: Log,
        unanswered: int,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._log = log
        self._most = unanswered
        self._open = 0
        self._loop = asyncio.get_running_loop()

    async def talk(self) -> None:
        hello = wire.read_from_gateway(await self._read())
        if not isinstance(hello, wire.Hello):
            raise MalformedError("a gateway that does not say who it is")
        if (hello.version, hello.origin) != (wire.VERSION, self._log.origin):
            raise MalformedError(
                f"a gateway of {hello.origin} that speaks {hello.version}, "
                f"{self._log.origin} and {wire.VERSION} needed"
            )
        self._send(
            wire.Welcome(
                version=wire.VERSION,
                origin=self._log.origin,
                epoch=self._log.epoch,
                most=self._most,
            )
        )
        while True:
            ask = wire.read_from_gateway(await self._read())
            if not isinstance(ask, wire.Ask):
                raise MalformedError("a gateway that says who it is a second time")
            self._take(ask, gateway=hello.gateway)

    async def _read(self) -> bytes:
        length = wire.length_of(await self._reader.readexactly(wire.LENGTH))
        return await self._reader.readexactly(length)

    def _take(self, ask: wire.Ask, *, gateway: str) -> None:
        try:
            if self._open >= self._most:
                raise LogBusyError(f"{self._most} appends of one gateway are unanswered")
            future = self._log.enter(Asked(draft=wire.draft_of(ask), gateway=gateway))
        except AuditError as error:
            self._send(wire.refused_of(ask.number, error))
            return
        self._open += 1
        future.add_done_callback(partial(self._done, ask.number))

    def _done(self, number: int, future: "Future[Sequenced]") -> None:
        # On the committing thread: the loop does the writing.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._answer, number, future)

    def _answer(self, number: int, future: "Future[Sequenced]") -> None:
        self._open -= 1
        error = future.exception()
        if error is None:
            self._send(wire.given_of(number, future.result()))
        elif isinstance(error, AuditError):
            self._send(wire.refused_of(number, error))
        else:
            kind = LogUnavailableError(f"failed: {type(error).__name__}")
            self._send(wire.refused_of(number, kind))

    def _send(self, message: wire.FromSequencer) -> None:
        if not self._writer.is_closing():
            self._writer.write(wire.frame(message))
