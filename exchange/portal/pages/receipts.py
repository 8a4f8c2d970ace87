"""The receipt of a call on one A4 page for the case file, without any value."""

from datetime import datetime

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from exchange.acts.register import perform
from exchange.node import Node
from exchange.portal.looking import read_index
from exchange.portal.render import page
from exchange.portal.rooms import shard_asked
from exchange.portal.session import signed_in
from exchange.web import tlog


async def receipt(request: Request) -> Response:
    """`GET /receipts/{index}`: a page where one is asked for, and else the JSON that systems take."""
    if request.query_params.get("format") != "html":
        return await tlog.receipt(request)
    actor = await signed_in(request)
    node: Node = request.app.state.node
    index = read_index(request.path_params["index"])
    shard = shard_asked(request)
    arguments = {"index": index} | ({"shard": shard} if shard else {})
    found = await run_in_threadpool(perform, node, actor, "receipt.show", arguments)
    told = found["told"]
    return page(
        request,
        "receipt.html",
        index=index,
        told=told,
        at=datetime.fromisoformat(told["at"]).astimezone(node.zone),
        case_number=found["case_number"],
        proof=found["proof"],
        vkey=found["vkey"],
    )


ROUTES = [Route("/receipts/{index}", receipt, methods=["GET"])]
