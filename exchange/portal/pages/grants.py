"""Grants: what the department has and what it gave, and how they pause and end."""

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from catalogue.model import Actor, Role
from exchange.acts.register import ActError
from exchange.node import Node
from exchange.portal.forms import Errors, read_form
from exchange.portal.render import page
from exchange.portal.rooms import Names, acted, grant_told, names_for, tried
from exchange.portal.session import signed_in

NEEDS_REASON = ("suspend", "revoke")
VERBS = (*NEEDS_REASON, "resume")


async def grants(request: Request) -> Response:
    actor = await signed_in(request)
    node: Node = request.app.state.node
    told = await run_in_threadpool(_listed, node, actor, names_for(request))
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


def _listed(node: Node, actor: Actor, names: Names) -> dict[str, Any]:
    held = acted(node, actor, "grant.list")
    return {
        "own": actor.has(Role.OPERATOR) or actor.has(Role.HEAD),
        "have": [
            grant_told(one, names, node.zone)
            for one in held
            if one["department"] == actor.department
        ],
        "gave": [
            grant_told(one, names, node.zone) for one in held if one["provider"] == actor.department
        ],
        "others": [
            grant_told(one, names, node.zone)
            for one in held
            if actor.department not in {one["department"], one["provider"]}
        ],
    }


def _shown(node: Node, actor: Actor, key: str, names: Names) -> dict[str, Any]:
    held = next((one for one in acted(node, actor, "grant.list") if one["id"] == key), None)
    if held is None:
        raise ActError("NOT_FOUND", f"no grant {key} of your department")
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
