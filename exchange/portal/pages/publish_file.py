"""Publishing a file: upload, look over what is seen in it, correct, keep; then on as with any table."""

from hashlib import sha256
from urllib.parse import urlencode

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from catalogue.model import Actor
from catalogue.rows import RESOURCE, SOURCE
from exchange.acts.register import ActError
from exchange.files.model import Choices, Preview
from exchange.files.words import place, sentence
from exchange.node import Node
from exchange.portal.forms import Errors, Form, read_form
from exchange.portal.receiving import shown_name
from exchange.portal.render import page
from exchange.portal.rooms import acted, read_day, tried
from exchange.portal.session import signed_in
from exchange.portal.uploading import is_gone, may_publish, receive

STEPS = frozenset({"look", "keep", "drop"})


async def choose(request: Request) -> Response:
    """Step 1: which file."""
    actor = await signed_in(request)
    return _choose(request, actor, Errors.of(request))


async def upload(request: Request) -> Response:
    """Take a file in and show what is seen in it; nothing is kept yet."""
    actor = await signed_in(request)
    errors = Errors.of(request)
    if not may_publish(actor):
        raise ActError("ROLE_MISSING", "needs the role operator or head")
    left = await receive(request, actor, errors)
    if left is None:
        return _choose(request, actor, errors)
    return await _look(request, actor, left.upload, left.form(), errors)


async def go_on(request: Request) -> Response:
    """Step 2: look again with other choices, keep the rows, or give the upload up."""
    actor = await signed_in(request)
    given = await read_form(request)
    held, step = str(request.path_params["upload"]), given.get("step")
    errors = Errors.of(request)
    if step not in STEPS:
        raise ActError("NOT_FOUND", f"no such step of a file: {step}")
    if step == "drop":
        await run_in_threadpool(acted, request.app.state.node, actor, "file.drop", upload=held)
        return RedirectResponse("/publish?done=dropped", status_code=303)
    if step == "keep":
        kept = await _keep(request, actor, held, given, errors)
        if kept is not None:
            return RedirectResponse(kept, status_code=303)
    return await _look(request, actor, held, given, errors)


async def _keep(
    request: Request, actor: Actor, held: str, given: Form, errors: Errors
) -> str | None:
    """Keep the file; returns where it goes on. None where something is in the way: the errors say what."""
    node: Node = request.app.state.node
    name, code, day = given.text("name"), given.text("code"), read_day(given.get("as_of"))
    choices = read_choices(given)
    await run_in_threadpool(_check_names, node, name, code, errors)
    if day is None:
        errors.at("as_of", "Enter the day whose state the rows tell")
    if given.get("looked") != _mark(choices):
        errors.at("", "The choices were changed: look over the new preview first")
    if errors:
        return None
    told = await tried(
        errors,
        request,
        actor,
        "file.register",
        upload=held,
        content=given.get("content"),
        name=name,
        as_of=day.isoformat() if day else "",
        choices=msgspec.to_builtins(choices),
    )
    if told is None:
        return None
    onward = {"source": told["source"], "table": told["table"], "code": code}
    return f"/publish/edit?{urlencode(onward | ({'key': told['key']} if told['key'] else {}))}"


def read_choices(given: Form) -> Choices:
    """Read how the officer wants the file read; what is left open is guessed."""
    header = given.text("header")
    return Choices(
        encoding=given.get("encoding"),
        delimiter=given.get("delimiter"),
        sheet=given.get("sheet"),
        header=int(header) if header.isascii() and header.isdigit() and len(header) < 7 else 0,
        key=tuple(given.getlist("key")),
        text=tuple(given.getlist("text")),
    )


async def _look(request: Request, actor: Actor, held: str, given: Form, errors: Errors) -> Response:
    node: Node = request.app.state.node
    choices = read_choices(given)
    try:
        told = await run_in_threadpool(
            acted,
            node,
            actor,
            "file.preview",
            upload=held,
            choices=msgspec.to_builtins(choices),
        )
    except ActError as error:
        if not is_gone(error, errors):
            raise
        return _choose(request, actor, errors)
    seen = msgspec.convert(told, Preview)
    return page(
        request,
        "publish_file_look.html",
        status=400 if errors else 200,
        errors=errors.by_field,
        upload=held,
        called=shown_name(given.get("called")),
        seen=seen,
        looked=_mark(choices),
        chosen=choices,
        findings=[
            {
                "stops": finding.stops,
                "place": place(finding, errors.language),
                "said": sentence(finding, errors.language),
            }
            for finding in seen.findings
        ],
        given={name: given.get(name) for name in ("name", "as_of", "code")},
    )


def _choose(request: Request, actor: Actor, errors: Errors) -> Response:
    return page(
        request,
        "publish_file.html",
        status=400 if errors else 200,
        errors=errors.by_field,
        may_draft=may_publish(actor),
    )


def _check_names(node: Node, name: str, code: str, errors: Errors) -> None:
    if not name:
        errors.at("name", "Enter the name under which the exchange keeps the table")
    elif node.held(SOURCE).get(name) is not None:
        errors.at(
            "name", "This name is taken, and what stands under it was not touched. Choose another."
        )
    if not code:
        errors.at("code", "Enter the resource code")
    elif node.held(RESOURCE).get(code) is not None:
        errors.at("code", "There is an entry with this code already")


def _mark(choices: Choices) -> str:
    """What tells the choices of the preview that was looked at from others."""
    return sha256(msgspec.json.encode(choices)).hexdigest()[:16]


ROUTES = [
    Route("/publish/file", choose, methods=["GET"]),
    Route("/publish/file", upload, methods=["POST"]),
    Route("/publish/file/{upload}", go_on, methods=["POST"]),
]
