"""The policy: what decides, what waits for a second approver, how it differs, and the two buttons."""

from collections.abc import Mapping
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
from exchange.portal.rooms import Names, acted, moment, names_for, tried
from exchange.portal.session import signed_in

VERBS = ("activate", "withdraw")
SHORT = 12
"""Characters of a digest that a page shows; the whole one stands in the address and on its own page."""


async def overview(request: Request) -> Response:
    """`GET /policy`."""
    actor = await signed_in(request)
    node: Node = request.app.state.node
    said = await run_in_threadpool(acted, node, actor, "policy.show")
    names = names_for(request)
    decides = said["decides"]
    return page(
        request,
        "policy.html",
        decides=None
        if decides is None
        else decides | {"until": moment(decides["expires"], node.zone)},
        problem=said["problem"],
        waiting=[bundle_told(one, names, node) for one in said["waiting"]],
        past=[bundle_told(one, names, node) for one in said["past"]],
        in_force=None if said["in_force"] is None else bundle_told(said["in_force"], names, node),
        too_few=said["approvers"] < 2,
        no_keys=not said["keys"],
        done=request.query_params.get("done", ""),
    )


async def bundle(request: Request) -> Response:
    """`GET /policy/{digest}`: one bundle, and how it differs from what decides now."""
    actor = await signed_in(request)
    return await _bundle(request, actor, Errors.of(request), confirm="")


async def confirm(request: Request) -> Response:
    """`GET /policy/{digest}/{verb}`: what the act does, before it is done."""
    actor = await signed_in(request)
    return await _bundle(request, actor, Errors.of(request), confirm=_verb(request))


async def change(request: Request) -> Response:
    """`POST /policy/{digest}/{verb}`: put in force, or take back."""
    actor = await signed_in(request)
    given = await read_form(request)
    verb, digest = _verb(request), request.path_params["digest"]
    errors = Errors.of(request)
    arguments = {"reason": given.text("reason")} if verb == "withdraw" else {}
    await tried(errors, request, actor, f"policy.{verb}", digest=digest, **arguments)
    if errors:
        return await _bundle(request, actor, errors, confirm=verb)
    return RedirectResponse(f"/policy?done={verb}", status_code=303)


def bundle_told(held: Mapping[str, Any], names: Names, node: Node) -> dict[str, Any]:
    """A bundle as a table or its own page shows it."""
    return {
        "digest": held["digest"],
        "short": held["digest"][:SHORT],
        "serial": held["serial"],
        "revision": held["revision"],
        "until": moment(held["expires"], node.zone),
        "signed_by": held["signed_by"],
        "tests": held["tests"],
        "state": held["state"],
        "proposed_by": names.officer(held["proposed_by"]),
        "proposed_at": moment(held["proposed_at"], node.zone),
        "proposal": held["proposal"],
        "activated_by": names.officer(held["activated_by"]),
        "activated_at": ""
        if held["activated_at"] is None
        else moment(held["activated_at"], node.zone),
        "activation": held["activation"],
        "withdrawn_by": names.officer(held["withdrawn_by"]),
    }


def _verb(request: Request) -> str:
    verb = str(request.path_params["verb"])
    if verb not in VERBS:
        raise ActError("NOT_FOUND", f"no such change of a bundle: {verb}")
    return verb


async def _bundle(request: Request, actor: Actor, errors: Errors, *, confirm: str) -> Response:
    node: Node = request.app.state.node
    said = await run_in_threadpool(
        acted, node, actor, "policy.compare", digest=request.path_params["digest"]
    )
    told = bundle_told(said["bundle"], names_for(request), node)
    waits = told["state"] == "proposed"
    approver = actor.has(Role.POLICY_APPROVER)
    return page(
        request,
        "policy_bundle.html",
        status=400 if errors else 200,
        errors=errors.by_field,
        bundle=told,
        files=said["files"],
        compared=said["with"],
        confirm=confirm if waits and approver else "",
        may_withdraw=waits and approver,
        may_activate=waits and approver and said["bundle"]["proposed_by"] != actor.id,
        own=waits and approver and said["bundle"]["proposed_by"] == actor.id,
    )


ROUTES = [
    Route("/policy", overview, methods=["GET"]),
    Route("/policy/{digest}", bundle, methods=["GET"]),
    Route("/policy/{digest}/{verb}", confirm, methods=["GET"]),
    Route("/policy/{digest}/{verb}", change, methods=["POST"]),
]
