"""The log for auditors and departments: its list, one box to search it, and the story of a case."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from catalogue.model import Actor, Role, SubjectType
from catalogue.snapshot import Snapshot
from exchange.acts.reading import named_department, named_matter, named_resource, named_system
from exchange.acts.register import perform
from exchange.node import Node
from exchange.portal.forms import Errors, Form, read_form
from exchange.portal.labels import label_of, tag_of
from exchange.portal.language import translate
from exchange.portal.looking import (
    DECISIONS,
    CaseNumber,
    Entry,
    Facet,
    Wanted,
    read_after,
    read_box,
    read_index,
    read_wanted,
    write_after,
)
from exchange.portal.render import page
from exchange.portal.rooms import Names, names_for, shard_asked, shards_of, tried
from exchange.portal.session import signed_in

ON_A_PAGE = 50
LIST_MOST = 300
"""So many departments or systems are offered as a list; beyond, a code is typed."""

KINDS = (
    "call",
    "request.submitted",
    "grant.issued",
    "grant.revoked",
    "grant.suspended",
    "resource.announced",
    "case.opened",
    "case.attested",
    "session.opened",
    "log.searched",
    "log.case-read",
    "log.entry-read",
    "log.entry-refused",
    "review.opened",
    "review.identity-opened",
    "receipt.read",
    "registry.alarm",
    "document.registered",
    "demand.filed",
    "synonyms.set",
    "document.withdrawn",
    "strangers.counted",
    "calls.turned-away",
    "quotas.swept",
)
"""Kinds that the list of kinds offers; any other can be written into the address."""


@dataclass(frozen=True, slots=True)
class Look:
    """A search that is one click away."""

    text: str
    """English; a key of the locale."""
    facets: Mapping[str, str]

    @property
    def query(self) -> str:
        return f"?{urlencode(self.facets)}" if self.facets else ""


FIRST_LOOKS = (
    Look("All", {}),
    Look("Refusals", {"decision": "refused"}),
    Look("Partly given", {"decision": "partly-given"}),
    Look("Source did not answer", {"decision": "unavailable"}),
    Look("Revocations", {"kind": "grant.revoked"}),
    Look("Who looked up cases", {"kind": "log.case-read"}),
    Look("Alarms", {"kind": "registry.alarm"}),
)


NOTHING: Mapping[str, Any] = {
    "entries": [], "next": None, "counts": None, "numbers": None, "sealed": None,
}  # fmt: skip
"""What is found where nothing was searched for."""

COUNTED = (
    ("decision", "Outcome", "decision"),
    ("kind", "Kind of entry", "kind"),
    ("consumer", "Department that asked or acted", "consumer"),
    ("provider", "Department that was asked", "department"),
    ("system", "System", "system"),
    ("resource", "Resource", "resource"),
    ("matter", "Matter", "matter"),
    ("code", "Reason code", "code"),
)
"""What is counted, its title (a key of the locale), and the facet that narrows to one of its values."""

COUNTS_SHOWN = 8
"""Values of one facet on the page; the rest is counted together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many entries have one value, and the address of the list that has these alone."""

    code: str
    name: str
    count: int
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """One facet with its most frequent values."""

    facet: str
    title: str
    values: tuple[Count, ...]
    more: int
    """Values that are not shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An entry as the list shows it, with those of its steps that were found."""

    index: int
    at: datetime | None
    """None for an entry that was made under a sealed review by somebody else."""
    kind: str
    consumer: Mapping[str, str]
    system: Mapping[str, str]
    matter: Mapping[str, str]
    steps: tuple[Mapping[str, Any], ...]


async def log_list(request: Request) -> Response:
    """Entries newest first. What is typed into the one box leads to an entry, a case or a facet."""
    actor = await signed_in(request)
    node: Node = request.app.state.node
    names: Snapshot = request.state.snapshot
    wanted = read_wanted(request.query_params)
    shard = shard_asked(request)
    size = await run_in_threadpool(lambda: node.of_shard(shard or None).shown.size)
    meant = read_box(request.query_params.get("q", ""), size=size, names=names)
    if meant is not None:
        return RedirectResponse(_where(meant, shard), status_code=303)
    errors = Errors.of(request)
    for name, text in wanted.errors.items():
        errors.at(name, text)
    found = NOTHING
    if not errors:
        # Counted once, on the first page: the pages that follow are of the same list.
        arguments = wanted.arguments(node.zone) | {"counts": wanted.after is None}
        said = await tried(errors, request, actor, "audit.search", first=ON_A_PAGE, **arguments)
        found = said or NOTHING
    return page(
        request,
        "audit.html",
        status=400 if errors else 200,
        wanted=wanted,
        errors=errors.by_field,
        counts=counts_of(found["counts"], wanted, names_for(request)),
        whole=found["counts"] is None or found["counts"]["whole"],
        numbers=found["numbers"],
        sealed=found["sealed"],
        lines=_lines(found["entries"], names=names, node=node),
        next=_next(found["next"]),
        departments=_choices(names.departments.values()),
        systems=_choices(names.systems.values()),
        first_looks=FIRST_LOOKS,
        chosen=_chosen(wanted),
        decisions=DECISIONS,
        kinds=KINDS,
        shard=shard,
        shards=shards_of(node),
        everything=actor.has(Role.AUDITOR),
        bounded=actor.has(Role.SUPERVISOR) or "review" in wanted.facets,
    )


async def log_json(request: Request) -> Response:
    """The list once more, for programs: the same facets, the same rights, recorded the same way."""
    actor = await signed_in(request)
    node: Node = request.app.state.node
    wanted = read_wanted(request.query_params)
    if wanted.errors:
        told: dict[str, Any] = {"errors": dict(wanted.errors)}
        return _json(told, status=400)
    found = await run_in_threadpool(_found, node, actor, wanted)
    return _json({"entries": found["entries"], "next": _next(found["next"]) or None})


async def by_subject(request: Request) -> Response:
    """`GET` and `POST /audit/subject`: entries about one person or firm.

    A form that is sent, and no address: an identifier belongs into no history and no bookmark.
    """
    actor = await signed_in(request)
    node: Node = request.app.state.node
    errors = Errors.of(request)
    given = await read_form(request) if request.method == "POST" else Form([])
    identifier, type_, shard = given.text("identifier"), given.text("type"), given.text("shard")
    found: Mapping[str, Any] = NOTHING
    if request.method == "POST":
        if not identifier:
            errors.at("identifier", "Enter an identifier")
        else:
            after = read_after(given.text("after"))
            arguments: dict[str, Any] = {"subject": [type_, identifier], "first": ON_A_PAGE}
            if after is not None:
                arguments["after"] = list(after)
            if shard:
                arguments["shard"] = shard
            found = await tried(errors, request, actor, "audit.search", **arguments) or NOTHING
    return page(
        request,
        "audit_subject.html",
        status=400 if errors else 200,
        errors=errors.by_field,
        types=[kind.value for kind in SubjectType],
        type=type_,
        identifier=identifier,
        looked=request.method == "POST" and not errors,
        lines=_lines(found["entries"], names=request.state.snapshot, node=node),
        next=_next(found["next"]),
        shard=shard,
        shards=shards_of(node),
    )


async def case_story(request: Request) -> Response:
    """All that happened in a case, in order; without a number, where to type one.

    The case may be named as the one `of` an entry, so that no number stands in an address.
    """
    actor = await signed_in(request)
    node: Node = request.app.state.node
    asked = {
        name: request.query_params.get(name, "").strip()
        for name in ("number", "of", "review", "shard")
    }
    number, of = asked["number"], asked["of"]
    told: dict[str, Any] = {"number": number, "entries": [], "next": None}
    if number or of:
        arguments: dict[str, Any] = {"number": number} if number else {"of": read_index(of)}
        arguments |= {name: asked[name] for name in ("review", "shard") if asked[name]}
        after = read_after(request.query_params.get("after", ""))
        if after is not None:
            arguments["after"] = list(after)
        told = await run_in_threadpool(perform, node, actor, "audit.case", arguments)
    entries = [one | {"at": _local(one["at"], node)} for one in told["entries"]]
    return page(
        request,
        "audit_case.html",
        number=number,
        looked=bool(number or of),
        entries=entries,
        more=_further(asked, told["next"]),
        shard=asked["shard"],
        shards=shards_of(node),
        everything=actor.has(Role.AUDITOR),
    )


def _found(node: Node, actor: Actor, wanted: Wanted) -> dict[str, Any]:
    if wanted.errors:
        return {"entries": [], "next": None}
    arguments = wanted.arguments(node.zone) | {"first": ON_A_PAGE}
    found: dict[str, Any] = perform(node, actor, "audit.search", arguments)
    return found


def counts_of(counts: Mapping[str, Any] | None, wanted: Wanted, names: Names) -> list[Counted]:
    """Return what was counted, facet by facet; a facet that is fixed already narrows nothing further."""
    found = []
    for name, title, facet in COUNTED:
        held = {} if counts is None else counts["by"].get(name, {})
        if not held or facet in wanted.facets:
            continue
        ordered = sorted(held.items(), key=lambda one: (-one[1], one[0]))
        values = tuple(
            Count(
                code=code,
                name=_called(facet, code, names),
                count=number,
                address=f"/audit?{wanted.address(**{facet: code})}",
            )
            for code, number in ordered[:COUNTS_SHOWN]
        )
        found.append(
            Counted(facet=facet, title=title, values=values, more=len(ordered) - len(values))
        )
    return found


def _called(facet: str, code: str, names: Names) -> str:
    match facet:
        case "consumer" | "department":
            return names.department(code)
        case "system":
            return names.system(code)
        case "resource":
            return names.resource(code)
        case "matter":
            return names.matter(code)
        case "decision":
            return translate(names.language, tag_of(code)[0])
        case "kind":
            return translate(names.language, label_of("kind", code))
        case _:
            return code


def _chosen(wanted: Wanted) -> Look | None:
    """Return the first look that an address is; None where it asks for something else."""
    if wanted.errors or wanted.since or wanted.until:
        return None
    return next((look for look in FIRST_LOOKS if look.facets == wanted.facets), None)


def _where(meant: Entry | CaseNumber | Facet, shard: str) -> str:
    part = {"shard": shard} if shard else {}
    match meant:
        case Entry(index=index):
            return f"/audit/entries/{index}" + (f"?{urlencode(part)}" if part else "")
        case CaseNumber(number=number):
            return f"/audit/cases?{urlencode({'number': number} | part)}"
        case Facet(name=name, value=value):
            return f"/audit?{urlencode({name: value} | part)}"


def _lines(rows: Sequence[Mapping[str, Any]], *, names: Snapshot, node: Node) -> list[Line]:
    """Put the rows of one entry, one a step and subject, onto one line."""
    by_index: dict[int, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_index.setdefault(row["index"], []).append(row)
    return [_line(found, names=names, node=node) for found in by_index.values()]


def _line(rows: Sequence[Mapping[str, Any]], *, names: Snapshot, node: Node) -> Line:
    first = rows[0]
    steps = {row["step"]: row for row in reversed(rows) if row["resource"]}
    return Line(
        index=first["index"],
        at=_local(first["at"], node) if first["at"] else None,
        kind=first["kind"],
        consumer=named_department(first["consumer"], names=names),
        system=named_system(first["system"], names=names),
        matter=named_matter(first["matter"], names=names),
        steps=tuple(
            {
                "provider": named_department(row["provider"], names=names),
                "resource": named_resource(row["resource"], names=names),
                "outcome": row["decision"],
                "code": row["code"],
            }
            for _, row in sorted(steps.items())
        ),
    )


def _choices(held: Iterable[Any]) -> list[dict[str, str]] | None:
    """Return what a list offers; None where there are so many that a code is typed instead."""
    told = [
        {
            "code": getattr(one, "code", "") or one.id,
            "name": one.name,
            "name_en": getattr(one, "name_en", "") or one.name,
        }
        for one in held
    ]
    return sorted(told, key=lambda one: one["code"]) if len(told) <= LIST_MOST else None


def _local(text: str, node: Node) -> datetime:
    return datetime.fromisoformat(text).astimezone(node.zone)


def _further(asked: Mapping[str, str], place: Sequence[int] | None) -> str:
    """Return the address of what happened before the page; empty where that is all."""
    if not place:
        return ""
    members = {name: value for name, value in asked.items() if value} | {"after": _next(place)}
    return f"/audit/cases?{urlencode(members)}"


def _next(place: Sequence[int] | None) -> str:
    return write_after(place) if place else ""


def _json(told: Mapping[str, Any], *, status: int = 200) -> Response:
    return Response(msgspec.json.encode(told), status_code=status, media_type="application/json")


ROUTES = [
    Route("/audit", log_list, methods=["GET"]),
    Route("/audit.json", log_json, methods=["GET"]),
    Route("/audit/cases", case_story, methods=["GET"]),
    Route("/audit/subject", by_subject, methods=["GET", "POST"]),
]
