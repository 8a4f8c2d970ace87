"""`GET /contract.graphql`: the calling system's own contract as SDL, signed and recorded like any reading."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from audit.entry import Draft, IndexRow
from catalogue.snapshot import Snapshot
from exchange.clock import now
from exchange.identity.establish import Established
from exchange.ledger import append_once
from exchange.node import Node
from exchange.web.problems import code_of, problem
from gateway.schema import build_contract, sdl

MEDIA = "application/graphql; charset=utf-8"


async def contract(request: Request) -> Response:
    node: Node = request.app.state.node
    language = request.headers.get("accept-language", "")
    known: Established | None = None
    try:
        snapshot = await node.live.snapshot()
        known = node.gate.establish(request.scope, b"", snapshot=snapshot, now=now())
        told, digest = await asyncio.to_thread(_published, node, known, snapshot)
    except Exception as error:  # noqa: BLE001 - every error becomes an answer in problems.py
        if known is None:
            node.strangers.saw(code_of(error))
        return problem(error, accept_language=language)
    return Response(told, media_type=MEDIA, headers={"etag": f'"{digest}"'})


def _published(node: Node, known: Established, snapshot: Snapshot) -> tuple[str, str]:
    """Record the reading, then say the contract; its digest is what the field `contract` answers."""
    append_once(
        node.log,
        Draft(
            kind="contract.read",
            clear={"department": known.system.department, "auth": known.auth},
            index=(IndexRow(consumer=known.system.department, system=known.system.id),),
        ),
        nonce=known.nonce,
    )
    made = build_contract(snapshot.contract(known.system.id))
    return sdl(made), made.digest
