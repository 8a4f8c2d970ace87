"""Reading a request's body with a bound, whatever its headers claim."""

import asyncio
from collections.abc import Awaitable, Generator
from typing import Any

from starlette.requests import Request
from starlette.types import Message, Receive

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
    # Most bodies have arrived with their heads: then nobody waits, and no timer is set.
    first = _Begun(receive())
    try:
        if first.arrived and not first.message.get("more_body", False):
            return await _joined(first, receive, most=most)
        async with asyncio.timeout(seconds):
            return await _joined(first, receive, most=most)
    except TimeoutError:
        raise RefusedRequestError("BODY_SLOW", allowed=seconds) from None


async def _joined(first: Awaitable[Message], receive: Receive, *, most: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    message = await first
    while True:
        if message["type"] != "http.request":
            raise CallerLeftError
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > most:
            raise RefusedRequestError("BODY_TOO_LARGE", allowed=most)
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)
        message = await receive()


class _Begun:
    """A message that was asked for: whether it is there already, and what is waited for where it is not."""

    __slots__ = ("_steps", "_waits_for", "arrived", "message")

    def __init__(self, asked: Awaitable[Message]) -> None:
        self._steps: Any = asked.__await__()
        self.arrived = False
        self.message: Message = {}
        try:
            self._waits_for = next(self._steps)
        except StopIteration as ended:
            self.arrived, self.message = True, ended.value

    def __await__(self) -> Generator[Any, Any, Message]:
        if self.arrived:
            return self.message
        step = self._waits_for
        try:
            while True:
                try:
                    sent = yield step
                except BaseException as error:  # noqa: BLE001 - whatever is thrown in, is thrown on
                    step = self._steps.throw(error)
                else:
                    step = self._steps.send(sent)
        except StopIteration as ended:
            message: Message = ended.value
            return message
