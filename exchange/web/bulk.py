"""`POST /pull`: one page of all records, and what every request in bulk has in common."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from exchange.clock import now
from exchange.exports.cursors import BulkCursors
from exchange.identity.errors import IdentityError
from exchange.identity.establish import Established
from exchange.node import Node
from exchange.web.bodies import bounded_body
from exchange.web.problems import code_of, graphql_problem
from exchange.words import words_of
from gateway.bulk import BulkAsk, read_ask, turn
from gateway.errors import GatewayError, RefusedRequestError
from gateway.model import Call, Usage
from gateway.parse import read_json, read_usage
from gateway.pipeline import Terms, refuse

BODY = 64 * 1024
_JSON = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkRequest:
    """A request in bulk, read."""

    call: Call
    asked: BulkAsk
    members: dict[str, Any] = field(repr=False)


async def pull(request: Request) -> Response:
    """Answer one page: `data.rows` and `data.next`, outcomes and receipt as a query's answer has them."""
    node: Node = request.app.state.node
    terms: Terms = request.app.state.terms
    language = request.headers.get("accept-language", "")
    known: Established | None = None
    try:
        body = await bounded_body(request, most=BODY)
        known = await established(node, request, body)
        read = await read_bulk(node, request, known, body)
        after = await _after(node, read)
        turned = await turn(
            read.call,
            read.asked,
            after=after,
            ports=node.ports,
            terms=terms,
            sealer=BulkCursors(node.ports.cursors),
        )
    except Exception as error:  # noqa: BLE001 - every error becomes an answer in problems.py
        if known is None:
            node.strangers.saw(code_of(error))
        return graphql_problem(error, accept_language=language)
    content = turned.write(words=words_of, languages=language)
    headers = {"vary": "accept-language"}
    return Response(content, status_code=turned.status, media_type=_JSON, headers=headers)


async def established(node: Node, request: Request, body: bytes) -> Established:
    """Return the system behind a request. Raises IdentityError."""
    snapshot = await node.live.snapshot()
    return node.gate.establish(request.scope, body, snapshot=snapshot, now=now())


async def read_bulk(node: Node, request: Request, known: Established, body: bytes) -> BulkRequest:
    """Read a request in bulk. A refusal on the way is recorded before it is raised."""
    members: dict[str, Any] = {}

    def read(told: dict[str, Any]) -> BulkAsk:
        members.update(told)
        return read_ask(told)

    call, ask = await read_call(node, request, known, body, read)
    return BulkRequest(call=call, asked=ask, members=members)


class Ask(Protocol):
    """What is asked, as the call's document has it."""

    @property
    def operation(self) -> str: ...


A = TypeVar("A", bound=Ask)


async def read_call(
    node: Node,
    request: Request,
    known: Established,
    body: bytes,
    read: Callable[[dict[str, Any]], A],
) -> tuple[Call, A]:
    """Read a JSON body into a call and what it asks. A refusal on the way is recorded before it is raised."""
    usage: Usage | None = None
    number = node.ports.fresh_id("call")
    snapshot = node.live.latest()
    caller = node.gate.unnamed(known, snapshot=snapshot)
    try:
        members = _members(request, body)
        ask = read(members)
        extensions = members.get("extensions") or {}
        if not isinstance(extensions, dict):
            raise RefusedRequestError("BODY_INVALID", member="extensions", needed="an object")
        usage = read_usage(extensions, request.headers.get("exchange-usage"))
        caller = node.gate.caller(known, usage.operator, snapshot=snapshot)
    except (GatewayError, IdentityError) as error:
        cause = error if isinstance(error, GatewayError) else unknown_operator(error)
        raise await refuse(
            caller, cause, node.ports, number=number, body=body, usage=usage
        ) from error
    call = Call(
        number=number,
        caller=caller,
        usage=usage,
        case=None,
        body=body,
        query=ask.operation,
        operation_name=None,
        variables={},
        received_ms=int(now().timestamp() * 1000),
    )
    return call, ask


def _members(request: Request, body: bytes) -> dict[str, Any]:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _JSON:
        raise RefusedRequestError("MEDIA_TYPE_UNSUPPORTED")
    members = read_json(body)
    if not isinstance(members, dict):
        raise RefusedRequestError("BODY_INVALID", needed="one JSON object")
    return members


def unknown_operator(error: IdentityError) -> GatewayError:
    return RefusedRequestError("USAGE_INVALID", members=["operator"], why=error.code)


async def _after(node: Node, read: BulkRequest) -> str | None:
    """Open the cursor. One that is none, or another system's, is recorded like any bad request."""
    cursor = read.members.get("after")
    if cursor is None:
        return None
    call = read.call
    try:
        if not isinstance(cursor, str):
            raise RefusedRequestError("CURSOR_INVALID")
        return BulkCursors(node.ports.cursors).open(
            cursor, read.asked, system=call.caller.system.id
        )
    except GatewayError as error:
        raise await refuse(
            call.caller, error, node.ports, number=call.number, body=call.body, usage=call.usage
        ) from error
