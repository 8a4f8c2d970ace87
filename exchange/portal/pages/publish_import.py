"""Importing entries: upload a file, look at what it changes and what of it cannot be taken, then take it."""

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from catalogue.interchange.cells import write_cell
from catalogue.interchange.fields import ENTRY_FIELDS, ITEM_FIELDS
from catalogue.model import Actor
from exchange.acts.register import ActError
from exchange.interchange.parsing import KINDS, Asked
from exchange.interchange.words import said
from exchange.node import Node
from exchange.portal.forms import Errors, Form, read_form
from exchange.portal.receiving import shown_name
from exchange.portal.render import page
from exchange.portal.rooms import acted, tried
from exchange.portal.session import signed_in
from exchange.portal.uploading import is_gone, may_publish, receive

STEPS = frozenset({"look", "take", "drop"})
SHOWN = 200
"""Differences and findings that the page shows; of the others it says how many they are."""


async def choose(request: Request) -> Response:
    """Step 1: which file."""
    actor = await signed_in(request)
    return _choose(request, actor, Errors.of(request))


async def upload(request: Request) -> Response:
    """Take a file in and show what it would change; nothing is taken yet."""
    actor = await signed_in(request)
    errors = Errors.of(request)
    if not may_publish(actor):
        raise ActError("ROLE_MISSING", "needs the role operator or head")
    left = await receive(request, actor, errors)
    if left is None:
        return _choose(request, actor, errors)
    return await _look(request, actor, left.upload, left.form(), errors)


async def go_on(request: Request) -> Response:
    """Step 2: look again as it is to be read, take it, or give the upload up."""
    actor = await signed_in(request)
    given = await read_form(request)
    held, step = str(request.path_params["upload"]), given.get("step")
    errors = Errors.of(request)
    if step not in STEPS:
        raise ActError("NOT_FOUND", f"no such step of a file: {step}")
    if step == "drop":
        await run_in_threadpool(acted, request.app.state.node, actor, "file.drop", upload=held)
        return RedirectResponse("/publish?done=dropped", status_code=303)
    if step == "take":
        told = await tried(
            errors,
            request,
            actor,
            "catalogue.import",
            upload=held,
            asked=msgspec.to_builtins(read_asked(given)),
            looked_at=given.get("looked_at"),
        )
        if told is not None:
            return _shown(request, told, held, given, errors)
    return await _look(request, actor, held, given, errors)


def read_asked(given: Form) -> Asked:
    """Read how the officer wants the file read; what is left open is guessed."""
    kind = given.get("kind")
    return Asked(
        file=shown_name(given.get("called")) or "file",
        kind=kind if kind in KINDS else "",
        encoding=given.get("encoding"),
        delimiter=given.get("delimiter"),
    )


async def _look(request: Request, actor: Actor, held: str, given: Form, errors: Errors) -> Response:
    node: Node = request.app.state.node
    try:
        told = await run_in_threadpool(
            acted,
            node,
            actor,
            "catalogue.preview-import",
            upload=held,
            asked=msgspec.to_builtins(read_asked(given)),
        )
    except ActError as error:
        if not is_gone(error, errors):
            raise
        return _choose(request, actor, errors)
    return _shown(request, told, held, given, errors)


def _shown(
    request: Request, told: Mapping[str, Any], held: str, given: Form, errors: Errors
) -> Response:
    asked = read_asked(given)
    language = errors.language
    differences = [_difference(one, language) for one in told["differences"]]
    not_taken = [
        {
            "place": _place(one),
            "column": one["column"],
            "code": one["code"],
            "found": said(one["found"], language),
            "needed": _needed(one, language),
        }
        for one in told["not_taken"]
    ]
    return page(
        request,
        "publish_import_look.html",
        status=400 if errors else 200,
        errors=errors.by_field,
        upload=held,
        called=asked.file,
        asked=asked,
        seen=told["seen"],
        counts=told["counts"],
        differences=differences[:SHOWN],
        more_differences=max(len(differences) - SHOWN, 0),
        not_taken=not_taken[:SHOWN],
        more_not_taken=max(len(not_taken) - SHOWN, 0),
        needs=told["needs"],
        notes=[said(one, language) for one in told["notes"]],
        looked_at=told["looked_at"],
        committed=told["committed"],
        takes=told["counts"]["added"] + told["counts"]["changed"] + len(told["needs"]),
    )


def _difference(one: Mapping[str, Any], language: str) -> dict[str, Any]:
    return {
        "code": one["code"],
        "name": one["name"],
        "change": one["change"],
        "fields": [
            {
                "label": field["en"] if language == "en" else field["zh"],
                "item": field["item"],
                "before": _value(field, field["before"]),
                "after": _value(field, field["after"]),
            }
            for field in one["fields"]
        ],
    }


def _value(field: Mapping[str, Any], value: Any) -> str:
    """Write a value as the survey has it; nothing where there is none."""
    known = (ITEM_FIELDS if field["item"] else ENTRY_FIELDS).get(field["field"])
    if known is None or value is None:
        return "" if value is None else str(value)
    return write_cell(known, value)


def _needed(one: Mapping[str, Any], language: str) -> str:
    zh = str(one["needed_zh"])
    return zh if language == "zh" and zh else said(one["needed"], language)


def _place(one: Mapping[str, Any]) -> str:
    row = str(one["row"]) if one["row"] else ""
    return " ".join(part for part in (one["sheet"], row) if part)


def _choose(request: Request, actor: Actor, errors: Errors) -> Response:
    return page(
        request,
        "publish_import.html",
        status=400 if errors else 200,
        errors=errors.by_field,
        may_draft=may_publish(actor),
    )


ROUTES = [
    Route("/publish/import", choose, methods=["GET"]),
    Route("/publish/import", upload, methods=["POST"]),
    Route("/publish/import/{upload}", go_on, methods=["POST"]),
]
