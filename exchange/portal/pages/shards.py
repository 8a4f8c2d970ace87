"""The parts of the log: what ended, how it holds, what is archived; and long work on one, followed."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from catalogue.model import Actor, Role
from exchange.jobs.errands import ERRANDS
from exchange.node import Node
from exchange.portal.forms import Errors, read_form
from exchange.portal.render import page
from exchange.portal.rooms import (
    Names,
    acted,
    ends_after,
    moment,
    names_for,
    read_day,
    starts_on,
    tried,
)
from exchange.portal.session import signed_in

JOBS = 10
"""Jobs that a part's own page shows."""


async def overview(request: Request) -> Response:
    """`GET /audit/shards`: all parts, the newest first."""
    actor = await signed_in(request)
    node: Node = request.app.state.node
    said = await run_in_threadpool(acted, node, actor, "audit.shard-list")
    return page(
        request,
        "shards.html",
        shards=[_told(one, node) for one in reversed(said["shards"])],
        due=said["due"],
        administers=actor.has(Role.ADMINISTRATOR),
    )


async def entry(request: Request) -> Response:
    """`GET /audit/shards/{shard}`."""
    actor = await signed_in(request)
    return await _entry(request, actor, Errors.of(request), {})


async def begin(request: Request) -> Response:
    """`POST /audit/shards/{shard}/check` and `…/replay`: have it done, and go to where it is followed."""
    actor = await signed_in(request)
    form = await read_form(request)
    errand, errors = request.url.path.rpartition("/")[2], Errors.of(request)
    bounds = _bounds(request, form, errors) if errand == "replay" else {}
    if not errors:
        arguments = {"errand": errand, "shard": request.path_params["shard"], **bounds}
        said = await tried(errors, request, actor, "job.begin", **arguments)
        if said is not None:
            return RedirectResponse(f"/audit/shards/jobs/{said['id']}?done=begin", status_code=303)
    return await _entry(request, actor, errors, form)


async def archive(request: Request) -> Response:
    """`GET` and `POST /audit/shards/{shard}/archive`: look what would go into files, and have it done."""
    actor = await signed_in(request)
    node: Node = request.app.state.node
    shard, errors = str(request.path_params["shard"]), Errors.of(request)
    sent = request.method == "POST"
    given: Mapping[str, str] = await read_form(request) if sent else request.query_params
    told = await run_in_threadpool(acted, node, actor, "audit.shard-show", shard=shard)
    day = read_day(given.get("before", ""))
    if "before" in given:
        _check_day(day, errors, node)
    plan: dict[str, Any] | None = None
    if day is not None and not errors:
        before = starts_on(day, node.zone).isoformat()
        if sent:
            begun = {"errand": "archive", "shard": shard, "before": before}
            said = await tried(errors, request, actor, "job.begin", **begun)
            if said is not None:
                where = f"/audit/shards/jobs/{said['id']}?done=begin"
                return RedirectResponse(where, status_code=303)
        else:
            asked = {"before": before, "shard": shard}
            plan = await tried(errors, request, actor, "archive.list", **asked)
    return page(
        request,
        "shards_archive.html",
        status=400 if errors else 200,
        errors=errors.by_field,
        shard=_told(told, node),
        before=given.get("before", "") or _usual_day(told, node),
        plan=plan,
        may=_may(actor, "archive"),
    )


async def job(request: Request) -> Response:
    """`GET /audit/shards/jobs/{id}`: how far it is, and what came of it."""
    actor = await signed_in(request)
    return await _job(request, actor, Errors.of(request))


async def stop(request: Request) -> Response:
    """`POST /audit/shards/jobs/{id}/stop`."""
    actor = await signed_in(request)
    await read_form(request)
    errors, key = Errors.of(request), str(request.path_params["id"])
    await tried(errors, request, actor, "job.cancel", job=key)
    if errors:
        return await _job(request, actor, errors)
    return RedirectResponse(f"/audit/shards/jobs/{key}?done=stop", status_code=303)


async def result(request: Request) -> Response:
    """`GET /audit/shards/jobs/{id}/result.json`: what the command would print, to keep."""
    actor = await signed_in(request)
    node: Node = request.app.state.node
    key = str(request.path_params["id"])
    said = await run_in_threadpool(acted, node, actor, "job.show", job=key)
    headers = {"content-disposition": f'attachment; filename="{said["errand"]}-{said["id"]}.json"'}
    content = msgspec.json.format(msgspec.json.encode(said))
    return Response(content, media_type="application/json", headers=headers)


async def _entry(
    request: Request, actor: Actor, errors: Errors, given: Mapping[str, str]
) -> Response:
    node: Node = request.app.state.node
    shard = str(request.path_params["shard"])
    said = await run_in_threadpool(acted, node, actor, "audit.shard-show", shard=shard)
    jobs = await run_in_threadpool(acted, node, actor, "job.list", shard=shard, first=JOBS)
    names = names_for(request)
    return page(
        request,
        "shards_entry.html",
        status=400 if errors else 200,
        errors=errors.by_field,
        given=given,
        shard=_told(said, node),
        detail=_detail(said, node),
        jobs=[_job_told(one, names, node) for one in jobs["rows"]],
        may={name: _may(actor, name) for name in ERRANDS},
        sees_entries=actor.has(Role.AUDITOR),
    )


async def _job(request: Request, actor: Actor, errors: Errors) -> Response:
    node: Node = request.app.state.node
    key = str(request.path_params["id"])
    said = await run_in_threadpool(acted, node, actor, "job.show", job=key)
    running = said["state"] == "running"
    return page(
        request,
        "shards_job.html",
        status=400 if errors else 200,
        errors=errors.by_field,
        done=request.query_params.get("done", ""),
        job=_job_told(said, names_for(request), node),
        said=said["said"],
        running=running,
        may_stop=running and _may(actor, said["errand"]),
        sees_entries=actor.has(Role.AUDITOR),
    )


def _may(actor: Actor, errand: str) -> bool:
    return any(actor.has(role) for role in ERRANDS[errand].begins)


def _bounds(request: Request, given: Mapping[str, str], errors: Errors) -> dict[str, str]:
    """Return the first and the last day of a replay, where they were typed, as moments."""
    node: Node = request.app.state.node
    found = {}
    for name, moment_of in (("since", starts_on), ("until", ends_after)):
        typed = given.get(name, "").strip()
        day = read_day(typed)
        if typed and day is None:
            errors.at(name, "Write the day as 2026-12-31, or leave it empty")
        elif day is not None:
            found[name] = moment_of(day, node.zone).isoformat()
    if len(found) == 2 and found["since"] >= found["until"]:
        errors.at("until", "The last day comes before the first")
    return found


def _check_day(day: date | None, errors: Errors, node: Node) -> None:
    if day is None:
        errors.at("before", "Write the day as 2026-12-31")
    elif day > _today(node):
        errors.at("before", "Choose today or an earlier day")


def _usual_day(said: Mapping[str, Any], node: Node) -> str:
    """Return the first day that a part has no entry of; today where that is not over."""
    if said["newest"] is None:
        return _today(node).isoformat()
    newest = datetime.fromisoformat(said["newest"]).astimezone(node.zone).date()
    return min(newest + timedelta(days=1), _today(node)).isoformat()


def _today(node: Node) -> date:
    return node.ports.now().astimezone(node.zone).date()


def _told(said: Mapping[str, Any], node: Node) -> dict[str, Any]:
    """A part as the list and its own page show it."""
    called = {one.origin: one.called for one in node.shards}
    return {
        "called": called[said["origin"]],
        "current": said["origin"] == node.shards[-1].origin,
        "origin": said["origin"],
        "state": said["state"],
        "trouble": said["trouble"] or "",
        "size": "—" if said["size"] is None else f"{said['size']:,}",
        "begun": _at(said["begun"], node),
        "newest": _at(said["newest"], node),
        "next": said["next"] or "",
        "next_called": called.get(said["next"], ""),
        "checkpoint": said["checkpoint"] or "",
        "cosigned": None
        if said["cosigned"] is None
        else said["cosigned"] | {"size": f"{said['cosigned']['size']:,}"},
        "stamped": "" if said["stamped"] is None else f"{said['stamped']:,}",
        "archived": f"{said['archived']:,}" if said["archived"] else "",
    }


def _detail(said: Mapping[str, Any], node: Node) -> dict[str, Any] | None:
    """What its own page says besides; None for a part that does not hold."""
    if "chain" not in said:
        return None
    archived = said["archive"]
    return {
        "chain": said["chain"],
        "checked": _looked(said["checked"], node),
        "replayed": _looked(said["replayed"], node),
        "archive": archived
        | {
            "entries": f"{archived['entries']:,}",
            "closed_entries": f"{archived['closed'] * 256:,}",
            "closed_newest": _at(archived["closed_newest"], node),
        },
        "holds": said["holds"],
        "erasures": said["erasures"],
        "terms": said["terms"],
    }


def _looked(found: Mapping[str, Any] | None, node: Node) -> dict[str, Any] | None:
    return None if found is None else {**found, "at": _at(found["at"], node)}


def _job_told(said: Mapping[str, Any], names: Names, node: Node) -> dict[str, Any]:
    arguments = said["arguments"]
    return {
        "id": said["id"],
        "errand": said["errand"],
        "shard": said["shard"],
        "current": said["shard"] == node.shards[-1].called,
        "state": said["state"],
        "by": names.officer(said["officer"]),
        "begun": _at(said["created_at"], node),
        "begun_entry": said["begun"],
        "ended": _at(said["ended_at"], node),
        "ended_entry": said["ended"],
        "before": _at(arguments.get("before"), node),
        "since": _at(arguments.get("since"), node),
        "until": _at(arguments.get("until"), node),
        "done": said["done"],
        "total": said["total"],
        "code": said["code"] or "",
        "why": said["why"] or "",
    }


def _at(told: str | None, node: Node) -> str:
    return moment(told, node.zone) if told else ""


ROUTES = [
    Route("/audit/shards", overview, methods=["GET"]),
    Route("/audit/shards/jobs/{id}", job, methods=["GET"]),
    Route("/audit/shards/jobs/{id}/result.json", result, methods=["GET"]),
    Route("/audit/shards/jobs/{id}/stop", stop, methods=["POST"]),
    Route("/audit/shards/{shard}", entry, methods=["GET"]),
    Route("/audit/shards/{shard}/archive", archive, methods=["GET", "POST"]),
    Route("/audit/shards/{shard}/check", begin, methods=["POST"]),
    Route("/audit/shards/{shard}/replay", begin, methods=["POST"]),
]
