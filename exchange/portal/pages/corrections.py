"""Wrong values: reported by the number of a receipt, answered by their provider, closed."""

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from catalogue.model import Actor, Role, SubjectType
from exchange.node import Node
from exchange.portal.forms import Errors, read_form
from exchange.portal.listing import choices, counted, read_listed
from exchange.portal.render import page
from exchange.portal.rooms import Names, acted, moment, names_for, tried
from exchange.portal.session import signed_in

STATES = ("reported", "accepted", "refused", "closed")
FIELDS = ("entry", "resource", "item", "type", "identifier", "words")


async def corrections(request: Request) -> Response:
    actor = await signed_in(request)
    node: Node = request.app.state.node
    listed = read_listed("/corrections", request.query_params, "state")
    state = listed.filters.get("state", "")
    found = await run_in_threadpool(
        acted,
        node,
        actor,
        "correction.list",
        state=state if state in STATES else None,
        **listed.arguments(),
    )
    names = names_for(request)
    return page(
        request,
        "corrections.html",
        rows=[_line(one, names, node) for one in found["rows"]],
        states=choices(listed, "state", STATES, found["counts"]),
        pages=listed.pages(found),
        total=counted(found["total"]),
        may_report=_acts(actor),
    )


async def new(request: Request) -> Response:
    """The form, with what the address says: the page of a receipt leads here."""
    actor = await signed_in(request)
    given = {name: request.query_params.get(name, "") for name in FIELDS if name != "identifier"}
    return await _form(request, actor, given | {"identifier": ""}, Errors.of(request))


async def report(request: Request) -> Response:
    actor = await signed_in(request)
    form = await read_form(request)
    given = {name: form.text(name) for name in FIELDS}
    errors = Errors.of(request)
    for name in FIELDS:
        if not given[name]:
            errors.at(name, "Fill this in")
    entry = given["entry"]
    if entry and not (entry.isascii() and entry.isdecimal() and len(entry) < 16):
        errors.at("entry", "Enter the number on the receipt")
    made: Any = None
    if not errors:
        arguments: dict[str, Any] = given | {"entry": int(entry)}
        made = await tried(errors, request, actor, "correction.report", **arguments)
    if errors or made is None:
        return await _form(request, actor, given, errors)
    return RedirectResponse(f"/corrections/{made['id']}?done=report", status_code=303)


async def entry(request: Request) -> Response:
    actor = await signed_in(request)
    return await _entry(request, actor, Errors.of(request))


async def answer(request: Request) -> Response:
    """Accept, refuse or close."""
    actor = await signed_in(request)
    form = await read_form(request)
    key, verb, errors = request.path_params["id"], form.get("verdict"), Errors.of(request)
    text = form.text("text")
    if verb == "refuse" and not text:
        errors.at("text", "Say why the value stands")
    elif verb in {"accept", "refuse"}:
        await tried(errors, request, actor, f"correction.{verb}", correction=key, text=text)
    else:
        await tried(errors, request, actor, "correction.close", correction=key)
    if errors:
        return await _entry(request, actor, errors)
    return RedirectResponse(f"/corrections/{key}?done=answer", status_code=303)


async def _form(request: Request, actor: Actor, given: dict[str, str], errors: Errors) -> Response:
    names = names_for(request)
    held = names.snapshot.resources.get(given["resource"])
    return page(
        request,
        "corrections_new.html",
        status=400 if errors else 200,
        errors=errors.by_field,
        given=given,
        items=[] if held is None else [(one.name, one.title) for one in held.items],
        types=list(SubjectType),
        may_report=_acts(actor),
    )


async def _entry(request: Request, actor: Actor, errors: Errors) -> Response:
    node: Node = request.app.state.node
    key = request.path_params["id"]
    held = await run_in_threadpool(acted, node, actor, "correction.show", correction=key)
    ours, acts = held["provider"] == actor.department, _acts(actor)
    refused = held["state"] == "refused"
    closes = (held["state"] == "accepted" and ours and acts) or (
        refused and ((held["department"] == actor.department and acts) or actor.has(Role.AUTHORITY))
    )
    names = names_for(request)
    return page(
        request,
        "corrections_entry.html",
        status=400 if errors else 200,
        errors=errors.by_field,
        one=_line(held, names, node)
        | {
            "words": held["words"],
            "answer": held["answer"],
            "recorded": held["recorded"],
            "informed": [names.department(code) for code in held["informed"]],
        },
        may_answer=held["state"] == "reported" and ours and acts,
        may_close=closes,
        may_dispute=refused and actor.has(Role.HEAD),
        own_call=held["department"] == actor.department,
        done=request.query_params.get("done", ""),
    )


def _line(held: dict[str, Any], names: Names, node: Node) -> dict[str, Any]:
    return held | {
        "name": names.resource(held["resource"]),
        "item_title": names.items(held["resource"], [held["item"]])[0],
        "provider_name": names.department(held["provider"]),
        "department_name": names.department(held["department"]),
        "reported": moment(held["reported_at"], node.zone),
    }


def _acts(actor: Actor) -> bool:
    return actor.has(Role.OPERATOR) or actor.has(Role.HEAD)


ROUTES = [
    Route("/corrections", corrections, methods=["GET"]),
    Route("/corrections/new", new, methods=["GET"]),
    Route("/corrections/new", report, methods=["POST"]),
    Route("/corrections/{id}", entry, methods=["GET"]),
    Route("/corrections/{id}/answer", answer, methods=["POST"]),
]
