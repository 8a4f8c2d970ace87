"""`/graphql`: from bytes to a call, through the gateway, and back to bytes.

A raw ASGI application in front of Starlette's routing: this is the one address whose speed matters. Whoever
proved who they are is recorded, whatever comes of the call; who is turned away is counted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import msgspec
from starlette.types import Receive, Scope, Send

from audit.entry import Nonce
from catalogue.snapshot import Snapshot
from exchange.clock import fresh_id, now
from exchange.identity.errors import IdentityError
from exchange.identity.establish import Established
from exchange.node import Node
from exchange.web.bodies import CallerLeftError, timely_body
from exchange.web.headers import PLAIN_HEADERS
from exchange.web.problems import code_of, graphql_problem
from exchange.web.reading import (
    JSON,
    Head,
    check_content_type,
    check_method,
    check_site,
    choose_media,
    read_parameters,
)
from exchange.web.turns import NewDocuments, TurnedAway, Turns
from exchange.words import words_of
from gateway.errors import GatewayError, RateLimitedError, RefusedRequestError
from gateway.model import Call, Caller, Usage
from gateway.parse import GraphQLRequest, operation_digest, parse_request, read_request, read_usage
from gateway.pipeline import Answered, Contracts, Terms, answer, refuse
from gateway.ports import Ports

PARTIAL: Mapping[str, bool] = {"": False, "allow": False, "deny": True}
"""What `Exchange-Partial` may say, and whether it means all or nothing."""


class Ground(Protocol):
    """What calls to an address stand on: the exchange itself, or its test zone."""

    async def ports(self) -> Ports:
        """Return the ports of an address. Raises LogUnavailableError where they cannot be opened."""
        ...

    def of_call(self, ports: Ports, call: Call) -> Ports:
        """Return the ports of one call, once it is known what it says."""
        ...


@dataclass(frozen=True, slots=True)
class OwnGround:
    """The exchange itself: registered sources, standing grants, the log."""

    node: Node

    async def ports(self) -> Ports:
        return self.node.ports

    def of_call(self, ports: Ports, call: Call) -> Ports:  # noqa: ARG002 - all calls have the same
        return ports


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """What stands between those who ask and those who are answered, for all addresses together."""

    turns: Turns
    documents: NewDocuments
    turned_away: TurnedAway


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How an address answers: its terms, and which documents it takes."""

    terms: Terms
    any_by_get: bool = False
    """Whether GET takes any document and not only registered ones (profile *development*)."""
    trusted_only: bool = False
    """Whether only registered documents are answered."""
    body_s: float = 10.0
    """How long a body may take to arrive."""


class GraphQL:
    """Answers one operation a request."""

    def __init__(self, node: Node, ground: Ground, *, manners: Manners, counter: Counter) -> None:
        self._node = node
        self._ground = ground
        self._manners = manners
        self._counter = counter
        self._contracts = Contracts()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = Head.of(scope)
        media = JSON
        try:
            media = self._media(head)
            answered = await self._answered(head, scope, receive)
        except CallerLeftError:
            return
        except Exception as error:  # noqa: BLE001 - every error becomes an answer in problems.py
            response = graphql_problem(
                error, accept_language=head.get("accept-language"), media=media
            )
            for name, value in PLAIN_HEADERS.items():
                response.headers.setdefault(name, value)
            await response(scope, receive, send)
            return
        content = answered.write(
            words=words_of,
            languages=head.get("accept-language"),
            whole_receipt=not index_only(head),
        )
        await _send(send, content, status=answered.status, media=media)

    def _media(self, head: Head) -> str:
        try:
            return choose_media(head.fields.get("accept"))
        except RefusedRequestError as error:
            self._node.strangers.saw(error.code)
            raise

    async def _answered(self, head: Head, scope: Scope, receive: Receive) -> Answered:
        node, manners = self._node, self._manners
        try:
            check_method(head, any_by_get=manners.any_by_get)
            check_site(head)
            most = manners.terms.limits.body_bytes
            body = await timely_body(receive, most=most, seconds=manners.body_s)
            snapshot = await node.live.snapshot()
            known = node.gate.establish(scope, body, snapshot=snapshot, now=now())
        except CallerLeftError:
            raise
        except Exception as error:
            node.strangers.saw(code_of(error))
            raise
        turns = self._counter.turns
        try:
            await turns.begin(known.system.id)
            try:
                return await self._in_turn(head, known, body)
            finally:
                turns.end(known.system.id)
        except RateLimitedError:
            self._counter.turned_away.saw(known.system.id)
            raise

    async def _in_turn(self, head: Head, known: Established, body: bytes) -> Answered:
        node = self._node
        ports = await self._ground.ports()
        # What the caller signed: the body, or the query string of a request without one.
        signed = body if head.method == "POST" else head.query_string
        caller = node.gate.unnamed(known, snapshot=node.live.latest())
        await self._check_first_use(caller, signed, ports)
        call = await self._call(head, known, signed, ports, unnamed=caller)
        digest = operation_digest(call.query)
        self._counter.documents.take(known.system.id, digest)
        answered = await answer(
            call,
            self._ground.of_call(ports, call),
            terms=self._manners.terms,
            contracts=self._contracts,
        )
        self._counter.documents.keep(known.system.id, digest)
        return answered

    async def _call(
        self, head: Head, known: Established, signed: bytes, ports: Ports, *, unnamed: Caller
    ) -> Call:
        """Read the request into a call. A refusal on the way is recorded before it is raised."""
        usage: Usage | None = None
        number = ports.fresh_id("call")
        snapshot, caller = self._node.live.latest(), unnamed
        try:
            told = self._read(head, signed)
            usage = read_usage(told.extensions, head.fields.get("exchange-usage"))
            whole = _all_or_nothing(head)
            query = self._document(told, snapshot, known.system.department)
            caller = self._node.gate.caller(known, usage.operator, snapshot=snapshot)
        except (GatewayError, IdentityError) as error:
            cause = error if isinstance(error, GatewayError) else _unknown_operator(error)
            raise await refuse(
                caller, cause, ports, number=number, body=signed, usage=usage
            ) from cause
        return Call(
            number=number,
            caller=caller,
            usage=usage,
            case=None,
            body=signed,
            query=query,
            operation_name=told.operation_name,
            variables=told.variables,
            received_ms=int(now().timestamp() * 1000),
            whole=whole,
        )

    def _read(self, head: Head, signed: bytes) -> GraphQLRequest:
        if head.method == "GET":
            return read_request(read_parameters(signed))
        check_content_type(head)
        return parse_request(signed, limits=self._manners.terms.limits)

    def _document(self, told: GraphQLRequest, snapshot: Snapshot, department: str) -> str:
        """Return the text of the document that is meant.

        Raises RefusedRequestError where it is not registered, and that is what counts.
        """
        if told.query is not None and not self._manners.trusted_only:
            return told.query
        digest = told.document if told.query is None else operation_digest(told.query)
        held = snapshot.document(department, str(digest))
        if held is None:
            code = "DOCUMENT_UNKNOWN" if told.query is None else "DOCUMENT_UNTRUSTED"
            raise RefusedRequestError(code)
        return held.text

    async def _check_first_use(self, caller: Caller, body: bytes, ports: Ports) -> None:
        """Turn a replay away before any source is asked; where we forgot it, the log's own batch decides.

        The replay is recorded under a nonce of its own: the one it repeats may still belong to the first
        request, which must not become the replay of its own copy.
        """
        nonce = caller.nonce
        if self._node.nonces.is_first_use(nonce, at_ms=int(now().timestamp() * 1000)):
            return
        fresh = Nonce(key=f"replay:{nonce.key}", nonce=fresh_id("replay"), expires=nonce.expires)
        raise await refuse(
            msgspec.structs.replace(caller, nonce=fresh),
            RefusedRequestError("REPLAYED"),
            ports,
            number=ports.fresh_id("call"),
            body=body,
            usage=None,
        )


def _all_or_nothing(head: Head) -> bool:
    """Say whether a part that cannot be given takes the others with it. Raises RefusedRequestError."""
    said = head.get("exchange-partial").strip().lower()
    if said not in PARTIAL:
        raise RefusedRequestError("PARTIAL_INVALID")
    return PARTIAL[said]


def _unknown_operator(error: IdentityError) -> GatewayError:
    return RefusedRequestError("USAGE_INVALID", members=["operator"], why=error.code)


def index_only(head: Head) -> bool:
    """Whether the caller fetches its receipt later (RFC 7240)."""
    return "receipt=index" in head.get("prefer").replace(" ", "").lower().split(",")


_PLAIN = [
    (name.encode("latin-1"), value.encode("latin-1"))
    for name, value in {**PLAIN_HEADERS, "vary": "accept, accept-language"}.items()
]


async def _send(send: Send, content: bytes, *, status: int, media: str) -> None:
    headers = [
        *_PLAIN,
        (b"content-type", media.encode("latin-1")),
        (b"content-length", b"%d" % len(content)),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
