"""A basket: one request over several resources, with one matter, one law and one period."""

from datetime import timedelta
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from catalogue.model import Actor, Resource, Role, SharingClass
from catalogue.validation import PURPOSES
from exchange.clock import now
from exchange.node import Node
from exchange.portal.forms import Errors, Form, read_form
from exchange.portal.pages.requests import FEW, MOST_DAYS
from exchange.portal.render import page
from exchange.portal.rooms import Names, ends_after, names_for, read_day, title, tried
from exchange.portal.session import signed_in

MOST = 40


async def basket(request: Request) -> Response:
    """The resources that the address names, each with its items; another is added by its code."""
    actor = await signed_in(request)
    return await _shown(request, actor, request.query_params, Errors.of(request))


async def create(request: Request) -> Response:
    """Draft one request a resource, all or none."""
    actor = await signed_in(request)
    given = await read_form(request)
    errors = Errors.of(request)
    node: Node = request.app.state.node
    names = names_for(request)
    if given.get("step") == "add":
        return await _shown(request, actor, given, errors)
    wanted = _wanted(given, names, node, errors)
    made = None
    if not errors:
        made = await tried(errors, request, actor, "basket.create", wanted=wanted)
    if errors or made is None:
        return await _shown(request, actor, given, errors)
    return RedirectResponse(
        f"/requests/{made['requests'][0]['id']}/print?done=drafted", status_code=303
    )


async def sign(request: Request) -> Response:
    """Sign off every draft of a basket."""
    actor = await signed_in(request)
    given = await read_form(request)
    errors = Errors.of(request)
    await tried(errors, request, actor, "basket.sign", basket=request.path_params["number"])
    if errors:
        return await _shown(request, actor, given, errors)
    return RedirectResponse("/requests", status_code=303)


async def _shown(
    request: Request, actor: Actor, given: QueryParams | Form, errors: Errors
) -> Response:
    node: Node = request.app.state.node
    told = await run_in_threadpool(_offered, node, actor, given, names_for(request), errors)
    return page(
        request, "basket.html", status=400 if errors else 200, errors=errors.by_field, **told
    )


def _offered(
    node: Node, actor: Actor, given: QueryParams | Form, names: Names, errors: Errors
) -> dict[str, Any]:
    snapshot = names.snapshot
    codes = _codes(given)
    chosen = [held for code in codes if (held := _asked(names, code)) is not None]
    unknown = [code for code in codes if _asked(names, code) is None]
    if unknown:
        errors.at("add", "No announced resource has the code %(code)s", code=unknown[0])
    matters = [m for m in snapshot.matters.values() if m.department == actor.department]
    systems = [
        (one.id, one.name)
        for one in snapshot.systems.values()
        if one.department == actor.department and one.state == "active" and not one.intake
    ]
    last = now().astimezone(node.zone).date() + timedelta(days=364)
    return {
        "resources": [
            {
                "code": held.code,
                "name": title(held, names.language),
                "provider": names.department(held.department),
                "class": held.sharing_class.value,
                "items": [
                    (f"{held.code}|{item.name}", item.title)
                    for item in held.items
                    if item.sharing_class is not SharingClass.NOT_SHARED
                ],
            }
            for held in chosen
        ],
        "ticked": given.getlist("items"),
        "systems": systems,
        "matters": sorted(((m.code, m.name) for m in matters), key=lambda one: one[1]),
        "few": len(matters) <= FEW,
        "purposes": PURPOSES,
        "typed": {name: given.get(name) or "" for name in ("basis", "scenario", "until", "quota")}
        | ({} if given.get("until") else {"until": last.isoformat()})
        | ({} if given.get("quota") else {"quota": "1000"}),
        "chosen": {
            name: given.getlist(name) for name in ("systems", "matters", "purposes", "channels")
        },
        "may_ask": actor.has(Role.OPERATOR) or actor.has(Role.HEAD),
    }


def _codes(given: QueryParams | Form) -> list[str]:
    added = (given.get("add") or "").strip()
    named = [*given.getlist("resource"), *([added] if added else [])]
    return list(dict.fromkeys(code for code in named if code))[:MOST]


def _asked(names: Names, code: str) -> Resource | None:
    held = names.snapshot.resources.get(code)
    open_ = held is not None and held.sharing_class is not SharingClass.NOT_SHARED
    return held if open_ and held is not None and held.state == "announced" else None


def _wanted(given: Form, names: Names, node: Node, errors: Errors) -> list[dict[str, Any]]:
    """The act's arguments; what is missing is said at its field, everything at once."""
    ticked: dict[str, list[str]] = {}
    for one in given.getlist("items"):
        code, _, item = one.rpartition("|")
        ticked.setdefault(code, []).append(item)
    codes = [code for code in _codes(given) if _asked(names, code) is not None]
    if not codes:
        errors.at("add", "Add at least one resource")
    if any(code not in ticked for code in codes):
        errors.at("items", "Tick at least one item of each resource")
    for name, needed in (
        ("matters", "Choose the matter for which the data is needed"),
        ("systems", "Choose the system that will call"),
        ("purposes", "Choose what the data is used for"),
    ):
        if not any(given.getlist(name)):
            errors.at(name, needed)
    if not given.text("basis"):
        errors.at("basis", "Name the law on which the request rests")
    if not given.text("scenario"):
        errors.at("scenario", "Say how the data will be used")
    quota = given.text("quota")
    if not (quota.isascii() and quota.isdigit() and 1 <= int(quota) <= 1_000_000):
        errors.at("quota", "Enter a whole number from 1 to 1,000,000")
    begins = now()
    today, until = begins.astimezone(node.zone).date(), read_day(given.get("until"))
    if until is None or not today <= until <= today + timedelta(days=MOST_DAYS):
        errors.at("until", "Enter a day from today and at most three years on")
    if errors or until is None:
        return []
    return [
        {
            "resource": code,
            "items": ticked[code],
            "match": [i.name for i in names.snapshot.resources[code].items if i.key],
            "systems": [one for one in given.getlist("systems") if one],
            "matters": [one for one in given.getlist("matters") if one],
            "purposes": given.getlist("purposes"),
            "channels": ["query", "verify"],
            "legal_basis": given.text("basis"),
            "scenario": given.text("scenario"),
            "not_before": begins.isoformat(),
            "not_after": ends_after(until, node.zone).isoformat(),
            "daily_quota": int(quota),
        }
        for code in codes
    ]


ROUTES = [
    Route("/basket", basket, methods=["GET"]),
    Route("/basket", create, methods=["POST"]),
    Route("/basket/{number}/sign", sign, methods=["POST"]),
]
