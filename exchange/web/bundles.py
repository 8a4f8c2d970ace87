"""The archive in force, for OPA servers beside this gateway."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from exchange.node import Node
from exchange.web.problems import RETRY_AFTER_S
from exchange.words import words_of
from gateway.respond import prefers_english
from gateway.rule import POLICY_UNAVAILABLE
from policies.engine import UndecidedError


async def in_force(request: Request) -> Response:
    """`GET` or `HEAD /bundles/exchange.tar.gz`: the archive, under its digest as ETag (RFC 9110, 8.8.3).

    304 for who has it already (13.1.2). 503 POLICY_UNAVAILABLE where no policy can be relied on, so that
    an OPA server keeps what it has until that expires.
    """
    node: Node = request.app.state.node
    try:
        await node.live.snapshot()
        held = await node.policy.current()
    except UndecidedError:
        return _unavailable(request)
    tag = f'"{held.digest}"'
    headers = {"etag": tag, "cache-control": "no-cache"}
    known = [one.strip() for one in request.headers.get("if-none-match", "").split(",")]
    if tag in known or f"W/{tag}" in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return Response(held.archive, media_type="application/gzip", headers=headers)


def _unavailable(request: Request) -> Response:
    """RFC 9457. Within a call the code is one step's refusal; here nothing is left to answer with."""
    words = words_of(POLICY_UNAVAILABLE)
    english = prefers_english(request.headers.get("accept-language", ""))
    told = {
        "type": f"urn:exchange:code:{words.code}",
        "title": words.en if english else words.zh,
        "status": 503,
        "code": words.code,
    }
    return Response(
        msgspec.json.encode(told),
        status_code=503,
        media_type="application/problem+json",
        headers={"retry-after": str(RETRY_AFTER_S)},
    )
