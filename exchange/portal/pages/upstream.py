"""A resource that a body above holds and that is not connected here: registered to be found and asked for."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from catalogue.model import Actor, Role
from exchange.portal.entry_form import words_of_list
from exchange.portal.forms import Errors, Form, read_form
from exchange.portal.render import page
from exchange.portal.rooms import tried
from exchange.portal.session import signed_in

FIELDS = ("code", "name", "name_en", "abstract", "holder", "way_to_ask", "letter", "conditions")


async def form(request: Request) -> Response:
    actor = await signed_in(request)
    return _page(request, actor, Errors.of(request), Form([]))


async def register(request: Request) -> Response:
    """Draft it; from there on it goes the way of any entry."""
    actor = await signed_in(request)
    given = await read_form(request)
    errors = Errors.of(request)
    for name, said in (
        ("code", "Enter the resource code"),
        ("name", "Enter the title"),
        ("holder", "Say who above holds it"),
        ("way_to_ask", "Say how it is asked for there"),
    ):
        if not given.text(name):
            errors.at(name, said)
    items = list(words_of_list(given.get("items")))
    if not items:
        errors.at("items", "Name the items, separated by commas")
    if not errors:
        told = {name: given.text(name) for name in FIELDS}
        await tried(errors, request, actor, "resource.register-upstream", items=items, **told)
    if errors:
        return _page(request, actor, errors, given)
    return RedirectResponse(f"/publish/entry/{given.text('code')}?done=drafted", status_code=303)


def _page(request: Request, actor: Actor, errors: Errors, given: Form) -> Response:
    return page(
        request,
        "upstream.html",
        status=400 if errors else 200,
        errors=errors.by_field,
        given={name: given.get(name) for name in (*FIELDS, "items")},
        may_draft=actor.has(Role.OPERATOR) or actor.has(Role.HEAD),
    )


ROUTES = [
    Route("/publish/upstream", form, methods=["GET"]),
    Route("/publish/upstream", register, methods=["POST"]),
]
