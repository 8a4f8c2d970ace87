"""`/rest/…`: a registered document as a plain resource, for programs that speak no GraphQL.

The document's variables are the parameters; everything after that is the call that `/graphql` would have
made of it: the same stages, the same entry, the same receipt. What gives nothing is a problem of RFC 9457.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from audit.entry import Draft, IndexRow
from catalogue.snapshot import Snapshot
from exchange.clock import now
from exchange.identity.establish import Established
from exchange.ledger import append_once
from exchange.node import Node
from exchange.offered import description_of, find_document
from exchange.web.bodies import CallerLeftError
from exchange.web.graphql import Counter, GraphQL, Ground, Manners, index_only
from exchange.web.problems import code_of, problem, rest_answer
from exchange.web.reading import JSON, Head, check_content_type
from gateway.errors import GatewayError, RefusedRequestError
from gateway.model import Call, Caller
from gateway.parameters import read_texts, typed
from gateway.parse import GraphQLRequest, read_json
from gateway.pipeline import refuse
from gateway.ports import Ports

_MEMBERS = frozenset({"parameters", "extensions"})


class RestHead(Head, frozen=True, kw_only=True):
    """The head of a request to one document."""

    document: str = ""
    """Its name, or `sha256:` and its digest, as the address has it."""


class Rest(GraphQL):
    """Answers one registered document a request."""

    def __init__(self, node: Node, ground: Ground, *, manners: Manners, counter: Counter) -> None:
        # GET is as good as POST here: no document comes in either.
        super().__init__(node, ground, manners=replace(manners, any_by_get=True), counter=counter)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        plain = Head.of(scope)
        head = RestHead(
            method=plain.method,
            query_string=plain.query_string,
            fields=plain.fields,
            document=scope["path_params"]["document"],
        )
        language = head.get("accept-language")
        try:
            self._media(head)
            answered = await self._answered(head, scope, receive)
        except CallerLeftError:
            return
        except Exception as error:  # noqa: BLE001 - every error becomes an answer in problems.py
            await problem(error, accept_language=language)(scope, receive, send)
            return
        response = rest_answer(
            answered, accept_language=language, whole_receipt=not index_only(head)
        )
        await response(scope, receive, send)

    def _read(self, head: Head, signed: bytes) -> GraphQLRequest:
        parameters: Mapping[str, Any]
        extensions: Mapping[str, Any] = {}
        if head.method == "GET":
            parameters = read_texts(signed)
        else:
            check_content_type(head)
            parameters, extensions = _read_body(signed)
        return GraphQLRequest(
            document=_named(head),
            operation_name=None,
            query=None,
            variables=parameters,
            extensions=extensions,
        )

    def _document(self, told: GraphQLRequest, snapshot: Snapshot, department: str) -> str:
        return find_document(str(told.document), snapshot, department).text

    async def _call(
        self, head: Head, known: Established, signed: bytes, ports: Ports, *, unnamed: Caller
    ) -> Call:
        call = await super()._call(head, known, signed, ports, unnamed=unnamed)
        if head.method != "GET":
            return call
        try:
            variables = typed(call.query, call.variables, limits=self._manners.terms.limits)
        except GatewayError as error:
            raise await refuse(
                call.caller, error, ports, number=call.number, body=signed, usage=call.usage
            ) from error
        return msgspec.structs.replace(call, variables=variables)


def _named(head: Head) -> str:
    if not isinstance(head, RestHead):
        raise TypeError("the head of a request to a document needed")
    return head.document


def _read_body(signed: bytes) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Read `parameters` and `extensions` of a body. Raises RefusedRequestError."""
    members = read_json(signed)
    if not isinstance(members, dict) or set(members) - _MEMBERS:
        raise RefusedRequestError("BODY_INVALID", needed="an object of parameters, extensions")
    read: list[Mapping[str, Any]] = []
    for name in ("parameters", "extensions"):
        found = members.get(name)
        if found is not None and not isinstance(found, dict):
            raise RefusedRequestError("BODY_INVALID", member=name, needed="an object or null")
        read.append(found or {})
    return read[0], read[1]


async def openapi(request: Request) -> Response:
    """`GET /rest/openapi.json`: what the calling system may ask so, signed and recorded like any reading."""
    node: Node = request.app.state.node
    language = request.headers.get("accept-language", "")
    known: Established | None = None
    try:
        snapshot = await node.live.snapshot()
        known = node.gate.establish(request.scope, b"", snapshot=snapshot, now=now())
        content = await asyncio.to_thread(_published, node, known, snapshot)
    except Exception as error:  # noqa: BLE001 - every error becomes an answer in problems.py
        if known is None:
            node.strangers.saw(code_of(error))
        return problem(error, accept_language=language)
    return Response(content, media_type=JSON)


def _published(node: Node, known: Established, snapshot: Snapshot) -> bytes:
    append_once(
        node.log,
        Draft(
            kind="contract.read",
            clear={
                "department": known.system.department,
                "auth": known.auth,
                "form": "openapi",
            },
            index=(IndexRow(consumer=known.system.department, system=known.system.id),),
        ),
        nonce=known.nonce,
    )
    return description_of(
        known.system.id,
        known.system.department,
        snapshot,
        server=node.settings.base_url,
    )
