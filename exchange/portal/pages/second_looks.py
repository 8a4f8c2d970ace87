"""The presets of the log's search: what each finds, and what one found over a time."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from exchange.acts.presets import PRESETS
from exchange.acts.register import ActError
from exchange.node import Node
from exchange.portal.forms import Errors
from exchange.portal.looking import read_wanted
from exchange.portal.render import page
from exchange.portal.rooms import Names, acted, last_day, names_for, shards_of, tried
from exchange.portal.session import signed_in


async def overview(request: Request) -> Response:
    """`GET /audit/find`: the presets. Nothing is looked at yet."""
    actor = await signed_in(request)
    node: Node = request.app.state.node
    presets = await run_in_threadpool(acted, node, actor, "audit.presets")
    review = request.query_params.get("review", "")
    return page(
        request,
        "audit_find.html",
        presets=[one | {"address": _address(one["preset"], review)} for one in presets],
        review=review,
    )


async def found(request: Request) -> Response:
    """`GET /audit/find/{preset}`: what a preset finds over a time, the last days where none is named."""
    actor = await signed_in(request)
    node: Node = request.app.state.node
    preset = request.path_params["preset"]
    if preset not in PRESETS:
        raise ActError("NOT_FOUND", f"no preset {preset}")
    wanted = read_wanted(request.query_params)
    errors = Errors.of(request)
    for name in ("since", "until"):
        if name in wanted.errors:
            errors.at(name, wanted.errors[name])
    said: dict[str, Any] | None = None
    if not errors:
        given = wanted.arguments(node.zone)
        arguments = {
            name: given[name] for name in ("since", "until", "review", "shard") if name in given
        }
        said = await tried(errors, request, actor, "audit.find", preset=preset, **arguments)
    names = names_for(request)
    held = PRESETS[preset]
    return page(
        request,
        "audit_found.html",
        status=400 if errors else 200,
        errors=errors.by_field,
        preset={"name": preset, "title": held.title, "why": held.why, "nothing": held.nothing},
        amount=held.amount,
        wanted=wanted,
        review=wanted.facets.get("review", ""),
        since=_day(said["since"], node) if said else "",
        until=last_day(said["until"], node.zone).isoformat() if said and said["until"] else "",
        said=said,
        shard=wanted.facets.get("shard", ""),
        shards=shards_of(node),
        lines=[_line(one, names, node) for one in said["found"]] if said else [],
    )


def _address(preset: str, review: str) -> str:
    return f"/audit/find/{preset}" + (f"?{urlencode({'review': review})}" if review else "")


def _line(held: Mapping[str, Any], names: Names, node: Node) -> dict[str, Any]:
    """One finding as a table shows it: who, when, how much, and the entries behind it."""
    who = [
        names.department(held["consumer"]) if held["consumer"] else "",
        names.system(held["system"]) if held["system"] else "",
        names.resource(held["resource"]) if held["resource"] else "",
    ]
    return {
        "who": [one for one in who if one],
        "code": held["code"],
        "amount": held["amount"],
        "begun": _local(held["begun"], node),
        "ended": _local(held["ended"], node),
        "entries": held["entries"],
        "more": held["more"],
    }


def _local(text: str | None, node: Node) -> str:
    return (
        datetime.fromisoformat(text).astimezone(node.zone).strftime("%Y-%m-%d %H:%M")
        if text
        else ""
    )


def _day(text: str, node: Node) -> str:
    return datetime.fromisoformat(text).astimezone(node.zone).date().isoformat()


ROUTES = [
    Route("/audit/find", overview, methods=["GET"]),
    Route("/audit/find/{preset}", found, methods=["GET"]),
]
