"""`POST /manage/graphql`: one operation of an officer, by session or signed with a registered key."""

import asyncio
import hashlib
import logging
from base64 import urlsafe_b64decode
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from strawberry.types import ExecutionResult

from audit.entry import Nonce
from catalogue.model import Actor
from exchange.acts.register import ActError
from exchange.api.guard import Asking
from exchange.api.schema import build_schema
from exchange.desk import Desk, Order, read_envelope
from exchange.identity.errors import IdentityError
from exchange.node import Node
from exchange.portal.session import ForeignFormError, SignInNeededError, check_origin, signed_in
from exchange.web.bodies import bounded_body
from exchange.web.problems import code_of, graphql_problem
from exchange.words import words_of
from gateway.errors import RefusedRequestError
from gateway.respond import prefers_english

_LOGGING = logging.getLogger("exchange.api")
MEDIA = "application/graphql-response+json"
BODY = 1_000_000
SIGNED = "exchange-act"
"""Header of a signed operation: base64url of an envelope whose order is `manage` and the body's SHA-256."""

ACT = "manage"


class Operation(msgspec.Struct, frozen=True, rename={"operation_name": "operationName"}):
    """The members of a GraphQL request; others are ignored, a list of requests is none."""

    query: str
    variables: dict[str, Any] | None = None
    operation_name: str | None = None
    """None: the document has one operation."""


def management_routes(node: Node) -> list[Route]:
    """Return the API's route."""
    schema = build_schema(introspection=node.settings.profile == "development")

    async def manage(request: Request) -> Response:
        language = request.headers.get("accept-language", "")
        try:
            _check_media(request)
            body = await bounded_body(request, most=BODY)
            actor, nonce = await _who(request, node, body)
            operation = _decoded(body)
        except Exception as error:  # noqa: BLE001 - every error becomes an answer in problems.py
            return graphql_problem(error, accept_language=language)
        asking = Asking(node=node, actor=actor, nonce=nonce, english=prefers_english(language))
        done = await schema.execute(
            operation.query,
            variable_values=operation.variables,
            operation_name=operation.operation_name,
            context_value=asking,
        )
        return _answered(done, english=asking.english)

    return [Route("/manage/graphql", manage, methods=["POST"])]


def _check_media(request: Request) -> None:
    # Browsers send other sites' forms without asking, but never with this type.
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent != "application/json":
        raise RefusedRequestError("MEDIA_TYPE_UNSUPPORTED")


async def _who(request: Request, node: Node, body: bytes) -> tuple[Actor, Nonce | None]:
    """Return who asks, and the nonce of a signed operation; None for a session, which has none."""
    header = request.headers.get(SIGNED)
    if header is not None:
        return await asyncio.to_thread(_signer, node, header, body)
    try:
        check_origin(request)
        return await signed_in(request), None
    except ForeignFormError as error:
        raise ActError("FORM_FOREIGN", str(error)) from error
    except SignInNeededError as error:
        raise IdentityError("SESSION_UNKNOWN") from error


def _signer(node: Node, header: str, body: bytes) -> tuple[Actor, Nonce]:
    """Return the officer whose key signed this very body. Blocks."""
    try:
        envelope = urlsafe_b64decode(header.encode("ascii") + b"=" * (-len(header) % 4))
        signed = read_envelope(envelope).signed
        order = msgspec.json.decode(signed.act, type=Order)
    except (
        ValueError
    ) as error:  # UnicodeError, binascii.Error and msgspec's errors are ValueErrors.
        raise ActError("ACT_ARGUMENTS", "not an envelope of a signed operation") from error
    proven = Desk(node).prove(signed)
    wanted = {"sha256": hashlib.sha256(body).hexdigest()}
    if order.act != ACT or order.arguments != wanted:
        raise ActError("ACT_ARGUMENTS", "the envelope was signed for another body")
    return Actor(officer=proven.officer, auth="key"), proven.nonce


def _decoded(body: bytes) -> Operation:
    try:
        return msgspec.json.decode(body, type=Operation)
    except msgspec.DecodeError as error:
        raise RefusedRequestError("BODY_INVALID", needed="one JSON object") from error


def _answered(done: ExecutionResult, *, english: bool) -> Response:
    """Write the answer; a document that was not carried out at all has no `data` (GraphQL over HTTP)."""
    told: dict[str, Any] = {}
    if done.errors:
        told["errors"] = [
            _told(error.formatted, error.original_error, english=english) for error in done.errors
        ]
        for error in done.errors:
            _note(error.original_error)
    carried_out = done.data is not None or any(error.path for error in done.errors or ())
    if carried_out:
        told["data"] = done.data
    return Response(
        msgspec.json.encode(told), status_code=200 if carried_out else 400, media_type=MEDIA
    )


def _told(formatted: Any, cause: BaseException | None, *, english: bool) -> dict[str, Any]:
    """An error with its code; what the library says of a document is the caller's own document."""
    told = dict(formatted)
    known = dict(told.get("extensions") or {})
    if told.get("path"):
        if "code" not in known and isinstance(cause, Exception):
            # Raised by a field itself, and not by the act that it performs.
            known["code"] = code_of(cause)
            words = words_of(known["code"])
            told["message"] = words.en if english else words.zh
            known |= (
                {"next": words.next, "detail": str(cause)} if known["code"] != "INTERNAL" else {}
            )
        known.setdefault("code", "INTERNAL")
        if known["code"] == "INTERNAL":
            told["message"] = "INTERNAL"
    else:
        known.setdefault("code", "DOCUMENT_INVALID")
    return told | {"extensions": known}


def _note(cause: BaseException | None) -> None:
    inner = cause.__cause__ if cause is not None else None
    if inner is not None and not hasattr(inner, "code"):
        # By type alone: a message may hold data.
        _LOGGING.error("internal error %s", type(inner).__name__)
