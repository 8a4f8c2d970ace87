"""The test zone's log as anybody may read it: its keys and its newest checkpoint."""

import asyncio

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from audit.key_spans import format_spans
from exchange.testzone.ground import TestLog


def log_routes(log: TestLog) -> list[Route]:
    """Return `GET /test/log/key` and `GET /test/log/checkpoint`."""

    async def key(_request: Request) -> PlainTextResponse:
        opened = await asyncio.to_thread(log.open)
        return PlainTextResponse(format_spans(opened.keys.spans))

    async def checkpoint(_request: Request) -> PlainTextResponse:
        opened = await asyncio.to_thread(log.open)
        note = await asyncio.to_thread(opened.published)
        return PlainTextResponse(note, headers={"cache-control": "max-age=2"})

    return [
        Route("/test/log/key", key, methods=["GET"]),
        Route("/test/log/checkpoint", checkpoint, methods=["GET"]),
    ]
