"""Who is looking: the session's cookie, and the token that binds a form to it."""

import hmac
from urllib.parse import quote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from catalogue.model import Actor
from exchange.identity.errors import IdentityError
from exchange.node import Node

COOKIE = "exchange_session"
CSRF_FIELD = "csrf"


class SignInNeededError(Exception):
    """Nobody is signed in: the visitor is led to the sign-in page, and back from there."""


class ForeignFormError(Exception):
    """A form was sent from another site, or not from this session."""


async def signed_in(request: Request) -> Actor:
    """Return the officer who is looking. Raises SignInNeededError where there is none.

    Leaves `request.state.actor` and `request.state.snapshot` for the page.
    """
    node: Node = request.app.state.node
    secret = request.cookies.get(COOKIE, "")
    if not secret:
        raise SignInNeededError
    snapshot = await node.live.snapshot()
    try:
        visitor = await run_in_threadpool(node.sign_in.visitor, secret, officers=snapshot.officers)
    except IdentityError as error:
        raise SignInNeededError from error
    actor = Actor(officer=visitor.officer, auth=visitor.auth)
    request.state.actor = actor
    request.state.snapshot = snapshot
    return actor


def csrf_token(request: Request) -> str:
    """Return the token of this session's forms; empty where there is no session."""
    secret = request.cookies.get(COOKIE, "")
    node: Node = request.app.state.node
    return node.sealer.token("portal-form", secret) if secret else ""


def check_origin(request: Request) -> None:
    """Refuse a form that another site sent. Raises ForeignFormError.

    Browsers say where a form comes from in Sec-Fetch-Site, and over plain HTTP in Origin alone.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        if site != "same-origin":
            raise ForeignFormError(f"sec-fetch-site is {site!r}, same-origin needed")
        return
    origin = request.headers.get("origin", "")
    if urlsplit(origin).netloc != request.headers.get("host", "") or not origin:
        raise ForeignFormError("the form's origin is not this site")


def check_token(request: Request, token: str) -> None:
    """Refuse a form that was not made for this session. Raises ForeignFormError."""
    wanted = csrf_token(request)
    if not wanted or not hmac.compare_digest(wanted.encode(), token.encode()):
        raise ForeignFormError("the form was not made for this session")


def keep_session(response: Response, secret: str, *, secure: bool) -> None:
    response.set_cookie(COOKIE, secret, path="/", httponly=True, samesite="lax", secure=secure)


def forget_session(response: Response) -> None:
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax")


def own_path(text: str, *, default: str = "/") -> str:
    """Return a place to go on to, if it is a path of this site and nothing else."""
    plain = text.startswith("/") and not text.startswith("//") and "\\" not in text
    return text if plain and text.isprintable() and not urlsplit(text).netloc else default


def sign_in_address(request: Request) -> str:
    """Return the sign-in page's address, with the way back where the page was only looked at."""
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if request.method != "GET" or here == "/":
        return "/sign-in"
    return f"/sign-in?to={quote(here, safe='/')}"
