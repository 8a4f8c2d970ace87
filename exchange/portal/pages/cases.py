"""The hall's cases: found by the number that the clerk types, with the calls made under them."""

from typing import Any
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from catalogue.model import Actor, Role, SubjectType
from exchange.acts.register import ActError
from exchange.node import Node
from exchange.portal.forms import Errors, read_form
from exchange.portal.listing import Listed, choices, counted, read_listed
from exchange.portal.looking import read_after, write_after
from exchange.portal.render import page
from exchange.portal.rooms import Names, acted, moment, names_for, tried
from exchange.portal.session import signed_in

ROLES = {
    "applicant": "Applicant",
    "designer": "Designer",
    "engineer": "Registered engineer",
    "agent": "Agent",
    "owner": "Owner",
}
"""Roles of parties that many systems name; any other is shown as the system wrote it."""
STATES = ("open", "paused", "closed")
CALLS = 20
"""Lines of a case's calls on a page."""


async def cases(request: Request) -> Response:
    """The department's cases without their numbers; with a number, the case itself."""
    actor = await signed_in(request)
    number = request.query_params.get("number", "").strip()
    if number:
        return await _case(request, actor, number, Errors.of(request))
    return await _list(request, actor, Errors.of(request), number="")


async def confirm(request: Request) -> Response:
    """The second officer's word for a party that was added late."""
    actor = await signed_in(request)
    given = await read_form(request)
    number, errors = str(given.get("number", "")), Errors.of(request)
    kind, identifier = str(given.get("type", "")), str(given.get("identifier", "")).strip()
    if kind not in set(SubjectType):
        errors.at("type", "Choose what kind of party it is")
    if not identifier:
        errors.at("identifier", "Enter the party's number once more")
    if not errors:
        await tried(
            errors,
            request,
            actor,
            "case.confirm-party",
            number=number,
            system=str(given.get("system", "")),
            type=kind,
            identifier=identifier,
        )
    return await _case(
        request,
        actor,
        number,
        errors,
        done="" if errors else "confirmed",
        typed={"type": kind, "identifier": identifier} if errors else None,
    )


async def _list(request: Request, actor: Actor, errors: Errors, *, number: str) -> Response:
    node: Node = request.app.state.node
    listed = read_listed("/cases", request.query_params, "state", "matter")
    told = await run_in_threadpool(_listed, node, actor, names_for(request), listed)
    return page(
        request,
        "cases.html",
        status=400 if errors else 200,
        errors=errors.by_field,
        number=number,
        **told,
    )


async def _case(
    request: Request,
    actor: Actor,
    number: str,
    errors: Errors,
    *,
    done: str = "",
    typed: dict[str, str] | None = None,
) -> Response:
    """Show a case; `typed` is what a refused form held, None where there is none."""
    node: Node = request.app.state.node
    try:
        after = read_after(request.query_params.get("after", ""))
        shown = await run_in_threadpool(
            _shown, node, actor, number, names_for(request), after=after
        )
    except ActError as error:
        if error.code != "NOT_FOUND":
            raise
        errors.at("number", "Your department has no case of this number")
        return await _list(request, actor, errors, number=number)
    return page(
        request,
        "cases_entry.html",
        status=400 if errors else 200,
        errors=errors.by_field,
        number=number,
        done=done,
        typed=typed or {"type": "", "identifier": ""},
        **shown,
    )


def _listed(node: Node, actor: Actor, names: Names, listed: Listed) -> dict[str, Any]:
    state = listed.filters.get("state", "")
    found = acted(
        node,
        actor,
        "case.list",
        state=state if state in STATES else None,
        matter=listed.filters.get("matter"),
        **listed.arguments(),
    )
    matters = [m for m in names.snapshot.matters.values() if m.department == actor.department]
    return {
        "cases": [
            {
                **one,
                "system": names.system(one["system"]),
                "matter": names.matter(one["matter"]),
                "accepted": moment(one["accepted_at"], node.zone),
            }
            for one in found["rows"]
        ],
        "listed": listed,
        "states": choices(listed, "state", STATES, found["counts"]),
        "matters": sorted(((m.code, m.name) for m in matters), key=lambda one: one[1]),
        "pages": listed.pages(found),
        "total": counted(found["total"]),
    }


def _shown(
    node: Node, actor: Actor, number: str, names: Names, *, after: tuple[int, int] | None
) -> dict[str, Any]:
    """A case with a page of its calls; `after` None is the newest page."""
    case = acted(node, actor, "case.show", number=number)
    place = {} if after is None else {"after": list(after)}
    found = acted(node, actor, "audit.search", case=number, first=CALLS, **place)
    here = {"number": number}
    older = here | {"after": write_after(found["next"])} if found["next"] else None
    return {
        "case": case
        | {
            "system_name": names.system(case["system"]),
            "matter_name": names.matter(case["matter"]),
            "accepted": moment(case["accepted_at"], node.zone),
        },
        "waiting": [party for party in case["named"] if not party["counts"]],
        "may_confirm": actor.has(Role.OPERATOR) or actor.has(Role.HEAD),
        "calls": [_call(one, names, node) for one in found["entries"]],
        "older": f"/cases?{urlencode(older)}" if older else "",
        "newest": f"/cases?{urlencode(here)}" if after is not None else "",
        "types": [one.value for one in SubjectType],
        "roles": ROLES,
    }


def _call(one: dict[str, Any], names: Names, node: Node) -> dict[str, Any]:
    return {
        "index": one["index"],
        "at": moment(one["at"], node.zone),
        "kind": one["kind"],
        "provider": names.department(one["provider"]) if one["provider"] else "",
        "resource": one["resource"],
        "name": names.resource(one["resource"]) if one["resource"] else "",
        "decision": one["decision"],
        "code": one["code"],
        "is_call": one["kind"] == "call",
        # What is under the published head is signed; a receipt becomes witnessed with a later issue.
        "signed": one["index"] < node.log.size,
    }


ROUTES = [
    Route("/cases", cases, methods=["GET"]),
    Route("/cases/confirm-party", confirm, methods=["POST"]),
]
