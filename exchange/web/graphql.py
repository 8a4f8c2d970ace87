"""`POST /graphql`: from bytes to a call, through the gateway, and back to bytes."""

from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from audit.entry import Nonce
from exchange.clock import fresh_id, now
from exchange.identity.errors import IdentityError
from exchange.identity.establish import Established
from exchange.node import Node
from exchange.web.bodies import bounded_body
from exchange.web.problems import code_of, graphql_problem
from exchange.words import words_of
from gateway.errors import GatewayError, RefusedRequestError
from gateway.model import Call, Caller, Usage
from gateway.parse import parse_request, read_usage
from gateway.pipeline import Terms, answer, refuse

MEDIA = "application/graphql-response+json"
_JSON = "application/json"


async def graphql(request: Request) -> Response:
    """Answer one operation. Whoever proved who they are is recorded, whatever comes of the call."""
    node: Node = request.app.state.node
    terms: Terms = request.app.state.terms
    language = request.headers.get("accept-language", "")
    caller: Caller | None = None
    try:
        media = _accepted(request)
        body = await bounded_body(request, most=terms.limits.body_bytes)
        snapshot = await node.live.snapshot()
        known = node.gate.establish(request, body, snapshot=snapshot, now=now())
        caller = node.gate.unnamed(known, snapshot=snapshot)
        await _check_first_use(node, caller, body)
        call = await _call(node, request, known, body, terms=terms)
        caller = call.caller
        answered = await answer(
            call, node.ports, terms=terms, contracts=request.app.state.contracts
        )
    except Exception as error:  # noqa: BLE001 - every error becomes an answer in problems.py
        if caller is None:
            node.strangers.saw(code_of(error))
        return graphql_problem(error, accept_language=language)
    content = answered.write(
        words=words_of, languages=language, whole_receipt=not _index_only(request)
    )
    headers = {"vary": "accept-language"}
    return Response(content, status_code=answered.status, media_type=media, headers=headers)


async def _call(
    node: Node, request: Request, known: Established, body: bytes, *, terms: Terms
) -> Call:
    """Read the request into a call. A refusal on the way is recorded before it is raised."""
    usage: Usage | None = None
    number = node.ports.fresh_id("call")
    snapshot = node.live.latest()
    caller = node.gate.unnamed(known, snapshot=snapshot)
    try:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _JSON:
            raise RefusedRequestError("MEDIA_TYPE_UNSUPPORTED")
        told = parse_request(body, limits=terms.limits)
        usage = read_usage(told.extensions, request.headers.get("exchange-usage"))
        caller = node.gate.caller(known, usage.operator, snapshot=snapshot)
    except (GatewayError, IdentityError) as error:
        cause = error if isinstance(error, GatewayError) else _unknown_operator(error)
        raise await refuse(
            caller, cause, node.ports, number=number, body=body, usage=usage
        ) from error
    return Call(
        number=number,
        caller=caller,
        usage=usage,
        case=None,
        body=body,
        query=told.query,
        operation_name=told.operation_name,
        variables=told.variables,
        received_ms=int(now().timestamp() * 1000),
    )


def _unknown_operator(error: IdentityError) -> GatewayError:
    return RefusedRequestError("USAGE_INVALID", members=["operator"], why=error.code)


async def _check_first_use(node: Node, caller: Caller, body: bytes) -> None:
    """Turn a replay away before any source is asked; the log's own batch decides should we have forgotten.

    The replay is recorded under a nonce of its own: the one it repeats may still belong to the first
    request, which must not become the replay of its own copy.
    """
    nonce = caller.nonce
    if node.nonces.is_first_use(nonce, at_ms=int(now().timestamp() * 1000)):
        return
    fresh = Nonce(key=f"replay:{nonce.key}", nonce=fresh_id("replay"), expires=nonce.expires)
    raise await refuse(
        replace(caller, nonce=fresh),
        RefusedRequestError("REPLAYED"),
        node.ports,
        number=node.ports.fresh_id("call"),
        body=body,
        usage=None,
    )


def _accepted(request: Request) -> str:
    """Choose the media type (GraphQL over HTTP, 4.1): ours, or plain JSON for clients that know no other."""
    if request.method != "POST":
        raise RefusedRequestError("METHOD_NOT_ALLOWED")
    accept = request.headers.get("accept", "*/*").lower()
    offered = [part.partition(";")[0].strip() for part in accept.split(",")]
    if MEDIA in offered or "*/*" in offered or "application/*" in offered:
        return MEDIA
    if _JSON in offered:
        return _JSON
    raise RefusedRequestError("NOT_ACCEPTABLE", offered=[MEDIA, _JSON])


def _index_only(request: Request) -> bool:
    """Whether the caller fetches its receipt later (RFC 7240)."""
    preferences = request.headers.get("prefer", "").replace(" ", "").lower().split(",")
    return "receipt=index" in preferences
