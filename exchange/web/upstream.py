"""`GET /upstream/key`: the public key by which departments check that it is the exchange that asks."""

from starlette.requests import Request
from starlette.responses import JSONResponse

from exchange.node import Node


async def key(request: Request) -> JSONResponse:
    """A JWK (RFC 7517); its `kid` is the `keyid` of the signatures."""
    node: Node = request.app.state.node
    return JSONResponse(node.upstream.jwk)
