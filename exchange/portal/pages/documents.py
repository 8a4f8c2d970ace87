"""Trusted documents: what systems send, by digest, for those who register and those who grant."""

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from exchange.node import Node
from exchange.portal.listing import counted, read_listed
from exchange.portal.render import page
from exchange.portal.rooms import acted, names_for
from exchange.portal.session import signed_in


async def documents(request: Request) -> Response:
    actor = await signed_in(request)
    node: Node = request.app.state.node
    listed = read_listed("/documents", request.query_params)
    found = await run_in_threadpool(acted, node, actor, "document.list", **listed.arguments())
    names = names_for(request)
    rows: list[dict[str, Any]] = [
        {**row, "owner": names.department(row["department"])} for row in found["rows"]
    ]
    return page(
        request,
        "documents.html",
        documents=rows,
        pages=listed.pages(found),
        total=counted(found["total"]),
    )


async def entry(request: Request) -> Response:
    actor = await signed_in(request)
    node: Node = request.app.state.node
    digest = request.path_params["digest"]
    shown = await run_in_threadpool(acted, node, actor, "document.show", digest=digest)
    owner = names_for(request).department(shown["department"])
    return page(request, "documents_entry.html", document={**shown, "owner": owner})


ROUTES = [
    Route("/documents", documents, methods=["GET"]),
    Route("/documents/{digest}", entry, methods=["GET"]),
]
