"""One HTTP/1.1 connection to a service: a request out, one answer in, strictly read (RFC 9112).

llhttp reads the answers (through httptools, as it reads our callers' requests) in its strict way. Beyond that
nothing is taken for an answer but one whole message of a bounded size, in plain `chunked`, of a told length
or up to the connection's end, with nothing behind it. After anything else the connection is closed: what
came next on it could be an answer to anything.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from gateway.errors import (
    SourceError,
    SourceInvalidError,
    SourceTimeoutError,
    SourceUnavailableError,
)

HEAD_BYTES = 32_768
"""Of all heads that come as answer to one request, interim ones (1xx) among them."""
_VERSIONS = frozenset({"1.0", "1.1"})
_NO_HTTP = "the service does not speak HTTP as needed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What is known of an answer before its body."""

    status: int
    kind: str
    """Its media type, without parameters and in lower case; empty where none is told."""
    coded: bool
    """Whether a content coding is told: then the body is not what its type says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    body: bytes = field(repr=False)


Refuse = Callable[[Head], SourceError | None]
"""A head → why its answer is not read; None: it is."""


def write_request(method: str, target: str, headers: Mapping[str, str], content: bytes) -> bytes:
    """Return a request as it is sent. Raises SourceInvalidError for what would end a line of it."""
    lines = [f"{method} {target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    text = "\r\n".join(lines)
    ends = len(lines) - 1
    plain = target.isascii() and target.isprintable() and " " not in target
    if not plain or text.count("\r") != ends or text.count("\n") != ends or "\0" in text:
        raise SourceInvalidError(reason="the request cannot be written: a line would break")
    if not content and method == "GET":
        return text.encode() + b"\r\n\r\n"
    return b"%b\r\nContent-Length: %d\r\n\r\n%b" % (text.encode(), len(content), content)


class Connection(asyncio.Protocol):
    """One connection, for one request at a time."""

    idle_since = 0.0
    """By the loop's clock; kept by whoever keeps the connection."""

    def __init__(
        self,
        *,
        body_bytes: int,
        freed: Callable[["Connection"], None],
        lost: Callable[["Connection"], None],
    ) -> None:
        """`freed` is told when a request is over, `lost` when the connection ends between two of them."""
        self._most = body_bytes
        self._freed = freed
        self._lost = lost
        self._parser = HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._asked: asyncio.Future[Answer] | None = None
        """None between two requests."""
        self._due: asyncio.TimerHandle | None = None
        self._received = self._told = self._size = self._status = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._parts: list[bytes] = []
        self._headed = self._whole = self._keeps = self._until_end = False
        self._refused: SourceError | None = None
        """Why the answer is not read."""
        self._odd: SourceError | None = None
        """Why the connection cannot be used any more."""

    @property
    def open(self) -> bool:
        """Whether a request may be sent."""
        return (
            self._asked is None and self._transport is not None and not self._transport.is_closing()
        )

    def ask(self, request: bytes, *, refuse: Refuse, ends: float) -> "asyncio.Future[Answer]":
        """Send a request; the future holds its answer or a SourceError. `ends` is a time of the loop.

        Whoever gives it up before that says so with `leave`.
        """
        if self._transport is None:
            self._freed(self)  # It ended as it began.
            raise SourceUnavailableError(reason="the service closed the connection")
        loop = asyncio.get_running_loop()
        self._refuse = refuse
        self._begin_head()
        self._received = self._told = 0
        self._asked = asked = loop.create_future()
        self._due = loop.call_at(ends, self._late)
        self._transport.write(request)
        return asked

    def leave(self, asked: "asyncio.Future[Answer]") -> None:
        """End a request whose answer nobody waits for any more, and the connection with it."""
        if asked is self._asked:
            self._keeps = False
            self._end(None)

    def close(self) -> None:
        """End the connection, which nobody waits for."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        asked = self._asked
        if asked is None:
            self._abort()  # Nobody asked for it.
            return
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            self._odd = self._odd or SourceInvalidError(reason=_NO_HTTP)
        too_long = (
            self._received > 2 * self._most + HEAD_BYTES
            if self._headed
            else self._received > HEAD_BYTES
        )
        if too_long and not self._whole:
            self._odd = self._odd or SourceInvalidError(allowed_bytes=self._most)
        if self._odd is not None:
            self._end(self._odd)
        elif self._whole:
            self._end(self._refused)
        elif self._refused is not None:
            # The rest of it is not waited for.
            self._keeps = False
            self._end(self._refused)

    def eof_received(self) -> None:
        """The service has no more to say: the connection is closed, and `connection_lost` follows."""

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._asked is None:
            self._lost(self)
            return
        self._keeps = False
        if not self._headed:
            self._end(SourceUnavailableError(reason="the service closed the connection"))
        elif exc is None and self._until_end:
            self._end(self._refused)
        else:
            self._end(SourceInvalidError(reason="the answer broke off"))

    # What llhttp finds, in the order of the answer.

    def on_message_begin(self) -> None:
        if self._whole:
            self._odd = SourceInvalidError(reason="more came than one answer")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._told += len(name) + len(value) + 4
        if self._told > HEAD_BYTES:
            self._odd = self._odd or SourceInvalidError(allowed_bytes=HEAD_BYTES)
        elif not self._headed:
            self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        parser = self._parser
        status = parser.get_status_code()
        if self._whole:
            return  # Another answer's.
        self._status = status
        if status < 200:
            return  # An interim one's.
        self._headed = True
        self._keeps = parser.should_keep_alive()
        told = dict(self._headers)
        coding, length = told.get(b"transfer-encoding"), told.get(b"content-length")
        self._until_end = coding is None and length is None and status not in {204, 304}
        once = (b"content-type", b"content-length", b"transfer-encoding", b"content-encoding")
        names = [name for name, _value in self._headers if name in once]
        version = parser.get_http_version()
        plain = coding is None or (
            coding.strip().lower() == b"chunked" and length is None and version == "1.1"
        )
        if version not in _VERSIONS or len(set(names)) != len(names) or not plain:
            self._odd = self._odd or SourceInvalidError(reason=_NO_HTTP)
            return
        kind = told.get(b"content-type", b"").partition(b";")[0].strip().lower()
        head = Head(
            status=status,
            kind=kind.decode("latin-1"),
            coded=b"content-encoding" in told,
        )
        self._refused = self._refuse(head)
        if self._refused is None and length is not None and int(length) > self._most:
            self._odd = self._odd or SourceInvalidError(allowed_bytes=self._most)

    def on_body(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > self._most:
            self._odd = self._odd or SourceInvalidError(allowed_bytes=self._most)
        elif self._refused is None:
            self._parts.append(part)

    def on_message_complete(self) -> None:
        if self._headed:
            self._whole = True
        elif self._status == 101:
            self._odd = SourceInvalidError(reason=_NO_HTTP)
        else:
            self._begin_head()

    def _begin_head(self) -> None:
        """Expect the head of an answer."""
        self._headers, self._parts = [], []
        self._status = self._size = 0
        self._headed = self._whole = self._keeps = self._until_end = False
        self._refused = None

    def _end(self, error: SourceError | None) -> None:
        """Tell what came of the request; keep the connection where nothing speaks against it."""
        asked, self._asked = self._asked, None
        self._stop_waiting()
        if not self._keeps or self._odd is not None:
            self._abort()
        if asked is not None and not asked.done():
            if error is None:
                asked.set_result(Answer(status=self._status, body=b"".join(self._parts)))
            else:
                asked.set_exception(error)
        self._parts = []
        self._freed(self)

    def _late(self) -> None:
        self._keeps = False
        self._end(SourceTimeoutError(reason="the service did not answer in time"))

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _stop_waiting(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None
