"""Grants: what the department has and what it gave, and how they pause and end."""

from dataclasses import replace
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from catalogue.granting import LAW_CHANGED, PURPOSE_ACHIEVED
from catalogue.model import Actor, Role
from exchange.acts.register import ActError
from exchange.node import Node
from exchange.portal.forms import Errors, Form, read_form
from exchange.portal.grant_terms import changes_told, read_terms
from exchange.portal.listing import Listed, choices, counted, read_listed
from exchange.portal.render import page
from exchange.portal.rooms import (
    Names,
    acted,
    grant_told,
    holds,
    names_for,
    read_day,
    starts_on,
    tried,
)
from exchange.portal.session import signed_in

NEEDS_REASON = ("suspend", "revoke")
VERBS = (*NEEDS_REASON, "resume")
STATES = ("active", "suspended", "revoked")
ENDINGS = ("30", "90")
"""Days within which grants end that a list can be narrowed to."""


async def grants(request: Request) -> Response:
    actor = await signed_in(request)
    node: Node = request.app.state.node
    listed = read_listed(
        "/grants", request.query_params, "side", "state", "department", "ends-within"
    )
    told = await run_in_threadpool(_listed, node, actor, names_for(request), listed)
    return page(request, "grants.html", **told)


async def entry(request: Request) -> Response:
    actor = await signed_in(request)
    return await _entry(request, actor, Errors.of(request))


async def change(request: Request) -> Response:
    """Suspend, resume or revoke; the first and the last need a reason."""
    actor = await signed_in(request)
    given = await read_form(request)
    key, verb = request.path_params["id"], request.path_params["verb"]
    reason = str(given.get("reason", ""))
    errors = Errors.of(request)
    arguments = {"reason": reason} if verb in NEEDS_REASON else {}
    if verb not in VERBS:
        raise ActError("NOT_FOUND", f"no such change of a grant: {verb}")
    if verb in NEEDS_REASON and not reason.strip():
        errors.at("reason", "Say why the grant pauses or ends")
    until = given.text("resumes")
    if verb == "suspend" and until:
        first = read_day(until)
        if first is None or first <= request.app.state.node.ports.now().date():
            errors.at("resumes", "Enter a day to come, or leave it empty")
        else:
            arguments["resumes_at"] = starts_on(first, request.app.state.node.zone).isoformat()
    if not errors:
        await tried(errors, request, actor, f"grant.{verb}", grant=key, **arguments)
    if errors:
        return await _entry(request, actor, errors, reason=reason)
    return RedirectResponse(f"/grants/{key}?done={verb}", status_code=303)


async def narrow(request: Request) -> Response:
    """Take items, days or a part of a budget away at once."""
    return await _changed(request, "grant.narrow", done="narrow")


async def amend(request: Request) -> Response:
    """Propose other terms; the heads of both sides sign them."""
    return await _changed(request, "grant.propose-amendment", done="amend")


async def end(request: Request) -> Response:
    """End it for good: the purpose is achieved, or the law has changed."""
    actor = await signed_in(request)
    given = await read_form(request)
    key, errors = request.path_params["id"], Errors.of(request)
    why = given.get("why")
    if why not in {PURPOSE_ACHIEVED, LAW_CHANGED}:
        errors.at("why", "Choose why the grant ends")
    if not given.text("words"):
        errors.at("words", "Fill this in")
    if not errors:
        words = given.text("words")
        await tried(errors, request, actor, "grant.end", grant=key, reason=why, words=words)
    return await _done(request, actor, errors, "end")


async def destroyed(request: Request) -> Response:
    """The consumer's head confirms that every copy is destroyed."""
    actor = await signed_in(request)
    given = await read_form(request)
    key, errors = request.path_params["id"], Errors.of(request)
    statement = given.text("statement")
    if not statement:
        errors.at("statement", "Say what was destroyed, where and how")
    else:
        await tried(
            errors, request, actor, "grant.confirm-destruction", grant=key, statement=statement
        )
    return await _done(request, actor, errors, "destroyed")


async def answer_amendment(request: Request) -> Response:
    """Sign an amendment for one's side, or withdraw it."""
    actor = await signed_in(request)
    given = await read_form(request)
    errors = Errors.of(request)
    verb = "sign" if given.get("verdict") == "sign" else "withdraw"
    amendment = request.path_params["amendment"]
    await tried(errors, request, actor, f"grant.{verb}-amendment", amendment=amendment)
    return await _done(request, actor, errors, f"amendment-{verb}")


async def _changed(request: Request, name: str, *, done: str) -> Response:
    actor = await signed_in(request)
    given = await read_form(request)
    node: Node = request.app.state.node
    key, errors = request.path_params["id"], Errors.of(request)
    held = await run_in_threadpool(acted, node, actor, "grant.show", grant=key)
    narrows = name == "grant.narrow"
    wanted = read_terms(given, held, errors, zone=node.zone, narrows=narrows)
    if not errors:
        reason = given.text("reason-of-change")
        await tried(errors, request, actor, name, grant=key, to=wanted, reason=reason)
    if errors:
        return await _entry(request, actor, errors, given=given)
    return RedirectResponse(f"/grants/{key}?done={done}", status_code=303)


async def _done(request: Request, actor: Actor, errors: Errors, done: str) -> Response:
    if errors:
        return await _entry(request, actor, errors)
    return RedirectResponse(f"/grants/{request.path_params['id']}?done={done}", status_code=303)


async def _entry(
    request: Request, actor: Actor, errors: Errors, *, reason: str = "", given: Form | None = None
) -> Response:
    """`given` are the terms as they were typed; None: the form shows those that the grant has."""
    node: Node = request.app.state.node
    shown = await run_in_threadpool(
        _shown, node, actor, request.path_params["id"], names_for(request)
    )
    return page(
        request,
        "grants_entry.html",
        status=400 if errors else 200,
        errors=errors.by_field,
        reason=reason,
        typed=given or {},
        ticked=None if given is None else given.getlist("items"),
        done=request.query_params.get("done", ""),
        **shown,
    )


def _listed(node: Node, actor: Actor, names: Names, listed: Listed) -> dict[str, Any]:
    sides = _sides(actor)
    side = listed.filters.get("side", "")
    side = side if side in sides else sides[0]
    listed = replace(listed, filters={**listed.filters, "side": side})
    state, within = listed.filters.get("state", ""), listed.filters.get("ends-within", "")
    found = acted(
        node,
        actor,
        "grant.list",
        side=side,
        state=state if state in STATES else None,
        department=listed.filters.get("department"),
        ends_within=int(within) if within in ENDINGS else None,
        **listed.arguments(),
    )
    other = "provider" if side == "have" else "department"
    return {
        "side": side,
        "other": other,
        "grants": [grant_told(one, names, node.zone) for one in found["rows"]],
        "listed": listed,
        "sides": choices(
            replace(listed, filters={"side": side}), "side", sides, found["sides"], every=False
        ),
        "states": choices(listed, "state", STATES, found["counts"]),
        "departments": names.departments(
            (getattr(held, other) for held in names.snapshot.grants.values()),
            besides=actor.department,
        ),
        "ending": within if within in ENDINGS else "",
        "all_of_it": listed.address(**{"ends-within": ""}),
        "pages": listed.pages(found),
        "total": counted(found["total"]),
    }


def _sides(actor: Actor) -> tuple[str, ...]:
    """Which lists an officer has: both of the own department's, and others' for whoever oversees them."""
    own = ("have", "gave") if actor.has(Role.OPERATOR) or actor.has(Role.HEAD) else ()
    over = ("others",) if actor.has(Role.AUTHORITY) or actor.has(Role.AUDITOR) else ()
    # Whoever oversees without a part in it reads the own department's grants in lists of their own too.
    return own + over if own else (*over, "have", "gave")


def _shown(node: Node, actor: Actor, key: str, names: Names) -> dict[str, Any]:
    held = acted(node, actor, "grant.show", grant=key)
    provider = held["provider"] == actor.department and (
        actor.has(Role.OPERATOR) or actor.has(Role.HEAD)
    )
    ours = held["department"] == actor.department
    decides = actor.has(Role.OPERATOR) or actor.has(Role.HEAD)
    head = holds(actor, Role.HEAD, names.snapshot, at=node.ports.now())
    return {
        "grant": grant_told(held, names, node.zone)
        | {"entry": held["entry"], "destroy_by": held["destroy_by"]},
        "provider": provider,
        "asked_here": ours,
        "may_change": provider and held["state"] != "revoked",
        "may_amend": decides and (ours or provider) and held["state"] != "revoked",
        "ends": [PURPOSE_ACHIEVED] * (ours and decides) + [LAW_CHANGED] * provider,
        "may_confirm": ours and head and held["destroyed"] is False,
        "amendments": [
            one
            | {
                "told": changes_told(one, held, names, node.zone),
                "proposed_by": names.department(one["proposed_by_department"]),
                "may_sign": head
                and (
                    (ours and not one["consumer_signed"])
                    or (held["provider"] == actor.department and not one["provider_signed"])
                ),
            }
            for one in held["amendments"]
            if one["state"] == "proposed"
        ],
    }


ROUTES = [
    Route("/grants", grants, methods=["GET"]),
    Route("/grants/{id}", entry, methods=["GET"]),
    Route("/grants/{id}/narrow", narrow, methods=["POST"]),
    Route("/grants/{id}/amend", amend, methods=["POST"]),
    Route("/grants/{id}/end", end, methods=["POST"]),
    Route("/grants/{id}/destroyed", destroyed, methods=["POST"]),
    Route("/grants/{id}/amendments/{amendment}", answer_amendment, methods=["POST"]),
    Route("/grants/{id}/{verb}", change, methods=["POST"]),
]
