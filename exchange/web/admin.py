"""The admin socket: acts of officers, signed with their own keys, while this process holds the home."""

import asyncio

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from exchange.desk import Desk, read_envelope
from exchange.node import Node
from exchange.web.bodies import bounded_body
from exchange.web.problems import problem

BODY = 32 * 1024 * 1024


def admin_app(node: Node) -> Starlette:
    """Return the application that listens on `run/admin.sock`, which only the owner can reach."""
    app = Starlette(routes=[Route("/acts", acts, methods=["POST"])])
    app.state.node = node
    return app


async def acts(request: Request) -> Response:
    """Carry out one signed act."""
    try:
        body = await bounded_body(request, most=BODY)
        letter = read_envelope(body)
        said = await asyncio.to_thread(Desk(request.app.state.node).perform, letter)
    except Exception as error:  # noqa: BLE001 - every error becomes an answer in problems.py
        return problem(error, accept_language=request.headers.get("accept-language", ""))
    return Response(msgspec.json.encode(said), media_type="application/json")
