"""What a service may send instead of an answer: nothing of it becomes one, and none of it fills us up."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from gateway.errors import SourceError, SourceInvalidError, SourceTimeoutError
from gateway.sources.http import HttpSource
from tests.contracts.test_sources import a_read, http_at, read

Speak = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNK = 64 * 1024
PATIENCE_S = 0.3


@asynccontextmanager
async def speaking(speak: Speak, *, timeout_s: float = 5.0) -> AsyncIterator[HttpSource]:
    """A source whose service says what `speak` writes, byte for byte."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.CancelledError):
            await reader.readuntil(b"\r\n\r\n")
            await speak(reader, writer)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    source = http_at(f"http://127.0.0.1:{port}", timeout_s=timeout_s)
    try:
        yield source
    finally:
        await source.close()
        server.close()
        await server.wait_closed()


def saying(content: bytes) -> Speak:
    async def speak(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(content)
        await writer.drain()

    return speak


def whole(body: bytes) -> bytes:
    return HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body


BROKEN = {
    "in the status line": b"HTTP/1.1 20",
    "in a header": HEAD + b"Content-Le",
    "before the body": HEAD + b"Content-Length: 100\r\n\r\n",
    "in the body": HEAD + b"Content-Length: 100\r\n\r\n[]",
    "in a chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n10\r\n[]",
    "before the last chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n",
    "at once": b"",
}


@pytest.mark.proves("S2")
@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
async def test_an_answer_that_breaks_off_anywhere_is_no_absence(content: bytes) -> None:
    async with speaking(saying(content)) as source:
        with pytest.raises(SourceError):
            await read(source, a_read())


@pytest.mark.proves("S3")
async def test_a_service_that_drips_is_left_at_the_deadline() -> None:
    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"Content-Length: 1000000\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(PATIENCE_S / 30)

    async with speaking(drip, timeout_s=PATIENCE_S) as source:
        with pytest.raises(SourceTimeoutError):
            await read(source, a_read())


@pytest.mark.proves("S4")
@pytest.mark.parametrize("first", [b"", HEAD, HEAD + b"Content-Length: 2\r\n\r\n["])
async def test_a_service_that_falls_silent_is_left_at_the_deadline(first: bytes) -> None:
    async def fall_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        await writer.drain()
        await reader.read()

    async with speaking(fall_silent, timeout_s=PATIENCE_S) as source:
        with pytest.raises(SourceTimeoutError):
            await read(source, a_read())


@pytest.mark.proves("S5")
@pytest.mark.parametrize("size", [10_000_000, 1_000_000_000])
async def test_an_answer_that_is_far_too_long_is_dropped_when_it_is_too_long(size: int) -> None:
    sent = 0

    async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(HEAD + b"Content-Length: %d\r\n\r\n" % size)
        while sent < size:
            writer.write(b" " * CHUNK)
            await writer.drain()
            sent += CHUNK

    async with speaking(flood) as source:
        with pytest.raises(SourceInvalidError):
            await read(source, a_read())
    # What lay in the buffers between us, and no more.
    assert sent < 9_000_000


STRANGE = {
    "no JSON": b"<html></html>",
    "cut off": b'[{"name": "',
    "too deep": b"[" * 50_000 + b"]" * 50_000,
    "an object": b'{"name": 1}',
    "a list of texts": b'["name"]',
    "NaN": b'[{"area": NaN}]',
    "a member twice": b'[{"name": "a", "name": "b"}]',
    "a record without its items": b'[{"other": 1}]',
}


@pytest.mark.proves("S6")
@pytest.mark.parametrize("body", STRANGE.values(), ids=STRANGE)
async def test_what_is_no_strict_answer_is_an_error_and_is_not_quoted(body: bytes) -> None:
    async with speaking(saying(whole(body))) as source:
        with pytest.raises(SourceError) as caught:
            await read(source, a_read())
    assert "html" not in str(caught.value.facts)
