"""Reviews of the log: their list, one with its sample and verdicts, an entry under review, the report."""

from base64 import b64decode
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from catalogue.model import Actor, Role, SubjectType
from catalogue.reviews import ANSWER_WITHIN, REVIEWERS, ReviewVerdict
from catalogue.rules import rule
from exchange.acts.register import ActError
from exchange.clock import now
from exchange.node import Node
from exchange.portal.forms import Errors, Form, read_form
from exchange.portal.looking import read_index
from exchange.portal.render import page
from exchange.portal.rooms import (
    Names,
    acted,
    ends_after,
    last_day,
    moment,
    names_for,
    read_day,
    tried,
)
from exchange.portal.session import signed_in

VERBS = ("confirm", "withdraw", "sample", "close")
ENTRY_VERBS = ("judge", "ask", "ask-identity")
COUNT = 20
"""Calls that the page proposes to draw."""
OFFERED_MOST = 300


async def overview(request: Request) -> Response:
    """`GET /reviews`."""
    actor = await signed_in(request)
    node: Node = request.app.state.node
    said = await run_in_threadpool(acted, node, actor, "review.list")
    names = names_for(request)
    return page(
        request,
        "reviews.html",
        reviews=[_told(one, names, node) for one in said["reviews"]],
        sealed=said["sealed"],
        may_propose=actor.has(Role.AUTHORITY) or actor.has(Role.SUPERVISOR),
        done=request.query_params.get("done", ""),
    )


async def propose(request: Request) -> Response:
    """`GET` and `POST /reviews/new`: document, scope, period, officers, last day."""
    actor = await signed_in(request)
    if not (actor.has(Role.AUTHORITY) or actor.has(Role.SUPERVISOR)):
        raise ActError("ROLE_MISSING", "the authority or a supervisor needed")
    node: Node = request.app.state.node
    errors = Errors.of(request)
    given = Form([])
    if request.method == "POST":
        given = await read_form(request)
        wanted = _wanted(given, node, errors)
        if not errors:
            said = await tried(errors, request, actor, "review.propose", **wanted)
            if said is not None:
                return RedirectResponse(f"/reviews/{said['id']}?done=propose", status_code=303)
    snapshot = request.state.snapshot
    names = names_for(request)
    departments = names.departments(snapshot.departments)
    return page(
        request,
        "reviews_new.html",
        status=400 if errors else 200,
        errors=errors.by_field,
        given=given,
        departments=departments if len(departments) <= OFFERED_MOST else None,
        reviewers=sorted(
            (one.id, one.name, names.department(one.department))
            for one in snapshot.officers.values()
            if one.state == "active" and one.roles & REVIEWERS
        ),
        subjects=[kind.value for kind in SubjectType],
    )


async def one_review(request: Request) -> Response:
    """`GET /reviews/{id}`."""
    actor = await signed_in(request)
    return await _review(request, actor, Errors.of(request))


async def change(request: Request) -> Response:
    """`POST /reviews/{id}/{verb}`: confirm, withdraw, sample or close."""
    actor = await signed_in(request)
    form = await read_form(request)
    verb = str(request.path_params["verb"])
    if verb not in VERBS:
        raise ActError("NOT_FOUND", f"no such change of a review: {verb}")
    errors = Errors.of(request)
    arguments: dict[str, Any] = {"review": request.path_params["id"]}
    match verb:
        case "sample":
            count = form.text("count")
            arguments["count"] = int(count) if count.isascii() and count.isdecimal() else 0
            if form.text("seed"):
                arguments["seed"] = form.text("seed")
        case "close":
            arguments["conclusion"] = form.text("conclusion")
        case _:
            pass
    await tried(errors, request, actor, f"review.{verb}", **arguments)
    if errors:
        return await _review(request, actor, errors, given=form)
    return RedirectResponse(f"/reviews/{arguments['review']}?done={verb}", status_code=303)


async def entry(request: Request) -> Response:
    """`GET /reviews/{id}/entries/{index}`: one entry of the scope and what can be done about it."""
    actor = await signed_in(request)
    return await _entry(request, actor, Errors.of(request))


async def judge(request: Request) -> Response:
    """`POST /reviews/{id}/entries/{index}/{verb}`: a verdict, a question, or the opening of identities."""
    actor = await signed_in(request)
    form = await read_form(request)
    verb = str(request.path_params["verb"])
    if verb not in ENTRY_VERBS:
        raise ActError("NOT_FOUND", f"nothing is done so with an entry: {verb}")
    review, index = request.path_params["id"], read_index(request.path_params["index"])
    errors = Errors.of(request)
    arguments: dict[str, Any] = {"review": review}
    match verb:
        case "judge":
            if form.text("verdict") not in set(ReviewVerdict):
                errors.at("verdict", "Choose a verdict")
            arguments |= {"index": index, "verdict": form.text("verdict")}
            arguments |= {"finding": form.text("finding")}
        case "ask":
            days = form.text("days")
            arguments |= {"entries": [index], "department": form.text("department")}
            arguments |= {"text": form.text("text")}
            arguments["days"] = int(days) if days.isascii() and days.isdecimal() else 0
        case _:
            arguments |= {"index": index, "names": form.getlist("names")}
            arguments |= {"reason": form.text("reason")}
    if not errors:
        await tried(errors, request, actor, f"review.{verb}", **arguments)
    if errors:
        return await _entry(request, actor, errors, given=form)
    return RedirectResponse(f"/reviews/{review}/entries/{index}?done={verb}", status_code=303)


async def opening(request: Request) -> Response:
    """`POST /reviews/{id}/openings/{opening}/{verb}`: agree to it, or look at what it opens."""
    actor = await signed_in(request)
    await read_form(request)
    verb = str(request.path_params["verb"])
    if verb not in {"confirm", "open"}:
        raise ActError("NOT_FOUND", f"nothing is done so with an opening: {verb}")
    errors = Errors.of(request)
    said = await tried(
        errors, request, actor, f"review.{verb}-identity", opening=request.path_params["opening"]
    )
    if errors or verb == "confirm":
        if errors:
            return await _review(request, actor, errors)
        address = f"/reviews/{request.path_params['id']}?done=confirm-identity#openings"
        return RedirectResponse(address, status_code=303)
    node: Node = request.app.state.node
    response = page(
        request,
        "reviews_opened.html",
        review=request.path_params["id"],
        opening=_opening_told(said, names_for(request), node),
        opened=said["opened"],
        gone=said["gone"],
    )
    # Identities are shown once: no browser keeps them, and the page behind them is another look.
    response.headers["cache-control"] = "no-store"
    return response


async def report(request: Request) -> Response:
    """`GET /reviews/{id}/report`: the report to read and to print."""
    actor = await signed_in(request)
    node: Node = request.app.state.node
    said = await run_in_threadpool(_reported, node, actor, request.path_params["id"])
    names = names_for(request)
    told = said["report"]
    return page(
        request,
        "reviews_report.html",
        review=_told(told, names, node),
        enclosed=said["enclosed"],
        size=said["size"],
        **_parts(told, names, node),
    )


async def report_file(request: Request) -> Response:
    """`GET /reviews/{id}/report.zip`: the same as a bundle that proves itself."""
    actor = await signed_in(request)
    node: Node = request.app.state.node
    key = request.path_params["id"]
    said = await run_in_threadpool(_reported, node, actor, key)
    return Response(
        b64decode(said["bundle"]),
        media_type="application/zip",
        headers={"content-disposition": f'attachment; filename="{key}.zip"'},
    )


def _reported(node: Node, actor: Actor, key: str) -> dict[str, Any]:
    return dict(acted(node, actor, "review.report", review=key))


async def _review(
    request: Request, actor: Actor, errors: Errors, *, given: Form | None = None
) -> Response:
    node: Node = request.app.state.node
    held = await run_in_threadpool(
        acted, node, actor, "review.show", review=request.path_params["id"]
    )
    names = names_for(request)
    told = _told(held, names, node)
    proposed = held["state"] == "proposed"
    return page(
        request,
        "reviews_entry.html",
        status=400 if errors else 200,
        errors=errors.by_field,
        review=told,
        given=given or Form([]),
        count=COUNT,
        may_confirm=proposed and actor.has(Role.AUDITOR) and not held["mine"],
        may_withdraw=proposed and (actor.has(Role.AUDITOR) or actor.id == held["proposed_by"]),
        may_work=held["mine"] and held["runs"],
        may_close=held["mine"] and held["state"] in {"open", "expired"},
        may_report=(held["mine"] or actor.has(Role.AUDITOR))
        and (held["runs"] or held["state"] == "closed"),
        may_draw=not held["cases"] and not held["subjects"],
        me=actor.id,
        lines=[_line(one, names, node) for one in held["entries"]],
        done=request.query_params.get("done", ""),
        **_parts(held, names, node),
    )


async def _entry(
    request: Request, actor: Actor, errors: Errors, *, given: Form | None = None
) -> Response:
    node: Node = request.app.state.node
    key, index = request.path_params["id"], read_index(request.path_params["index"])
    names = names_for(request)

    def look() -> tuple[dict[str, Any], dict[str, Any]]:
        return (
            acted(node, actor, "review.entry", review=key, index=index),
            acted(node, actor, "review.show", review=key),
        )

    held, whole = await run_in_threadpool(look)
    parts = _parts(whole, names, node)
    days = rule(ANSWER_WITHIN, on=now().astimezone(node.zone).date()).value
    return page(
        request,
        "reviews_at.html",
        status=400 if errors else 200,
        errors=errors.by_field,
        review=_told(whole, names, node),
        index=index,
        entry=held["told"],
        at=datetime.fromisoformat(held["told"]["at"]).astimezone(node.zone),
        closed=held["closed"],
        departments=names.departments(held["departments"]),
        verdicts=[one for one in parts["verdicts"] if one["about"] == index],
        openings=[one for one in parts["openings"] if one["about"] == index],
        questions=[one for one in parts["questions"] if index in one["about"]],
        given=given or Form([]),
        days=days,
        me=actor.id,
        done=request.query_params.get("done", ""),
    )


def _wanted(form: Form, node: Node, errors: Errors) -> dict[str, Any]:
    """Read the form of a new review; what is missing becomes an error at its field."""
    days: dict[str, date | None] = {}
    for name in ("since", "until", "expires"):
        days[name] = read_day(form.text(name))
        if days[name] is None:
            errors.at(name, "Enter a day, such as 2026-01-31")
    for name in ("document", "reason"):
        if not form.text(name):
            errors.at(name, "Fill this in")
    if not form.getlist("officers"):
        errors.at("officers", "Choose at least one officer")
    since, until, expires = days["since"], days["until"], days["expires"]
    if since is None or until is None or expires is None:
        return {}
    subject = form.text("identifier")
    return {
        "document": form.text("document"),
        "reason": form.text("reason"),
        "since": datetime.combine(since, time(), tzinfo=node.zone).isoformat(),
        "until": ends_after(until, node.zone).isoformat(),
        "expires": ends_after(expires, node.zone).isoformat(),
        "officers": form.getlist("officers"),
        "departments": [one for one in form.getlist("departments") if one],
        "subjects": [[form.text("subject"), subject]] if subject else [],
        "sealed": form.text("sealed") == "yes",
        **{name: form.text(name).split() for name in ("systems", "resources", "matters", "cases")},
    }


def _told(held: Mapping[str, Any], names: Names, node: Node) -> dict[str, Any]:
    """A review as a list or its own page shows it."""

    def at(name: str) -> str:
        return moment(held[name], node.zone) if held[name] else ""

    return {
        "id": held["id"],
        "document": held["document"],
        "reason": held["reason"],
        "state": held["state"],
        "sealed": held["sealed"],
        "departments": [names.department(one) for one in held["departments"]],
        "systems": [names.system(one) for one in held["systems"]],
        "resources": [names.resource(one) for one in held["resources"]],
        "matters": names.matters(held["matters"]),
        "cases": held["cases"],
        "named_cases": held.get("named_cases") or [],
        "subjects": held["subjects"],
        "since": at("since")[:10],
        "until": last_day(held["until"], node.zone).isoformat(),
        "expires": last_day(held["expires"], node.zone).isoformat(),
        "officers": [names.officer(one) for one in held["officers"]],
        "proposed_by": names.officer(held["proposed_by"]),
        "proposed_at": at("proposed_at"),
        "confirmed_by": names.officer(held["confirmed_by"]),
        "confirmed_at": at("confirmed_at"),
        "closed_by": names.officer(held["closed_by"]),
        "closed_at": at("closed_at"),
        "conclusion": held["conclusion"],
        "entry": held["entry"],
    }


def _parts(held: Mapping[str, Any], names: Names, node: Node) -> dict[str, Any]:
    """Samples, verdicts, openings and questions with names for people and times by the reader's clock."""
    return {
        "samples": [
            one
            | {
                "drawn_by": names.officer(one["drawn_by"]),
                "drawn_at": moment(one["drawn_at"], node.zone),
            }
            for one in held["samples"]
        ],
        "verdicts": [
            one
            | {
                "given_by": names.officer(one["given_by"]),
                "given_at": moment(one["given_at"], node.zone),
            }
            for one in held["verdicts"]
        ],
        "openings": [_opening_told(one, names, node) for one in held["openings"]],
        "questions": [question_line(one, names, node) for one in held["questions"]],
    }


def _opening_told(held: Mapping[str, Any], names: Names, node: Node) -> dict[str, Any]:
    return dict(held) | {
        "asker": held["asked_by"],
        "asked_by": names.officer(held["asked_by"]),
        "asked_at": moment(held["asked_at"], node.zone),
        "confirmed_by": names.officer(held["confirmed_by"]),
        "confirmed_at": moment(held["confirmed_at"], node.zone) if held["confirmed_at"] else "",
    }


def question_line(held: Mapping[str, Any], names: Names, node: Node) -> dict[str, Any]:
    """A question as a page shows it."""
    answered = held["answered_at"]
    state = "late" if held["overdue"] else "answered" if answered else "to-answer"
    return dict(held) | {
        "name": names.department(held["department"]),
        "asked_at": moment(held["asked_at"], node.zone),
        "answered_by": names.officer(held["answered_by"]),
        "answered_at": moment(answered, node.zone) if answered else "",
        "state": state,
    }


def _line(held: Mapping[str, Any], names: Names, node: Node) -> dict[str, Any]:
    """An entry of the review in a table: who asked whom for what, where the reader may know."""
    told = held["told"]
    english = names.language == "en"
    if told is None:
        return {
            "index": held["index"],
            "verdict": held["verdict"],
            "at": "",
            "who": "",
            "steps": [],
        }
    return {
        "index": held["index"],
        "verdict": held["verdict"],
        "at": moment(told["at"], node.zone),
        "who": told["consumer"]["name_en" if english else "name"],
        "steps": told["steps"],
    }


ROUTES = [
    Route("/reviews", overview, methods=["GET"]),
    Route("/reviews/new", propose, methods=["GET", "POST"]),
    Route("/reviews/{id}", one_review, methods=["GET"]),
    Route("/reviews/{id}/report", report, methods=["GET"]),
    Route("/reviews/{id}/report.zip", report_file, methods=["GET"]),
    Route("/reviews/{id}/{verb}", change, methods=["POST"]),
    Route("/reviews/{id}/entries/{index}", entry, methods=["GET"]),
    Route("/reviews/{id}/entries/{index}/{verb}", judge, methods=["POST"]),
    Route("/reviews/{id}/openings/{opening}/{verb}", opening, methods=["POST"]),
]
