"""The catalogue: a list that is searched and narrowed by its address, and an entry with every item."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from catalogue.classification import classify, level_name
from catalogue.demands import NEED_CHARACTERS
from catalogue.entries import holds_personal
from catalogue.granted import GrantState
from catalogue.metadata import ANY_DEPARTMENT
from catalogue.model import Actor, Department, Resource, Role, SharingClass
from catalogue.snapshot import Snapshot
from exchange.acts.finding import DEEPEST
from exchange.acts.register import ActError
from exchange.node import Node
from exchange.portal import feed
from exchange.portal.forms import Errors, read_form
from exchange.portal.language import translate
from exchange.portal.listing import counted, read_listed
from exchange.portal.render import language_of, page
from exchange.portal.rooms import acted, names_for, tried
from exchange.portal.session import signed_in
from exchange.web.catalogue import form_wanted

ON_A_PAGE = 20
LAST = DEEPEST // ON_A_PAGE
"""The last page: whoever looks further narrows the search down."""
SHOWN_DEPARTMENTS = 10
SHOWN_ITEMS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the address asks for; empty means any."""

    words: str = ""
    department: str = ""
    sharing: str = ""
    number: int = 1
    """The page, from 1."""

    def arguments(self) -> dict[str, Any]:
        """Return what the search is asked for."""
        return {
            "words": self.words,
            "department": self.department,
            "sharing_class": self.sharing,
            "first": ON_A_PAGE,
            "page": min(max(self.number, 1), LAST),
        }

    def address(self, **changes: object) -> str:
        """Return the list's address with some of it changed; another filter begins at its first page."""
        told = {
            "q": self.words,
            "department": self.department,
            "class": self.sharing,
            "page": changes.get("page", 1),
        } | changes
        kept = {
            name: value for name, value in told.items() if value and (name, value) != ("page", 1)
        }
        return f"/catalogue?{urlencode(kept)}" if kept else "/catalogue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One line of a filter."""

    text: str
    count: str
    address: str
    chosen: bool


async def listing(request: Request) -> Response:
    """`GET /catalogue`."""
    form = form_wanted(request.headers.get("accept", ""))
    if form is not None:
        return RedirectResponse(f"/catalogue/export/{form}", status_code=303)
    actor = await signed_in(request)
    asked = read_asked(request.query_params.get)
    return await _listed(request, actor, asked, Errors.of(request))


async def demand(request: Request) -> Response:
    """`POST /catalogue/demand`: file what was not found."""
    actor = await signed_in(request)
    form = await read_form(request)
    asked, need, errors = Asked(words=form.text("words")), form.text("need"), Errors.of(request)
    if not need:
        errors.at("need", "Say what you need it for")
    elif len(need) > NEED_CHARACTERS:
        errors.at("need", "Write at most %(count)s characters", count=NEED_CHARACTERS)
    if not errors:
        await tried(errors, request, actor, "demand.file", words=asked.words, need=need)
    if errors:
        return await _listed(request, actor, asked, errors, need=need)
    return RedirectResponse("/catalogue/demands?filed=1", status_code=303)


async def demands(request: Request) -> Response:
    """`GET /catalogue/demands`: what one's department did not find; for the authority, what nobody did."""
    actor = await signed_in(request)
    return await _demands(request, actor, Errors.of(request))


async def answer(request: Request) -> Response:
    """`POST /catalogue/demands/{id}`: answer a demand with a resource."""
    actor = await signed_in(request)
    form = await read_form(request)
    errors = Errors.of(request)
    if not form.text("resource"):
        errors.at("resource", "Enter the code of the resource that answers it")
    else:
        key, resource = request.path_params["id"], form.text("resource")
        await tried(errors, request, actor, "demand.answer", demand=key, resource=resource)
    if errors:
        return await _demands(request, actor, errors)
    return RedirectResponse("/catalogue/demands?answered=1", status_code=303)


async def _demands(request: Request, actor: Actor, errors: Errors) -> Response:
    node: Node = request.app.state.node
    listed = read_listed(
        "/catalogue/demands", request.query_params, "filed", "answered", "department"
    )
    found = await run_in_threadpool(
        acted,
        node,
        actor,
        "demand.list",
        department=listed.filters.get("department"),
        **listed.arguments(),
    )
    names = names_for(request)
    rows = [
        {
            **row,
            "owner": names.department(row["department"]),
            "answered_with": names.resource(row["resource"]) if row["resource"] else "",
        }
        for row in found["rows"]
    ]
    authority = actor.has(Role.AUTHORITY)
    return page(
        request,
        "demands.html",
        status=400 if errors else 200,
        errors=errors.by_field,
        demands=rows,
        filed="filed" in listed.filters,
        answered="answered" in listed.filters,
        listed=listed,
        departments=names.departments(found["departments"]) if authority else [],
        may_answer=authority,
        pages=listed.pages(found),
        total=counted(found["total"]),
    )


async def _listed(
    request: Request, actor: Actor, asked: Asked, errors: Errors, *, need: str = ""
) -> Response:
    node: Node = request.app.state.node
    found = await run_in_threadpool(acted, node, actor, "catalogue.search", **asked.arguments())
    told = told_list(found, request.state.snapshot, asked, language=language_of(request))
    return page(
        request,
        "catalogue.html",
        status=400 if errors else 200,
        asked=asked,
        errors=errors.by_field,
        need=need,
        may_demand=actor.has(Role.OPERATOR) or actor.has(Role.HEAD),
        **told,
    )


async def entry(request: Request) -> Response:
    """`GET /catalogue/{code}`."""
    form = form_wanted(request.headers.get("accept", ""))
    if form is not None:
        code = quote(str(request.path_params["code"]), safe="/")
        return RedirectResponse(f"/catalogue/export/{form}/{code}", status_code=303)
    actor = await signed_in(request)
    snapshot: Snapshot = request.state.snapshot
    held = snapshot.resources.get(str(request.path_params["code"]))
    if held is None:
        raise ActError("NOT_FOUND", "no announced resource has this code")
    node: Node = request.app.state.node
    return page(
        request,
        "catalogue_entry.html",
        **told_entry(held, snapshot, actor, node=node, language=language_of(request)),
    )


def read_asked(get: Callable[[str, str], str]) -> Asked:
    """Read the address; what is not understood is left out, as in any address that people shorten."""
    number = get("page", "1")
    return Asked(
        words=get("q", "")[:200],
        department=get("department", ""),
        sharing=get("class", ""),
        number=int(number) if number.isascii() and number.isdecimal() and len(number) < 6 else 1,
    )


def told_list(
    found: Mapping[str, Any], snapshot: Snapshot, asked: Asked, *, language: str
) -> dict[str, Any]:
    """What `catalogue.html` shows of what the search said."""
    comma = ", " if language == "en" else "、"
    departments = _department_choices(found["departments"], snapshot, asked, language=language)
    return {
        "total": counted(found["total"]),
        "any": bool(snapshot.resources),
        "rows": [
            row
            | {
                "name": row["name_en"] or row["name"] if language == "en" else row["name"],
                "department": department_name(snapshot.departments.get(row["department"]), language)
                or row["department"],
                "items": row["items"][:SHOWN_ITEMS],
                "more_items": max(len(row["items"]) - SHOWN_ITEMS, 0),
            }
            for row in found["rows"]
        ],
        "classes": _class_choices(found["classes"], asked),
        "departments": departments[:SHOWN_DEPARTMENTS],
        "more_departments": departments[SHOWN_DEPARTMENTS:],
        "previous": asked.address(page=asked.number - 1) if asked.number > 1 else "",
        "next": asked.address(page=asked.number + 1)
        if found["more"] and asked.number < LAST
        else "",
        "narrowed": bool(asked.words or asked.department or asked.sharing),
        "corrected": [(word, comma.join(meant)) for word, meant in found["corrected"].items()],
        "loose": found["loose"],
    }


def told_entry(
    held: Resource, snapshot: Snapshot, actor: Actor, *, node: Node, language: str
) -> dict[str, Any]:
    """What `catalogue_entry.html` shows: the entry, its items, who has it, and whether one may ask."""
    having = [
        grant
        for grant in snapshot.grants.values()
        if grant.resource == held.code
        and grant.state is GrantState.ACTIVE
        and grant.not_after > node.ports.now()
    ]
    holders = sorted({grant.department for grant in having})
    source = held.department == actor.department
    place = classify(held.code)
    asks = actor.has(Role.OPERATOR) or actor.has(Role.HEAD)
    return {
        "entry": held,
        "name": name_of(held, language),
        "other_name": held.name if language == "en" else held.name_en,
        "department": department_name(snapshot.departments.get(held.department), language)
        or held.department,
        "places": [level_name(one, language=language) for one in place.prefixes] if place else [],
        "personal": holds_personal(held),
        "recipients": told_recipients(held, snapshot, language),
        "matters": [
            matter.name for matter in snapshot.matters.values() if held.code in matter.listed
        ],
        "holders": [
            department_name(snapshot.departments.get(code), language) or code for code in holders
        ],
        "ours": source,
        "have": actor.department in holders,
        "ask": asks
        and not source
        and held.state == "announced"
        and held.sharing_class is not SharingClass.NOT_SHARED,
    }


def told_recipients(held: Resource, snapshot: Snapshot, language: str) -> list[str]:
    """Who may have a conditional resource, by name; a department that is not registered as it was written."""
    return [
        translate(language, "Any department whose duties need it")
        if one == ANY_DEPARTMENT
        else department_name(snapshot.departments.get(one), language) or one
        for one in held.recipients
    ]


def name_of(held: Resource, language: str) -> str:
    return held.name_en or held.name if language == "en" else held.name


def department_name(held: Department | None, language: str) -> str:
    """Return the department's name; empty where it is not registered any more."""
    if held is None:
        return ""
    return held.name_en or held.name if language == "en" else held.name


def _class_choices(counts: Mapping[str, int], asked: Asked) -> list[Choice]:
    return [
        Choice(
            text=one.value,
            count=counted(counts.get(one.value, 0)),
            address=asked.address(**{"class": "" if asked.sharing == one.value else one.value}),
            chosen=asked.sharing == one.value,
        )
        for one in SharingClass
    ]


def _department_choices(
    counts: Mapping[str, int], snapshot: Snapshot, asked: Asked, *, language: str
) -> list[Choice]:
    codes = sorted(counts, key=lambda code: (code != asked.department, -counts[code], code))
    return [
        Choice(
            text=department_name(snapshot.departments.get(code), language) or code,
            count=counted(counts[code]),
            address=asked.address(department="" if asked.department == code else code),
            chosen=asked.department == code,
        )
        for code in codes
    ]


ROUTES = [
    Route("/catalogue", listing, methods=["GET"]),
    *feed.ROUTES,
    Route("/catalogue/demand", demand, methods=["POST"]),
    Route("/catalogue/demands", demands, methods=["GET"]),
    Route("/catalogue/demands/{id}", answer, methods=["POST"]),
    Route("/catalogue/{code:path}", entry, methods=["GET"]),
]
