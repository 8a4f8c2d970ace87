"""The query page: tick what a system's contract offers, fill in the usage, take the snippet."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from audit.canonical import decode_strict, parse_bitmap
from catalogue.granted import GrantState
from catalogue.model import Actor, Resource, SubjectType, System
from catalogue.snapshot import Snapshot
from catalogue.validation import PURPOSES
from exchange import composing
from exchange.node import Node
from exchange.portal import asking
from exchange.portal.render import page
from exchange.portal.rooms import Names, acted, moment, names_for, title
from exchange.portal.session import signed_in
from exchange.words import words_of

ANSWERS = 20
EXAMPLES = {
    "enterprise": "91990106MA7K2C01X0",
    "person": "990106198504120314",
    "project": "2026-990106-01-01-000001",
    "parcel": "990106001001GB00001",
}
"""Values that stand in the snippets until the caller's own program puts its own there."""


async def query(request: Request) -> Response:
    """Compose and explain: the portal holds no system's key, so it sends nothing itself."""
    actor = await signed_in(request)
    node: Node = request.app.state.node
    given = request.query_params
    ticks: dict[str, list[str]] = {}
    for one in given.getlist("tick"):
        code, _, item = one.partition("|")
        ticks.setdefault(code, []).append(item)
    usage = asking.Usage(
        matter=given.get("matter", ""),
        case=given.get("case", ""),
        purpose=given.get("purpose", "administrative-basis"),
        reason=given.get("reason", ""),
        operator=given.get("operator", ""),
    )
    told = await run_in_threadpool(
        _told, node, actor, names_for(request), given.get("system", ""), ticks, usage
    )
    return page(request, "query.html", **told)


def _told(
    node: Node,
    actor: Actor,
    names: Names,
    system_id: str,
    ticks: Mapping[str, list[str]],
    usage: asking.Usage,
) -> dict[str, Any]:
    snapshot = names.snapshot
    systems = [
        one
        for one in snapshot.systems.values()
        if one.department == actor.department and one.state == "active" and not one.intake
    ]
    system = next((one for one in systems if one.id == system_id), systems[0] if systems else None)
    told: dict[str, Any] = {
        "systems": [(one.id, one.name) for one in systems],
        "system": None if system is None else system.id,
        "ticks": {code: set(items) for code, items in ticks.items()},
        "usage": usage,
        "matters": [
            (one.code, one.name)
            for one in snapshot.matters.values()
            if one.department == actor.department
        ],
        "purposes": PURPOSES,
        "subjects": [subject.value for subject in SubjectType],
        "operator": actor.officer.staff_number if actor.officer is not None else "",
        "resources": [],
        "composed": None,
        "answers": [],
    }
    if system is None:
        return told
    contract = snapshot.contract(system.id)
    told["resources"] = [_offered(one, system, snapshot, names) for one in contract]
    told["answers"] = _answers(node, actor, system, names)
    ticked = composing.tick(contract, ticks)
    if ticked:
        told |= _composed(node, ticked, system, snapshot, usage)
    return told


def _offered(
    resource: Resource, system: System, snapshot: Snapshot, names: Names
) -> dict[str, Any]:
    grants = snapshot.grants_for(system.id, resource.code)
    held = [grant for grant in grants if grant.state is GrantState.ACTIVE]
    granted = {name for grant in held for name in grant.items}
    return {
        "code": resource.code,
        "name": title(resource, names.language),
        "provider": names.department(resource.department),
        "granted": bool(held),
        "items": [
            {
                "name": item.name,
                "title": item.title,
                "graphql": item.graphql_name,
                "granted": item.name in granted,
                "open": item.sharing_class.value != "not-shared",
            }
            for item in resource.items
        ],
        "ask": ask_link(resource.code, system=system.id),
    }


def _composed(
    node: Node,
    ticked: tuple[composing.Ticked, ...],
    system: System,
    snapshot: Snapshot,
    usage: asking.Usage,
) -> dict[str, Any]:
    composed = composing.compose(ticked)
    values = {name: EXAMPLES.get(kind, "…") for name, kind in composed.variables.items()}
    url, vkey = node.settings.base_url, node.vkey
    key = next(
        (k.id for k in snapshot.keys.values() if k.system == system.id and k.state == "active"), ""
    )
    return {
        "composed": composed,
        "body": asking.body_of(composed, values, usage=usage),
        "variables": sorted(composed.variables.items()),
        "python": asking.python_snippet(composed, values, usage=usage, url=url, vkey=vkey),
        "shell": asking.shell_snippet(values, usage=usage, url=url),
        "curl": asking.curl_snippet(url=url),
        "javascript": asking.javascript_snippet(composed, values, usage=usage, url=url, key_id=key),
    }


def _answers(node: Node, actor: Actor, system: System, names: Names) -> list[dict[str, Any]]:
    """The last outcomes of the system's calls; looking them up is itself an entry."""
    found = acted(node, actor, "audit.search", system=system.id, kind="call", first=ANSWERS)
    return [_answer(node, one, system, names) for one in found["entries"] if one["resource"]]


def _answer(node: Node, one: Mapping[str, Any], system: System, names: Names) -> dict[str, Any]:
    code = str(one["code"])
    words = words_of(code) if code else None
    missing: list[str] = []
    if words is not None:
        missing = _refused_items(node, int(one["index"]), str(one["resource"]), names.snapshot)
    return {
        "index": one["index"],
        "at": moment(str(one["at"]), node.zone),
        "name": names.resource(str(one["resource"])),
        "decision": one["decision"],
        "code": code,
        "words": "" if words is None else words.en if names.language == "en" else words.zh,
        "missing": names.items(str(one["resource"]), missing),
        "ask": ask_link(
            str(one["resource"]), system=system.id, items=missing, matter=str(one["matter"])
        )
        if words is not None and words.next == "ask"
        else "",
    }


def _refused_items(node: Node, index: int, code: str, snapshot: Snapshot) -> list[str]:
    """The items of a resource that a call asked for and did not get, out of its entry."""
    resource = snapshot.resources.get(code)
    if resource is None:
        return []
    steps = decode_strict(node.log.entry(index)).get("steps", [])
    refused = {
        ordinal
        for step in steps
        if step.get("resource") == code
        for ordinal in parse_bitmap(step.get("refused", ""))
    }
    return [item.name for item in resource.items if item.ordinal in refused]


def ask_link(code: str, *, system: str, items: list[str] | None = None, matter: str = "") -> str:
    """The address of the request form, filled in; `items` None or empty: all that may be asked for."""
    members = [("resource", code), ("system", system)]
    members += [("items", name) for name in items or []]
    if matter:
        members.append(("matter", matter))
    return f"/requests/new?{urlencode(members)}"


async def contract(request: Request) -> Response:
    """What one of the department's systems may name, in GraphQL's own words."""
    shown = await _contract(request)
    return page(request, "query_contract.html", contract=shown)


async def contract_file(request: Request) -> Response:
    shown = await _contract(request)
    headers = {"Content-Disposition": 'attachment; filename="contract.graphql"'}
    return PlainTextResponse(str(shown["sdl"]), headers=headers)


async def _contract(request: Request) -> dict[str, Any]:
    actor = await signed_in(request)
    node: Node = request.app.state.node
    system = request.path_params["system"]
    return dict(await run_in_threadpool(acted, node, actor, "contract.show", system=system))


ROUTES = [
    Route("/query", query, methods=["GET"]),
    Route("/query/contracts/{system}", contract, methods=["GET"]),
    Route("/query/contracts/{system}/contract.graphql", contract_file, methods=["GET"]),
]
