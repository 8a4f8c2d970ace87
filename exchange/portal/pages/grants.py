"""Grants: what the department has and what it gave, and how they pause and end."""

from dataclasses import replace
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from catalogue.model import Actor, Role
from exchange.acts.register import ActError
from exchange.node import Node
from exchange.portal.forms import Errors, read_form
from exchange.portal.listing import Listed, choices, counted, read_listed
from exchange.portal.render import page
from exchange.portal.rooms import Names, acted, grant_told, names_for, tried
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
    else:
        await tried(errors, request, actor, f"grant.{verb}", grant=key, **arguments)
    if errors:
        return await _entry(request, actor, errors, reason=reason)
    return RedirectResponse(f"/grants/{key}?done={verb}", status_code=303)


async def _entry(request: Request, actor: Actor, errors: Errors, *, reason: str = "") -> Response:
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
    return {
        "grant": grant_told(held, names, node.zone) | {"entry": held["entry"]},
        "provider": provider,
        "asked_here": held["department"] == actor.department,
    }


ROUTES = [
    Route("/grants", grants, methods=["GET"]),
    Route("/grants/{id}", entry, methods=["GET"]),
    Route("/grants/{id}/{verb}", change, methods=["POST"]),
]
