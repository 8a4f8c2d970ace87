"""An OPA server that says what OPA servers were seen to say when they had no decision. Needs no OPA."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One answer: status, body, and whether the connection is cut in the middle of it."""

    status: int
    body: bytes
    kind: str = "application/json"
    cut: bool = False


_CONFLICT = (
    b'{"code":"internal_error","message":"error(s) occurred while evaluating query","errors":'
    b'[{"code":"eval_conflict_error","message":"complete rules must not produce multiple outputs",'
    b'"location":{"file":"exchange/authz.rego","row":31,"col":1}}]}'
)
_BUILTIN = (
    b'{"code":"internal_error","message":"error(s) occurred while evaluating query","errors":'
    b'[{"code":"eval_builtin_error","message":"to_number: invalid syntax"}]}'
)

# As OPA 1.x answers `POST /v1/data/exchange/authz/decision`, and what a proxy before it says.
SHAPES: dict[str, Shape] = {
    "undefined": Shape(status=200, body=b"{}"),
    "undefined, with a warning": Shape(
        status=200,
        body=b'{"warning":{"code":"api_usage_warning","message":"\'input\' key missing from the request"}}',
    ),
    "null": Shape(status=200, body=b'{"result":null}'),
    "true": Shape(status=200, body=b'{"result":true}'),
    "true as a text": Shape(status=200, body=b'{"result":"true"}'),
    "a list": Shape(status=200, body=b'{"result":[]}'),
    "an empty decision": Shape(status=200, body=b'{"result":{}}'),
    "allow alone": Shape(status=200, body=b'{"result":{"allow":true}}'),
    "conflict": Shape(status=500, body=_CONFLICT),
    "built-in error": Shape(status=500, body=_BUILTIN),
    "a decision with a 500": Shape(status=500, body=b'{"result":{"allow":true}}'),
    "unauthorized": Shape(
        status=401,
        body=b'{"code":"unauthorized","message":"request rejected by administrative policy"}',
    ),
    "half a document": Shape(status=200, body=b'{"result":{"schema":"exchange.decisi'),
    "cut in the middle": Shape(status=200, body=b'{"result":{"schema":', cut=True),
    "nothing": Shape(status=200, body=b""),
    "a gateway's page": Shape(
        status=502, body=b"<html><title>502 Bad Gateway</title></html>", kind="text/html"
    ),
    "deeply nested": Shape(status=200, body=b'{"result":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "not UTF-8": Shape(status=200, body=b'{"result":"\xff\xfe"}'),
    "a number that is none": Shape(status=200, body=b'{"result":NaN}'),
}


@asynccontextmanager
async def says(shape: Shape) -> AsyncIterator[int]:
    """Serve one shape to whoever asks, on a free port of the loopback."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _request(reader)
            more = 100 if shape.cut else 0
            head = (
                f"HTTP/1.1 {shape.status} .\r\nContent-Type: {shape.kind}\r\n"
                f"Content-Length: {len(shape.body) + more}\r\nConnection: close\r\n\r\n"
            )
            writer.write(head.encode() + shape.body)
            await writer.drain()
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def _request(reader: asyncio.StreamReader) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
    sizes = [line for line in head if line.startswith("content-length:")]
    if sizes:
        await reader.readexactly(int(sizes[0].split(":")[1]))
