"""Importing materials: upload a file, look at each difference and at what does not fit by row, take it."""

from collections.abc import Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from catalogue.errors import CatalogueError
from catalogue.imports import MATERIAL_HEADINGS
from catalogue.model import Actor, Role
from exchange.acts.register import ActError
from exchange.files.model import ENCODINGS
from exchange.node import Node
from exchange.portal.forms import Errors, Form, read_form
from exchange.portal.receiving import shown_name
from exchange.portal.render import page
from exchange.portal.rooms import Names, acted, names_for, note, tried
from exchange.portal.session import signed_in
from exchange.portal.uploading import is_gone, receive

STEPS = frozenset({"look", "take", "drop"})
SHOWN = 200
"""Rows of a table that the page shows; of the others it says how many they are."""


async def choose(request: Request) -> Response:
    """Step 1: which file."""
    actor = await signed_in(request)
    return _choose(request, actor, Errors.of(request))


async def upload(request: Request) -> Response:
    """Take a file in and show what it would change; nothing is taken yet."""
    actor = await signed_in(request)
    errors = Errors.of(request)
    if not _may_list(actor):
        raise ActError("ROLE_MISSING", "needs the role operator, head or authority")
    left = await receive(request, actor, errors, offer="materials.offer")
    if left is None:
        return _choose(request, actor, errors)
    return await _look(request, actor, left.upload, left.form(), errors)


async def go_on(request: Request) -> Response:
    """Step 2: look again in another encoding, take the lists, or give the upload up."""
    actor = await signed_in(request)
    given = await read_form(request)
    held, step = str(request.path_params["upload"]), given.get("step")
    errors = Errors.of(request)
    node: Node = request.app.state.node
    if step not in STEPS:
        raise ActError("NOT_FOUND", f"no such step of a file: {step}")
    if step == "drop":
        await run_in_threadpool(acted, node, actor, "materials.drop", upload=held)
        return RedirectResponse("/matters", status_code=303)
    if step == "take":
        told = await tried(
            errors,
            request,
            actor,
            "materials.take",
            upload=held,
            looked_at=given.get("looked_at"),
            **_read_as(given),
        )
        if told is not None:
            return _shown(request, told, held, given, errors)
    return await _look(request, actor, held, given, errors)


def _read_as(given: Form) -> dict[str, Any]:
    """Say what the file is called and how the officer wants it read; what is left open is guessed."""
    encoding = given.get("encoding")
    return {
        "file": shown_name(given.get("called")) or "file",
        "encoding": encoding if encoding in ENCODINGS else None,
    }


async def _look(request: Request, actor: Actor, held: str, given: Form, errors: Errors) -> Response:
    node: Node = request.app.state.node
    try:
        told = await run_in_threadpool(
            acted, node, actor, "materials.preview", upload=held, **_read_as(given)
        )
    except ActError as error:
        if not is_gone(error, errors):
            raise
        return _choose(request, actor, errors)
    except CatalogueError as error:
        # A matter of another department: its materials are not this officer's to list.
        note(errors, error)
        return _choose(request, actor, errors)
    return _shown(request, told, held, given, errors)


def _shown(
    request: Request, told: Mapping[str, Any], held: str, given: Form, errors: Errors
) -> Response:
    names = names_for(request)
    lines = [line for one in told["differences"] for line in _lines(one, names)]
    not_taken = [_misfit(one, errors.language) for one in told["not_taken"]]
    asked = _read_as(given)
    return page(
        request,
        "materials_look.html",
        status=400 if errors else 200,
        errors=errors.by_field,
        upload=held,
        called=asked["file"],
        encoding=asked["encoding"] or "",
        encodings=ENCODINGS,
        read_as=told["read_as"],
        matters=len(told["differences"]),
        unchanged=len(told["unchanged"]),
        lines=lines[:SHOWN],
        more_lines=max(len(lines) - SHOWN, 0),
        not_taken=not_taken[:SHOWN],
        more_not_taken=max(len(not_taken) - SHOWN, 0),
        looked_at=told["looked_at"],
        taken=told["taken"],
        takes=bool(lines) and not not_taken,
    )


def _lines(one: Mapping[str, Any], names: Names) -> list[dict[str, Any]]:
    """A line for each material that comes, goes or changes."""
    matter = {"matter": one["matter"], "name": names.matter(one["matter"])}
    return [
        *(matter | {"change": "added", "material": code, "fields": []} for code in one["added"]),
        *(
            matter
            | {
                "change": "changed",
                "material": held["name"] or held["code"],
                "fields": [_heading(field, names.language) for field in held["fields"]],
            }
            for held in one["changed"]
        ),
        *(
            matter | {"change": "removed", "material": code, "fields": []}
            for code in one["removed"]
        ),
    ]


def _heading(field: str, language: str) -> str:
    """A column as the file may head it."""
    return field if language == "en" else MATERIAL_HEADINGS.get(field, field).partition("|")[0]


def _misfit(one: Mapping[str, Any], language: str) -> dict[str, Any]:
    return {
        "row": one["row"],
        "column": _heading(one["column"], language),
        "said": one["message"] if language == "en" else one["message_zh"],
    }


def _choose(request: Request, actor: Actor, errors: Errors) -> Response:
    return page(
        request,
        "materials.html",
        status=400 if errors else 200,
        errors=errors.by_field,
        may_list=_may_list(actor),
        headings=list(MATERIAL_HEADINGS.items()),
    )


def _may_list(actor: Actor) -> bool:
    return any(actor.has(role) for role in (Role.OPERATOR, Role.HEAD, Role.AUTHORITY))


ROUTES = [
    Route("/matters/materials/import", choose, methods=["GET"]),
    Route("/matters/materials/import", upload, methods=["POST"]),
    Route("/matters/materials/import/{upload}", go_on, methods=["POST"]),
]
