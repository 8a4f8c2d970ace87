"""Matters (事项): the list of a district, and one with its materials, its versions and its query."""

from collections.abc import Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from catalogue.materials import MatterList, MatterType
from catalogue.model import Actor, Role
from exchange.acts.register import ActError
from exchange.node import Node
from exchange.portal.listing import counted, read_listed
from exchange.portal.pages.query import ask_link
from exchange.portal.render import page
from exchange.portal.rooms import Names, acted, day, names_for
from exchange.portal.session import signed_in

ON_A_PAGE = 50
_FILTERS = ("q", "department", "type", "list", "depth", "trips", "again")


async def listing(request: Request) -> Response:
    """`GET /matters`."""
    actor = await signed_in(request)
    node: Node = request.app.state.node
    names = names_for(request)
    listed = read_listed("/matters", request.query_params, *_FILTERS)
    chosen = listed.filters
    wanted: dict[str, Any] = {
        "words": chosen.get("q", ""),
        "department": chosen.get("department"),
        "type": _one_of(chosen.get("type"), MatterType),
        "on_list": _one_of(chosen.get("list"), MatterList),
        "depth": _number(chosen.get("depth"), most=4),
        "trips": _number(chosen.get("trips"), most=1),
        "again": chosen.get("again") == "yes",
    }
    place = listed.arguments() | {"first": ON_A_PAGE}
    told = await run_in_threadpool(acted, node, actor, "matter.list", **wanted, **place)
    return page(
        request,
        "matters.html",
        chosen={name: chosen.get(name, "") for name in _FILTERS},
        may_list=any(actor.has(one) for one in (Role.OPERATOR, Role.HEAD, Role.AUTHORITY)),
        narrowed=bool(chosen),
        total=counted(told["total"]),
        departments=names.departments(told["departments"]),
        types=[one.value for one in MatterType],
        lists=[one.value for one in MatterList],
        rows=[{**row, "department": names.department(row["department"])} for row in told["rows"]],
        pages=listed.pages(told),
    )


async def entry(request: Request) -> Response:
    """`GET /matters/{code}`; `?version=N` shows an earlier one."""
    actor = await signed_in(request)
    node: Node = request.app.state.node
    given = request.query_params
    code = str(request.path_params["code"])
    told = await run_in_threadpool(
        _told,
        node,
        actor,
        names_for(request),
        code,
        _number(given.get("version"), most=1_000_000),
        given.get("system") or None,
    )
    return page(request, "matters_entry.html", **told)


def _told(
    node: Node, actor: Actor, names: Names, code: str, version: int | None, system: str | None
) -> dict[str, Any]:
    held = acted(node, actor, "matter.show", code=code, version=version)
    query = None
    if held["holds"] and actor.has(Role.OPERATOR) | actor.has(Role.HEAD):
        try:
            query = acted(node, actor, "matter.query", code=code, system=system)
        except ActError as error:
            if error.code != "NOT_FOUND":
                raise
    supplying = {one.get("supplied_by") for one in held["materials"]}
    return {
        "matter": held,
        "department": names.department(held["department"]),
        "materials": [material_told(one, names, actor) for one in held["materials"]],
        "resources": [
            {
                "code": one,
                "name": names.resource(one),
                "department": names.department(names.snapshot.resources[one].department),
                "class": names.snapshot.resources[one].sharing_class.value,
            }
            for one in held["resources"]
            if one in names.snapshot.resources and one not in supplying
        ],
        "likely": {
            one["material"]: {"code": one["resource"], "name": names.resource(one["resource"])}
            for one in held.get("likely", [])
        },
        "versions": [
            {
                "version": one["version"],
                "ended": "" if one["ended_at"] is None else day(one["ended_at"], node.zone),
                "by": names.officer(one["ended_by"]),
            }
            for one in held["versions"]
        ],
        "query": query_told(query, names),
    }


def material_told(one: Mapping[str, Any], names: Names, actor: Actor) -> dict[str, Any]:
    """A material as a table shows it, with the way to ask for what supplies it."""
    supplied = one.get("supplied_by")
    asks = one.get("state") in {"not-asked", "ended"} and one.get("asked_by") == actor.department
    may = actor.has(Role.OPERATOR) or actor.has(Role.HEAD)
    return {
        **one,
        "state": one.get("state"),
        "again": one.get("again", False),
        "broken": one.get("broken", False),
        "name": one["name_en"] or one["name"] if names.language == "en" else one["name"],
        "resource": supplied or "",
        "resource_name": names.resource(supplied) if supplied else "",
        "source": names.department(one.get("source") or one["department"]),
        "ask": ask_link(supplied, system="", matter=one["matter"])
        if supplied and asks and may
        else "",
    }


def query_told(query: Mapping[str, Any] | None, names: Names) -> dict[str, Any] | None:
    """A ready-made query as a page shows it; None where there is none to show."""
    if query is None:
        return None
    return {
        **query,
        "system_name": names.system(query["system"] or ""),
        "missing": [
            names.resource(one["code"]) for one in query["resources"] if not one["granted"]
        ],
        "left_out": [names.resource(one) for one in query["left_out"]],
    }


def _one_of(text: str | None, kind: type[MatterType] | type[MatterList]) -> str | None:
    return text if text in {one.value for one in kind} else None


def _number(text: str | None, *, most: int) -> int | None:
    """Read a number of an address; what is not understood is left out."""
    if not text or not (text.isascii() and text.isdecimal()) or len(text) > 7:
        return None
    return int(text) if int(text) <= most else None


ROUTES = [
    Route("/matters", listing, methods=["GET"]),
    Route("/matters/{code:path}", entry, methods=["GET"]),
]
