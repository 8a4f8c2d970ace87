"""Acts on requests, grants and cases."""

from datetime import datetime, timedelta
from typing import Any, Literal

from catalogue import store
from catalogue.cases import NamedParty
from catalogue.model import (
    Actor,
    Case,
    CaseState,
    Grant,
    GrantState,
    RequestState,
    Resource,
    Role,
    SharingRequest,
    SubjectType,
)
from catalogue.rows import CASE, GRANT, REQUEST, RESOURCE, Kind
from catalogue.service import Wanted
from catalogue.sharing import Terms
from exchange.acts.listing import FIRST, Span, Told, counted, cut, paged
from exchange.acts.register import ActError, act
from exchange.node import Node

Side = Literal["have", "gave", "others"]
"""Where a department stands to a grant: it has it, it gave it, or others have it of others."""


@act("request.create")
def create(node: Node, actor: Actor, *, wanted: Wanted) -> dict[str, object]:
    held = node.registry.request_sharing(wanted, by=actor)
    return {"id": held.id, "state": held.state.value}


@act("request.sign")
def sign(node: Node, actor: Actor, *, request: str) -> dict[str, object]:
    """Sign off a colleague's request; unconditional data is granted in the same act."""
    held, grant = node.registry.sign_request(request, by=actor)
    return {"id": held.id, "state": held.state.value, "grant": grant.id if grant else None}


@act("request.refuse")
def refuse(
    node: Node,
    actor: Actor,
    *,
    request: str,
    reason: str,
    code: str | None = None,
    legal_basis: str | None = None,
) -> dict[str, object]:
    """Refuse in words. `code` is one of REFUSAL_CODES and then needs the law; None: words alone."""
    held = node.registry.refuse(
        request, by=actor, reason=reason, code=code, legal_basis=legal_basis
    )
    return {"id": held.id, "state": held.state.value, "entry": _entry(node, REQUEST, held.id)}


@act("request.ask-once")
def ask_once(node: Node, actor: Actor, *, request: str, question: str) -> dict[str, object]:
    """Ask the requesting department to supplement its request: once, and everything at once."""
    held = node.registry.ask_once(request, by=actor, question=question)
    return {"id": held.id, "state": held.state.value, "entry": _entry(node, REQUEST, held.id)}


@act("request.supplement")
def supplement(node: Node, actor: Actor, *, request: str, answer: str) -> dict[str, object]:
    """Answer the provider's one question; the request goes back to be decided."""
    held = node.registry.supplement(request, by=actor, answer=answer)
    return {"id": held.id, "state": held.state.value, "entry": _entry(node, REQUEST, held.id)}


@act("request.list")
def list_requests(  # noqa: PLR0913 - filters and a page, named one by one
    node: Node,
    actor: Actor,
    *,
    side: Literal["made", "received"] | None = None,
    state: RequestState | None = None,
    department: str | None = None,
    resource: str | None = None,
    first: int = FIRST,
    after: str | None = None,
    before: str | None = None,
) -> Told:
    """Requests that one's department made or has to answer, newest first; the authority sees all.

    `side` None takes both sides, `department` is the one on the other side. `counts` says how many there are
    in each state under the other filters.
    """
    held = node.held(REQUEST)
    owners = _owners(node, {request.resource for request in held.values()})
    fit = {
        key: request
        for key, request in held.items()
        if _concerns(request, owners.get(request.resource, ""), actor, side=side)
        and resource in {None, request.resource}
        and department in {None, request.department, owners.get(request.resource)}
    }
    shown = {key: request for key, request in fit.items() if state in {None, request.state}}
    span = Span(first=first, after=after, before=before)
    return paged(
        cut(shown, span, newest=True),
        lambda request: _asked(request, provider=owners.get(request.resource, "")),
        counts=counted(request.state.value for request in fit.values()),
    )


@act("request.show")
def show_request(node: Node, actor: Actor, *, request: str) -> dict[str, object]:
    """One request whole, for the departments on both sides of it and the authority."""
    with node.databases.registry.execution_options(reading=True).connect() as connection:
        held = store.find(
            connection, REQUEST, request, recorded=node.ledger.digest, sealer=node.sealer
        )
    resource = _resource(node, held.resource) if held is not None else None
    provider = resource.department if resource is not None else ""
    if held is None or not (
        actor.has(Role.AUTHORITY) or actor.department in {held.department, provider}
    ):
        raise ActError("NOT_FOUND", f"no request {request} of your department")
    return _asked(held, provider=provider) | {
        "match": list(held.match),
        "purposes": list(held.purposes),
        "channels": list(held.channels),
        "legal_basis": held.legal_basis,
        "not_before": held.not_before.isoformat(),
        "not_after": held.not_after.isoformat(),
        "daily_quota": held.daily_quota,
        "created_by": held.created_by,
        "signed_by": held.signed_by,
        "decided_by": held.decided_by,
        "refusal": held.refusal,
        "refusal_code": held.refusal_code,
        "refusal_basis": held.refusal_basis,
        "supplement_asked": held.supplement_asked,
        "supplement_given": held.supplement_given,
        "entry": _entry(node, REQUEST, held.id),
        "grant": next(
            (g.id for g in node.live.load().grants.values() if g.request == held.id), None
        ),
    }


@act("grant.give")
def give(node: Node, actor: Actor, *, request: str, terms: Terms) -> dict[str, object]:
    given = node.registry.grant(request, by=actor, terms=terms)
    return _told(given) | {"entry": _entry(node, GRANT, given.id)}


@act("grant.suspend")
def suspend(node: Node, actor: Actor, *, grant: str, reason: str = "") -> dict[str, object]:
    return _told(node.registry.suspend(grant, by=actor, reason=reason))


@act("grant.resume")
def resume(node: Node, actor: Actor, *, grant: str) -> dict[str, object]:
    return _told(node.registry.resume(grant, by=actor))


@act("grant.revoke")
def revoke(node: Node, actor: Actor, *, grant: str, reason: str = "") -> dict[str, object]:
    return _told(node.registry.revoke(grant, by=actor, reason=reason))


@act("grant.list")
def list_grants(  # noqa: PLR0913 - filters and a page, named one by one
    node: Node,
    actor: Actor,
    *,
    side: Side | None = None,
    state: GrantState | None = None,
    department: str | None = None,
    resource: str | None = None,
    ends_within: int | None = None,
    first: int = FIRST,
    after: str | None = None,
    before: str | None = None,
) -> Told:
    """Grants that one's department has or gave, newest first; the authority and auditors see all.

    `side` None takes every side, `department` is the one on the other side, `ends_within` counts days from
    now in which a grant in force ends. `counts` says how many there are in each state, `sides` on each side.
    """
    entries = _entries(node, GRANT)
    seen = {key: held for key, held in node.held(GRANT).items() if _sees(actor, held)}
    fit = {
        key: held
        for key, held in seen.items()
        if side in {None, side_of(held, actor.department)}
        and resource in {None, held.resource}
        and department in {None, held.department, held.provider}
        and (ends_within is None or _ends(held, node.ports.now(), within=ends_within))
    }
    shown = {key: held for key, held in fit.items() if state in {None, held.state}}
    span = Span(first=first, after=after, before=before)
    return paged(
        cut(shown, span, newest=True),
        lambda held: _told(held) | {"entry": entries.get(held.id)},
        counts=counted(held.state.value for held in fit.values()),
        sides=counted(side_of(held, actor.department) for held in seen.values()),
    )


@act("grant.show")
def show_grant(node: Node, actor: Actor, *, grant: str) -> Told:
    """One grant, for the departments on both sides of it, the authority and auditors."""
    with node.databases.registry.execution_options(reading=True).connect() as connection:
        held = store.find(connection, GRANT, grant, recorded=node.ledger.digest, sealer=node.sealer)
    if held is None or not _sees(actor, held):
        raise ActError("NOT_FOUND", f"no grant {grant} of your department")
    return _told(held) | {"entry": _entry(node, GRANT, held.id)}


@act("case.confirm-party")
def confirm_party(
    node: Node,
    actor: Actor,
    *,
    number: str,
    system: str,
    type: SubjectType,  # noqa: A002 - the word of the envelope
    identifier: str,
    role: str = "",
) -> dict[str, object]:
    """The second officer's word for a party that was added late."""
    party = NamedParty(type=type, identifier=identifier, role=role)
    held = node.registry.confirm_party(number, party, by=actor, system=system)
    return {"case": held.id, "parties": sum(party.counts for party in held.parties)}


@act("case.list")
def list_cases(
    node: Node,
    actor: Actor,
    *,
    state: CaseState | None = None,
    matter: str | None = None,
    first: int = FIRST,
    after: str | None = None,
    before: str | None = None,
) -> Told:
    """Cases of one's own department, newest first, without numbers and parties."""
    fit = {
        key: held
        for key, held in node.held(CASE).items()
        if held.department == actor.department and matter in {None, held.matter}
    }
    shown = {key: held for key, held in fit.items() if state in {None, held.state}}
    return paged(
        cut(shown, Span(first=first, after=after, before=before), newest=True),
        _case,
        counts=counted(held.state.value for held in fit.values()),
    )


@act("case.show")
def show_case(node: Node, actor: Actor, *, number: str) -> dict[str, object]:
    """A case of one's own department, found by the number that the clerk types.

    Its parties are told by kind and role alone: who they are is kept as digests.
    """
    systems = [s.id for s in node.live.load().systems.values() if s.department == actor.department]
    recorded = node.ledger.rows()
    with node.databases.registry.execution_options(reading=True).connect() as connection:
        found = [
            case
            for system in systems
            if (case := store.find_case(connection, recorded, node.sealer, system, number))
        ]
    if not found:
        # The number stays out of the message: in some matters it is personal.
        raise ActError("NOT_FOUND", "no case of this number in your department")
    case = found[0]
    return _case(case) | {
        "project": case.project,
        "named": [
            {
                "type": party.type.value,
                "role": party.role,
                "late": party.late,
                "counts": party.counts,
                "added_by": party.added_by,
            }
            for party in case.parties
        ],
    }


def side_of(grant: Grant, department: str) -> Side:
    """Say on which side of a grant a department stands."""
    if grant.department == department:
        return "have"
    return "gave" if grant.provider == department else "others"


def _concerns(request: SharingRequest, owner: str, actor: Actor, *, side: str | None) -> bool:
    made, received = request.department == actor.department, owner == actor.department
    match side:
        case "made":
            return made
        case "received":
            return received and not made
        case _:
            return made or received or actor.has(Role.AUTHORITY)


def _sees(actor: Actor, held: Grant) -> bool:
    everything = actor.has(Role.AUTHORITY) or actor.has(Role.AUDITOR)
    return everything or actor.department in {held.department, held.provider}


def _ends(held: Grant, now: datetime, *, within: int) -> bool:
    in_force = held.state is GrantState.ACTIVE and held.not_after > now
    return in_force and held.not_after <= now + timedelta(days=within)


def _case(case: Case) -> Told:
    return {
        "id": case.id,
        "system": case.system,
        "matter": case.matter,
        "state": case.state.value,
        "attested": case.attested_by is not None,
        "parties": len(case.parties),
        "accepted_at": case.accepted_at.isoformat(),
    }


def _asked(request: SharingRequest, *, provider: str) -> Told:
    return {
        "id": request.id,
        "resource": request.resource,
        "provider": provider,
        "department": request.department,
        "systems": list(request.systems),
        "items": list(request.items),
        "matters": list(request.matters),
        "state": request.state.value,
        "scenario": request.scenario,
        "created_at": request.created_at.isoformat(),
    }


def _owners(node: Node, codes: set[str]) -> dict[str, str]:
    """The departments of some resources, out of the live picture where it has them: that one is warm."""
    shown = node.live.load().resources
    if all(code in shown for code in codes):
        return {code: shown[code].department for code in codes}
    # A withdrawn resource that is being drafted anew stands in no picture until it is announced again.
    return node.owners()


def _resource(node: Node, code: str) -> Resource | None:
    """Return a resource in whatever state; None where there is none that the log vouches for."""
    with node.databases.registry.execution_options(reading=True).connect() as connection:
        held = store.find(
            connection, RESOURCE, code, recorded=node.ledger.digest, sealer=node.sealer
        )
    return None if held is None else held.resource


def _entries(node: Node, kind: Kind[Any]) -> dict[str, int | None]:
    """Return the index of the act that made each row what it is, by key; None: in an older shard."""
    return {
        key: node.index_of(number)
        for (table, key), (number, _digest) in node.ledger.rows().items()
        if table == kind.table
    }


def _entry(node: Node, kind: Kind[Any], key: str) -> int | None:
    """Return the index of the act that made a row what it is; None: no row, or in an older shard."""
    with node.databases.registry.execution_options(reading=True).connect() as connection:
        number = store.entry_of(connection, kind, key)
    return None if number is None else node.index_of(number)


def _told(grant: Grant) -> Told:
    return {
        "id": grant.id,
        "resource": grant.resource,
        "provider": grant.provider,
        "department": grant.department,
        "systems": list(grant.systems),
        "items": list(grant.items),
        "masks": grant.masks,
        "matters": list(grant.matters),
        "purposes": list(grant.purposes),
        "operations": list(grant.operations),
        "channels": list(grant.channels),
        "daily_quota": grant.daily_quota,
        "daily_rows": grant.daily_rows,
        "daily_subjects": grant.daily_subjects,
        "request": grant.request,
        "until": grant.not_after.isoformat(),
        "state": grant.state.value,
    }
