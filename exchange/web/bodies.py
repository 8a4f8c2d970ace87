"""Reading a request's body with a bound, whatever its headers claim."""

from starlette.requests import Request

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
