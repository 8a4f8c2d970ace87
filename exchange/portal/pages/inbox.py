"""The provider's inbox: what waits for an answer, one card a request, and the buttons that answer it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from catalogue.lifecycle import WAITING
from catalogue.model import Actor, Role
from catalogue.sharing import REFUSAL_CODES
from exchange.acts.register import ActError
from exchange.node import Node
from exchange.portal.forms import Errors, Form, read_form
from exchange.portal.listing import Listed, choices, counted, read_listed
from exchange.portal.render import page
from exchange.portal.rooms import (
    MASKS,
    Names,
    acted,
    budgets_of,
    card_told,
    ends_after,
    moment,
    names_for,
    read_day,
    request_told,
    tried,
)
from exchange.portal.session import signed_in

VIEWS: Mapping[str, tuple[str, ...]] = {
    "waiting": ("submitted", "accepted", "transferred", "overdue"),
    "asked": ("supplement",),
    "agreed": ("agreed", "partly-agreed", "delivered", "ended"),
    "refused": ("refused", "withdrawn"),
}
"""Lists of the requests to a department, and the states in them."""
OVERSEEN: Mapping[str, tuple[str, ...]] = {"checks": ("checking",), "late": ("overdue",)}
"""Lists of everybody's requests that the authority has."""
ANSWERABLE = frozenset(VIEWS["waiting"])


async def inbox(request: Request) -> Response:
    """What the officer's department has to answer, and what waits for the authority's announcement."""
    actor = await signed_in(request)
    node: Node = request.app.state.node
    listed = read_listed("/inbox", request.query_params, "view", "department")
    told = await run_in_threadpool(_inbox, node, actor, names_for(request), listed)
    return page(request, "inbox.html", **told)


async def card(request: Request) -> Response:
    """One request, whole, with the rule in plain language and the buttons that answer it."""
    actor = await signed_in(request)
    return await _card(request, actor, Errors.of(request), given=None)


async def grant(request: Request) -> Response:
    """Agree: the items that are ticked, masked at least as the catalogue entry says, until the day given."""
    actor = await signed_in(request)
    given = await read_form(request)
    node: Node = request.app.state.node
    errors = Errors.of(request)
    key = request.path_params["id"]
    shown = await run_in_threadpool(_shown, node, actor, key, names_for(request))
    asked = [item["name"] for item in shown["item_rows"]]
    items = [name for name in asked if name in given.getlist("items")]
    if asked and not items:
        errors.at("items", "Tick at least one item, or refuse the request")
    terms: dict[str, Any] = {
        "items": items,
        "masks": {
            name: rule
            for name in items
            if (rule := given.get(f"mask-{name}")) in MASKS and rule != "none"
        },
        "not_after": _end(given.get("until"), shown["until"], node, errors),
        **budgets_of(given, errors),
    }
    if terms["daily_quota"] is not None and terms["daily_quota"] > shown["daily_quota"]:
        errors.at("quota", "Enter no more calls a day than were asked for")
    if not errors:
        await tried(errors, request, actor, "grant.give", request=key, terms=terms)
    return await _answered(request, actor, errors, done="granted", given=given)


async def refuse(request: Request) -> Response:
    """Refuse: by a code of the list, in words, and by a law; none of them may be missing."""
    actor = await signed_in(request)
    given = await read_form(request)
    errors = Errors.of(request)
    code, basis, words = given.get("code"), given.get("basis"), given.get("words")
    if code not in REFUSAL_CODES:
        errors.at("code", "Choose why the request is refused")
    if not words.strip():
        errors.at("words", "Say in words why the request is refused")
    if not basis.strip():
        errors.at("basis", "Name the law that the refusal rests on")
    if not errors:
        await tried(
            errors,
            request,
            actor,
            "request.refuse",
            request=request.path_params["id"],
            reason=words,
            code=code,
            legal_basis=basis,
        )
    return await _answered(request, actor, errors, done="refused", given=given)


async def ask(request: Request) -> Response:
    """Ask for supplements, once."""
    actor = await signed_in(request)
    given = await read_form(request)
    errors = Errors.of(request)
    question = given.get("question")
    if not question.strip():
        errors.at("question", "Name everything that is to be supplemented")
    if not errors:
        await tried(
            errors,
            request,
            actor,
            "request.ask-once",
            request=request.path_params["id"],
            question=question,
        )
    return await _answered(request, actor, errors, done="asked", given=given)


async def accept(request: Request) -> Response:
    """Take a request up, and name whom the other department can ask."""
    given = await read_form(request)
    return await _said(request, given, "request.accept", "contact", done="accepted")


async def hand_over(request: Request) -> Response:
    """Say how what is held above was handed over."""
    given = await read_form(request)
    return await _said(request, given, "request.hand-over", "words", done="handed-over")


async def transfer(request: Request) -> Response:
    """Pass a request on to the provider of another resource."""
    given = await read_form(request)
    return await _said(
        request, given, "request.transfer", "to", "reason", done="transferred", leave=True
    )


async def extend(request: Request) -> Response:
    """Ask the authority for more time."""
    given = await read_form(request)
    more = {"reason": given.text("why")}
    return await _said(request, given, "request.ask-extension", "days", done="extension", more=more)


async def check_form(request: Request) -> Response:
    """The authority's form check: passed, or given back with every reason."""
    given = await read_form(request)
    if given.get("verdict") == "return":
        return await _said(request, given, "request.return", "reasons", done="returned", leave=True)
    return await _said(request, given, "request.pass-form", done="passed")


async def answer_time(request: Request) -> Response:
    """The authority's word on more time."""
    given = await read_form(request)
    consent = given.get("verdict") == "consent"
    names = () if consent else ("text",)
    more = {"consent": consent}
    return await _said(request, given, "request.answer-extension", *names, done="time", more=more)


async def see(request: Request) -> Response:
    """Take note of a notice, and go where it leads."""
    actor = await signed_in(request)
    given = await read_form(request)
    errors = Errors.of(request)
    await tried(errors, request, actor, "notice.see", notice=request.path_params["id"])
    leads = given.get("leads", "")
    inside = leads.startswith("/") and not leads.startswith("//")
    return RedirectResponse(leads if inside else "/inbox?view=notices", status_code=303)


async def _said(
    request: Request,
    given: Form,
    name: str,
    /,
    *fields: str,
    done: str,
    more: Mapping[str, Any] | None = None,
    leave: bool = False,
) -> Response:
    """Carry out one act with the fields of a small form. `leave`: the request is not ours any more then."""
    actor = await signed_in(request)
    errors = Errors.of(request)
    typed: dict[str, Any] = {field: given.text(field) for field in fields}
    for field in fields:
        if not typed[field]:
            errors.at(field, "Fill this in")
    if typed.get("days"):
        days = typed["days"]
        if days.isascii() and days.isdecimal() and len(days) < 4:
            typed["days"] = int(days)
        else:
            errors.at("days", "Enter how many working days more")
    if not errors:
        key = request.path_params["id"]
        await tried(errors, request, actor, name, request=key, **typed, **(more or {}))
    if leave and not errors:
        return RedirectResponse(f"/inbox?done={done}", status_code=303)
    return await _answered(request, actor, errors, done=done, given=given)


def _inbox(node: Node, actor: Actor, names: Names, listed: Listed) -> dict[str, Any]:
    """Only the lists of the officer's roles; what waits for an answer comes first."""
    answers = actor.has(Role.OPERATOR) or actor.has(Role.HEAD)
    authority = actor.has(Role.AUTHORITY)
    views = (tuple(VIEWS) if answers else ()) + (("announcements", *OVERSEEN) if authority else ())
    views += ("sources", "notices") if answers or authority else ()
    view = listed.filters.get("view", "")
    view = view if view in views else next(iter(views), "")
    listed = replace(listed, filters={**listed.filters, "view": view})
    counts = _counts(node, actor, views)
    told: dict[str, Any] = {
        "view": view,
        "listed": listed,
        "views": choices(
            replace(listed, filters={"view": view}), "view", views, counts, every=False
        ),
        "departments": [],
        "rows": [],
        "pages": {"previous": "", "next": ""},
        "total": "0",
    }
    match view:
        case "":
            return told
        case "announcements":
            return told | _announcements(node, actor, names, listed)
        case "sources":
            return told | _sources(node, actor, names, listed)
        case "notices":
            return told | _notices(node, actor, names, listed)
        case _:
            return told | _requests(node, actor, names, listed)


def _counts(node: Node, actor: Actor, views: Sequence[str]) -> dict[str, int]:
    counts = {}
    if "waiting" in views:
        states = acted(node, actor, "request.list", side="received", first=1)["counts"]
        counts = {view: sum(states.get(s, 0) for s in held) for view, held in VIEWS.items()}
    if "announcements" in views:
        found = acted(node, actor, "resource.list", state="submitted", first=1)
        counts["announcements"] = found["total"]
        for view, held in OVERSEEN.items():
            told = acted(node, actor, "request.list", side="all", states=list(held), first=1)
            counts[view] = told["total"]
    counts["notices"] = acted(node, actor, "notice.list", unseen=True, first=1)["total"]
    counts["sources"] = acted(node, actor, "source.list", **_waiting(actor), first=1)["total"]
    return counts


def _waiting(actor: Actor) -> dict[str, Any]:
    """Which sources wait, as far as an officer is concerned: the own department's, the authority all."""
    mine = {} if actor.has(Role.AUTHORITY) else {"department": actor.department}
    return {"state": WAITING, **mine}


def _requests(node: Node, actor: Actor, names: Names, listed: Listed) -> dict[str, Any]:
    view = listed.filters["view"]
    found = acted(
        node,
        actor,
        "request.list",
        side="received" if view in VIEWS else "all",
        states=list(VIEWS.get(view) or OVERSEEN[view]),
        department=listed.filters.get("department"),
        **listed.arguments(),
    )
    return {
        "rows": [request_told(one, names, node.zone) for one in found["rows"]],
        "departments": names.departments(names.snapshot.departments, besides=actor.department)
        if found["next"] or found["previous"] or "department" in listed.filters
        else [],
        "pages": listed.pages(found),
        "total": counted(found["total"]),
    }


def _announcements(node: Node, actor: Actor, names: Names, listed: Listed) -> dict[str, Any]:
    """Entries that were signed off and wait for the authority."""
    found = acted(node, actor, "resource.list", state="submitted", **listed.arguments())
    return {
        "rows": [
            one | {"department": names.department(one["department"])} for one in found["rows"]
        ],
        "pages": listed.pages(found),
        "total": counted(found["total"]),
    }


def _sources(node: Node, actor: Actor, names: Names, listed: Listed) -> dict[str, Any]:
    """Sources of catalogues that were taken over: listed, and read by nobody yet."""
    found = acted(node, actor, "source.list", **_waiting(actor), **listed.arguments())
    return {
        "rows": [
            one | {"department": names.department(one["department"])} for one in found["rows"]
        ],
        "pages": listed.pages(found),
        "total": counted(found["total"]),
    }


def _notices(node: Node, actor: Actor, names: Names, listed: Listed) -> dict[str, Any]:
    """What the department was told and nobody has seen yet; each leads to what it is about."""
    found = acted(node, actor, "notice.list", unseen=True, **listed.arguments())
    return {
        "rows": [
            one
            | {
                "name": names.resource(one["resource"]),
                "at": moment(one["at"], node.zone),
                "leads": address_of(one, actor),
            }
            for one in found["rows"]
        ],
        "pages": listed.pages(found),
        "total": counted(found["total"]),
    }


_ROOMS_OF = {
    "cor": "/corrections/{}",
    "dsp": "/disputes/{}",
    "grt": "/grants/{}",
    "dmd": "/catalogue/demands",
}


def address_of(notice: Mapping[str, Any], actor: Actor) -> str:
    """Where a notice leads: the page of what it is about, for the reader's side of it."""
    about = str(notice["about"])
    kind = about.partition("_")[0]
    if kind in _ROOMS_OF:
        return _ROOMS_OF[kind].format(about)
    overdue = notice["kind"] == "overdue" or actor.has(Role.AUTHORITY)
    return f"/inbox/{about}" if overdue else f"/requests/{about}"


def _shown(node: Node, actor: Actor, key: str, names: Names) -> dict[str, Any]:
    held = acted(node, actor, "request.show", request=key)
    ours, authority = held["provider"] == actor.department, actor.has(Role.AUTHORITY)
    if not ours and not authority:
        raise ActError("NOT_FOUND", f"no request {key} to your department")
    waits = held["state"] in ANSWERABLE
    longer = held["extension"]
    return card_told(held, names, node.zone) | {
        "waits": waits and ours,
        "may_answer": waits and ours and (actor.has(Role.OPERATOR) or actor.has(Role.HEAD)),
        "may_hand_over": ours
        and held["state"] in {"agreed", "partly-agreed"}
        and _held_above(names, held["resource"])
        and (actor.has(Role.OPERATOR) or actor.has(Role.HEAD)),
        "may_check": authority and held["state"] == "checking",
        "may_consent": authority and longer is not None and longer["answered"] is None,
    }


def _held_above(names: Names, code: str) -> bool:
    resource = names.snapshot.resources.get(code)
    return resource is not None and resource.upstream is not None


def _end(text: str, asked: str, node: Node, errors: Errors) -> str | None:
    """The moment at which the grant ends; None takes over what was asked for."""
    chosen, most = read_day(text), read_day(asked)
    if chosen is None or most is None or chosen > most:
        errors.at("until", "Enter a day no later than the one that was asked for")
        return None
    return None if chosen == most else ends_after(chosen, node.zone).isoformat()


async def _card(
    request: Request, actor: Actor, errors: Errors, *, given: Form | None, done: str = ""
) -> Response:
    """Show the card; `given` is a form that was refused, None where nothing was typed yet."""
    node: Node = request.app.state.node
    shown = await run_in_threadpool(
        _shown, node, actor, request.path_params["id"], names_for(request)
    )
    typed = {} if given is None else {name: given.get(name) for name in given}
    ticked = (
        [item["name"] for item in shown["item_rows"]]
        if given is None or "until" not in given
        else given.getlist("items")
    )
    return page(
        request,
        "inbox_entry.html",
        status=400 if errors else 200,
        errors=errors.by_field,
        card=shown,
        typed=typed,
        ticked=ticked,
        codes=REFUSAL_CODES,
        masks=[mask for mask in MASKS if mask != "none"],
        done=done or request.query_params.get("done", ""),
    )


async def _answered(
    request: Request, actor: Actor, errors: Errors, *, done: str, given: Form
) -> Response:
    if errors:
        return await _card(request, actor, errors, given=given)
    return RedirectResponse(f"/inbox/{request.path_params['id']}?done={done}", status_code=303)


ROUTES = [
    Route("/inbox", inbox, methods=["GET"]),
    Route("/inbox/{id}", card, methods=["GET"]),
    Route("/inbox/{id}/grant", grant, methods=["POST"]),
    Route("/inbox/{id}/refuse", refuse, methods=["POST"]),
    Route("/inbox/{id}/ask", ask, methods=["POST"]),
    Route("/inbox/{id}/accept", accept, methods=["POST"]),
    Route("/inbox/{id}/hand-over", hand_over, methods=["POST"]),
    Route("/inbox/{id}/transfer", transfer, methods=["POST"]),
    Route("/inbox/{id}/extend", extend, methods=["POST"]),
    Route("/inbox/{id}/form", check_form, methods=["POST"]),
    Route("/inbox/{id}/time", answer_time, methods=["POST"]),
    Route("/inbox/notices/{id}", see, methods=["POST"]),
]
