"""The portal's routes: every room's, each guarded, and the files they need."""

import logging
import traceback
from collections.abc import Awaitable, Callable
from functools import wraps
from importlib import import_module
from pkgutil import iter_modules

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from exchange.portal import pages
from exchange.portal.forms import FormError
from exchange.portal.render import page
from exchange.portal.session import ForeignFormError, SignInNeededError, sign_in_address
from exchange.portal.static import static
from exchange.web.problems import code_of, status_alone
from exchange.words import words_of

Endpoint = Callable[[Request], Awaitable[Response]]
_LOGGING = logging.getLogger("exchange.portal")


def portal_routes() -> list[BaseRoute]:
    """Return the routes of all modules in `exchange/portal/pages`, in the order of their names."""
    routes: list[BaseRoute] = [Route("/static/{path:path}", static, methods=["GET"])]
    for found in iter_modules(pages.__path__):
        room = import_module(f"{pages.__name__}.{found.name}")
        routes += [
            Route(
                route.path,
                guarded(route.endpoint),
                methods=sorted(route.methods or {"GET"}),
                name=f"{found.name}.{route.name}",
            )
            for route in room.ROUTES
        ]
    return routes


def guarded(endpoint: Endpoint) -> Endpoint:
    """Turn what a page raises into a page: sign in, not found, refused, or our own fault."""

    @wraps(endpoint)
    async def carry_out(request: Request) -> Response:
        try:
            return await endpoint(request)
        except SignInNeededError:
            return RedirectResponse(sign_in_address(request), status_code=303)
        except ForeignFormError:
            return page(request, "problem.html", status=403, code="FORM_FOREIGN")
        except FormError:
            return page(request, "problem.html", status=400, code="ACT_ARGUMENTS")
        except Exception as error:  # noqa: BLE001 - every error becomes a page
            return failed(request, error)

    return carry_out


def failed(request: Request, error: Exception) -> Response:
    """Tell an error as a page with its code's words."""
    code = code_of(error)
    if code == "INTERNAL":
        # By type and place alone: a message may hold data.
        places = "".join(traceback.format_tb(error.__traceback__))
        _LOGGING.error("internal error %s at %s", type(error).__name__, places)
    return page(request, "problem.html", status=status_alone(error), code=words_of(code).code)
