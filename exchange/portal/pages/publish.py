"""Publishing: choose a table, edit what is suggested, preview, draft, sign off, announce."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from catalogue.compatibility import breaks, broken
from catalogue.entries import gaps
from catalogue.lifecycle import Registration
from catalogue.model import Actor, Item, Resource, Role, SharingClass, SubjectType, Validity
from catalogue.rows import GRANT, RESOURCE, SOURCE
from catalogue.validation import PURPOSES
from exchange.acts.held import acting
from exchange.acts.loads import due_on
from exchange.acts.register import ActError
from exchange.acts.resources import as_of
from exchange.acts.sources import flag_of
from exchange.node import Node
from exchange.portal.entry_course import told_course
from exchange.portal.entry_form import (
    offered,
    read_item_metadata,
    read_metadata,
    written_codes,
)
from exchange.portal.forms import Errors, Form, read_form
from exchange.portal.pages.catalogue import told_recipients
from exchange.portal.render import page
from exchange.portal.rooms import CLASSES, MASKS, Names, acted, names_for, tried
from exchange.portal.session import signed_in

LAW_LEVELS = ("law", "administrative-regulation", "state-council-decision")
LEVELS = (1, 2, 3, 4)
PAGE = 100
"""Entries on one page of the list."""


async def publish(request: Request) -> Response:
    """The department's entries in whatever state, and those that wait for this officer."""
    actor = await signed_in(request)
    node: Node = request.app.state.node
    number = request.query_params.get("page", "1")
    first = int(number) - 1 if re.fullmatch(r"[1-9][0-9]{0,5}", number) else 0
    told = await run_in_threadpool(_listed, node, actor, names_for(request), first)
    dropped = request.query_params.get("done") == "dropped"
    return page(request, "publish.html", dropped=dropped, **told)


async def choose(request: Request) -> Response:
    """Step 1: which source, then which of its tables, under which code."""
    actor = await signed_in(request)
    return await _choose(request, actor, Errors.of(request), request.query_params)


async def edit(request: Request) -> Response:
    """Step 2: what is suggested for each item, ready to be changed; nothing is saved by looking."""
    actor = await signed_in(request)
    given, errors = request.query_params, Errors.of(request)
    node: Node = request.app.state.node
    base = await _base(request, node, actor, given, errors)
    if errors or base is None:
        return await _choose(request, actor, errors, given)
    return _edit(request, base, Errors.of(request), given)


async def save(request: Request) -> Response:
    """Step 3: preview what was edited, or save it as a draft."""
    actor = await signed_in(request)
    given = await read_form(request)
    errors = Errors.of(request)
    node: Node = request.app.state.node
    base = await _base(request, node, actor, given, errors)
    if errors or base is None:
        return await _choose(request, actor, errors, given)
    edited = read_resource(base, given, errors)
    step = given.get("step", "preview")
    if errors or step == "change":
        return _edit(request, edited, errors, given)
    if step != "draft":
        return page(
            request,
            "publish_preview.html",
            resource=edited,
            recipients=told_recipients(edited, request.state.snapshot, errors.language),
            as_of=await run_in_threadpool(_as_of, node, edited),
            kept=[
                (name, value)
                for name in given
                if name not in DROPPED
                for value in given.getlist(name)
            ],
        )
    await tried(errors, request, actor, "resource.draft", resource=msgspec.to_builtins(edited))
    if errors:
        return _edit(request, edited, errors, given)
    return RedirectResponse(f"/publish/entry/{edited.code}?done=drafted", status_code=303)


DROPPED = frozenset({"step", "csrf"})
"""Fields that a preview does not carry on: it has its own."""


async def entry(request: Request) -> Response:
    actor = await signed_in(request)
    return await shown_entry(request, actor, Errors.of(request))


async def step(request: Request) -> Response:
    """Sign off (head), announce (authority), withdraw (with a reason), give a revision up."""
    actor = await signed_in(request)
    given = await read_form(request)
    code, verb = request.path_params["code"], str(given.get("verb", ""))
    errors = Errors.of(request)
    if verb not in {"submit", "announce", "withdraw", "drop-revision"}:
        raise ActError("NOT_FOUND", f"no such step of an entry: {verb}")
    arguments: dict[str, Any] = {"code": code}
    if verb == "withdraw":
        arguments["reason"] = str(given.get("reason", ""))
        arguments["seen"] = str(given.get("seen", "")) or None
        if not arguments["reason"].strip():
            errors.at("reason", "Say why the entry is withdrawn")
    if not errors:
        await tried(errors, request, actor, f"resource.{verb}", **arguments)
    if errors:
        return await shown_entry(request, actor, errors)
    return RedirectResponse(f"/publish/entry/{code}?done={verb}", status_code=303)


async def _choose(
    request: Request, actor: Actor, errors: Errors, given: Mapping[str, Any]
) -> Response:
    node: Node = request.app.state.node
    source = str(given.get("source", ""))
    shown = await run_in_threadpool(_sources, node, actor)
    tables: list[str] = []
    if source in {one["name"] for one in shown}:
        tables = await tried(errors, request, actor, "source.tables", source=source) or []
    return page(
        request,
        "publish_new.html",
        status=400 if errors else 200,
        errors=errors.by_field,
        sources=shown,
        source=source,
        tables=tables,
        given={name: str(given.get(name, "")) for name in ("table", "code", "key")},
        may_draft=actor.has(Role.OPERATOR) or actor.has(Role.HEAD),
    )


def _edit(
    request: Request, resource: Resource, errors: Errors, given: Mapping[str, Any]
) -> Response:
    basis = (*resource.no_share_basis, "", "", "", "")[:4]
    return page(
        request,
        "publish_edit.html",
        status=400 if errors else 200,
        errors=errors.by_field,
        resource=resource,
        key=str(given.get("key", "")),
        basis=basis,
        classes=CLASSES,
        masks=MASKS,
        levels=LEVELS,
        subjects=[one.value for one in SubjectType],
        purposes=PURPOSES,
        law_levels=LAW_LEVELS,
        offered=offered(errors.language),
        written_codes=written_codes,
    )


async def shown_entry(
    request: Request, actor: Actor, errors: Errors, given: Mapping[str, str] | None = None
) -> Response:
    """The entry's page, with what is wrong with a form of it and what was typed there."""
    node: Node = request.app.state.node
    shown = await run_in_threadpool(
        _shown, node, actor, request.path_params["code"], names_for(request)
    )
    return page(
        request,
        "publish_entry.html",
        status=400 if errors else 200,
        errors=errors.by_field,
        done=request.query_params.get("done", ""),
        given={} if given is None else dict(given),
        **shown,
    )


async def _base(
    request: Request, node: Node, actor: Actor, given: Mapping[str, Any], errors: Errors
) -> Resource | None:
    """What is edited: the department's own entry of that code, else what its table suggests.

    None where neither can be had; the errors say why.
    """
    code, source = str(given.get("code", "")).strip(), str(given.get("source", ""))
    table, key = str(given.get("table", "")).strip(), str(given.get("key", "")).strip()
    if not code:
        errors.at("code", "Enter the resource code")
    held = await run_in_threadpool(_held, node, code)
    if held is not None:
        if held.department != actor.department:
            errors.at("code", "This code belongs to another department's entry")
        return None if errors else held
    if not source:
        errors.at("source", "Choose a source")
    if not table:
        errors.at("table", "Choose a table")
    if errors:
        return None
    seen = await tried(
        errors,
        request,
        actor,
        "resource.reflect",
        source=source,
        table=table,
        code=code,
        key=key or None,
    )
    return None if seen is None else msgspec.convert(seen["resource"], Resource)


def read_resource(base: Resource, given: Form, errors: Errors) -> Resource:
    """Apply the form to what was suggested; what cannot be taken is errors at its field."""

    def one(name: str) -> str:
        return str(given.get(name, ""))

    key = one("key_item")
    items = tuple(_read_item(item, given, key=key, errors=errors) for item in base.items)
    if sum(item.key for item in items) != 1:
        errors.at("key_item", "Choose the one item by which a record is found")
    name = one("name").strip()
    if not name:
        errors.at("name", "Enter the title")
    sharing_class = one("class")
    if sharing_class not in CLASSES:
        errors.at("class", "Choose a sharing class")
        sharing_class = base.sharing_class.value
    strictest = max(
        (CLASSES.index(item.sharing_class) for item in items if not item.key), default=0
    )
    if CLASSES.index(sharing_class) < min(strictest, 1):
        errors.at("class", "Some of the items are conditional: the entry is at least conditional")
    if sharing_class == "conditional" and not one("conditions").strip():
        errors.at("conditions", "State who may have the data and for what")
    basis = tuple(one(f"basis-{part}") for part in ("document", "article", "text", "level"))
    if sharing_class == "not-shared":
        if not all(part.strip() for part in basis):
            errors.at("basis-document", "Name the document, its article, its text and its level")
        elif basis[3] not in LAW_LEVELS:
            errors.at("basis-level", "Only a law, a regulation or a State Council decision will do")
    elif not any(part.strip() for part in basis):
        basis = ()
    return replace(
        base,
        name=name or base.name,
        name_en=one("name_en").strip(),
        abstract=one("abstract"),
        items=items,
        sharing_class=SharingClass(sharing_class),
        conditions=one("conditions"),
        no_share_basis=basis,
        # The entry names the uses that it serves: one that named none would serve none.
        purposes=tuple(p for p in given.getlist("purposes") if p in PURPOSES) or PURPOSES,
        level=max((item.level for item in items), default=1),
        personal=any(item.key and item.subject is SubjectType.PERSON for item in items),
        single=one("single") != "no",
        validity=_validity(items, given, errors),
        **read_metadata(base, given, errors),
    )


def _read_item(item: Item, given: Form, *, key: str, errors: Errors) -> Item:
    def one(name: str) -> str:
        return str(given.get(f"{name}-{item.ordinal}", ""))

    wanted_class, level, mask, subject = one("class"), one("level"), one("mask"), one("subject")
    if not one("title").strip():
        errors.at(f"title-{item.ordinal}", "Every item needs a title")
    if wanted_class not in CLASSES or level not in {"1", "2", "3", "4"} or mask not in MASKS:
        errors.at(f"class-{item.ordinal}", "Choose class, level and mask from the lists")
        return item
    return replace(
        item,
        title=one("title").strip() or item.title,
        sharing_class=SharingClass(wanted_class),
        level=int(level),
        mask=mask,
        subject=SubjectType(subject) if subject in set(SubjectType) else None,
        key=item.name == key,
        match=item.name == key or one("match") == "yes",
        **read_item_metadata(item, given, errors),
    )


def _validity(items: tuple[Item, ...], given: Form, errors: Errors) -> Validity | None:
    """How a record's standing is read; None where the records do not expire."""
    names = {item.name for item in items}
    status, until = str(given.get("status_item", "")), str(given.get("until_item", ""))
    words = tuple(
        word.strip()
        for word in str(given.get("valid_words", ""))
        .replace("，", ",")
        .replace("、", ",")
        .split(",")
        if word.strip()
    )
    if status in names and not words:
        errors.at("valid_words", "Write the words that mean that a record is valid")
    if status not in names and until not in names:
        return None
    return Validity(
        status_item=status if status in names else None,
        valid_words=words if status in names else (),
        until_item=until if until in names else None,
    )


def _listed(node: Node, actor: Actor, names: Names, page_number: int) -> dict[str, Any]:
    held = [one.latest.resource for one in node.held(RESOURCE).values()]
    own = [one for one in held if one.department == actor.department]
    order = {"returned": 0, "draft": 1, "submitted": 2, "announced": 3, "withdrawn": 4}
    own.sort(key=lambda one: (order.get(one.state, 9), one.code))
    return {
        "entries": [
            {
                "code": one.code,
                "name": one.name,
                "class": one.sharing_class.value,
                "items": len(one.items),
                "state": one.state,
            }
            for one in own[page_number * PAGE : (page_number + 1) * PAGE]
        ],
        "total": len(own),
        "previous": f"/publish?page={page_number}" if page_number else "",
        "next": f"/publish?page={page_number + 2}" if (page_number + 1) * PAGE < len(own) else "",
        "department": names.department(actor.department),
        "may_draft": actor.has(Role.OPERATOR) or actor.has(Role.HEAD),
    }


def _sources(node: Node, actor: Actor) -> list[dict[str, Any]]:
    return [
        {"name": one.name}
        for one in node.held(SOURCE).values()
        if one.department == actor.department and one.state == "active"
    ]


def _as_of(node: Node, resource: Resource) -> str:
    """The day of a published file; empty for what is read where the department keeps it."""
    source = node.held(SOURCE).get(resource.source)
    return "" if source is None else as_of(source)


def _held(node: Node, code: str) -> Resource | None:
    """An entry in whatever state, its next revision where one is prepared; None: none of that code."""
    held = node.held(RESOURCE).get(code)
    return None if held is None else held.latest.resource


def _shown(node: Node, actor: Actor, code: str, names: Names) -> dict[str, Any]:
    held, posted = node.held(RESOURCE).get(code), acting(node, actor)
    if held is None or not (
        held.resource.department == actor.department
        or (posted.has(Role.AUTHORITY) and held.resource.state != "draft")
    ):
        raise ActError("NOT_FOUND", f"no entry {code} of your department")
    standing = held.resource
    # What another department is still writing is not the authority's to see.
    theirs = standing.department != actor.department and held.latest.resource.state == "draft"
    registration = held if theirs else held.latest
    resource, own = registration.resource, registration.resource.department == actor.department
    return {
        "resource": resource,
        "recipients": told_recipients(resource, names.snapshot, names.language),
        "as_of": _as_of(node, resource),
        "flag": flag_of(node, code),
        **_due(node, resource),
        "provider": names.department(resource.department),
        "drafted_by": names.officer(registration.drafted_by),
        "signed_by": names.officer(registration.signed_by),
        "announced_by": names.officer(registration.announced_by),
        "may_change": own and (actor.has(Role.OPERATOR) or actor.has(Role.HEAD)),
        "standing": None if registration is held else standing,
        "may_sign": own
        and resource.state == "draft"
        and posted.has(Role.HEAD)
        and registration.drafted_by != actor.id,
        "may_announce": resource.state == "submitted"
        and posted.has(Role.AUTHORITY)
        and actor.id not in {registration.drafted_by, registration.signed_by},
        "breaks": _breaks(node, registration),
        **told_course(node, actor, posted, registration, names),
        "gaps": gaps(resource) if own and resource.state != "announced" else (),
        "collides": _collides(node, actor, code),
        **_withdrawing(node, posted, standing, names, own=own),
    }


def _collides(node: Node, actor: Actor, code: str) -> list[str]:
    """Titles of the items that wait for the authority's word whose they are."""
    return [
        one["title"]
        for one in acted(node, actor, "item.collisions")
        if any(holder["resource"] == code for holder in one["holders"][:1])
    ]


def _withdrawing(
    node: Node, actor: Actor, resource: Resource, names: Names, *, own: bool
) -> dict[str, Any]:
    """Whether this officer may withdraw the entry, and then what that would hit."""
    may = resource.state == "announced" and (
        (own and actor.has(Role.HEAD)) or actor.has(Role.AUTHORITY)
    )
    if not may:
        return {"may_withdraw": False}
    hit = acted(node, actor, "resource.impact", code=resource.code)
    return {
        "may_withdraw": True,
        "seen": hit["seen"],
        "hit_grants": [
            one | {"name": names.department(one["department"])} for one in hit["grants"]
        ],
        "hit_matters": [
            one | {"office": names.department(one["department"])} for one in hit["matters"]
        ],
    }


def _due(node: Node, resource: Resource) -> dict[str, Any]:
    """Say when an entry's rows are too old, and whether they are."""
    due = due_on(node, resource)
    today = node.ports.now().astimezone(node.zone).date()
    return {
        "due": "" if due is None else due.isoformat(),
        "overdue": due is not None and due <= today,
    }


def _breaks(node: Node, registration: Registration) -> dict[str, Any]:
    """What announcing the entry takes from those who ask for the revision before it."""
    resource, before = registration.resource, registration.before
    if before is None or resource.state == "announced":
        return {"found": (), "grants": ()}
    found = breaks(before, resource)
    titles = {item.name: item.title for item in before.items}
    return {
        "found": [(one.code, titles.get(one.item, ""), one.was, one.becomes) for one in found],
        "grants": broken(found, resource.code, node.held(GRANT).values()),
    }


ROUTES = [
    Route("/publish", publish, methods=["GET"]),
    Route("/publish/new", choose, methods=["GET"]),
    Route("/publish/edit", edit, methods=["GET"]),
    Route("/publish/edit", save, methods=["POST"]),
    Route("/publish/entry/{code:path}", entry, methods=["GET"]),
    Route("/publish/entry/{code:path}", step, methods=["POST"]),
]
