"""The supervision console: breaches with the record behind each, the rule table, the working days."""

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from catalogue.model import Actor, Role
from catalogue.violations import Violation
from exchange.node import Node
from exchange.portal.listing import Listed, choices, counted, read_listed
from exchange.portal.render import page
from exchange.portal.rooms import acted, names_for, read_day
from exchange.portal.session import signed_in

KINDS = tuple(one.value for one in Violation)


async def console(request: Request) -> Response:
    actor = await signed_in(request)
    node: Node = request.app.state.node
    listed = _listed(request)
    found = await run_in_threadpool(
        acted, node, actor, "supervision.violations", **_filters(listed), **listed.arguments()
    )
    names = names_for(request)
    overseen = actor.has(Role.AUTHORITY) or actor.has(Role.AUDITOR)
    return page(
        request,
        "supervision.html",
        rows=[
            one
            | {
                "department_name": names.department(one["department"]),
                "name": names.resource(one["resource"]) if one["resource"] else "",
                "leads": _leads(one, actor),
            }
            for one in found["rows"]
        ],
        listed=listed,
        kinds=[one for one in choices(listed, "kind", KINDS, found["kinds"]) if one.count != "0"],
        departments=names.departments(found["departments"]) if overseen else [],
        download=f"/supervision/violations.csv{listed.address()[len('/supervision') :]}",
        pages=listed.pages(found),
        total=counted(found["total"]),
    )


async def download(request: Request) -> Response:
    """The list as a CSV file that spreadsheets open as what it is."""
    actor = await signed_in(request)
    node: Node = request.app.state.node
    told = await run_in_threadpool(
        acted, node, actor, "supervision.violations-csv", **_filters(_listed(request))
    )
    return Response(
        told["csv"],
        media_type="text/csv; charset=utf-8",
        headers={
            "content-disposition": 'attachment; filename="violations.csv"',
            "cache-control": "no-store",
        },
    )


async def rules(request: Request) -> Response:
    """What the law says in numbers, and the years whose working days are known."""
    actor = await signed_in(request)
    node: Node = request.app.state.node
    held = await run_in_threadpool(acted, node, actor, "rule.list")
    years = await run_in_threadpool(acted, node, actor, "workdays.list")
    return page(request, "supervision_rules.html", rules=held, years=years)


def _listed(request: Request) -> Listed:
    return read_listed("/supervision", request.query_params, "kind", "department", "since", "until")


def _filters(listed: Listed) -> dict[str, Any]:
    given = dict(listed.filters)
    kind = given.get("kind", "")
    return {
        "kind": kind if kind in KINDS else None,
        "department": given.get("department"),
        "since": given.get("since") if read_day(given.get("since", "")) else None,
        "until": given.get("until") if read_day(given.get("until", "")) else None,
    }


def _leads(one: dict[str, Any], actor: Actor) -> str:
    """The page of the record behind a breach, where the reader may open it; else its entry."""
    overseer = actor.has(Role.AUTHORITY)
    rooms = {
        "grant": "/grants/{}",
        "correction": "/corrections/{}" if not actor.has(Role.AUDITOR) else "",
        "request": "/inbox/{}" if overseer or actor.department == one["department"] else "",
        "resource": "/catalogue/{}",
        "matter": "/matters/{}",
    }
    room = rooms.get(one["record"], "")
    if room:
        return room.format(one["key"])
    return f"/audit/entries/{one['entry']}" if one["entry"] is not None else ""


ROUTES = [
    Route("/supervision", console, methods=["GET"]),
    Route("/supervision/violations.csv", download, methods=["GET"]),
    Route("/supervision/rules", rules, methods=["GET"]),
]
