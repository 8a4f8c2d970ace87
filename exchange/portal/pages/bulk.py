"""A department's exports: which there are, how far each is, what it holds, and how it is ended."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from catalogue.model import Actor
from exchange.node import Node
from exchange.portal.forms import Errors, read_form
from exchange.portal.listing import choices, counted, read_listed
from exchange.portal.render import page
from exchange.portal.rooms import Names, acted, names_for, tried
from exchange.portal.session import signed_in

STATES = ("reading", "writing", "ready", "stopped", "cancelled", "expired")
RUNNING = frozenset({"reading", "writing"})


async def listing(request: Request) -> Response:
    """`GET /bulk`."""
    actor = await signed_in(request)
    node: Node = request.app.state.node
    listed = read_listed("/bulk", request.query_params, "state")
    state = listed.filters.get("state", "")
    found = await run_in_threadpool(
        acted,
        node,
        actor,
        "export.list",
        state=state if state in STATES else None,
        **listed.arguments(),
    )
    names = names_for(request)
    return page(
        request,
        "bulk.html",
        exports=[_line(one, names, node.zone) for one in found["rows"]],
        states=choices(listed, "state", STATES, found["states"]),
        pages=listed.pages(found),
        total=counted(found["total"]),
        filtered=bool(listed.filters),
    )


async def entry(request: Request) -> Response:
    """`GET /bulk/{id}`."""
    actor = await signed_in(request)
    return await _entry(request, actor, Errors.of(request))


async def cancel(request: Request) -> Response:
    """`POST /bulk/{id}/cancel`."""
    actor = await signed_in(request)
    await read_form(request)
    errors = Errors.of(request)
    key = str(request.path_params["id"])
    await tried(errors, request, actor, "export.cancel", export=key)
    if errors:
        return await _entry(request, actor, errors)
    return RedirectResponse(f"/bulk/{key}?done=cancel", status_code=303)


async def _entry(request: Request, actor: Actor, errors: Errors) -> Response:
    node: Node = request.app.state.node
    key = str(request.path_params["id"])
    found = await run_in_threadpool(acted, node, actor, "export.show", export=key)
    names = names_for(request)
    return page(
        request,
        "bulk_entry.html",
        status=400 if errors else 200,
        errors=errors.by_field,
        done=request.query_params.get("done", ""),
        export=_line(found, names, node.zone),
        manifest=_manifest(found, names),
        running=found["state"] in RUNNING,
        may_end=found["state"] in RUNNING | {"ready"},
    )


def _line(held: dict[str, Any], names: Names, zone: ZoneInfo) -> dict[str, Any]:
    by_graphql = {}
    resource = names.snapshot.resources.get(held["resource"])
    if resource is not None:
        by_graphql = {item.graphql_name: item.title for item in resource.items}
    return {
        "id": held["id"],
        "name": names.resource(held["resource"]),
        "provider": names.department(held["provider"]),
        "system": names.system(held["system"]),
        "items": [by_graphql.get(name, name) for name in held["items"]],
        "format": held["format"],
        "state": held["state"],
        "code": held["code"] or "",
        "rows": f"{held['rows']:,}",
        "pages": f"{held['pages']:,}",
        "begun": _moment(held["createdMs"], zone),
        "ended": _moment(held["endedMs"], zone),
        "expires": _moment(held["expiresMs"], zone),
        "entry": held["entry"],
        "ended_entry": held["endedEntry"],
        "parts": [
            part | {"rows": f"{part['rows']:,}", "bytes": f"{part['bytes']:,}"}
            for part in held["parts"]
        ],
    }


def _manifest(held: dict[str, Any], names: Names) -> dict[str, Any] | None:
    told = held["manifest"]
    if told is None:
        return None
    why = told["why"]
    return {
        "matter": names.matter(why["matter"]),
        "case": why["case"],
        "purpose": why["purpose"],
        "reason": why["reason"],
        "revision": told["what"]["revision"],
        "pages": len(told["pages"]),
        # Manifests of before say nothing of cells.
        "cells": [
            {"code": code, "count": f"{count:,}"}
            for code, count in told.get("cells", {}).get("counted", {}).items()
        ],
    }


def _moment(at_ms: int | None, zone: ZoneInfo) -> str:
    if at_ms is None:
        return ""
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone).strftime("%Y-%m-%d %H:%M")


ROUTES = [
    Route("/bulk", listing, methods=["GET"]),
    Route("/bulk/{id}", entry, methods=["GET"]),
    Route("/bulk/{id}/cancel", cancel, methods=["POST"]),
]
