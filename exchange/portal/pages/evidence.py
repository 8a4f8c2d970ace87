"""Evidence: what proves a requirement, what applicants are asked for twice, what hangs on a resource."""

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from catalogue.search import LONGEST
from exchange.acts.register import ActError
from exchange.node import Node
from exchange.portal.pages.matters import material_told, query_told
from exchange.portal.pages.query import ask_link
from exchange.portal.render import page
from exchange.portal.rooms import acted, names_for
from exchange.portal.session import signed_in

_ASKS = frozenset({"not-asked", "ended"})


async def find(request: Request) -> Response:
    """`GET /evidence`: who holds what proves something."""
    actor = await signed_in(request)
    node: Node = request.app.state.node
    names = names_for(request)
    given = request.query_params
    words, matter = given.get("q", "").strip()[:LONGEST], given.get("matter", "")
    own = [
        (code, held.name)
        for code, held in sorted(names.snapshot.matters.items())
        if held.department == actor.department and held.state == "active"
    ]
    known = matter if matter in names.snapshot.matters else None
    told: dict[str, Any] = {"proofs": [], "query": None}
    if words:
        told = await run_in_threadpool(
            acted, node, actor, "evidence.find", words=words, matter=known
        )
    return page(
        request,
        "evidence.html",
        words_asked=words,
        matter=matter,
        matters=own,
        proofs=[
            {
                **one,
                "name": names.resource(one["resource"]),
                "department": names.department(one["department"]),
                "matters": names.matters(one["matters"]),
                "ask": ask_link(one["resource"], system="", matter=known or "")
                if one["state"] in _ASKS and own
                else "",
            }
            for one in told["proofs"]
        ],
        query=query_told(told["query"], names),
    )


async def duplicates(request: Request) -> Response:
    """`GET /evidence/duplicates`: asked of applicants though sharing supplies it."""
    actor = await signed_in(request)
    node: Node = request.app.state.node
    names = names_for(request)
    department = request.query_params.get("department", "")
    chosen = department if department in names.snapshot.departments else None
    told = await run_in_threadpool(acted, node, actor, "evidence.duplicates", department=chosen)
    owners = {held.department for held in names.snapshot.matters.values()}
    return page(
        request,
        "evidence_duplicates.html",
        department=department,
        choices=names.departments(owners),
        law=told["law"],
        listed=told["listed"],
        all=told["matters"],
        departments=[
            {
                "name": names.department(one["department"]),
                "again": one["again"],
                "avoidable": one["avoidable"],
                "materials": [
                    material_told(row, names, actor) | {"matter_name": names.matter(row["matter"])}
                    for row in one["materials"]
                ],
            }
            for one in told["departments"]
        ],
        likely=[
            {
                **one,
                "matter_name": names.matter(one["matter"]),
                "resource_name": names.resource(one["resource"]),
            }
            for one in told["likely"]
        ],
    )


async def impact(request: Request) -> Response:
    """`GET /evidence/impact/{code}`: what is hit when a resource goes."""
    actor = await signed_in(request)
    node: Node = request.app.state.node
    names = names_for(request)
    code = str(request.path_params["code"])
    if code not in names.snapshot.resources:
        raise ActError("NOT_FOUND", "no announced resource has this code")
    told = await run_in_threadpool(acted, node, actor, "evidence.impact", resource=code)
    return page(
        request,
        "evidence_impact.html",
        code=code,
        name=names.resource(code),
        materials=[
            material_told(row, names, actor) | {"matter_name": names.matter(row["matter"])}
            for row in told["materials"]
        ],
        matters=[(one, names.matter(one)) for one in told["matters"]],
        grants=told["grants"],
        systems=[names.system(one) for one in told["systems"]],
        departments=[names.department(one) for one in told["departments"]],
    )


ROUTES = [
    Route("/evidence", find, methods=["GET"]),
    Route("/evidence/duplicates", duplicates, methods=["GET"]),
    Route("/evidence/impact/{code:path}", impact, methods=["GET"]),
]
