"""Deputies: who decides in a head's or the authority's place, named and taken back by who holds the post."""

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from catalogue.deputies import POSTS
from catalogue.model import Actor
from exchange.node import Node
from exchange.portal.forms import Errors, read_form
from exchange.portal.render import page
from exchange.portal.rooms import (
    acted,
    ends_after,
    last_day,
    moment,
    names_for,
    read_day,
    starts_on,
    tried,
)
from exchange.portal.session import signed_in


async def deputies(request: Request) -> Response:
    actor = await signed_in(request)
    return await _shown(request, actor, Errors.of(request), {})


async def name(request: Request) -> Response:
    actor = await signed_in(request)
    form = await read_form(request)
    node: Node = request.app.state.node
    given = {field: form.text(field) for field in ("deputy", "post", "begins", "ends")}
    errors = Errors.of(request)
    for field in ("deputy", "post"):
        if not given[field]:
            errors.at(field, "Fill this in")
    begins, ends = read_day(given["begins"]), read_day(given["ends"])
    for field, day in (("begins", begins), ("ends", ends)):
        if day is None:
            errors.at(field, "Enter a day, such as 2026-01-31")
    if not errors and begins is not None and ends is not None:
        await tried(
            errors,
            request,
            actor,
            "deputy.name",
            deputy=given["deputy"],
            post=given["post"],
            begins=starts_on(begins, node.zone).isoformat(),
            ends=ends_after(ends, node.zone).isoformat(),
        )
    if errors:
        return await _shown(request, actor, errors, given)
    return RedirectResponse("/deputies?done=named", status_code=303)


async def end(request: Request) -> Response:
    actor = await signed_in(request)
    await read_form(request)
    errors = Errors.of(request)
    await tried(errors, request, actor, "deputy.end", deputy=request.path_params["id"])
    if errors:
        return await _shown(request, actor, errors, {})
    return RedirectResponse("/deputies?done=ended", status_code=303)


async def _shown(request: Request, actor: Actor, errors: Errors, given: dict[str, str]) -> Response:
    node: Node = request.app.state.node
    held: list[dict[str, Any]] = await run_in_threadpool(acted, node, actor, "deputy.list")
    names = names_for(request)
    officers = names.snapshot.officers.values()
    colleagues = [
        (one.id, f"{one.name} {one.post}".strip())
        for one in officers
        if one.department == actor.department and one.id != actor.id and one.state == "active"
    ]
    posts = [post.value for post in POSTS if actor.has(post)]
    return page(
        request,
        "deputies.html",
        status=400 if errors else 200,
        errors=errors.by_field,
        given=given,
        colleagues=colleagues,
        posts=posts,
        rows=[
            one
            | {
                "principal_name": names.officer(one["principal"]),
                "deputy_name": names.officer(one["deputy"]),
                "department_name": names.department(one["department"]),
                "from": moment(one["begins"], node.zone)[:10],
                "until": last_day(one["ends"], node.zone).isoformat(),
                "mine": one["post"] in posts and one["department"] == actor.department,
            }
            for one in held
        ],
        done=request.query_params.get("done", ""),
    )


ROUTES = [
    Route("/deputies", deputies, methods=["GET"]),
    Route("/deputies", name, methods=["POST"]),
    Route("/deputies/{id}/end", end, methods=["POST"]),
]
