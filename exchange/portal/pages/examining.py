"""What an entry is looked at for before it goes on: its checks, and what it is given back for."""

import hashlib
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from catalogue.examination import CheckKind, Conclusion, ReturnCode
from exchange.portal.entry_course import LINES
from exchange.portal.forms import Errors, Form, read_form
from exchange.portal.pages import publish
from exchange.portal.receiving import read_upload
from exchange.portal.rooms import tried
from exchange.portal.session import signed_in
from gateway.errors import RefusedRequestError


async def examine(request: Request) -> Response:
    """Keep what came of a check; of the file its digest alone."""
    actor = await signed_in(request)
    errors = Errors.of(request)
    code = request.path_params["code"]
    try:
        received = await read_upload(request, name="file")
    except RefusedRequestError:
        errors.at("file", "The file is too large")
        return await publish.shown_entry(request, actor, errors)
    given: Mapping[str, str] = received.fields
    if not received.content:
        errors.at("file", "Choose the file with the conclusion")
    if given.get("kind") not in set(CheckKind):
        errors.at("kind", "Choose which check it is")
    if given.get("conclusion") not in set(Conclusion):
        errors.at("conclusion", "Choose what came of the check")
    elif given["conclusion"] != "clear" and not given.get("words", "").strip():
        errors.at("words", "Say what was found")
    if not errors:
        await tried(
            errors,
            request,
            actor,
            "resource.examine",
            code=code,
            kind=given["kind"],
            conclusion=given["conclusion"],
            words=given.get("words", ""),
            file=received.called,
            digest=hashlib.sha256(received.content).hexdigest(),
        )
    if errors:
        return await publish.shown_entry(request, actor, errors, given)
    return RedirectResponse(f"/publish/entry/{code}?done=examined", status_code=303)


async def give_back(request: Request) -> Response:
    """Give an entry back, with all that is wrong at once."""
    actor = await signed_in(request)
    given = await read_form(request)
    errors = Errors.of(request)
    code = request.path_params["code"]
    reasons = read_reasons(given, errors)
    if not errors:
        await tried(errors, request, actor, "resource.return", code=code, reasons=reasons)
    if errors:
        return await publish.shown_entry(request, actor, errors, given)
    return RedirectResponse(f"/publish/entry/{code}?done=returned", status_code=303)


def read_reasons(given: Form, errors: Errors) -> list[dict[str, str]]:
    """The lines that say anything; a line that says half of it is an error."""
    reasons = []
    for n in range(LINES):
        code, text = given.get(f"reason-code-{n}"), given.text(f"reason-text-{n}")
        if not code and not text:
            continue
        if code not in set(ReturnCode) or not text:
            errors.at(f"reason-text-{n}", "Each reason needs its kind and its words")
            continue
        reasons.append({"code": code, "about": given.get(f"reason-about-{n}"), "text": text})
    if not reasons:
        errors.at("reason-text-0", "Say everything that is wrong, each in a line of its own")
    return reasons


ROUTES = [
    Route("/publish/checks/{code:path}", examine, methods=["POST"]),
    Route("/publish/returns/{code:path}", give_back, methods=["POST"]),
]
