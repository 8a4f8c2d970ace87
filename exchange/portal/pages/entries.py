"""One entry of the log: what it says, what it keeps closed, and its proof, step by step."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from audit.canonical import b64_decode
from exchange.acts.register import ActError, perform
from exchange.node import Node
from exchange.portal.ladder import Ladder, climb
from exchange.portal.looking import read_index
from exchange.portal.render import page
from exchange.portal.rooms import shard_asked
from exchange.portal.session import signed_in


async def entry(request: Request) -> Response:
    """The entry's card. Its proof is shown as the server computed it, and the page's script checks it."""
    actor = await signed_in(request)
    node: Node = request.app.state.node
    index = read_index(request.path_params["index"])
    arguments: dict[str, Any] = {"index": index} | _part(request)
    if request.query_params.get("review"):
        arguments["review"] = request.query_params["review"]
    found = await run_in_threadpool(perform, node, actor, "audit.show", arguments)
    told = found["told"]
    return page(
        request,
        "entry.html",
        index=found["index"],
        told=told,
        # Empty where the entry was made under a sealed review by somebody else.
        at=datetime.fromisoformat(told["at"]).astimezone(node.zone) if told["at"] else None,
        # None where the reader is told a part of the entry only: the proof then begins at its hash.
        raw=found["raw"],
        ladder=ladder_of(b64_decode(found["leaf"]), found["proof"]),
        checkpoint=found["proof"]["checkpoint"],
        vkey=found["vkey"],
        mine=told["consumer"]["code"] == actor.department,
        shard=shard_asked(request),
        query=f"?{urlencode(part)}" if (part := _part(request)) else "",
    )


async def proof_file(request: Request) -> Response:
    """The C2SP `.tlog-proof` file, for other people's tools."""
    actor = await signed_in(request)
    node: Node = request.app.state.node
    index = read_index(request.path_params["index"])
    proof = await run_in_threadpool(
        perform, node, actor, "audit.prove", {"index": index} | _part(request)
    )
    return _file(proof["tlog_proof"], f"entry-{index}.tlog-proof")


async def entry_file(request: Request) -> Response:
    """The entry's bytes as recorded: their hash is what the proof starts from.

    404 for a department that was asked and did not ask: the bytes tell of other departments' steps too.
    """
    actor = await signed_in(request)
    node: Node = request.app.state.node
    index = read_index(request.path_params["index"])
    arguments = {"index": index} | _part(request)
    found = await run_in_threadpool(perform, node, actor, "audit.show", arguments)
    if found["raw"] is None:
        raise ActError("NOT_FOUND", f"entry {index} is told to your department in part only")
    return _file(found["raw"], f"entry-{index}.json")


def ladder_of(leaf: bytes, proof: dict[str, Any]) -> Ladder:
    return climb(
        leaf,
        index=proof["index"],
        size=proof["size"],
        hashes=proof["hashes"],
        checkpoint=proof["checkpoint"],
    )


def _part(request: Request) -> dict[str, Any]:
    """Return the argument that names the part of the log; none for the one that is written."""
    shard = shard_asked(request)
    return {"shard": shard} if shard else {}


def _file(text: str, name: str) -> Response:
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return PlainTextResponse(text, headers=headers)


ROUTES = [
    Route("/audit/entries/{index}", entry, methods=["GET"]),
    Route("/audit/entries/{index}/proof", proof_file, methods=["GET"]),
    Route("/audit/entries/{index}/file", entry_file, methods=["GET"]),
]
