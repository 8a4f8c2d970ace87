"""Asking another department for data: tick items, name the purpose, check the answers, sign off."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from catalogue.model import Actor, Resource, Role, SharingClass
from catalogue.snapshot import Snapshot
from catalogue.validation import PURPOSES
from exchange.acts.register import ActError
from exchange.clock import now
from exchange.node import Node
from exchange.portal.forms import Errors, Form, read_form
from exchange.portal.listing import Listed, choices, counted, read_listed
from exchange.portal.render import page
from exchange.portal.rooms import (
    Names,
    acted,
    card_told,
    ends_after,
    holds,
    last_day,
    names_for,
    read_day,
    request_told,
    title,
    tried,
)
from exchange.portal.session import signed_in

MOST_DAYS = 1096
"""Three years: who needs data longer asks again."""
FEW = 15
"""As many matters are shown as ticks; more become a list to choose one from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What the form holds, as it was typed; shown again until it is whole."""

    resource: str
    items: tuple[str, ...] = ()
    systems: tuple[str, ...] = ()
    matters: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    channels: tuple[str, ...] = ("query", "verify")
    basis: str = ""
    scenario: str = ""
    until: str = ""
    quota: str = "1000"
    volume: str = ""
    """Records expected in a month; empty: nothing is said."""
    revise: str = ""
    """Id of the draft that is changed; empty: a new one is made."""


async def requests(request: Request) -> Response:
    """What one's own department asked for: drafts, waiting, to be supplemented, decided."""
    actor = await signed_in(request)
    node: Node = request.app.state.node
    listed = read_listed("/requests", request.query_params, "state", "department")
    told = await run_in_threadpool(_listed, node, actor, names_for(request), listed)
    return page(request, "requests.html", **told)


async def new(request: Request) -> Response:
    """The form, filled in as far as the address says: a catalogue entry or a refused call leads here."""
    actor = await signed_in(request)
    form = _from_address(request.query_params, actor, request.app.state.node)
    return await _form(request, actor, form, Errors.of(request))


async def create(request: Request) -> Response:
    """Check the answers, or draft the request once they were checked."""
    actor = await signed_in(request)
    given = await read_form(request)
    form = _from_form(given)
    node: Node = request.app.state.node
    step = given.get("step", "check")
    errors = Errors.of(request)
    wanted = await run_in_threadpool(_wanted, node, form, errors)
    if errors or step == "change":
        return await _form(request, actor, form, errors)
    if step != "send":
        shown = await run_in_threadpool(_checked, actor, form, names_for(request))
        return page(request, "requests_check.html", form=form, **shown)
    if form.revise:
        made = await tried(
            errors, request, actor, "request.revise", request=form.revise, wanted=wanted
        )
    else:
        made = await tried(errors, request, actor, "request.create", wanted=wanted)
    if errors:
        return await _form(request, actor, form, errors)
    return RedirectResponse(f"/requests/{made['id']}?done=drafted", status_code=303)


async def entry(request: Request) -> Response:
    actor = await signed_in(request)
    return await show_entry(request, actor, Errors.of(request))


async def edit(request: Request) -> Response:
    """A draft, or one that was given back, in the form with its own answers."""
    actor = await signed_in(request)
    node: Node = request.app.state.node
    key = request.path_params["id"]
    held = await run_in_threadpool(acted, node, actor, "request.show", request=key)
    if held["department"] != actor.department or held["state"] not in EDITABLE:
        raise ActError("NOT_FOUND", f"no draft {key} of your department")
    form = Answers(
        resource=held["resource"],
        items=tuple(held["items"]),
        systems=tuple(held["systems"]),
        matters=tuple(held["matters"]),
        purposes=tuple(held["purposes"]),
        channels=tuple(held["channels"]),
        basis=held["legal_basis"],
        scenario=held["scenario"],
        until=last_day(held["not_after"], node.zone).isoformat(),
        quota=str(held["daily_quota"]),
        volume=str(held["volume"] or ""),
        revise=key,
    )
    return await _form(request, actor, form, Errors.of(request))


async def give_back(request: Request) -> Response:
    """The head gives a draft back with every reason."""
    return await _worded(request, "request.return", "reasons", done="returned")


async def withdraw(request: Request) -> Response:
    return await _worded(request, "request.withdraw", "reason", done="withdrawn")


async def _worded(request: Request, name: str, field: str, *, done: str) -> Response:
    """Carry out an act that needs one field of words."""
    actor = await signed_in(request)
    given = await read_form(request)
    errors, key = Errors.of(request), request.path_params["id"]
    if not given.text(field):
        errors.at(field, "Fill this in")
    else:
        words = {field: given.text(field)}
        await tried(errors, request, actor, name, request=key, **words)
    if errors:
        return await show_entry(request, actor, errors)
    return RedirectResponse(f"/requests/{key}?done={done}", status_code=303)


async def sign(request: Request) -> Response:
    """The second officer's signature; unconditional data is granted with it."""
    actor = await signed_in(request)
    await read_form(request)
    key = request.path_params["id"]
    errors = Errors.of(request)
    await tried(errors, request, actor, "request.sign", request=key)
    if errors:
        return await show_entry(request, actor, errors)
    return RedirectResponse(f"/requests/{key}?done=signed", status_code=303)


async def supplement(request: Request) -> Response:
    actor = await signed_in(request)
    given = await read_form(request)
    key, answer = request.path_params["id"], given.get("answer", "")
    errors = Errors.of(request)
    if not answer.strip():
        errors.at("answer", "Write what the provider asked for")
    else:
        await tried(
            errors,
            request,
            actor,
            "request.supplement",
            request=key,
            answer=answer,
        )
    if errors:
        return await show_entry(request, actor, errors, answer=answer)
    return RedirectResponse(f"/requests/{key}?done=supplemented", status_code=303)


async def _form(request: Request, actor: Actor, form: Answers, errors: Errors) -> Response:
    shown = await run_in_threadpool(_offered, actor, form, names_for(request))
    return page(
        request,
        "requests_new.html",
        status=400 if errors else 200,
        form=form,
        errors=errors.by_field,
        **shown,
    )


async def show_entry(
    request: Request, actor: Actor, errors: Errors, *, answer: str = ""
) -> Response:
    node: Node = request.app.state.node
    shown = await run_in_threadpool(
        _shown, node, actor, request.path_params["id"], names_for(request)
    )
    return page(
        request,
        "requests_entry.html",
        status=400 if errors else 200,
        errors=errors.by_field,
        answer=answer,
        done=request.query_params.get("done", ""),
        **shown,
    )


def _listed(node: Node, actor: Actor, names: Names, listed: Listed) -> dict[str, Any]:
    state = listed.filters.get("state", "")
    found = acted(
        node,
        actor,
        "request.list",
        side="made",
        state=state if state in STATES else None,
        department=listed.filters.get("department"),
        **listed.arguments(),
    )
    return {
        "requests": [request_told(one, names, node.zone) for one in found["rows"]],
        "listed": listed,
        "states": [
            one
            for one in choices(listed, "state", STATES, found["counts"])
            if one.count != "0" or one.chosen or one.code in ALWAYS
        ],
        "departments": names.departments(node.owners().values(), besides=actor.department),
        "pages": listed.pages(found),
        "total": counted(found["total"]),
    }


STATES = (
    "draft",
    "returned",
    "supplement",
    "checking",
    "submitted",
    "accepted",
    "transferred",
    "overdue",
    "agreed",
    "partly-agreed",
    "delivered",
    "refused",
    "withdrawn",
    "ended",
)
EDITABLE = ("draft", "returned")
ALWAYS = ("", *EDITABLE)
"""Filters that are shown also where nothing is in them: drafts are looked for there."""
UNDECIDED = (
    "draft",
    "returned",
    "supplement",
    "checking",
    "submitted",
    "accepted",
    "transferred",
    "overdue",
)


def _from_address(given: QueryParams, actor: Actor, node: Node) -> Answers:
    """Prefill from the address. What is not errors is what most requests say."""
    snapshot = node.live.load()
    systems = [system.id for system in _systems(snapshot, actor)]
    matters = [m.code for m in snapshot.matters.values() if m.department == actor.department]
    return Answers(
        resource=given.get("resource", ""),
        items=tuple(given.getlist("items")),
        systems=tuple(given.getlist("system")) or _alone(systems),
        matters=tuple(given.getlist("matter")) or _alone(matters),
        purposes=tuple(given.getlist("purpose")) or ("administrative-basis",),
        basis=given.get("basis", ""),
        scenario=given.get("scenario", ""),
        until=(now().astimezone(node.zone).date() + timedelta(days=364)).isoformat(),
    )


def _alone(codes: list[str]) -> tuple[str, ...]:
    """What can only be chosen one way is chosen already."""
    return tuple(codes) if len(codes) == 1 else ()


def _from_form(given: Form) -> Answers:
    def several(name: str) -> tuple[str, ...]:
        return tuple(one for one in given.getlist(name) if one)

    one = given.get
    return Answers(
        resource=one("resource"),
        items=several("items"),
        systems=several("systems"),
        matters=several("matters"),
        purposes=several("purposes"),
        channels=several("channels"),
        basis=one("basis"),
        scenario=one("scenario"),
        until=one("until"),
        quota=one("quota"),
        volume=one("volume").strip(),
        revise=one("revise"),
    )


def _wanted(node: Node, form: Answers, errors: Errors) -> dict[str, Any]:
    """The act's arguments; what is missing is said at its field, everything at once."""
    resource = _resource(node.live.load(), form.resource)
    for name, needed in (
        ("items", "Tick at least one item"),
        ("systems", "Choose the system that will call"),
        ("matters", "Choose the matter for which the data is needed"),
        ("purposes", "Choose what the data is used for"),
        ("channels", "Choose whether data is read or only checked"),
    ):
        if not getattr(form, name):
            errors.at(name, needed)
    if not form.basis.strip():
        errors.at("basis", "Name the law on which the request rests")
    if not form.scenario.strip():
        errors.at("scenario", "Say how the data will be used")
    if not (form.quota.isascii() and form.quota.isdigit() and 1 <= int(form.quota) <= 1_000_000):
        errors.at("quota", "Enter a whole number from 1 to 1,000,000")
    if form.volume and not (
        form.volume.isascii() and form.volume.isdigit() and len(form.volume) < 10
    ):
        errors.at("volume", "Enter a whole number, or leave it empty")
    begins = now()
    today = begins.astimezone(node.zone).date()
    until = read_day(form.until)
    if until is None or not today <= until <= today + timedelta(days=MOST_DAYS):
        errors.at("until", "Enter a day from today and at most three years on")
    if errors or until is None:
        return {}
    return {
        "resource": resource.code,
        "systems": list(form.systems),
        "items": [i.name for i in resource.items if i.name in form.items],
        "match": [
            i.name
            for i in resource.items
            if (i.key or ("verify" in form.channels and i.match))
            and i.sharing_class != SharingClass.NOT_SHARED
        ],
        "matters": list(form.matters),
        "purposes": list(form.purposes),
        "channels": list(form.channels),
        "legal_basis": form.basis,
        "scenario": form.scenario,
        "not_before": begins.isoformat(),
        "not_after": ends_after(until, node.zone).isoformat(),
        "daily_quota": int(form.quota),
        "volume": int(form.volume) if form.volume else None,
    }


def _offered(actor: Actor, form: Answers, names: Names) -> dict[str, Any]:
    """What the form offers: the entry's items, one's own systems and matters."""
    snapshot = names.snapshot
    resource = _resource(snapshot, form.resource)
    matters = [m for m in snapshot.matters.values() if m.department == actor.department]
    # The matters that list this resource as their material come first.
    matters.sort(key=lambda m: (resource.code not in m.resources, m.name))
    return {
        "resource": {
            "code": resource.code,
            "name": title(resource, names.language),
            "provider": names.department(resource.department),
            "class": resource.sharing_class.value,
            "conditions": resource.conditions,
        },
        "item_rows": [
            {
                "name": item.name,
                "title": item.title,
                "class": item.sharing_class.value,
                "level": item.level,
                "mask": item.mask,
                "key": item.key,
                "open": item.sharing_class != SharingClass.NOT_SHARED,
            }
            for item in resource.items
        ],
        "systems": [(system.id, system.name) for system in _systems(snapshot, actor)],
        "matters": [(matter.code, matter.name) for matter in matters],
        "few": len(matters) <= FEW,
        "purposes": resource.purposes or PURPOSES,
        "may_ask": actor.has(Role.OPERATOR) or actor.has(Role.HEAD),
        "own": resource.department == actor.department,
    }


def _checked(actor: Actor, form: Answers, names: Names) -> dict[str, Any]:
    offered = _offered(actor, form, names)
    return offered | {
        "item_titles": names.items(form.resource, form.items),
        "kept": [
            ("resource", [form.resource]),
            ("items", form.items),
            ("systems", form.systems),
            ("matters", form.matters),
            ("purposes", form.purposes),
            ("channels", form.channels),
            ("basis", [form.basis]),
            ("scenario", [form.scenario]),
            ("until", [form.until]),
            ("quota", [form.quota]),
            ("volume", [form.volume]),
            ("revise", [form.revise]),
        ],
        "system_names": [names.system(one) for one in form.systems],
        "matter_names": names.matters(form.matters),
    }


def _shown(node: Node, actor: Actor, key: str, names: Names) -> dict[str, Any]:
    held = acted(node, actor, "request.show", request=key)
    if held["department"] != actor.department:
        raise ActError("NOT_FOUND", f"no request {key} of your department")
    told = card_told(held, names, node.zone)
    officer = actor.id
    head = holds(actor, Role.HEAD, names.snapshot, at=node.ports.now())
    asks = actor.has(Role.OPERATOR) or actor.has(Role.HEAD)
    return {
        "card": told,
        "may_sign": held["state"] == "draft" and head and held["created_by"] != officer,
        "may_return": held["state"] == "draft" and head,
        "may_edit": held["state"] in EDITABLE and asks,
        "may_withdraw": held["state"] in UNDECIDED and asks,
        "may_answer": held["state"] == "supplement"
        and (actor.has(Role.OPERATOR) or actor.has(Role.HEAD)),
        "again": again(held),
    }


def again(held: Mapping[str, Any]) -> str:
    """The address of a new request with the answers of an old one."""
    members = [("resource", held["resource"])]
    for name, field in (
        ("items", "items"),
        ("matter", "matters"),
        ("system", "systems"),
        ("purpose", "purposes"),
    ):
        members += [(name, value) for value in held[field]]
    members += [("basis", held["legal_basis"]), ("scenario", held["scenario"])]
    return f"/requests/new?{urlencode(members)}"


def _resource(snapshot: Snapshot, code: str) -> Resource:
    held = snapshot.resources.get(code)
    if held is None or held.state != "announced" or held.sharing_class is SharingClass.NOT_SHARED:
        raise ActError("NOT_FOUND", f"no announced resource {code} that can be asked for")
    return held


def _systems(snapshot: Snapshot, actor: Actor) -> list[Any]:
    return [
        system
        for system in snapshot.systems.values()
        if system.department == actor.department and system.state == "active" and not system.intake
    ]


ROUTES = [
    Route("/requests", requests, methods=["GET"]),
    Route("/requests/new", new, methods=["GET"]),
    Route("/requests/new", create, methods=["POST"]),
    Route("/requests/{id}", entry, methods=["GET"]),
    Route("/requests/{id}/edit", edit, methods=["GET"]),
    Route("/requests/{id}/return", give_back, methods=["POST"]),
    Route("/requests/{id}/withdraw", withdraw, methods=["POST"]),
    Route("/requests/{id}/sign", sign, methods=["POST"]),
    Route("/requests/{id}/supplement", supplement, methods=["POST"]),
]
