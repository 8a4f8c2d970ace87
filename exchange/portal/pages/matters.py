"""Matters (事项): the list of a district, and one with the resources that are its materials."""

from typing import Any
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from catalogue.model import Matter
from catalogue.snapshot import Snapshot
from exchange.acts.register import ActError
from exchange.portal.listing import counted
from exchange.portal.pages.catalogue import department_name, name_of
from exchange.portal.render import language_of, page
from exchange.portal.session import signed_in

ON_A_PAGE = 50


async def listing(request: Request) -> Response:
    """`GET /matters`."""
    await signed_in(request)
    snapshot: Snapshot = request.state.snapshot
    words = request.query_params.get("q", "")[:200]
    place = request.query_params.get("page", "1")
    number = max(int(place), 1) if place.isascii() and place.isdecimal() and len(place) < 6 else 1
    department = request.query_params.get("department", "")
    told = await run_in_threadpool(
        _told,
        snapshot,
        words=words,
        department=department if department in snapshot.departments else "",
        number=number,
        language=language_of(request),
    )
    return page(request, "matters.html", words_asked=words, number=number, **told)


async def entry(request: Request) -> Response:
    """`GET /matters/{code}`."""
    await signed_in(request)
    snapshot: Snapshot = request.state.snapshot
    language = language_of(request)
    held = snapshot.matters.get(str(request.path_params["code"]))
    if held is None:
        raise ActError("NOT_FOUND", "no matter has this code")
    resources = [snapshot.resources[code] for code in held.resources if code in snapshot.resources]
    return page(
        request,
        "matters_entry.html",
        matter=held,
        department=_department(held, snapshot, language),
        resources=[
            {
                "code": one.code,
                "name": name_of(one, language),
                "department": department_name(snapshot.departments.get(one.department), language)
                or one.department,
                "class": one.sharing_class.value,
            }
            for one in resources
        ],
    )


def _told(
    snapshot: Snapshot, *, words: str, department: str, number: int, language: str
) -> dict[str, Any]:
    wanted = words.casefold().split()
    found = [
        held
        for held in snapshot.matters.values()
        if department in {"", held.department}
        and all(word in f"{held.name}\n{held.code}".casefold() for word in wanted)
    ]
    first = (number - 1) * ON_A_PAGE
    codes = {held.department for held in snapshot.matters.values()}
    names = [
        (code, department_name(snapshot.departments.get(code), language) or code) for code in codes
    ]
    return {
        "total": counted(len(found)),
        "department": department,
        "departments": sorted(names, key=lambda one: one[1]),
        "rows": [
            {
                "code": held.code,
                "name": held.name,
                "kind": held.kind.value,
                "department": _department(held, snapshot, language),
                "resources": len(held.resources),
            }
            for held in sorted(found, key=lambda held: held.code)[first : first + ON_A_PAGE]
        ],
        "previous": _address(words, department, number - 1) if number > 1 else "",
        "next": _address(words, department, number + 1) if len(found) > first + ON_A_PAGE else "",
    }


def _address(words: str, department: str, number: int) -> str:
    told = {"q": words, "department": department, "page": str(number)}
    return f"/matters?{urlencode({name: value for name, value in told.items() if value})}"


def _department(held: Matter, snapshot: Snapshot, language: str) -> str:
    return department_name(snapshot.departments.get(held.department), language) or held.department


ROUTES = [
    Route("/matters", listing, methods=["GET"]),
    Route("/matters/{code:path}", entry, methods=["GET"]),
]
