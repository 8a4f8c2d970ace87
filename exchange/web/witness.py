"""A witness over HTTP (C2SP tlog-witness): takes checkpoints, shows the newest that it cosigned."""

import asyncio

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from audit.checkpoint import format_size
from audit.errors import AuditError
from audit.note import Verifier
from audit.witness import BODY_BOUND, SIZE_TYPE, NotCosignedError, Why, Witness
from exchange.web.bodies import bounded_body
from gateway.errors import RefusedRequestError

_STATUSES = {
    Why.UNKNOWN_LOG: 404,
    Why.UNSIGNED: 403,
    Why.MALFORMED: 400,
    Why.OTHER_SIZE: 409,
    Why.INCONSISTENT: 422,
}


def witness_app(witness: Witness, *, keys: tuple[Verifier, ...]) -> Starlette:
    """Return the ASGI application of a witness; `keys` are what it tells others to know it by."""
    app = Starlette(
        routes=[
            Route("/add-checkpoint", add_checkpoint, methods=["POST"]),
            Route("/vkeys", vkeys, methods=["GET"]),
            Route("/{digest}/checkpoint", newest, methods=["GET"]),
        ]
    )
    app.state.witness = witness
    app.state.keys = keys
    return app


async def add_checkpoint(request: Request) -> Response:
    """`POST /add-checkpoint`: the cosignature lines, or why there are none."""
    witness: Witness = request.app.state.witness
    try:
        body = await bounded_body(request, most=BODY_BOUND)
        lines = await asyncio.to_thread(witness.add_checkpoint, body)
    except RefusedRequestError:
        return PlainTextResponse(f"more than {BODY_BOUND} bytes\n", status_code=413)
    except NotCosignedError as error:
        return _refusal(error)
    except AuditError as error:
        # Not remembered, so not cosigned: the log asks again.
        return PlainTextResponse(f"{error}\n", status_code=503, headers={"retry-after": "10"})
    return PlainTextResponse(lines)


async def newest(request: Request) -> Response:
    """`GET /{sha256 of the origin}/checkpoint`: for monitors, and for a log that starts."""
    witness: Witness = request.app.state.witness
    note = await asyncio.to_thread(witness.newest, str(request.path_params["digest"]))
    if note is None:
        return PlainTextResponse("nothing cosigned of this log\n", status_code=404)
    return PlainTextResponse(note, headers={"cache-control": "no-store"})


async def vkeys(request: Request) -> Response:
    """`GET /vkeys`: the witness's own keys, one a line. Whoever trusts them checks them elsewhere, too."""
    return PlainTextResponse("".join(f"{key.vkey}\n" for key in request.app.state.keys))


def _refusal(error: NotCosignedError) -> Response:
    status = _STATUSES[error.why]
    if error.why is Why.OTHER_SIZE:
        told = f"{format_size(error.size)}\n".encode()
        return Response(told, status_code=status, headers={"content-type": SIZE_TYPE})
    return PlainTextResponse(f"{error}\n", status_code=status)
