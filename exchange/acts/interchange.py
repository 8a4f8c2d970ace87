"""Acts that take a file of catalogue entries in, and tell entries for files to be written of."""

from dataclasses import replace
from typing import Any

from catalogue.granted import Grant
from catalogue.interchange.dcat import Publisher
from catalogue.interchange.entries import told_of
from catalogue.interchange.model import Read, Wanted
from catalogue.model import Actor, Department, Resource, Role
from catalogue.rows import DEMAND, DEPARTMENT, GRANT, RESOURCE
from catalogue.service import ImportPlan
from exchange.acts.files import publisher, uploaded
from exchange.acts.listing import MOST, Span, cut
from exchange.acts.listing import Told as Said
from exchange.acts.register import ActError, act
from exchange.files.uploads import Uploads
from exchange.interchange.parsing import KINDS, Asked
from exchange.interchange.reading import read_file
from exchange.node import Node

UNSEEN = frozenset({"draft", "submitted"})
"""States of entries that their own department alone sees."""


@act("catalogue.preview-import")
def preview_import(node: Node, actor: Actor, *, upload: str, asked: Asked) -> Said:
    """Say what an uploaded file would change in the department's entries; nothing is kept."""
    read = _read(node, actor, upload, asked)
    return _told(read, node.registry.plan_import(read, by=actor))


@act("catalogue.import")
def import_catalogue(
    node: Node, actor: Actor, *, upload: str, asked: Asked, looked_at: str
) -> Said:
    """Take an uploaded file's entries as drafts, and its needs as demands: in one transaction.

    `looked_at` is the digest that the preview told: another file, or a catalogue that was changed meanwhile,
    is refused. What cannot be taken is told, and is no reason to refuse the rest.
    """
    read = _read(node, actor, upload, asked)
    plan = node.registry.import_entries(read, by=actor, looked_at=looked_at)
    Uploads(node.files).drop(upload, publisher(actor).id)
    return _told(read, plan)


@act("catalogue.entries")
def list_entries(
    node: Node,
    actor: Actor,
    *,
    codes: list[str] | None = None,
    department: str = "",
    own_drafts: bool = False,
    first: int = 200,
    after: str | None = None,
) -> Said:
    """Announced entries as files tell them, page by page; with `own_drafts` those of one's department too.

    `codes` None is all of them. On the first page also the department's demands.
    """
    seen = entries_for(node, actor, own_drafts=own_drafts)
    fit = {
        code: held
        for code, held in seen.items()
        if (codes is None or code in codes) and department in {"", held.department}
    }
    for code in codes or ():
        if code not in fit:
            raise ActError("NOT_FOUND", f"no announced resource {code}")
    page = cut(fit, Span(first=min(first, MOST), after=after))
    return {
        "entries": [told_of(held) for held in page.rows],
        "needs": needs_of(node, actor) if after is None else [],
        "departments": {
            code: held
            for code, held in node.held(DEPARTMENT).items()
            if code in {one.department for one in page.rows}
        },
        "base": node.settings.base_url,
        "total": page.total,
        "next": page.next,
    }


@act("catalogue.grants")
def list_grants(node: Node, actor: Actor) -> list[Grant]:
    """The grants that an officer's department gave or has, for their terms to be written."""
    everyone = actor.has(Role.AUTHORITY) or actor.has(Role.AUDITOR)
    return [
        held
        for _id, held in sorted(node.held(GRANT).items())
        if everyone or actor.department in {held.provider, held.department}
    ]


def entries_for(node: Node, actor: Actor, *, own_drafts: bool = False) -> dict[str, Resource]:
    """Return the entries that an actor may see, as the search does: announced ones, and one's own drafts."""
    found = {}
    for code, registration in node.held(RESOURCE).items():
        held = registration.resource
        own = own_drafts and held.department == actor.department
        if held.state == "announced" or (own and held.state != "withdrawn"):
            found[code] = held
    return found


def needs_of(node: Node, actor: Actor) -> list[Wanted]:
    """Return the demands of an actor's own department."""
    held = sorted(node.held(DEMAND).values(), key=lambda one: (one.filed_at, one.id))
    return [
        Wanted(words=one.words, need=one.need) for one in held if one.department == actor.department
    ]


def publisher_of(base: str, departments: dict[str, Department]) -> Publisher:
    return Publisher(base=base, departments=departments)


def _read(node: Node, actor: Actor, upload: str, asked: Asked) -> Read:
    if asked.kind not in {"", *KINDS}:
        raise ActError("ACT_ARGUMENTS", f"a kind of file: {', '.join(KINDS)}")
    content = uploaded(node, publisher(actor), upload)
    read = read_file(content, asked)
    return replace(read, seen={**read.seen, "file": asked.file})


def _told(read: Read, plan: ImportPlan) -> dict[str, Any]:
    changes = [one.change.value for one in plan.differences]
    return {
        "seen": dict(read.seen),
        "counts": {
            name: changes.count(name) for name in ("added", "changed", "unchanged", "missing")
        },
        "differences": [one for one in plan.differences if one.change.value != "unchanged"],
        "needs": list(plan.needs),
        "not_taken": list(plan.not_taken),
        "notes": list(plan.notes),
        "looked_at": plan.digest,
        "committed": plan.committed,
    }
