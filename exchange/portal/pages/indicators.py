"""Indicators: shares of the district and its departments, the list behind each, targets, the table."""

from collections.abc import Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from catalogue.indicators import INDICATORS
from catalogue.model import Actor, Role
from exchange.acts.register import ActError
from exchange.circular import WRITERS
from exchange.node import Node
from exchange.portal.forms import Errors, Form, read_form
from exchange.portal.listing import counted, read_listed
from exchange.portal.render import language_of, page
from exchange.portal.rooms import Names, acted, names_for, read_day, tried
from exchange.portal.session import signed_in

_WHOLE = 100
POINTS = 31
"""Days, or months, that the page shows; the command and the management API give all of them."""


async def listing(request: Request) -> Response:
    """`GET /indicators`."""
    actor = await signed_in(request)
    return await _listed(request, actor, Errors.of(request), Form([]))


async def entry(request: Request) -> Response:
    """`GET /indicators/{id}`: one indicator by department, and the list behind it."""
    actor = await signed_in(request)
    node: Node = request.app.state.node
    names = names_for(request)
    indicator = str(request.path_params["id"])
    listed = read_listed(f"/indicators/{indicator}", request.query_params, "department")
    by = "month" if request.query_params.get("by") == "month" else "day"
    trend = await run_in_threadpool(
        acted,
        node,
        actor,
        "indicator.trend",
        indicator=indicator,
        department=listed.filters.get("department"),
        by=by,
    )
    told = await run_in_threadpool(
        acted,
        node,
        actor,
        "indicator.show",
        indicator=indicator,
        department=listed.filters.get("department"),
        **listed.arguments(),
    )
    return page(
        request,
        "indicators_entry.html",
        listed=listed,
        indicator=_told(told, names) | _valued(told["all"]),
        by=by,
        trend=[_valued(one) | {"day": one["day"]} for one in trend["points"][-POINTS:]],
        of=names.department(trend["department"]) if trend["department"] else "",
        department=trend["department"] or "",
        departments=[
            _valued(one) | {"code": one["department"], "name": names.department(one["department"])}
            for one in told["departments"]
        ],
        options=names.departments(one["department"] for one in told["departments"]),
        rows=[
            {**row, "department": names.department(row["department"]), "link": _link(row, names)}
            for row in told["behind"]["rows"]
        ],
        pages=listed.pages(told["behind"]),
        total=counted(told["behind"]["total"]),
    )


async def report(request: Request) -> Response:
    """`GET /indicators/report.{kind}`: the table for circulation."""
    actor = await signed_in(request)
    node: Node = request.app.state.node
    kind = str(request.path_params["kind"])
    if kind not in WRITERS:
        raise ActError("NOT_FOUND", "the table is written as xlsx, csv and json")
    write, media = WRITERS[kind]
    names = names_for(request)

    def written() -> bytes:
        table = acted(node, actor, "indicator.table")
        return write(table, language=names.language, named=names.department)

    return Response(
        await run_in_threadpool(written),
        media_type=media,
        headers={"content-disposition": f'attachment; filename="indicators.{kind}"'},
    )


async def set_target(request: Request) -> Response:
    """`POST /indicators/targets`."""
    actor = await signed_in(request)
    form, errors = await read_form(request), Errors.of(request)
    if form.text("withdraw"):
        await tried(errors, request, actor, "target.withdraw", target=form.text("withdraw"))
    else:
        await _set(request, actor, form, errors)
    if errors:
        return await _listed(request, actor, errors, form)
    return RedirectResponse("/indicators", status_code=303)


async def _set(request: Request, actor: Actor, form: Form, errors: Errors) -> None:
    percent, due = form.text("percent"), read_day(form.text("due"))
    plain = percent.isascii() and percent.isdecimal() and int(percent[:4]) <= _WHOLE
    if not plain or len(percent) > len(str(_WHOLE)):
        errors.at("percent", "A whole number from 0 to 100")
    if due is None:
        errors.at("due", "A day such as 2026-12-31")
    if not errors and due is not None:
        await tried(
            errors,
            request,
            actor,
            "target.set",
            indicator=form.text("indicator"),
            percent=int(percent),
            due=due.isoformat(),
            lead=form.text("lead"),
        )


async def _listed(request: Request, actor: Actor, errors: Errors, form: Form) -> Response:
    node: Node = request.app.state.node
    names = names_for(request)
    department = request.query_params.get("department", "")
    chosen = department if department in names.snapshot.departments else None
    told = await run_in_threadpool(acted, node, actor, "indicator.list", department=chosen)
    language = language_of(request)
    return page(
        request,
        "indicators.html",
        status=400 if errors else 200,
        errors=errors.by_field,
        department=department,
        options=names.departments(names.snapshot.departments),
        indicators=[_told(one, names) | _valued(one) for one in told["indicators"]],
        sets=actor.has(Role.AUTHORITY),
        choices=[(one.id, one.text("title", language)) for one in INDICATORS.values()],
        given={name: form.text(name) for name in ("indicator", "percent", "due", "lead")},
    )


def _told(one: Mapping[str, Any], names: Names) -> dict[str, Any]:
    """What an indicator is, in the reader's language, with its targets."""
    end = "_en" if names.language == "en" else ""
    return {
        "id": one["id"],
        "title": one[f"title{end}"],
        "definition": one[f"definition{end}"],
        "source": one[f"source{end}"],
        "less": one["less"],
        "targets": [
            {**target, "lead": names.department(target["lead"])} for target in one["targets"]
        ],
        "mark": next((target["percent"] for target in one["targets"]), None),
    }


def _valued(one: Mapping[str, Any]) -> dict[str, Any]:
    """A share as people read it; `share` None is no data."""
    share = one["share"]
    return {
        "share": None if share is None else f"{share:.1%}",
        "bar": 0 if share is None else round(min(max(share, 0), 1) * 100),
        "numerator": one["numerator"],
        "denominator": one["denominator"],
        "missing": one["missing"],
    }


def _link(row: Mapping[str, Any], names: Names) -> str:
    """Where a line leads; empty where there is no page for it."""
    key = str(row["key"])
    matter = key.rsplit("/", 1)[0]
    if key in names.snapshot.matters:
        return f"/matters/{key}"
    if key in names.snapshot.resources:
        return f"/quality/{key}"
    return f"/matters/{matter}" if matter in names.snapshot.matters else ""


ROUTES = [
    Route("/indicators", listing, methods=["GET"]),
    Route("/indicators/targets", set_target, methods=["POST"]),
    Route("/indicators/report.{kind}", report, methods=["GET"]),
    Route("/indicators/{id}", entry, methods=["GET"]),
]
