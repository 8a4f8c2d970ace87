"""An entry's announced revisions: when, what differs, and an older one taken up again."""

import re
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from catalogue.model import Actor, Role
from catalogue.rows import RESOURCE
from exchange.node import Node
from exchange.portal.forms import Errors, read_form
from exchange.portal.labels import label_of, tag_of
from exchange.portal.language import translate
from exchange.portal.render import page
from exchange.portal.rooms import acted, moment, tried
from exchange.portal.session import signed_in

_LABELLED = {
    "format": "format",
    "methods": "method",
    "openness": "openness",
    "update_cycle": "cycle",
    "data_class": "data-class",
    "base_data": "base-data",
    "sensitivity": "sensitivity",
    "mask": "mask",
    "type": "type",
    "subject": "subject",
    "purposes": "purpose",
}
"""Members whose values have words, and under which name."""


async def history(request: Request) -> Response:
    return await _page(request, await signed_in(request), Errors.of(request))


async def restore(request: Request) -> Response:
    """Draft an older revision's content anew."""
    actor = await signed_in(request)
    given = await read_form(request)
    errors = Errors.of(request)
    code, number = request.path_params["code"], given.get("revision")
    if not re.fullmatch(r"[1-9][0-9]{0,8}", number):
        errors.at("revision", "Choose a revision")
    if not errors:
        await tried(errors, request, actor, "resource.restore", code=code, revision=int(number))
    if errors:
        return await _page(request, actor, errors)
    return RedirectResponse(f"/publish/entry/{code}?done=drafted", status_code=303)


async def _page(request: Request, actor: Actor, errors: Errors) -> Response:
    node: Node = request.app.state.node
    code = request.path_params["code"]
    told = await run_in_threadpool(_told, node, actor, code, request, errors.language)
    return page(
        request,
        "history.html",
        status=400 if errors else 200,
        errors=errors.by_field,
        code=code,
        **told,
    )


def _told(node: Node, actor: Actor, code: str, request: Request, language: str) -> dict[str, Any]:
    said = acted(node, actor, "resource.history", code=code)
    rows = [row | {"at": moment(row["announced_at"], node.zone)} for row in said["rows"]]
    older, newer = (_number(request.query_params.get(name, "")) for name in ("older", "newer"))
    if older is None and newer is None and len(rows) > 1:
        older, newer = rows[1]["revision"], rows[0]["revision"]
    changes: list[dict[str, Any]] = []
    if older is not None:
        wanted = {"code": code, "older": older} | ({} if newer is None else {"newer": newer})
        found = acted(node, actor, "resource.diff", **wanted)
        older, newer = found["older"], found["newer"]
        changes = [_worded(one, language) for one in found["changes"]]
    registration = node.held(RESOURCE)[code]
    held, own = registration.resource, registration.resource.department == actor.department
    drafted = registration.latest.resource
    return {
        "name": said["name"],
        "own": own,
        "rows": rows,
        "older": older,
        "newer": newer,
        "changes": changes,
        "draft": drafted.revision
        if own and drafted.state not in {"announced", "withdrawn"}
        else None,
        "may_restore": own and (actor.has(Role.OPERATOR) or actor.has(Role.HEAD)),
        "announced": held.state == "announced",
    }


def _worded(change: dict[str, Any], language: str) -> dict[str, Any]:
    """A change as the reader's language says it."""
    words = {name: _value(change["member"], change[name], language) for name in ("was", "becomes")}
    return change | words | {"member_name": change["words"][language]}


def _value(member: str, text: str, language: str) -> str:
    if member == "sharing_class" and text:
        return translate(language, tag_of(text)[0])
    kind = _LABELLED.get(member)
    if kind is None or not text:
        return {"yes": translate(language, "Yes"), "no": translate(language, "No")}.get(text, text)
    comma = ", " if language == "en" else "、"
    return comma.join(translate(language, label_of(kind, one)) for one in text.split(", "))


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[1-9][0-9]{0,8}", text) else None


ROUTES = [
    Route("/history/{code:path}", history, methods=["GET"]),
    Route("/history/{code:path}", restore, methods=["POST"]),
]
