"""Reading a request's body with a bound, whatever its headers claim."""

import asyncio

from starlette.requests import Request
from starlette.types import Receive

from gateway.errors import RefusedRequestError


async def bounded_body(request: Request, *, most: int) -> bytes:
    """Return the whole body.

    Raises RefusedRequestError BODY_TOO_LARGE past `most` bytes, without reading the rest.
    """
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise RefusedRequestError("BODY_TOO_LARGE", allowed=most)
        parts.append(part)
    return b"".join(parts)


class CallerLeftError(Exception):
    """The connection ended before the body had arrived: there is nobody to answer."""


async def timely_body(receive: Receive, *, most: int, seconds: float) -> bytes:
    """Return the whole body of a raw ASGI request.

    Raises RefusedRequestError BODY_TOO_LARGE past `most` bytes, BODY_SLOW where it takes longer than that,
    CallerLeftError where the connection ended first.
    """
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(seconds):
            more = True
            while more:
                message = await receive()
                if message["type"] != "http.request":
                    raise CallerLeftError
                part: bytes = message.get("body", b"")
                size += len(part)
                if size > most:
                    raise RefusedRequestError("BODY_TOO_LARGE", allowed=most)
                parts.append(part)
                more = message.get("more_body", False)
    except TimeoutError:
        raise RefusedRequestError("BODY_SLOW", allowed=seconds) from None
    return b"".join(parts)
