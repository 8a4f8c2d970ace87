"""The connections to one service: a few at once, each kept for the next request a while.

A request is sent again only where no connection was made: then not one byte of it has left. A kept connection
that the service closes under a request fails it, since the department may have its record already. So none is
kept for as long as most servers keep theirs.
"""

import asyncio
import functools
import ssl
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from socket import SOCK_STREAM

import aiohappyeyeballs

from gateway.errors import SourceTimeoutError, SourceUnavailableError
from gateway.sources.http1 import Answer, Connection, Refuse

KEPT_S = 4.0
"""How long a connection is kept without a request: most servers close theirs after five seconds or more."""
_SECOND_FAMILY_S = 0.25
"""After so long a service's address of the other family is tried as well (RFC 8305)."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where connections go."""

    host: str
    port: int
    secure: bool


class Pool:
    """Raises SourceError for whatever is no answer."""

    def __init__(
        self,
        origin: Origin,
        *,
        at_once: int,
        body_bytes: int,
        kept_s: float = KEPT_S,
        tls: Callable[[], ssl.SSLContext] | None = None,
    ) -> None:
        """`tls` None: as `verified` says."""
        self._origin = origin
        self._kept_s = kept_s
        self._tls = verified if tls is None else tls
        self._free = at_once
        """Places: each request holds one, and each open connection was made by one."""
        self._body_bytes = body_bytes
        self._idle: list[Connection] = []
        self._waiting: deque[asyncio.Future[Connection | None]] = deque()
        """Who waits for a place; they get one with a connection or, None, without."""
        self._sweep: asyncio.TimerHandle | None = None
        self._closed = False

    async def ask(self, write: Callable[[], bytes], *, refuse: Refuse, ends: float) -> Answer:
        """Send a request and return its answer; `ends` is a time of the loop.

        It is written once it can be sent: the service works on the first while the next are signed.
        """
        connection = self._kept()
        if connection is None:
            try:
                async with asyncio.timeout_at(ends):
                    connection = await self._place()
            except TimeoutError:
                raise SourceTimeoutError(reason="the service did not answer in time") from None
        try:
            request = write()
        except BaseException:
            self._pass_on(connection)
            raise
        asked = connection.ask(request, refuse=refuse, ends=ends)
        try:
            return await asked
        except asyncio.CancelledError:
            connection.leave(asked)
            raise

    async def close(self) -> None:
        """Keep no connection any more; requests under way are answered still."""
        self._closed = True
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()
        # Sockets are closed by the loop's next turn.
        await asyncio.sleep(0)

    def _kept(self) -> Connection | None:
        """Take a place with a connection that is kept; None where there is none, or others wait."""
        if self._free and not self._waiting:
            latest = asyncio.get_running_loop().time() - self._kept_s
            while self._idle:
                connection = self._idle.pop()
                if connection.open and connection.idle_since > latest:
                    self._free -= 1
                    return connection
                connection.close()
        return None

    async def _place(self) -> Connection:
        """Wait for a place, and make a connection where none comes with it."""
        connection = None
        if self._free and not self._waiting:
            self._free -= 1
        else:
            connection = await self._turn()
        if connection is not None and connection.open:
            return connection
        try:
            try:
                return await self._connected()
            except OSError:
                # No connection, so no byte was sent: the only failure after which it is tried again.
                return await self._connected()
        except (OSError, UnicodeError):
            self._pass_on(None)
            raise SourceUnavailableError(reason="the service cannot be reached") from None
        except BaseException:
            self._pass_on(None)
            raise

    async def _turn(self) -> Connection | None:
        turn: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._pass_on(turn.result())
            else:
                with suppress(ValueError):
                    self._waiting.remove(turn)
            raise

    async def _connected(self) -> Connection:
        origin, loop = self._origin, asyncio.get_running_loop()
        places = await loop.getaddrinfo(origin.host, origin.port, type=SOCK_STREAM)
        socket = await aiohappyeyeballs.start_connection(
            places, happy_eyeballs_delay=_SECOND_FAMILY_S, interleave=1, loop=loop
        )
        try:
            _, connection = await loop.create_connection(
                lambda: Connection(
                    body_bytes=self._body_bytes, freed=self._pass_on, lost=self._forget
                ),
                sock=socket,
                ssl=self._tls() if origin.secure else None,
                server_hostname=origin.host.rstrip(".") if origin.secure else None,
            )
        except BaseException:
            socket.close()
            raise
        return connection

    def _pass_on(self, connection: Connection | None) -> None:
        """Give a place to who waits longest, with the connection where it can be used; else keep both."""
        if connection is not None and not connection.open:
            connection = None
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(connection)
                return
        self._free += 1
        if connection is not None and self._closed:
            connection.close()
        elif connection is not None:
            loop = asyncio.get_running_loop()
            connection.idle_since = loop.time()
            self._idle.append(connection)
            if self._sweep is None:
                self._sweep = loop.call_later(self._kept_s, self._swept)

    def _forget(self, connection: Connection) -> None:
        if connection in self._idle:
            self._idle.remove(connection)

    def _swept(self) -> None:
        """Close what was kept long enough; the longest kept stand first."""
        loop = asyncio.get_running_loop()
        latest = loop.time() - self._kept_s
        while self._idle and self._idle[0].idle_since <= latest:
            self._idle.pop(0).close()
        self._sweep = None
        if self._idle:
            self._sweep = loop.call_at(self._idle[0].idle_since + self._kept_s, self._swept)


@functools.cache
def verified() -> ssl.SSLContext:
    """Return how services are spoken to over TLS: their certificate is checked, and that it is theirs."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
