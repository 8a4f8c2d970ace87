"""Acts on grants: given, paused, narrowed, amended by both sides, ended, looked at."""

from datetime import datetime, timedelta
from typing import Literal

from audit.canonical import decode_strict
from audit.search import walk
from audit.wanted import Wanted
from catalogue.granted import Grant, GrantState
from catalogue.granting import Amended, Amendment, Narrower, destruction_clock
from catalogue.model import Actor, Role
from catalogue.rows import AMENDMENT, GRANT
from catalogue.terms import Terms
from exchange.acts.held import entries_of, entry_of, found
from exchange.acts.listing import FIRST, Span, Told, counted, cut, paged
from exchange.acts.register import ActError, act
from exchange.node import Node

Side = Literal["have", "gave", "others"]
"""Where a department stands to a grant: it has it, it gave it, or others have it of others."""

ANSWERED = ("given", "partly-given", "disputed")
"""Outcomes of a step that gave something."""
LOOKED_AT = 2_000
"""Search rows that are looked through for what left under a grant."""
_LEFT = {"export.released": "export", "file.offered": "file"}
"""Kind of an entry → how a copy left the exchange with it."""


@act("grant.give")
def give(node: Node, actor: Actor, *, request: str, terms: Terms) -> dict[str, object]:
    given = node.registry.grant(request, by=actor, terms=terms)
    return _told(given) | {"entry": entry_of(node, GRANT, given.id)}


@act("grant.suspend")
def suspend(
    node: Node,
    actor: Actor,
    *,
    grant: str,
    reason: str = "",
    resumes_at: datetime | None = None,
) -> Told:
    """Pause a grant; with `resumes_at` it resumes by itself then."""
    held = node.registry.suspend(grant, by=actor, reason=reason, resumes_at=resumes_at)
    return _told(held)


@act("grant.resume")
def resume(node: Node, actor: Actor, *, grant: str) -> dict[str, object]:
    return _told(node.registry.resume(grant, by=actor))


@act("grant.revoke")
def revoke(node: Node, actor: Actor, *, grant: str, reason: str = "") -> dict[str, object]:
    return _told(node.registry.revoke(grant, by=actor, reason=reason))


@act("grant.narrow")
def narrow(node: Node, actor: Actor, *, grant: str, to: Narrower, reason: str) -> Told:
    """Take a part of a grant away at once; what `to` does not name stays as it is."""
    return _done(node, node.registry.narrow(grant, to, by=actor, reason=reason))


@act("grant.end")
def end(node: Node, actor: Actor, *, grant: str, reason: str, words: str = "") -> Told:
    """End a grant: `purpose-achieved` by who has it, `law-changed` by who gave it.

    Where exports, pulls or files left under it, the consumer has to confirm that they are destroyed.
    """
    held = _seen(node, actor, grant)
    ended = node.registry.end_grant(
        grant, by=actor, reason=reason, went_out=went_out(node, held), words=words
    )
    return _done(node, ended)


@act("grant.confirm-destruction")
def confirm_destruction(node: Node, actor: Actor, *, grant: str, statement: str) -> Told:
    """Confirm, as the consumer's head, that every copy of what was given is destroyed."""
    return _done(node, node.registry.confirm_destruction(grant, by=actor, statement=statement))


@act("grant.propose-amendment")
def propose_amendment(node: Node, actor: Actor, *, grant: str, to: Amended, reason: str) -> Told:
    """Propose other terms for a grant, as either side; both sides' heads have to sign them."""
    return amendment_told(node.registry.propose_amendment(grant, to, by=actor, reason=reason))


@act("grant.sign-amendment")
def sign_amendment(node: Node, actor: Actor, *, amendment: str) -> Told:
    """Sign for one's side; with both signatures the grant's next revision stands."""
    signed, amended = node.registry.sign_amendment(amendment, by=actor)
    revision = None if amended is None else amended.way.revision
    return amendment_told(signed) | {"revision": revision}


@act("grant.withdraw-amendment")
def withdraw_amendment(node: Node, actor: Actor, *, amendment: str) -> Told:
    """Take an amendment back, or refuse the other side's."""
    return amendment_told(node.registry.withdraw_amendment(amendment, by=actor))


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
    entries = entries_of(node, GRANT)
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
    held = _seen(node, actor, grant)
    amendments = [one for one in node.held(AMENDMENT).values() if one.grant == held.id]
    clock = destruction_clock(held, node.registry.law())
    return _told(held) | {
        "entry": entry_of(node, GRANT, held.id),
        "rows": [{"item": row.item, "op": row.op, "value": row.value} for row in held.rows],
        "amendments": [amendment_told(one) for one in amendments],
        "destroy_by": None if clock is None else clock.due.day.isoformat(),
    }


def side_of(grant: Grant, department: str) -> Side:
    """Say on which side of a grant a department stands."""
    if grant.department == department:
        return "have"
    return "gave" if grant.provider == department else "others"


def went_out(node: Node, grant: Grant) -> tuple[str, ...]:
    """Say how copies left the exchange under a grant, as the log tells it: exports, pulls, files.

    Where more entries would have to be looked through than is bounded, copies count as having left.
    """
    left = {
        way
        for kind, way in _LEFT.items()
        if walk(
            node.databases.log,
            Wanted(kind=kind, resource=grant.resource, consumer=grant.department),
            token=node.vault.token,
            most=1,
        ).rows
    }
    if "bulk" in grant.channels and _pulled(node, grant):
        left.add("pull")
    return tuple(sorted(left))


def amendment_told(held: Amendment) -> Told:
    return {
        "id": held.id,
        "grant": held.grant,
        "items": list(held.items),
        "match": list(held.match),
        "matters": list(held.matters),
        "systems": list(held.systems),
        "max_rows": held.max_rows,
        "daily_quota": held.daily_quota,
        "daily_rows": held.daily_rows,
        "daily_subjects": held.daily_subjects,
        "until": held.not_after.isoformat(),
        "changes": ["until" if name == "not_after" else name for name in held.terms],
        "reason": held.reason,
        "state": held.state,
        "proposed_by_department": held.proposed_side,
        "consumer_signed": held.consumer_signed is not None,
        "provider_signed": held.provider_signed is not None,
    }


def _pulled(node: Node, grant: Grant) -> bool:
    """Whether records were read in bulk under the grant."""
    for decision in ANSWERED:
        page = walk(
            node.databases.log,
            Wanted(
                kind="call",
                resource=grant.resource,
                consumer=grant.department,
                decision=decision,
                since=grant.not_before,
            ),
            token=node.vault.token,
            most=LOOKED_AT,
        )
        for index in dict.fromkeys(row.index for row in page.rows):
            members = decode_strict(node.log.entry(index))
            steps = members.get("steps", [])
            if members.get("channel") == "bulk" and any(one["grant"] == grant.id for one in steps):
                return True
        if page.next is not None:
            return True
    return False


def _seen(node: Node, actor: Actor, grant: str) -> Grant:
    held = found(node, GRANT, grant)
    if held is None or not _sees(actor, held):
        raise ActError("NOT_FOUND", f"no grant {grant} of your department")
    return held


def _done(node: Node, held: Grant) -> Told:
    return _told(held) | {"entry": entry_of(node, GRANT, held.id)}


def _sees(actor: Actor, held: Grant) -> bool:
    everything = actor.has(Role.AUTHORITY) or actor.has(Role.AUDITOR)
    return everything or actor.department in {held.department, held.provider}


def _ends(held: Grant, now: datetime, *, within: int) -> bool:
    in_force = held.state is GrantState.ACTIVE and held.not_after > now
    return in_force and held.not_after <= now + timedelta(days=within)


def _told(grant: Grant) -> Told:
    way = grant.way
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
        "match": list(grant.match),
        "max_rows": grant.max_rows,
        "daily_quota": grant.daily_quota,
        "daily_rows": grant.daily_rows,
        "daily_subjects": grant.daily_subjects,
        "request": grant.request,
        "until": grant.not_after.isoformat(),
        "state": grant.state.value,
        "revision": way.revision,
        "resumes_at": None if way.resumes_at is None else way.resumes_at.isoformat(),
        "return_flow": way.return_flow,
        "ended_for": way.ended_for or None,
        "went_out": list(way.went_out),
        "destroyed": way.destroyed,
    }
