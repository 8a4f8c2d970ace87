"""The catalogue for programs: entries in every form, and the reading half of CKAN's action API.

Whoever asks proves to be a system, by a signature or a token, or is an officer who is signed in. Shown are
announced entries, as the search shows them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from audit.entry import Draft, IndexRow
from catalogue.interchange.dcat import Publisher
from catalogue.interchange.entries import told_of
from catalogue.model import Actor, Resource
from catalogue.snapshot import Snapshot
from exchange.acts.interchange import entries_for, list_grants, needs_of
from exchange.acts.register import ActError
from exchange.clock import now
from exchange.identity.errors import IdentityError
from exchange.identity.establish import Established
from exchange.interchange.writing import FORMS, Content, write
from exchange.ledger import append_once
from exchange.node import Node
from exchange.web.bodies import bounded_body
from exchange.web.ckan import ActionError, answer
from exchange.web.problems import code_of, problem

Visiting = Callable[[Request], Awaitable[Actor]]
"""Returns the officer who is signed in. Raises IdentityError."""

BODY = 64 * 1024
BLOCK = 64 * 1024
"""Bytes that are written at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who reads the catalogue."""

    department: str
    actor: Actor | None = None
    """The officer who is signed in; None for a system."""


async def export(request: Request) -> Response:
    """`GET /catalogue/export/{form}` and `…/{form}/{code}`."""
    node: Node = request.app.state.node
    form, code = str(request.path_params["form"]), request.path_params.get("code")
    try:
        reader = await read_by(request, b"", kind="catalogue.exported", facts={"form": form})
        content = await run_in_threadpool(_content, node, reader, code, request)
    except Exception as error:  # noqa: BLE001 - every error becomes an answer in problems.py
        return refused(request, error)
    headers = {
        "content-disposition": f'attachment; filename="catalogue.{FORMS[form].suffix}"',
        "cache-control": "private, no-store",
    }
    return StreamingResponse(
        _blocks(write(form, content)), media_type=FORMS[form].media_type, headers=headers
    )


async def action(request: Request) -> Response:
    """`GET` and `POST /api/3/action/{name}`, as CKAN's clients ask."""
    node: Node = request.app.state.node
    name = str(request.path_params["name"])
    try:
        body = await bounded_body(request, most=BODY) if request.method == "POST" else b""
        await read_by(request, body, kind="catalogue.read", facts={"action": name})
        asked = _asked(request, body)
        snapshot = await node.live.snapshot()
        result = await run_in_threadpool(answer, node, snapshot, name, asked)
    except ActionError as error:
        return _told({"success": False, "error": error.told()}, status=error.status)
    except IdentityError as error:
        node.strangers.saw(error.code)
        denied = {"__type": "Authorization Error", "message": "a signature or a token needed"}
        return _told({"success": False, "error": denied}, status=403)
    except Exception as error:  # noqa: BLE001 - every error becomes an answer in problems.py
        return refused(request, error)
    return _told(
        {"success": True, "help": f"{node.settings.base_url}/api/3/action/{name}", "result": result}
    )


async def read_by(request: Request, body: bytes, *, kind: str, facts: Mapping[str, Any]) -> Reader:
    """Return who reads, a system's reading recorded. Raises IdentityError."""
    node: Node = request.app.state.node
    headers = request.headers
    if not any(name in headers for name in ("authorization", "signature", "signature-input")):
        visiting: Visiting = request.app.state.visiting
        actor = await visiting(request)
        return Reader(department=actor.department, actor=actor)
    snapshot = await node.live.snapshot()
    known = node.gate.establish(request.scope, body, snapshot=snapshot, now=now())
    await asyncio.to_thread(_record, node, known, kind, facts)
    return Reader(department=known.system.department)


def refused(request: Request, error: Exception) -> Response:
    node: Node = request.app.state.node
    if isinstance(error, IdentityError):
        node.strangers.saw(code_of(error))
    return problem(error, accept_language=request.headers.get("accept-language", ""))


def form_wanted(accept: str) -> str | None:
    """Return the form that an Accept header asks for rather than a page; None where it asks for none."""
    by_media = {
        "text/turtle": "dcat",
        "application/ld+json": "jsonld",
        "application/json": "json",
        "text/csv": "csv",
    }
    for part in accept.lower().split(","):
        media = part.split(";")[0].strip()
        if media in {"text/html", "application/xhtml+xml"}:
            return None
        if media in by_media:
            return by_media[media]
    return None


def _record(node: Node, known: Established, kind: str, facts: Mapping[str, Any]) -> None:
    append_once(
        node.log,
        Draft(
            kind=kind,
            clear={
                "department": known.system.department,
                "auth": known.auth,
                "facts": {name: str(value)[:64] for name, value in facts.items()},
            },
            index=(IndexRow(consumer=known.system.department, system=known.system.id),),
        ),
        nonce=known.nonce,
    )


def _content(node: Node, reader: Reader, code: str | None, request: Request) -> Content:
    if request.path_params["form"] not in FORMS:
        raise ActError("NOT_FOUND", f"a form of {', '.join(FORMS)} needed")
    snapshot = node.live.load()
    held: Mapping[str, Resource] = announced(snapshot)
    drafts = request.query_params.get("drafts") == "1" and reader.actor is not None
    if drafts and reader.actor is not None:
        held = entries_for(node, reader.actor, own_drafts=True)
        if request.query_params.get("own") == "1":
            held = {code: one for code, one in held.items() if one.department == reader.department}
    if code is not None:
        if code not in held:
            raise ActError("NOT_FOUND", "no announced resource has this code")
        held = {code: held[code]}
    grants = list_grants(node, reader.actor) if reader.actor is not None else []
    return Content(
        told=(told_of(held[one]) for one in sorted(held)),
        publisher=publisher(node, snapshot),
        needs=needs_of(node, reader.actor) if reader.actor is not None and drafts else (),
        grants=[one for one in grants if one.resource in held],
        alone=code is not None,
    )


def announced(snapshot: Snapshot) -> dict[str, Resource]:
    return {code: one for code, one in snapshot.resources.items() if one.state == "announced"}


def publisher(node: Node, snapshot: Snapshot) -> Publisher:
    return Publisher(base=node.settings.base_url, departments=snapshot.departments)


def _blocks(pieces: Iterator[bytes]) -> Iterator[bytes]:
    held = bytearray()
    for piece in pieces:
        held += piece
        if len(held) >= BLOCK:
            yield bytes(held)
            held.clear()
    yield bytes(held)


def _asked(request: Request, body: bytes) -> dict[str, Any]:
    if not body.strip():
        return dict(request.query_params)
    try:
        held = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        raise ActionError("Validation Error", "a JSON object needed", status=400) from None
    if not isinstance(held, dict):
        raise ActionError("Validation Error", "a JSON object needed", status=400)
    return held


def _told(value: Any, *, status: int = 200) -> Response:
    return Response(
        msgspec.json.encode(value),
        status_code=status,
        media_type="application/json",
        headers={"cache-control": "private, no-store"},
    )


ROUTES = [
    Route("/catalogue/export/{form}", export, methods=["GET"]),
    Route("/catalogue/export/{form}/{code:path}", export, methods=["GET"]),
    Route("/api/3/action/{name}", action, methods=["GET", "POST"]),
    Route("/api/action/{name}", action, methods=["GET", "POST"]),
]
