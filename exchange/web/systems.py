"""Systems register their keys by invitation, and get access tokens for stock clients."""

import asyncio
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from audit.entry import Draft, IndexRow
from catalogue.errors import InvalidError
from catalogue.flaws import Flaw
from catalogue.model import SystemKey
from exchange.clock import fresh_id, now
from exchange.identity.keys import check_possession
from exchange.identity.signatures import read_headers
from exchange.identity.tokens import Issued, issue_token
from exchange.ledger import append_once
from exchange.node import Node
from exchange.web.bodies import bounded_body
from exchange.web.problems import code_of, problem, token_problem

BODY = 16 * 1024


class RegistrationBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    invitation: str
    jwk: dict[str, Any]
    signature: str


async def register(request: Request) -> Response:
    """`POST /systems/register`: an invitation, a public key, and the proof that its private half is held."""
    node: Node = request.app.state.node
    try:
        body = await bounded_body(request, most=BODY)
        told = _decoded(body)
        proven = check_possession(
            invitation=told.invitation,
            key=told.jwk,
            signature=told.signature,
            audience=node.settings.base_url,
        )
        offered = SystemKey(
            id=proven.id, system="", algorithm=proven.algorithm, public=proven.public
        )
        key = await asyncio.to_thread(node.registry.register_system_key, told.invitation, offered)
    except Exception as error:  # noqa: BLE001 - every error becomes an answer in problems.py
        node.strangers.saw(code_of(error))
        return problem(error, accept_language=request.headers.get("accept-language", ""))
    return Response(
        msgspec.json.encode({"keyid": key.id, "system": key.system, "algorithm": key.algorithm}),
        status_code=201,
        media_type="application/json",
    )


async def token(request: Request) -> Response:
    """`POST /token`: client credentials by private_key_jwt, bound to a key where a DPoP proof is sent."""
    node: Node = request.app.state.node
    try:
        body = await bounded_body(request, most=BODY)
        snapshot = await node.live.snapshot()
        fields = read_headers(request.scope["headers"])
        issued = issue_token(
            body,
            fields.get("dpop"),
            issuer=node.gate.issuer,
            keys=snapshot.keys,
            now=now(),
            fresh=fresh_id("tok"),
            window=node.gate.window,
        )
        await asyncio.to_thread(_record, node, issued)
    except Exception as error:  # noqa: BLE001 - every error becomes an answer in problems.py
        node.strangers.saw(code_of(error))
        return token_problem(error)
    return Response(
        msgspec.json.encode(issued.answer()),
        media_type="application/json",
        headers={"cache-control": "no-store"},
    )


def _record(node: Node, issued: Issued) -> None:
    """Use up every proof of the request before the token is handed out: one entry each."""
    for position, nonce in enumerate(issued.nonces):
        append_once(
            node.log,
            Draft(
                kind="token.issued" if position == 0 else "token.bound",
                clear={"key": issued.key.id, "type": issued.token_type},
                index=(IndexRow(system=issued.key.system),),
            ),
            nonce=nonce,
        )


def _decoded(body: bytes) -> RegistrationBody:
    try:
        return msgspec.json.decode(body, type=RegistrationBody)
    except msgspec.DecodeError as error:
        raise InvalidError(Flaw.quoted(str(error))) from error
