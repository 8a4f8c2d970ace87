"""Disputes between departments: every step of each tier, and the next one."""

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from catalogue.model import Actor, Role
from exchange.acts.register import ActError
from exchange.node import Node
from exchange.portal.forms import Errors, read_form
from exchange.portal.listing import choices, counted, read_listed
from exchange.portal.render import page
from exchange.portal.rooms import Names, acted, moment, names_for, tried
from exchange.portal.session import signed_in

STATES = ("open", "settled")
KINDS = ("request", "grant", "correction")
VERBS = ("say", "raise", "decide", "settle")


async def disputes(request: Request) -> Response:
    actor = await signed_in(request)
    node: Node = request.app.state.node
    listed = read_listed("/disputes", request.query_params, "state")
    state = listed.filters.get("state", "")
    found = await run_in_threadpool(
        acted,
        node,
        actor,
        "dispute.list",
        state=state if state in STATES else None,
        **listed.arguments(),
    )
    names = names_for(request)
    return page(
        request,
        "disputes.html",
        rows=[_line(one, names, node) for one in found["rows"]],
        states=choices(listed, "state", STATES, found["counts"]),
        pages=listed.pages(found),
        total=counted(found["total"]),
    )


async def new(request: Request) -> Response:
    """Where a refusal, a grant or a correction leads to."""
    actor = await signed_in(request)
    given = {name: request.query_params.get(name, "") for name in ("kind", "about")}
    if given["kind"] not in KINDS or not given["about"]:
        raise ActError("NOT_FOUND", "a request, a grant or a correction is disputed")
    return _form(request, actor, given, Errors.of(request))


async def open_dispute(request: Request) -> Response:
    actor = await signed_in(request)
    form = await read_form(request)
    given = {name: form.text(name) for name in ("kind", "about")}
    errors, made = Errors.of(request), None
    if not form.text("text"):
        errors.at("text", "Fill this in")
    else:
        text = form.text("text")
        made = await tried(errors, request, actor, "dispute.open", text=text, **given)
    if errors or made is None:
        return _form(request, actor, given, errors)
    return RedirectResponse(f"/disputes/{made['id']}", status_code=303)


async def entry(request: Request) -> Response:
    actor = await signed_in(request)
    return await _entry(request, actor, Errors.of(request))


async def step(request: Request) -> Response:
    """The next step: say, bring it up, decide, settle."""
    actor = await signed_in(request)
    form = await read_form(request)
    key, verb, errors = request.path_params["id"], form.get("verdict"), Errors.of(request)
    text = form.text("text")
    if verb not in VERBS:
        raise ActError("NOT_FOUND", f"no such step: {verb}")
    if not text:
        errors.at("text", "Fill this in")
    else:
        more = {"document": form.text("document")} if verb == "decide" else {}
        await tried(errors, request, actor, f"dispute.{verb}", dispute=key, text=text, **more)
    if errors:
        return await _entry(request, actor, errors)
    return RedirectResponse(f"/disputes/{key}", status_code=303)


def _form(request: Request, actor: Actor, given: dict[str, str], errors: Errors) -> Response:
    return page(
        request,
        "disputes_new.html",
        status=400 if errors else 200,
        errors=errors.by_field,
        given=given,
        head=actor.has(Role.HEAD),
    )


async def _entry(request: Request, actor: Actor, errors: Errors) -> Response:
    node: Node = request.app.state.node
    key = request.path_params["id"]
    held = await run_in_threadpool(acted, node, actor, "dispute.show", dispute=key)
    open_ = held["state"] == "open"
    party = actor.department in {held["claimant"], held["respondent"]}
    acts = actor.has(Role.OPERATOR) or actor.has(Role.HEAD)
    decides = actor.has(Role.AUTHORITY) and held["tier"] != "negotiate" and not held["decided"]
    claims = actor.department == held["claimant"] and actor.has(Role.HEAD)
    raises = held["tier"] == "negotiate" or (held["tier"] == "authority" and held["decided"])
    return page(
        request,
        "disputes_entry.html",
        status=400 if errors else 200,
        errors=errors.by_field,
        one=_line(held, names_for(request), node) | {"recorded": held["recorded"]},
        may_say=open_ and party and acts,
        may_raise=open_ and party and actor.has(Role.HEAD) and raises,
        may_decide=open_ and decides and not party,
        may_settle=open_ and claims and (held["tier"] == "negotiate" or held["decided"]),
        government=held["tier"] == "government",
        about=_about(held),
    )


def _about(held: dict[str, Any]) -> str:
    rooms = {"request": "/requests/", "grant": "/grants/", "correction": "/corrections/"}
    return rooms[held["about_kind"]] + str(held["about"])


def _line(held: dict[str, Any], names: Names, node: Node) -> dict[str, Any]:
    return held | {
        "name": names.resource(held["resource"]),
        "claimant_name": names.department(held["claimant"]),
        "respondent_name": names.department(held["respondent"]),
        "opened": moment(held["opened_at"], node.zone),
        "steps": [
            one
            | {
                "at": moment(one["at"], node.zone),
                "department": names.department(one["department"]),
            }
            for one in held["steps"]
        ],
    }


ROUTES = [
    Route("/disputes", disputes, methods=["GET"]),
    Route("/disputes/new", new, methods=["GET"]),
    Route("/disputes/new", open_dispute, methods=["POST"]),
    Route("/disputes/{id}", entry, methods=["GET"]),
    Route("/disputes/{id}/step", step, methods=["POST"]),
]
