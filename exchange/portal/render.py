"""Pages from templates: nothing undefined, all escaped, in the reader's language, no script inline."""

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import URL
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from exchange.portal import labels, static
from exchange.portal.language import DEFAULT, LANGUAGES, translate, translations
from exchange.portal.nav import room_of, rooms_for
from exchange.portal.session import csrf_token
from exchange.words import texts

COOKIE = "exchange_language"
TEMPLATES = Path(__file__).parent / "templates"
SECURITY = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
_YEAR_S = 365 * 86_400


def page(request: Request, template: str, /, *, status: int = 200, **context: Any) -> Response:
    """Render a template as a whole page.

    Every template has, besides `context`: `lang`, `officer` (None where nobody is signed in), `rooms`,
    `here` (path of the room the page is in, or empty), `other_language` (address of this page in the other
    one), `csrf`, `demo`, and `errors` (empty mapping of field to sentence, unless given).
    """
    language = language_of(request)
    actor = getattr(request.state, "actor", None)
    room = room_of(request.url.path)
    told: dict[str, Any] = {
        "lang": language,
        "officer": actor.officer if actor else None,
        "rooms": rooms_for(actor) if actor else (),
        "here": room.path if room else "",
        "other_language": _other_address(request, language),
        "csrf": csrf_token(request),
        "demo": request.app.state.node.settings.demo,
        "errors": {},
    }
    html = environment(language).get_template(template).render(told | context)
    response = HTMLResponse(
        html,
        status_code=status,
        headers={"content-security-policy": SECURITY, "referrer-policy": "same-origin"},
    )
    if request.query_params.get("lang") in LANGUAGES:
        response.set_cookie(
            COOKIE, language, max_age=_YEAR_S, path="/", httponly=True, samesite="lax"
        )
    return response


def language_of(request: Request) -> str:
    """Return `zh` or `en`: what the address asks for, else what the visitor chose before, else Chinese."""
    for wish in (request.query_params.get("lang"), request.cookies.get(COOKIE)):
        if wish in LANGUAGES:
            return wish
    return DEFAULT


def say(request: Request, text: str, /, **values: object) -> str:
    """Return a sentence in the reader's language; `text` is English, a key of the locale."""
    return translate(language_of(request), text, **values)


@cache
def environment(language: str) -> Environment:
    """Return the templates of one language."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    gettext: Callable[[str], str] = partial(translate, language)
    made.install_gettext_callables(  # type: ignore[attr-defined] # the extension adds it
        gettext, partial(_plural, language), newstyle=True
    )
    made.globals |= {
        "static": static.address,
        "tag_of": labels.tag_of,
        "label_of": labels.label_of,
        "words": partial(_words, language),
    }
    return made


def _plural(language: str, one: str, many: str, count: int) -> str:
    if language == "en":
        return one if count == 1 else many
    return translations(language).get(many, many)


def _words(language: str, code: str) -> str:
    """What people are told about a code, in the reader's language."""
    zh, en = texts(code)
    return en if language == "en" else zh


def _other_address(request: Request, language: str) -> str:
    other = "zh" if language == "en" else "en"
    # The address of a form that was sent cannot be looked at: the other language then begins at home.
    here = request.url if request.method == "GET" else URL("/")
    url = here.include_query_params(lang=other)
    return f"{url.path}?{url.query}"
