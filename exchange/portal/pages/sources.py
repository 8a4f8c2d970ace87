"""A source that waits: what was listed of it, what stands on it, and the authority's form to open it."""

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from catalogue.lifecycle import WAITING
from catalogue.model import Actor, Role
from exchange.node import Node
from exchange.portal.forms import Errors, Form, read_form
from exchange.portal.render import page
from exchange.portal.rooms import Names, acted, names_for, tried
from exchange.portal.session import signed_in

KINDS = ("sql", "http", "graphql", "soap")
SHOWN = 50
"""As many of the resources on a source are named; the others are counted."""


async def entry(request: Request) -> Response:
    """`GET /inbox/sources/{name}`."""
    actor = await signed_in(request)
    return await _entry(request, actor, Errors.of(request), given=None)


async def open_(request: Request) -> Response:
    """Open it: read once with what is typed, recorded with its reason, read by calls from then on."""
    actor = await signed_in(request)
    given = await read_form(request)
    errors = Errors.of(request)
    name = request.path_params["name"]
    if given.get("kind") not in KINDS:
        errors.at("kind", "Choose how the source is read")
    if not given.text("address"):
        errors.at("address", "Enter where the source is read")
    if not given.text("reason"):
        errors.at("reason", "Say who told how it is read, and where")
    if not errors:
        await tried(
            errors,
            request,
            actor,
            "source.open",
            name=name,
            kind=given.get("kind"),
            address=given.text("address"),
            reason=given.get("reason"),
            secret=given.get("secret") or None,
            write_reason=given.text("write_reason") or None,
        )
    if errors:
        return await _entry(request, actor, errors, given=given)
    return RedirectResponse(f"/inbox/sources/{name}?done=opened", status_code=303)


async def _entry(request: Request, actor: Actor, errors: Errors, *, given: Form | None) -> Response:
    """Show the source; `given` is a form that was refused, None where nothing was typed yet."""
    node: Node = request.app.state.node
    shown = await run_in_threadpool(
        _shown, node, actor, request.path_params["name"], names_for(request)
    )
    names = ("kind", "address", "reason", "write_reason")
    # A password is never sent back to the page.
    typed = {name: "" if given is None else given.get(name) for name in names}
    return page(
        request,
        "sources_entry.html",
        status=400 if errors else 200,
        errors=errors.by_field,
        typed=typed,
        done=request.query_params.get("done", ""),
        **shown,
    )


def _shown(node: Node, actor: Actor, name: str, names: Names) -> dict[str, Any]:
    held = acted(node, actor, "source.show", name=name)
    resources = held["resources"]
    return {
        "source": held,
        "department": names.department(held["department"]),
        "resources": [(code, names.resource(code)) for code in resources[:SHOWN]],
        "others": max(len(resources) - SHOWN, 0),
        "waits": held["state"] == WAITING,
        "may_open": held["state"] == WAITING and actor.has(Role.AUTHORITY),
    }


ROUTES = [
    Route("/inbox/sources/{name}", entry, methods=["GET"]),
    Route("/inbox/sources/{name}", open_, methods=["POST"]),
]
