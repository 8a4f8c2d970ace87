"""Signing in and out: by a one-time link, or by staff number, password and one-time code."""

from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from catalogue.snapshot import Snapshot
from exchange.identity.errors import IdentityError
from exchange.identity.service import Opened
from exchange.node import Node
from exchange.portal.forms import Errors, Form, read_form
from exchange.portal.render import language_of, page
from exchange.portal.session import COOKIE, forget_session, keep_session, own_path
from exchange.words import texts


async def form(request: Request) -> Response:
    """`GET /sign-in`: the form; `to` is where to go on to."""
    return _form(request, await _snapshot(request), to=request.query_params.get("to", ""))


async def enter(request: Request) -> Response:
    """`POST /sign-in`: staff number, password and one-time code."""
    node: Node = request.app.state.node
    given = await read_form(request, session=False)
    snapshot = await _snapshot(request)
    errors = Errors.of(request)
    for name, text in (
        ("department", "Choose your department"),
        ("staff_number", "Enter your staff number"),
        ("password", "Enter your password"),
        ("code", "Enter the six digits of your authenticator"),
    ):
        if not given.get(name).strip():
            errors.at(name, text)
    if errors:
        return _form(request, snapshot, given=given, to=given.get("to"), errors=errors.by_field)
    token = node.live.token("staff", given.text("staff_number"))
    officer = snapshot.staff.get((given.get("department"), token))
    try:
        opened = await run_in_threadpool(
            node.sign_in.enter,
            officer,
            password=given.get("password"),
            code=given.text("code"),
            officers=snapshot.officers,
        )
    except IdentityError as error:
        if officer is None:
            node.strangers.saw(error.code)
        zh, en = texts(error.code)
        said = {"": en if language_of(request) == "en" else zh}
        return _form(request, snapshot, given=given, to=given.get("to"), errors=said)
    return _entered(request, opened, to=given.get("to"))


async def link(request: Request) -> Response:
    """`GET /sign-in/{secret}`: only a button, so that whoever looks ahead at links uses nothing up."""
    return page(request, "sign_in_link.html", to=own_path(request.query_params.get("to", "")))


async def redeem(request: Request) -> Response:
    """`POST /sign-in/{secret}`: use the link up."""
    node: Node = request.app.state.node
    given = await read_form(request, session=False)
    snapshot = await _snapshot(request)
    try:
        opened = await run_in_threadpool(
            node.sign_in.redeem_link,
            str(request.path_params["secret"]),
            officers=snapshot.officers,
        )
    except IdentityError as error:
        node.strangers.saw(error.code)
        return page(request, "sign_in_unusable.html", status=403, code=error.code)
    return _entered(request, opened, to=given.get("to"))


async def leave(request: Request) -> Response:
    """`POST /sign-out`."""
    node: Node = request.app.state.node
    await read_form(request)
    snapshot = await _snapshot(request)
    await run_in_threadpool(
        node.sign_in.end_session, request.cookies.get(COOKIE, ""), officers=snapshot.officers
    )
    response = RedirectResponse("/sign-in?out=1", status_code=303)
    forget_session(response)
    return response


def link_address(base_url: str, secret: str, *, to: str) -> str:
    """Return the address that a one-time link has for people, landing on a page of ours."""
    return f"{base_url}/sign-in/{secret}?to={quote(to, safe='/')}"


def _entered(request: Request, opened: Opened, *, to: str) -> Response:
    response = RedirectResponse(own_path(to), status_code=303)
    keep_session(response, opened.secret, secure=request.url.scheme == "https")
    return response


def _form(
    request: Request,
    snapshot: Snapshot,
    *,
    to: str,
    given: Form | None = None,
    errors: Mapping[str, str] = MappingProxyType({}),
) -> Response:
    """Show the form; `given` None means that nothing was sent yet."""
    english = language_of(request) == "en"
    with_officers = {officer.department for officer in snapshot.officers.values()}
    departments = [
        (held.code, held.name_en or held.name if english else held.name)
        for held in snapshot.departments.values()
        if held.code in with_officers
    ]
    return page(
        request,
        "sign_in.html",
        status=400 if errors else 200,
        to=own_path(to),
        departments=departments,
        department=given.get("department") if given else "",
        staff_number=given.text("staff_number") if given else "",
        out=request.query_params.get("out") == "1",
        errors=errors,
    )


async def _snapshot(request: Request) -> Snapshot:
    node: Node = request.app.state.node
    return await node.live.snapshot()


ROUTES = [
    Route("/sign-in", form, methods=["GET"]),
    Route("/sign-in", enter, methods=["POST"]),
    Route("/sign-in/{secret}", link, methods=["GET"]),
    Route("/sign-in/{secret}", redeem, methods=["POST"]),
    Route("/sign-out", leave, methods=["POST"]),
]
