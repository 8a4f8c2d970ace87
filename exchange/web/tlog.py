"""The log's public face: checkpoint, key, and tiles of hashes; entries and receipts need rights."""

import asyncio

import msgspec
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from audit.canonical import decode_strict
from audit.entry import Draft, IndexRow
from audit.errors import AuditError
from audit.key_spans import format_spans
from audit.receipt import make_receipt
from audit.tiles import parse_tile_path
from catalogue.errors import UnknownError
from exchange.acts.register import ActError
from exchange.clock import now
from exchange.identity.establish import Established
from exchange.ledger import append_once
from exchange.node import Node
from exchange.web.problems import code_of, problem

HOLDERS = ("request", "answer")


async def shards(request: Request) -> Response:
    """`GET /log/shards`: the log's shards, the oldest first, and the C2SP prefix of each."""
    node: Node = request.app.state.node
    told = [
        {
            "shard": shard.called,
            "origin": shard.origin,
            "prefix": f"/log/{shard.called}",
            "frozen": shard.checkpoint is not None,
        }
        for shard in node.shards
    ]
    headers = {"cache-control": "max-age=60"}
    return Response(msgspec.json.encode(told), media_type="application/json", headers=headers)


async def checkpoint(request: Request) -> Response:
    """`GET /log/checkpoint` (C2SP tlog-tiles): the newest published, and where needed cosigned, one.

    `/log/{shard}/checkpoint` shows that of one shard, for good: of a frozen one its final checkpoint.
    """
    try:
        node = _shard_asked(request)
        note = await asyncio.to_thread(_newest, node)
    except UnknownError:
        return _not_found()
    except AuditError as error:
        return problem(error, accept_language=request.headers.get("accept-language", ""))
    return PlainTextResponse(note, headers={"cache-control": "max-age=2"})


async def key(request: Request) -> Response:
    """`GET /log/key`: each key that signs checkpoints, the newest first, and which sizes it signs."""
    try:
        return PlainTextResponse(format_spans(_shard_asked(request).shown_keys))
    except UnknownError:
        return _not_found()
    except AuditError as error:
        return problem(error, accept_language=request.headers.get("accept-language", ""))


async def tile(request: Request) -> Response:
    """`GET /log/tile/…` (C2SP tlog-tiles): hashes only; entry bundles are not public."""
    try:
        held = _shard_asked(request).shown
    except UnknownError:
        return _not_found()
    except AuditError as error:
        return problem(error, accept_language=request.headers.get("accept-language", ""))
    try:
        place = parse_tile_path(f"tile/{request.path_params['place']}")
        # Entry bundles need rights: they are not here.
        level = -1 if place.level == "entries" else place.level
        hashes = await asyncio.to_thread(held.tile, level, place.n, width=place.width)
    except (AuditError, LookupError, ValueError):
        return _not_found()
    if len(hashes) < place.width:
        return _not_found()
    headers = {"cache-control": "max-age=31536000, immutable"}
    return Response(
        b"".join(hashes[: place.width]), media_type="application/octet-stream", headers=headers
    )


def _not_found() -> Response:
    return PlainTextResponse("not found\n", status_code=404)


def _shard_asked(request: Request) -> Node:
    """Return the node as it reads the path's shard; without one, the shard that is written."""
    node: Node = request.app.state.node
    return node.of_shard(request.path_params.get("shard"))


def _newest(node: Node) -> str:
    return node.witnessing.newest() if node.read_from is None else node.shown.checkpoint


async def receipt(request: Request) -> Response:
    """`GET /receipts/{index}`: proven anew, for the consumer whose call it was; 404 for everybody else.

    Of a frozen shard with `?shard=ORIGIN`, as the receipt's checkpoint names it.
    """
    node: Node = request.app.state.node
    language = request.headers.get("accept-language", "")
    known: Established | None = None
    try:
        snapshot = await node.live.snapshot()
        known = node.gate.establish(request.scope, b"", snapshot=snapshot, now=now())
        place, shard = str(request.path_params["index"]), request.query_params.get("shard")
        told = await asyncio.to_thread(_receipt, node, known, place, shard)
    except Exception as error:  # noqa: BLE001 - every error becomes an answer in problems.py
        if known is None:
            node.strangers.saw(code_of(error))
        return problem(error, accept_language=language)
    return Response(told, media_type="application/json")


def _receipt(node: Node, known: Established, place: str, shard: str | None) -> bytes:
    try:
        node = node.of_shard(shard)
    except UnknownError:
        # As an entry that is not there: it is recorded that somebody asked.
        place = ""
    index = int(place) if place.isascii() and place.isdecimal() and len(place) < 16 else -1
    try:
        members = decode_strict(node.shown.entry(index))
        mine = members.get("consumer") == known.system.department
    except AuditError:
        members, mine = {}, False
    # The reading is recorded whatever it finds; who asks for another's entry is seen by auditors.
    append_once(
        node.log,
        Draft(
            kind="receipt.read",
            clear={
                "department": known.system.department,
                "read": index,
                "given": mine,
                **_shard_of(node),
            },
            index=(
                IndexRow(
                    consumer=known.system.department,
                    system=known.system.id,
                    decision="" if mine else "refused",
                ),
            ),
        ),
        nonce=known.nonce,
    )
    if not mine:
        raise ActError("NOT_FOUND", "no receipt of yours at this index")
    digests = members.get("digests", {})
    names = [name for name in digests if name in HOLDERS or name.startswith("answer.")]
    names += [name for name in digests if name == f"n.consumer:{known.system.id}"]
    return msgspec.json.encode(make_receipt(node.shown.receipt_of(index, names=names), paths={}))


def _shard_of(node: Node) -> dict[str, str]:
    return {} if node.read_from is None else {"shard": node.read_from.shard.origin}
