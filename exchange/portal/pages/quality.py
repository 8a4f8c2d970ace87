"""Quality: the departments and their entries with points, and one entry with the evidence for each."""

from collections.abc import Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from catalogue.quality import BESIDE, Dimension, Grade
from exchange.node import Node
from exchange.portal.labels import LABELS, TAGS, tag_of
from exchange.portal.language import translate
from exchange.portal.listing import choices, counted, read_listed
from exchange.portal.render import page
from exchange.portal.rooms import Names, acted, names_for
from exchange.portal.session import signed_in

FEW = 5
"""Things to mend that a line of a department names."""
COUNTED = tuple(one for one in Dimension if one not in BESIDE)


async def listing(request: Request) -> Response:
    """`GET /quality`."""
    actor = await signed_in(request)
    node: Node = request.app.state.node
    names = names_for(request)
    listed = read_listed("/quality", request.query_params, "department", "grade")
    chosen = listed.filters
    grade = chosen.get("grade")
    wanted = {
        "department": chosen.get("department"),
        "grade": grade if grade in {one.value for one in Grade} else None,
    }
    told = await run_in_threadpool(
        acted, node, actor, "quality.list", **wanted, **listed.arguments()
    )
    whole = await run_in_threadpool(acted, node, actor, "quality.departments")
    mine = next(
        (row for row in whole["departments"] if row["department"] == chosen.get("department")),
        whole["all"],
    )
    return page(
        request,
        "quality.html",
        listed=listed,
        whole=whole["whole"],
        all=_department_told(whole["all"], names),
        departments=[_department_told(row, names) for row in whole["departments"]],
        options=names.departments(row["department"] for row in whole["departments"]),
        next=mine["next"],
        grades=choices(listed, "grade", [one.value for one in Grade], told["counts"]),
        rows=[_entry_told(row, names) for row in told["rows"]],
        pages=listed.pages(told),
        total=counted(told["total"]),
    )


async def entry(request: Request) -> Response:
    """`GET /quality/{code}`."""
    actor = await signed_in(request)
    node: Node = request.app.state.node
    names = names_for(request)
    code = str(request.path_params["code"])
    told = await run_in_threadpool(acted, node, actor, "quality.show", code=code)
    return page(
        request,
        "quality_entry.html",
        entry=_entry_told(told, names),
        dimensions=[
            {
                "id": one.value,
                "beside": one in BESIDE,
                **told["dimensions"][one.value],
                "marks": [
                    {**mark, "told": [_worded(text, names.language) for text in mark["evidence"]]}
                    for mark in told["marks"]
                    if mark["dimension"] == one.value
                ],
            }
            for one in Dimension
        ],
        next=told["next"],
        ours=told["department"] == actor.department,
    )


def _worded(text: str, language: str) -> str:
    """Evidence as people read it: a code of a list by its label, all else as it stands in the entry."""
    for kind in ("evidence", "purpose"):
        if text in LABELS[kind]:
            return translate(language, LABELS[kind][text])
    return translate(language, tag_of(text)[0]) if text in TAGS else text


def _department_told(row: Mapping[str, Any], names: Names) -> dict[str, Any]:
    return {
        "code": row["department"] or "",
        "name": names.department(row["department"]) if row["department"] else "",
        "entries": row["entries"],
        "share": None if row["share"] is None else f"{row['share']:.0%}",
        "bar": round((row["share"] or 0) * 100),
        "next": row["next"][:FEW],
    }


def _entry_told(row: Mapping[str, Any], names: Names) -> dict[str, Any]:
    return {
        "code": row["resource"],
        "name": names.resource(row["resource"]),
        "department": names.department(row["department"]),
        "points": row["points"],
        "most": row["most"],
        "share": f"{row['share']:.0%}",
        "grade": row["grade"],
        "parts": [row["dimensions"][one.value] for one in COUNTED],
        "beside": {one.value: row["dimensions"][one.value] for one in sorted(BESIDE)},
    }


ROUTES = [
    Route("/quality", listing, methods=["GET"]),
    Route("/quality/{code:path}", entry, methods=["GET"]),
]
