"""The papers of a request: files attached to it, and the form to be printed (申请表)."""

from base64 import b64decode
from typing import Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from catalogue.model import Actor
from exchange.files.uploads import Uploads
from exchange.node import Node
from exchange.portal.forms import Errors
from exchange.portal.pages.requests import show_entry
from exchange.portal.receiving import read_upload
from exchange.portal.render import page
from exchange.portal.rooms import Names, acted, card_told, names_for, tried
from exchange.portal.session import signed_in


async def attach(request: Request) -> Response:
    """Attach a PDF or OFD file to a draft."""
    actor = await signed_in(request)
    received = await read_upload(request, name="file")
    node: Node = request.app.state.node
    key = request.path_params["id"]
    errors = Errors.of(request)
    if not received.content:
        errors.at("file", "Choose a file")
    else:
        offered = await run_in_threadpool(acted, node, actor, "file.offer")
        upload = offered["upload"]
        await run_in_threadpool(Uploads(node.files).write, upload, received.content)
        await tried(
            errors,
            request,
            actor,
            "request.attach",
            request=key,
            upload=upload,
            name=received.called,
        )
    if errors:
        return await show_entry(request, actor, errors)
    return RedirectResponse(f"/requests/{key}?done=attached", status_code=303)


async def file(request: Request) -> Response:
    """An attached file, for both sides of its request; the browser keeps it and opens nothing."""
    actor = await signed_in(request)
    node: Node = request.app.state.node
    held = await run_in_threadpool(
        acted,
        node,
        actor,
        "request.attachment",
        request=request.path_params["id"],
        digest=request.path_params["digest"],
    )
    return Response(
        b64decode(held["content"]),
        media_type=held["media"],
        headers={
            "content-disposition": f"attachment; filename*=UTF-8''{quote(held['name'])}",
            "x-content-type-options": "nosniff",
            "cache-control": "no-store",
        },
    )


async def printed(request: Request) -> Response:
    """The request as a form to be printed and filed (申请表); of a basket, each of its requests."""
    actor = await signed_in(request)
    node: Node = request.app.state.node
    names = names_for(request)
    shown = await run_in_threadpool(_printed, node, actor, request.path_params["id"], names)
    return page(request, "requests_print.html", cards=shown, basket=shown[0]["basket"] or "")


def _printed(node: Node, actor: Actor, key: str, names: Names) -> list[dict[str, Any]]:
    held = acted(node, actor, "request.show", request=key)
    if held["basket"] is None:
        return [card_told(held, names, node.zone)]
    found = acted(node, actor, "request.list", basket=held["basket"], first=100)
    shown = [acted(node, actor, "request.show", request=one["id"]) for one in found["rows"]]
    return [card_told(one, names, node.zone) for one in reversed(shown)]


ROUTES = [
    Route("/requests/{id}/print", printed, methods=["GET"]),
    Route("/requests/{id}/files/{digest}", file, methods=["GET"]),
    Route("/requests/{id}/attach", attach, methods=["POST"]),
]
