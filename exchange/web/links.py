"""A certificate's file by a link that serves once: asked for by a signed call, fetched by another."""

import hashlib
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from functools import partial
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from audit.entry import Nonce
from exchange.clock import fresh_id
from exchange.identity.errors import IdentityError
from exchange.identity.establish import Established
from exchange.marking import mark
from exchange.node import Node
from exchange.sealing import SealError
from exchange.web.bodies import bounded_body
from exchange.web.bulk import BODY, established, read_call
from exchange.web.problems import code_of, problem
from gateway.errors import DeniedError, GatewayError, RefusedRequestError
from gateway.formats import format_epoch_ms
from gateway.model import Call, Usage
from gateway.papers import PaperAsk, read_paper, take
from gateway.pipeline import Terms, refuse
from gateway.record import REPLAYED
from gateway.release import Parcel, release

HOLDS_MS = 10 * 60_000
OFFERED = "file.offered"
_JSON = "application/json"
_LONGEST = 4_096
_PDF = b"%PDF-"


class Link(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a link says, sealed: to whom, about what, until when, and the call that it was got by."""

    id: str
    system: str
    call: str
    resource: str
    item: str
    key: str
    usage: dict[str, Any]
    expires_ms: int


async def offer(request: Request) -> Response:
    """`POST /links`: 201 with a link to one file, where the decision permits it now."""
    node: Node = request.app.state.node
    terms: Terms = request.app.state.terms
    known: Established | None = None
    try:
        body = await bounded_body(request, most=BODY)
        known = await established(node, request, body)
        call, ask = await read_call(node, request, known, body, read_paper)
        expires_ms = _ms(node) + HOLDS_MS
        id_ = fresh_id("lnk")
        parcel = Parcel(
            kind=OFFERED,
            outcome="intended",
            facts={"link": id_, "item": ask.item, "expires": expires_ms},
        )
        released = await release(call, ask.asked_for, parcel, ports=node.ports, terms=terms)
    except Exception as error:  # noqa: BLE001 - every error becomes an answer in problems.py
        return _failed(request, node, known, error)
    link = Link(
        id=id_,
        system=call.caller.system.id,
        call=call.number,
        resource=ask.resource,
        item=ask.item,
        key=ask.key,
        usage={name: getattr(call.usage, name) for name in Usage.__struct_fields__},
        expires_ms=expires_ms,
    )
    told = {
        "href": f"/links/{_sealed(node, link)}",
        "expires": format_epoch_ms(expires_ms),
        "entry": released.sequenced.index,
    }
    return Response(msgspec.json.encode(told), status_code=201, media_type=_JSON)


async def fetch(request: Request) -> Response:
    """`GET /links/{link}`: the file, decided anew, marked and recorded; a second time refused."""
    node: Node = request.app.state.node
    terms: Terms = request.app.state.terms
    known: Established | None = None
    try:
        known = await established(node, request, b"")
        link = await _opened(node, known, str(request.path_params["link"]))
        call = await _call(node, known, link)
        ask = PaperAsk(resource=link.resource, item=link.item, key=link.key)
        lines = _lines(node, call)
        paper = await take(
            call, ask, mark=partial(mark, lines=lines), ports=node.ports, terms=terms
        )
    except DeniedError as error:
        used = DeniedError("LINK_USED", entry=error.entry) if error.code == REPLAYED else error
        return _failed(request, node, known, used)
    except Exception as error:  # noqa: BLE001 - every error becomes an answer in problems.py
        return _failed(request, node, known, error)
    content = paper.content
    digest = b64encode(hashlib.sha256(content).digest()).decode()
    return Response(
        content,
        media_type="application/pdf" if content.startswith(_PDF) else "application/octet-stream",
        headers={
            "content-disposition": "attachment",
            "content-digest": f"sha-256=:{digest}:",
            "exchange-entry": str(paper.recorded.sequenced.index),
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
        },
    )


def _lines(node: Node, call: Call) -> list[str]:
    """Return what a file is marked with: whom for, which case, why, when and by which call."""
    department = node.live.latest().departments.get(call.caller.system.department)
    at = node.ports.now().astimezone(node.zone).strftime("%Y-%m-%d %H:%M")
    return [
        f"仅供 {department.name if department is not None else ''} 使用",
        f"办件 {call.usage.case}  {at}",
        call.usage.reason,
        call.number,
    ]


async def _opened(node: Node, known: Established, text: str) -> Link:
    """Open a link of this system that holds. Any other is refused, and that is recorded."""
    link: Link | None = None
    try:
        if len(text) <= _LONGEST:
            sealed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
            link = msgspec.json.decode(node.sealer.open(sealed), type=Link)
    except (ValueError, SealError):
        link = None
    if link is None or link.system != known.system.id:
        raise await _refused(node, known, "LINK_INVALID")
    if link.expires_ms <= _ms(node):
        raise await _refused(node, known, "LINK_EXPIRED")
    nonce = _nonce(link)
    if not node.nonces.is_first_use(nonce, at_ms=_ms(node)):
        raise await _refused(node, known, "LINK_USED")
    return link


async def _call(node: Node, known: Established, link: Link) -> Call:
    """Return the call that fetches: by whoever signs it now, for what the link was got for."""
    usage = Usage(**link.usage)
    snapshot = node.live.latest()
    try:
        caller = node.gate.caller(known, usage.operator, snapshot=snapshot)
    except IdentityError as error:
        raise await _refused(node, known, "USAGE_INVALID") from error
    return Call(
        number=node.ports.fresh_id("call"),
        # The link serves once: its own id is what the log's batch uses up.
        caller=msgspec.structs.replace(caller, nonce=_nonce(link)),
        usage=usage,
        case=None,
        body=b"",
        query=PaperAsk(resource=link.resource, item=link.item, key=link.key).operation,
        operation_name=None,
        variables={"link": link.id, "call": link.call},
        received_ms=_ms(node),
    )


def _nonce(link: Link) -> Nonce:
    return Nonce(key=f"link:{link.system}", nonce=link.id, expires=link.expires_ms + HOLDS_MS)


async def _refused(node: Node, known: Established, code: str) -> GatewayError:
    return await refuse(
        node.gate.unnamed(known, snapshot=node.live.latest()),
        RefusedRequestError(code),
        node.ports,
        number=node.ports.fresh_id("call"),
        body=b"",
        usage=None,
    )


def _sealed(node: Node, link: Link) -> str:
    sealed = node.sealer.seal(msgspec.json.encode(link).decode())
    return urlsafe_b64encode(sealed).rstrip(b"=").decode()


def _failed(request: Request, node: Node, known: Established | None, error: Exception) -> Response:
    if known is None:
        node.strangers.saw(code_of(error))
    return problem(error, accept_language=request.headers.get("accept-language", ""))


def _ms(node: Node) -> int:
    return int(node.ports.now().timestamp() * 1000)
