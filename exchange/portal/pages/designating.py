"""One source per item: what several departments registered, and the authority's word whose it is."""

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from catalogue.model import Actor, Role
from exchange.node import Node
from exchange.portal.forms import Errors, read_form
from exchange.portal.render import page
from exchange.portal.rooms import acted, day, names_for, tried
from exchange.portal.session import signed_in

PATH = "/publish/one-source"


async def listing(request: Request) -> Response:
    return await _page(request, await signed_in(request), Errors.of(request), meaning="")


async def designate(request: Request) -> Response:
    """The authority's word, with its reason."""
    actor = await signed_in(request)
    given = await read_form(request)
    errors = Errors.of(request)
    if not given.get("department"):
        errors.at("department", "Choose the source department")
    if not given.text("reason"):
        errors.at("reason", "Say why it is the source")
    if not errors:
        await tried(
            errors,
            request,
            actor,
            "item.designate",
            meaning=given.get("meaning"),
            department=given.get("department"),
            reason=given.text("reason"),
        )
    if errors:
        return await _page(request, actor, errors, meaning=given.get("meaning"))
    return RedirectResponse(f"{PATH}?done=yes", status_code=303)


async def _page(request: Request, actor: Actor, errors: Errors, *, meaning: str) -> Response:
    node: Node = request.app.state.node
    names = names_for(request)

    def look() -> dict[str, Any]:
        return {
            "open": [
                row
                | {
                    "holders": [
                        one | {"name": names.department(one["department"])}
                        for one in row["holders"]
                    ]
                }
                for row in acted(node, actor, "item.collisions")
            ],
            "designated": [
                row
                | {
                    "name": names.department(row["department"]),
                    "day": day(row["designated_at"], node.zone),
                }
                for row in acted(node, actor, "item.sources")
            ],
        }

    return page(
        request,
        "designating.html",
        status=400 if errors else 200,
        errors=errors.by_field,
        meaning=meaning,
        done=request.query_params.get("done", ""),
        may_designate=actor.has(Role.AUTHORITY),
        path=PATH,
        **await run_in_threadpool(look),
    )


ROUTES = [
    Route(PATH, listing, methods=["GET"]),
    Route(PATH, designate, methods=["POST"]),
]
