"""Emergency access: announce items, ask, let a second officer open it, end it, review it."""

from collections.abc import Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from catalogue.emergency import LONGEST, TWO_FACTOR
from catalogue.model import Actor, Resource, Role
from catalogue.rules import rule
from exchange.acts import emergency as acts
from exchange.acts.register import ActError
from exchange.clock import now
from exchange.node import Node
from exchange.portal.forms import Errors, Form, read_form
from exchange.portal.render import page
from exchange.portal.rooms import Names, acted, moment, names_for, title, tried
from exchange.portal.session import signed_in

VERBS = ("confirm", "end", "review")


async def overview(request: Request) -> Response:
    """`GET /emergency`: what waits for a review first, then the newest."""
    actor = await signed_in(request)
    node: Node = request.app.state.node
    said = await run_in_threadpool(acted, node, actor, "emergency.list")
    names = names_for(request)
    resources = list(request.state.snapshot.resources.values())
    works = actor.has(Role.OPERATOR) or actor.has(Role.HEAD)
    return page(
        request,
        "emergency.html",
        accesses=[_told(one, names, node) for one in said["accesses"]],
        stopped=said["stopped"],
        two_factor=actor.auth == TWO_FACTOR,
        offered=[
            (one.code, title(one, names.language), names.department(one.department))
            for one in resources
            if one.emergency_items and one.state == "announced" and works
        ],
        own=[
            (one.code, title(one, names.language), names.items(one.code, one.emergency_items or ()))
            for one in resources
            if one.department == actor.department and one.state == "announced"
        ]
        if actor.has(Role.HEAD)
        else [],
        done=request.query_params.get("done", ""),
    )


async def offer(request: Request) -> Response:
    """`GET` and `POST /emergency/offer?resource=…`: which items may be looked up."""
    actor = await signed_in(request)
    errors = Errors.of(request)
    resource = _resource(request)
    ticked = tuple(resource.emergency_items or ())
    if request.method == "POST":
        given = await read_form(request)
        ticked = tuple(given.getlist("items"))
        arguments = {"resource": resource.code, "items": list(ticked)}
        await tried(errors, request, actor, "emergency.offer", **arguments)
        if not errors:
            return RedirectResponse("/emergency?done=offer", status_code=303)
    return _page(
        request,
        "emergency_offer.html",
        errors,
        resource=_named(resource, request),
        items=[
            (one.name, one.title) for one in resource.items if one.sharing_class != "not-shared"
        ],
        ticked=ticked,
    )


async def ask(request: Request) -> Response:
    """`GET` and `POST /emergency/new?resource=…`: whom it is about, which items, why, how long."""
    actor = await signed_in(request)
    errors = Errors.of(request)
    resource = _resource(request)
    given: Mapping[str, str] = {}
    ticked: list[str] = []
    if request.method == "POST":
        form = await read_form(request)
        given, ticked = form, form.getlist("items")
        said = await tried(errors, request, actor, "emergency.ask", **_sought(form, resource))
        if said is not None:
            return RedirectResponse(f"/emergency/{said['id']}", status_code=303)
    snapshot = request.state.snapshot
    offered = set(resource.emergency_items or ())
    own = actor.department
    return _page(
        request,
        "emergency_new.html",
        errors,
        resource=_named(resource, request),
        items=[(one.name, one.title) for one in resource.items if one.name in offered],
        ticked=ticked,
        given=given,
        systems=[(s.id, s.name) for s in snapshot.systems.values() if s.department == own],
        matters=[(m.code, m.name) for m in snapshot.matters.values() if m.department == own],
        purposes=resource.purposes,
        longest=rule(LONGEST, on=now().date()).value,
        two_factor=actor.auth == TWO_FACTOR,
    )


async def access(request: Request) -> Response:
    """`GET /emergency/{id}`: one access, and what the visitor may do with it."""
    actor = await signed_in(request)
    return await _access(request, actor, Errors.of(request))


async def change(request: Request) -> Response:
    """`POST /emergency/{id}/{verb}`: confirm, end or review."""
    actor = await signed_in(request)
    form = await read_form(request)
    verb = str(request.path_params["verb"])
    if verb not in VERBS:
        raise ActError("NOT_FOUND", f"no such change of an emergency access: {verb}")
    arguments: dict[str, Any] = {"access": request.path_params["id"]}
    if verb == "review":
        arguments |= {"verdict": form.text("verdict"), "finding": form.text("finding")}
    errors = Errors.of(request)
    await tried(errors, request, actor, f"emergency.{verb}", **arguments)
    if errors:
        return await _access(request, actor, errors)
    return RedirectResponse(f"/emergency/{arguments['access']}?done={verb}", status_code=303)


async def _access(request: Request, actor: Actor, errors: Errors) -> Response:
    node: Node = request.app.state.node
    held = await run_in_threadpool(acts.need, node, actor, request.path_params["id"])
    told = _told(acts.told(held), names_for(request), node)
    mine = actor.department == held.department
    return _page(
        request,
        "emergency_access.html",
        errors,
        access=told,
        may_confirm=mine and told["state"] == "asked" and actor.id != held.asked_by,
        may_end=mine and told["state"] in {"asked", "open"},
        may_review=actor.has(Role.AUDITOR) and told["state"] in {"over", "ended"},
        reviewed=held.reviewed_at is not None,
        two_factor=actor.auth == TWO_FACTOR,
        done=request.query_params.get("done", ""),
    )


def _page(request: Request, template: str, errors: Errors, **values: Any) -> Response:
    return page(request, template, status=400 if errors else 200, errors=errors.by_field, **values)


def _resource(request: Request) -> Resource:
    code = request.query_params.get("resource", "")
    found: Resource | None = request.state.snapshot.resources.get(code)
    if found is None or found.state != "announced":
        raise ActError("NOT_FOUND", f"no announced resource {code}")
    return found


def _named(resource: Resource, request: Request) -> dict[str, str]:
    names = names_for(request)
    return {
        "code": resource.code,
        "name": title(resource, names.language),
        "department": names.department(resource.department),
    }


def _sought(form: Form, resource: Resource) -> dict[str, Any]:
    minutes = form.text("minutes")
    return {
        "sought": {
            "resource": resource.code,
            "system": form.text("system"),
            "matter": form.text("matter"),
            "purpose": form.text("purpose"),
            "items": form.getlist("items"),
            "reason": form.text("reason"),
            "minutes": int(minutes) if minutes.isascii() and minutes.isdecimal() else 0,
        },
        "type": str(resource.key.subject or ""),
        "identifier": form.text("identifier"),
    }


def _told(held: Mapping[str, Any], names: Names, node: Node) -> dict[str, Any]:
    """An access as a table or its own page shows it."""

    def at(name: str) -> str:
        return moment(held[name], node.zone) if held[name] else ""

    return {
        "id": held["id"],
        "state": str(held["state"]),
        "tag": "emergency-open" if held["state"] == "open" else str(held["state"]),
        "resource": held["resource"],
        "name": names.resource(held["resource"]),
        "provider": names.department(held["provider"]),
        "department": names.department(held["department"]),
        "system": names.system(held["system"]),
        "matter": names.matter(held["matter"]),
        "titles": names.items(held["resource"], held["items"]),
        "minutes": held["minutes"],
        "asked_by": names.officer(held["asked_by"]),
        "asked_at": at("asked_at"),
        "confirmed_by": names.officer(held["confirmed_by"]),
        "opened_at": at("opened_at"),
        "not_after": at("not_after"),
        "ended_at": at("ended_at"),
        "review_due": held["review_due"] or "",
        "provisional": held["review_due_provisional"],
        "overdue": held["overdue"],
        "reviewed_by": names.officer(held["reviewed_by"]),
        "reviewed_at": at("reviewed_at"),
        "verdict": held["verdict"] or "",
        "case": held["case"] or "",
    }


ROUTES = [
    Route("/emergency", overview, methods=["GET"]),
    Route("/emergency/offer", offer, methods=["GET", "POST"]),
    Route("/emergency/new", ask, methods=["GET", "POST"]),
    Route("/emergency/{id}", access, methods=["GET"]),
    Route("/emergency/{id}/{verb}", change, methods=["POST"]),
]
