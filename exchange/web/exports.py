"""Bulk exports over HTTP: begun, looked at, cancelled and fetched by signed requests, each recorded."""

import asyncio
from base64 import b64encode
from collections.abc import Awaitable, Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from exchange.exports.errors import ExportError
from exchange.exports.model import Export, told
from exchange.exports.ordering import begin, fetch_part, find, give_up, look, read_wanted
from exchange.exports.working import Bench, page_call
from exchange.identity.errors import IdentityError
from exchange.identity.establish import Established
from exchange.node import Node
from exchange.web.bodies import bounded_body
from exchange.web.bulk import BODY, established, read_bulk
from exchange.web.problems import code_of, problem
from gateway.errors import GatewayError
from gateway.pipeline import refuse

_JSON = "application/json"

Deed = Callable[[Request, Node, Bench, Established, bytes], Awaitable[Response]]


async def exports(request: Request) -> Response:
    """`POST /exports`: 202 with the export, which goes on by itself; the same id again finds it."""
    return await _carry_out(request, _begin)


async def export(request: Request) -> Response:
    """`GET /exports/{id}`: how far it is."""
    return await _carry_out(request, _show)


async def cancel(request: Request) -> Response:
    """`POST /exports/{id}/cancel`: ends it and removes its files."""
    return await _carry_out(request, _cancel)


async def manifest(request: Request) -> Response:
    """`GET /exports/{id}/manifest`: what the files hold, why, and their digests."""
    return await _carry_out(request, _manifest)


async def part(request: Request) -> Response:
    """`GET /exports/{id}/parts/{part}`: one file, decided anew and recorded before it leaves."""
    return await _carry_out(request, _part)


async def _carry_out(request: Request, deed: Deed) -> Response:
    node: Node = request.app.state.node
    bench: Bench = request.app.state.bench
    known: Established | None = None
    try:
        body = await bounded_body(request, most=BODY)
        known = await established(node, request, body)
        return await deed(request, node, bench, known, body)
    except Exception as error:  # noqa: BLE001 - every error becomes an answer in problems.py
        if known is None:
            node.strangers.saw(code_of(error))
        return problem(error, accept_language=request.headers.get("accept-language", ""))


async def _begin(
    request: Request, node: Node, bench: Bench, known: Established, body: bytes
) -> Response:
    read = await read_bulk(node, request, known, body)
    try:
        wanted = read_wanted(read.members, read.asked)
    except GatewayError as error:
        raise await refuse(
            read.call.caller,
            error,
            node.ports,
            number=read.call.number,
            body=body,
            usage=read.call.usage,
        ) from error
    held = await begin(bench, read.call, wanted)
    return _told(held, status=202, headers={"location": f"/exports/{held.id}"})


async def _show(
    request: Request, node: Node, bench: Bench, known: Established, _body: bytes
) -> Response:
    return _told(await _looked(request, node, bench, known, at="progress"))


async def _cancel(
    request: Request, node: Node, bench: Bench, known: Established, _body: bytes
) -> Response:
    held = await _looked(request, node, bench, known, at="cancel")
    return _told(await asyncio.to_thread(give_up, bench, held))


async def _manifest(
    request: Request, node: Node, bench: Bench, known: Established, _body: bytes
) -> Response:
    held = await _looked(request, node, bench, known, at="manifest")
    if held.manifest is None:
        raise ExportError("EXPORT_STATE", f"the export is {held.state.value}, ready needed")
    return Response(held.manifest, media_type=_JSON)


async def _part(
    request: Request, node: Node, bench: Bench, known: Established, body: bytes
) -> Response:
    place = str(request.path_params["part"])
    number = int(place) if place.isascii() and place.isdecimal() and len(place) < 7 else 0
    held = await asyncio.to_thread(find, bench, str(request.path_params["id"]))
    if held is None or held.system != known.system.id:
        held = await _looked(request, node, bench, known, at="part")
    try:
        call = await page_call(bench, held)
        # Decided for whoever fetches it now, by the key and the nonce of this request.
        caller = node.gate.caller(known, held.order.usage.operator, snapshot=node.live.latest())
        fetched = await fetch_part(
            bench, held, msgspec.structs.replace(call, caller=caller, body=body), number
        )
    except (ExportError, IdentityError):
        # Not decided on, and still somebody who asked.
        await _looked(request, node, bench, known, at="part")
        raise
    digest = b64encode(bytes.fromhex(fetched.part.digest)).decode()
    return Response(
        fetched.content,
        media_type=fetched.media,
        headers={
            "content-disposition": f'attachment; filename="{fetched.part.name}"',
            "content-digest": f"sha-256=:{digest}:",
            "exchange-entry": str(fetched.entry),
            "cache-control": "no-store",
        },
    )


async def _looked(
    request: Request, node: Node, bench: Bench, known: Established, *, at: str
) -> Export:
    id_ = str(request.path_params["id"])
    return await asyncio.to_thread(look, bench, node.log, known, id_, at=at)


def _told(held: Export, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(
        msgspec.json.encode(told(held)), status_code=status, media_type=_JSON, headers=headers
    )
