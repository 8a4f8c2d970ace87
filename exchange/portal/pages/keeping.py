"""Erasures and legal holds: asked for by the authority, confirmed or ended by a second officer."""

from collections.abc import Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from catalogue.model import Actor, Role, SubjectType
from exchange.acts.register import ActError
from exchange.node import Node
from exchange.portal.forms import Errors, Form, read_form
from exchange.portal.labels import label_of
from exchange.portal.language import translate
from exchange.portal.render import language_of, page
from exchange.portal.rooms import Names, acted, moment, names_for, tried
from exchange.portal.session import signed_in

VERBS = ("approve", "finish", "withdraw")
TYPES = tuple(kind.value for kind in SubjectType)
EVERYBODY = "everybody"


async def overview(request: Request) -> Response:
    """`GET /keeping`: erasures that wait, holds that stand, and what is over."""
    actor = await signed_in(request)
    return await _overview(request, actor, Errors.of(request))


async def erase(request: Request) -> Response:
    """`GET` and `POST /keeping/erase`: look what erasing somebody would erase, and ask for it."""
    actor = await signed_in(request)
    errors = Errors.of(request)
    given: Mapping[str, str] = {}
    plan: dict[str, Any] | None = None
    if request.method == "POST":
        form = await read_form(request)
        given, about = form, _subject(form, errors)
        if about is not None and form.get("step") == "plan":
            plan = await tried(errors, request, actor, "erasure.plan", **about)
        elif about is not None:
            said = await tried(
                errors,
                request,
                actor,
                "erasure.propose",
                **about,
                legal_basis=form.text("legal_basis"),
                document=form.text("document"),
            )
            if said is not None:
                return RedirectResponse(f"/keeping/erasures/{said['id']}?done=ask", status_code=303)
    return _page(
        request, "keeping_erase.html", errors, given=given, plan=plan, types=_types(request)
    )


async def hold(request: Request) -> Response:
    """`GET` and `POST /keeping/hold`: forbid erasing one subject, or anybody."""
    actor = await signed_in(request)
    errors = Errors.of(request)
    given: Mapping[str, str] = {}
    if request.method == "POST":
        form = await read_form(request)
        given = form
        about = {} if form.get("type") == EVERYBODY else _subject(form, errors)
        if about is not None:
            said = await tried(
                errors,
                request,
                actor,
                "hold.set",
                **about,
                reason=form.text("reason"),
                document=form.text("document"),
            )
            if said is not None:
                return RedirectResponse("/keeping?done=hold", status_code=303)
    types = [(EVERYBODY, translate(errors.language, "Everybody")), *_types(request)]
    return _page(request, "keeping_hold.html", errors, given=given, types=types)


async def erasure(request: Request) -> Response:
    """`GET /keeping/erasures/{id}`: one erasure, and what the visitor may do with it."""
    actor = await signed_in(request)
    return await _erasure(request, actor, Errors.of(request))


async def change(request: Request) -> Response:
    """`POST /keeping/erasures/{id}/{verb}`: approve and carry out, finish, or withdraw."""
    actor = await signed_in(request)
    form = await read_form(request)
    verb, id_ = str(request.path_params["verb"]), str(request.path_params["id"])
    if verb not in VERBS:
        raise ActError("NOT_FOUND", f"no such change of an erasure: {verb}")
    errors = Errors.of(request)
    if verb == "approve" and form.get("known") != "yes":
        errors.at("known", "Say that you know it: keys cannot be brought back")
    else:
        await tried(errors, request, actor, f"erasure.{verb}", erasure=id_)
    if errors:
        return await _erasure(request, actor, errors)
    return RedirectResponse(f"/keeping/erasures/{id_}?done={verb}", status_code=303)


async def lift(request: Request) -> Response:
    """`POST /keeping/holds/{id}/lift`: end a hold, as another officer than who set it."""
    actor = await signed_in(request)
    await read_form(request)
    errors = Errors.of(request)
    await tried(errors, request, actor, "hold.lift", hold=request.path_params["id"])
    if errors:
        return await _overview(request, actor, errors)
    return RedirectResponse("/keeping?done=lift", status_code=303)


async def _overview(request: Request, actor: Actor, errors: Errors) -> Response:
    node: Node = request.app.state.node
    said = await run_in_threadpool(acted, node, actor, "erasure.list")
    names = names_for(request)
    return _page(
        request,
        "keeping.html",
        errors,
        waiting=[_erasure_told(one, names, node) for one in said["waiting"]],
        past=[_erasure_told(one, names, node) for one in said["past"]],
        holds=[
            _hold_told(one, names, node)
            | {"may_lift": actor.id != one["set_by"] and _may_lift(actor)}
            for one in said["holds"]
        ],
        lifted=[_hold_told(one, names, node) for one in said["lifted"]],
        may_ask=actor.has(Role.AUTHORITY),
        done=request.query_params.get("done", ""),
    )


async def _erasure(request: Request, actor: Actor, errors: Errors) -> Response:
    node: Node = request.app.state.node
    said = await run_in_threadpool(acted, node, actor, "erasure.list")
    id_ = request.path_params["id"]
    held = next((one for one in (*said["waiting"], *said["past"]) if one["id"] == id_), None)
    if held is None:
        raise ActError("NOT_FOUND", f"no erasure {id_}")
    proposed = held["state"] == "proposed"
    return _page(
        request,
        "keeping_erasure.html",
        errors,
        erasure=_erasure_told(held, names_for(request), node),
        may_approve=proposed and actor.has(Role.AUDITOR) and actor.id != held["asked_by"],
        may_withdraw=proposed,
        may_finish=held["state"] == "approved",
        done=request.query_params.get("done", ""),
    )


def _may_lift(actor: Actor) -> bool:
    return actor.has(Role.AUTHORITY) or actor.has(Role.AUDITOR)


def _subject(form: Form, errors: Errors) -> dict[str, str] | None:
    """Return whom a form is about; None where it does not say, which is an error of the page by then."""
    kind, identifier = form.get("type"), form.text("identifier")
    if kind not in TYPES:
        errors.at("type", "Choose one of the kinds")
    if not identifier:
        errors.at("identifier", "Fill in the identifier")
    return None if errors else {"type": kind, "identifier": identifier}


def _types(request: Request) -> list[tuple[str, str]]:
    language = language_of(request)
    return [(one, translate(language, label_of("subject", one))) for one in TYPES]


def _page(request: Request, template: str, errors: Errors, **values: Any) -> Response:
    return page(request, template, status=400 if errors else 200, errors=errors.by_field, **values)


def _erasure_told(held: Mapping[str, Any], names: Names, node: Node) -> dict[str, Any]:
    """An erasure as a table or its own page shows it: nobody learns here whom it is about."""
    return {
        "id": held["id"],
        "state": f"erasure-{held['state']}",
        "type": held["type"],
        "asked_by": names.officer(held["asked_by"]),
        "asked_at": _at(held["asked_at"], node),
        "approved_by": names.officer(held["approved_by"]),
        "approved_at": _at(held["approved_at"], node),
        "withdrawn_by": names.officer(held["withdrawn_by"]),
        "keys": held["keys"],
        "entries": held["entries"],
        "entry": held["entry"],
    }


def _hold_told(held: Mapping[str, Any], names: Names, node: Node) -> dict[str, Any]:
    return {
        "id": held["id"],
        "type": held["type"],
        "set_by": names.officer(held["set_by"]),
        "set_at": _at(held["set_at"], node),
        "lifted_by": names.officer(held["lifted_by"]),
        "lifted_at": _at(held["lifted_at"], node),
        "entry": held["entry"],
    }


def _at(told: str | None, node: Node) -> str:
    return moment(told, node.zone) if told else ""


ROUTES = [
    Route("/keeping", overview, methods=["GET"]),
    Route("/keeping/erase", erase, methods=["GET", "POST"]),
    Route("/keeping/hold", hold, methods=["GET", "POST"]),
    Route("/keeping/erasures/{id}", erasure, methods=["GET"]),
    Route("/keeping/erasures/{id}/{verb}", change, methods=["POST"]),
    Route("/keeping/holds/{id}/lift", lift, methods=["POST"]),
]
