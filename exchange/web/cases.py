"""Cases over HTTP: a system opens, pauses, resumes, closes its own, each request signed and recorded."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from audit.entry import Commit, Draft, IndexRow
from catalogue.cases import NamedParty
from catalogue.errors import InvalidError, StateError
from catalogue.flaws import Flaw
from catalogue.model import Actor, Case, SubjectType
from catalogue.snapshot import Snapshot
from exchange.clock import now
from exchange.identity.errors import IdentityError
from exchange.identity.establish import Established
from exchange.ledger import append_once, spending
from exchange.node import Node
from exchange.web.bodies import bounded_body
from exchange.web.problems import code_of, problem

BODY = 64 * 1024


class PartyBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    type: SubjectType
    identifier: str
    role: str


class CaseBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    matter: str
    acceptedAt: datetime  # noqa: N815 - the wire's word
    parties: list[PartyBody]
    project: str = ""


class ActionBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    reason: str = ""
    result: str = ""
    parties: list[PartyBody] = []
    operator: str = ""
    """Staff number of the officer who does it; needed for parties and reopen."""
    second: str = ""
    """Staff number of the second officer; needed for reopen."""
    system: str = ""
    """System whose case it is; needed for attest."""


async def put_case(request: Request) -> Response:
    """`PUT /cases/{number}`: idempotent for one system, number and contents."""
    return await _carry_out(request, _put)


async def act_on_case(request: Request) -> Response:
    """`POST /cases/{number}/{action}`."""
    return await _carry_out(request, _act)


Deed = Callable[[Node, Established, Snapshot, Request, bytes], Case]


async def _carry_out(request: Request, deed: Deed) -> Response:
    node: Node = request.app.state.node
    language = request.headers.get("accept-language", "")
    known: Established | None = None
    try:
        body = await bounded_body(request, most=BODY)
        snapshot = await node.live.snapshot()
        known = node.gate.establish(request.scope, body, snapshot=snapshot, now=now())
        case = await asyncio.to_thread(_recorded, node, known, snapshot, request, body, deed)
    except Exception as error:  # noqa: BLE001 - every error becomes an answer in problems.py
        if known is None:
            node.strangers.saw(code_of(error))
        return problem(error, accept_language=language)
    return Response(
        msgspec.json.encode(
            {
                "case": request.path_params["number"],
                "id": case.id,
                "state": case.state.value,
                "matter": case.matter,
                "attested": case.attested_by is not None,
                "parties": sum(party.counts for party in case.parties),
            }
        ),
        media_type="application/json",
    )


def _recorded(
    node: Node, known: Established, snapshot: Snapshot, request: Request, body: bytes, deed: Deed
) -> Case:
    """Carry out a deed; one that changed nothing, or was refused, is recorded like one that did."""
    number = str(request.path_params["number"])
    with spending(known.nonce) as appended:
        try:
            case = deed(node, known, snapshot, request, body)
        except Exception as error:
            if not appended:
                _note(node, known, number, kind="case.refused", code=code_of(error))
            raise
        if not appended:
            _note(node, known, number, kind="case.unchanged", code="")
        return case


def _note(node: Node, known: Established, number: str, *, kind: str, code: str) -> None:
    append_once(
        node.log,
        Draft(
            kind=kind,
            clear={"department": known.system.department, "auth": known.auth, "code": code},
            commits=(Commit(name="case", value=number),),
            index=(
                IndexRow(
                    consumer=known.system.department,
                    system=known.system.id,
                    case=number,
                    code=code,
                    decision="refused" if code else "",
                ),
            ),
        ),
        nonce=known.nonce,
    )


def _put(
    node: Node, known: Established, _snapshot: Snapshot, request: Request, body: bytes
) -> Case:
    told = _decoded(body, CaseBody)
    return node.registry.open_case(
        str(request.path_params["number"]),
        by=Actor(system=known.system, auth=known.auth),
        matter=told.matter,
        parties=_named(told.parties),
        accepted_at=told.acceptedAt.astimezone(UTC),
        project=told.project,
    )


def _act(node: Node, known: Established, snapshot: Snapshot, request: Request, body: bytes) -> Case:
    number, action = str(request.path_params["number"]), str(request.path_params["action"])
    told = _decoded(body, ActionBody)
    system = Actor(system=known.system, auth=known.auth)
    if action == "attest":
        return node.registry.attest_case(number, system=told.system, by=system)
    own = known.system.id
    match action:
        case "pause":
            return node.registry.pause_case(number, by=system, reason=told.reason, system=own)
        case "resume":
            return node.registry.resume_case(number, by=system, reason=told.reason, system=own)
        case "close":
            return node.registry.close_case(number, by=system, outcome=told.result, system=own)
        case "parties":
            # The system is proven by its signature; it names the officers, as in every call.
            officer = _officer(node, known, snapshot, told.operator)
            return node.registry.add_parties(number, _named(told.parties), by=officer, system=own)
        case "reopen":
            officer = _officer(node, known, snapshot, told.operator)
            second = _officer(node, known, snapshot, told.second)
            return node.registry.reopen_case(
                number, by=officer, second=second, reason=told.reason, system=own
            )
        case _:
            raise StateError(f"no action {action!r} of a case")


def _officer(node: Node, known: Established, snapshot: Snapshot, staff_number: str) -> Actor:
    caller = node.gate.caller(known, staff_number, snapshot=snapshot)
    if caller.officer is None:
        raise IdentityError("OPERATOR_UNKNOWN")
    return Actor(officer=caller.officer, auth=caller.operator_auth)


def _named(parties: list[PartyBody]) -> list[NamedParty]:
    return [
        NamedParty(type=party.type, identifier=party.identifier, role=party.role)
        for party in parties
    ]


def _decoded(body: bytes, shape: type[Any]) -> Any:
    try:
        return msgspec.json.decode(body or b"{}", type=shape)
    except msgspec.DecodeError as error:
        raise InvalidError(Flaw.quoted(str(error))) from error
