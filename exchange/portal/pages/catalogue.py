"""The catalogue: a list that is searched and narrowed by its address, and an entry with every item."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from catalogue.model import Actor, Department, GrantState, Resource, Role, SharingClass
from catalogue.snapshot import Snapshot
from exchange.acts.register import ActError
from exchange.node import Node
from exchange.portal.render import language_of, page
from exchange.portal.session import signed_in

ON_A_PAGE = 20
MOST = 5000
"""Matches are counted up to here; "5,000+" stands for more."""
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
    await signed_in(request)
    asked = read_asked(request.query_params.get)
    snapshot: Snapshot = request.state.snapshot
    told = await run_in_threadpool(told_list, snapshot, asked, language=language_of(request))
    return page(request, "catalogue.html", asked=asked, **told)


async def entry(request: Request) -> Response:
    """`GET /catalogue/{code}`."""
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


def told_list(snapshot: Snapshot, asked: Asked, *, language: str) -> dict[str, Any]:
    """Search, narrow, count and cut: what `catalogue.html` shows."""
    found = matching(snapshot.resources.values(), asked.words)[: MOST + 1]
    of_class = [held for held in found if asked.sharing in {"", held.sharing_class.value}]
    of_both = [held for held in of_class if asked.department in {"", held.department}]
    by_department = [held for held in found if asked.department in {"", held.department}]
    first = (max(asked.number, 1) - 1) * ON_A_PAGE
    shown = of_both[first : first + ON_A_PAGE]
    more = len(of_both) > first + ON_A_PAGE
    departments = _department_choices(of_class, snapshot, asked, language=language)
    return {
        "total": counted(len(of_both)),
        "any": bool(snapshot.resources),
        "rows": [
            {
                "code": held.code,
                "name": name_of(held, language),
                "department": department_name(snapshot.departments.get(held.department), language)
                or held.department,
                "class": held.sharing_class.value,
                "abstract": held.abstract,
                "items": [item.title for item in held.items[:SHOWN_ITEMS]],
                "more_items": max(len(held.items) - SHOWN_ITEMS, 0),
            }
            for held in shown
        ],
        "classes": _class_choices(by_department, asked),
        "departments": departments[:SHOWN_DEPARTMENTS],
        "more_departments": departments[SHOWN_DEPARTMENTS:],
        "previous": asked.address(page=asked.number - 1) if asked.number > 1 else "",
        "next": asked.address(page=asked.number + 1) if more else "",
        "narrowed": bool(asked.words or asked.department or asked.sharing),
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
    asks = actor.has(Role.OPERATOR) or actor.has(Role.HEAD)
    return {
        "entry": held,
        "name": name_of(held, language),
        "other_name": held.name if language == "en" else held.name_en,
        "department": department_name(snapshot.departments.get(held.department), language)
        or held.department,
        "matters": [
            matter.name for matter in snapshot.matters.values() if held.code in matter.resources
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


def matching(resources: Iterable[Resource], words: str) -> list[Resource]:
    """Return the announced resources that hold every word in a name, their code or an item's title."""
    wanted = words.casefold().split()
    found = [
        held
        for held in resources
        if held.state == "announced" and all(word in _text(held) for word in wanted)
    ]
    return sorted(found, key=lambda held: (not _named(held, wanted), held.code))


def counted(number: int) -> str:
    return f"{MOST:,}+" if number > MOST else f"{number:,}"


def name_of(held: Resource, language: str) -> str:
    return held.name_en or held.name if language == "en" else held.name


def department_name(held: Department | None, language: str) -> str:
    """Return the department's name; empty where it is not registered any more."""
    if held is None:
        return ""
    return held.name_en or held.name if language == "en" else held.name


def _text(held: Resource) -> str:
    titles = "\n".join(item.title for item in held.items)
    return f"{held.code}\n{held.name}\n{held.name_en}\n{held.abstract}\n{titles}".casefold()


def _named(held: Resource, wanted: Sequence[str]) -> bool:
    name = f"{held.name}\n{held.name_en}\n{held.code}".casefold()
    return all(word in name for word in wanted)


def _class_choices(found: Sequence[Resource], asked: Asked) -> list[Choice]:
    counts = Counter(held.sharing_class.value for held in found)
    return [
        Choice(
            text=one.value,
            count=counted(counts[one.value]),
            address=asked.address(**{"class": "" if asked.sharing == one.value else one.value}),
            chosen=asked.sharing == one.value,
        )
        for one in SharingClass
    ]


def _department_choices(
    found: Sequence[Resource], snapshot: Snapshot, asked: Asked, *, language: str
) -> list[Choice]:
    counts = Counter(held.department for held in found)
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
    Route("/catalogue/{code:path}", entry, methods=["GET"]),
]
