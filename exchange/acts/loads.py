"""Acts on newer files for tables that are there: looked over, loaded, one of the last brought back."""

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from catalogue import files, lifecycle, loads
from catalogue.errors import StateError
from catalogue.files import FileAddress, format_address
from catalogue.model import Actor, ItemType, Resource, Role, SourceAddress
from catalogue.rows import LOAD, RESOURCE, SOURCE
from catalogue.service import Loaded
from exchange.acts.files import publisher, uploaded
from exchange.acts.listing import Told
from exchange.acts.register import ActError, act
from exchange.clock import fresh_id, now
from exchange.files import keeping
from exchange.files.loading import Break, Prepared, Rule, prepare, rows_of
from exchange.files.looking import looked_over
from exchange.files.model import Choices, SeenColumn
from exchange.files.uploads import Uploads
from exchange.files.words import told
from exchange.node import Node


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    """The table that a file is for."""

    resource: Resource
    source: SourceAddress
    table: str
    columns: tuple[SeenColumn, ...]
    path: Path

    @property
    def as_of(self) -> date:
        return files.parse_address(self.source.address).as_of


@act("load.preview")
def preview(
    node: Node,
    actor: Actor,
    *,
    upload: str,
    resource: str,
    as_of: date,
    by_key: bool = False,
    choices: Choices | None = None,
) -> Told:
    """Say what a newer file would add, change and take away, and what it breaks; nothing is kept."""
    target = _target(node, actor, resource)
    content, prepared = _prepared(node, actor, target, upload, as_of, choices, by_key=by_key)
    return {"content": content, **_told(target, prepared, as_of=as_of)}


@act("load.make")
def load(  # noqa: PLR0913 - an envelope's members, named one by one
    node: Node,
    actor: Actor,
    *,
    upload: str,
    content: str,
    resource: str,
    as_of: date,
    by_key: bool = False,
    accept: bool = False,
    choices: Choices | None = None,
) -> Told:
    """Put a newer file's rows under a resource: whole, or those records alone that the file has.

    `content` is the SHA-256 of the file that was looked over. `accept` takes what the officer may take; what
    breaks the entry itself is refused all the same. Raises ActError FILE_REFUSED, LOAD_REFUSED, UPLOAD_GONE.
    """
    target = _target(node, actor, resource)
    found, prepared = _prepared(node, actor, target, upload, as_of, choices, by_key=by_key)
    if found != content:
        raise ActError("UPLOAD_GONE", "the upload is not the file that was looked over")
    stops = [one for one in prepared.breaks if not (accept and one.acceptable)]
    if stops:
        raise ActError("LOAD_REFUSED", "; ".join(_line(one) for one in stops))
    difference = prepared.difference
    id_ = fresh_id("fil")
    path = keeping.path_of(node.files, target.source.name, id_)
    written = keeping.keep(path, target.table, prepared.columns, iter(prepared.rows))
    address = FileAddress(
        id=id_, as_of=as_of, rows=written.rows, content=content, kept=written.digest
    )
    try:
        loaded = node.registry.load_source(
            target.source,
            format_address(address),
            by=actor,
            facts={
                "added": difference.added,
                "changed": difference.changed,
                "removed": difference.removed,
                "by_key": int(by_key),
                "breaks": sum(one.count for one in prepared.breaks),
            },
        )
    except BaseException:
        # The registration is the commit point: unless it stands, nothing points to what was written.
        held = node.held(SOURCE).get(target.source.name)
        if held is None or files.parse_address(held.address).id != id_:
            keeping.discard(path)
        raise
    _let_go(node, loaded)
    Uploads(node.files).drop(upload, publisher(actor).id)
    return {"load": id_, **_told(target, prepared, as_of=as_of)}


@act("load.list")
def list_loads(node: Node, actor: Actor, *, resource: str) -> list[Told]:
    """The loads of a resource that can come back, the newest first."""
    target = _target(node, actor, resource)
    return [
        {
            "load": one.id,
            "as_of": files.parse_address(one.address).as_of,
            "rows": files.parse_address(one.address).rows,
            "loaded_by": one.loaded_by,
            "loaded_at": one.loaded_at,
            "state": one.state,
        }
        for one in loads.of_source(node.held(LOAD).values(), target.source.name)
    ]


@act("load.restore")
def restore(node: Node, actor: Actor, *, resource: str, load: str) -> Told:
    """Bring one of the last loads back, exactly as it was. Raises SourceError where its rows were changed."""
    target = _target(node, actor, resource)
    held = {
        one.id: one
        for one in loads.of_source(node.held(LOAD).values(), target.source.name)
        if one.state == loads.BEFORE
    }
    wanted = held.get(load)
    if wanted is None:
        raise StateError(f"no load {load} of {resource} that can come back")
    keeping.checked(replace(target.source, address=wanted.address), files=node.files)
    loaded = node.registry.load_source(
        target.source, wanted.address, by=actor, facts={"restored": 1}
    )
    _let_go(node, loaded)
    return {"load": load, "as_of": files.parse_address(wanted.address).as_of}


@act("load.due")
def list_due(node: Node, actor: Actor, *, ahead_days: int = 7) -> list[Told]:
    """Resources whose update cycle has passed or passes soon: one's own department's, or all (authority)."""
    today = now().astimezone(node.zone).date()
    found = []
    for held in node.held(RESOURCE).values():
        resource = held.resource
        mine = resource.department == actor.department or actor.has(Role.AUTHORITY)
        due = due_on(node, resource) if mine and resource.state != "withdrawn" else None
        if due is not None and (due - today).days <= ahead_days:
            found.append(
                {
                    "resource": resource.code,
                    "name": resource.name,
                    "department": resource.department,
                    "due": due,
                    "overdue": due <= today,
                }
            )
    return sorted(found, key=lambda one: (str(one["due"]), str(one["resource"])))


def due_on(node: Node, resource: Resource) -> date | None:
    """Return the first day on which a resource's rows are too old; None where nobody said when that is."""
    source = node.held(SOURCE).get(resource.source)
    if source is None or source.kind != files.KIND:
        return None
    return loads.overdue_on(files.parse_address(source.address).as_of, resource.update_days)


def _target(node: Node, actor: Actor, code: str) -> _Target:
    held = node.held(RESOURCE).get(code)
    if held is None:
        raise ActError("ACT_ARGUMENTS", f"no resource {code}")
    resource = held.resource
    lifecycle.require_decider(actor, Role.OPERATOR, Role.HEAD, department=resource.department)
    source = node.held(SOURCE).get(resource.source)
    if source is None or source.kind != files.KIND:
        raise ActError("ACT_ARGUMENTS", f"resource {code} does not stand on a file")
    seen = keeping.columns_of(source, resource.table, files=node.files)
    columns = tuple(
        SeenColumn(
            heading=column.name,
            type=ItemType(column.type.lower()),
            empty=0,
            key=column.primary_key or column.name == resource.key.column,
        )
        for column in seen
    )
    return _Target(
        resource=resource,
        source=source,
        table=resource.table,
        columns=columns,
        path=keeping.checked(source, files=node.files),
    )


def _prepared(
    node: Node,
    actor: Actor,
    target: _Target,
    upload: str,
    as_of: date,
    choices: Choices | None,
    *,
    by_key: bool,
) -> tuple[str, Prepared]:
    """Return the SHA-256 of the upload and what it comes to. Raises ActError FILE_REFUSED."""
    content = uploaded(node, publisher(actor), upload)
    if as_of > now().astimezone(node.zone).date():
        raise ActError("ACT_ARGUMENTS", "as of a day to come: the day whose state the rows tell")
    before = rows_of(target.path, target.table, target.columns)
    # Types and keys are the table's own: they are not guessed again.
    own = replace(
        choices or Choices(),
        key=(),
        text=tuple(one.heading for one in target.columns),
    )
    with looked_over(content, own) as table:
        seen = table.preview
        if seen.stopped:
            stops = [told(finding) for finding in seen.findings if finding.stops]
            raise ActError("FILE_REFUSED", " ".join(stops))
        prepared = prepare(
            table,
            columns=target.columns,
            before=before,
            resource=target.resource,
            by_key=by_key,
        )
    if as_of < target.as_of:
        prepared = replace(prepared, breaks=(*prepared.breaks, Break(rule=Rule.OLDER)))
    return seen.content, prepared


def _told(target: _Target, prepared: Prepared, *, as_of: date) -> Told:
    difference = prepared.difference
    return {
        "resource": target.resource.code,
        "as_of": as_of,
        "before": target.as_of,
        "rows": len(prepared.rows),
        "added": difference.added,
        "changed": difference.changed,
        "removed": difference.removed,
        "unchanged": difference.unchanged,
        "examples": {name: list(keys) for name, keys in difference.examples.items()},
        "ignored": list(prepared.ignored),
        "breaks": [
            {
                "rule": one.rule.value,
                "column": one.column,
                "rows": list(one.rows),
                "count": one.count,
                "acceptable": one.acceptable,
                "zh": one.text("zh"),
                "en": one.text("en"),
            }
            for one in prepared.breaks
        ],
    }


def _line(one: Break) -> str:
    where = f"column {one.column}" if one.column else ""
    rows = f"row {', '.join(str(row) for row in one.rows)}" if one.rows else ""
    place = ", ".join(part for part in (where, rows) if part)
    return f"{place}: {one.text('en')}" if place else one.text("en")


def _let_go(node: Node, loaded: Loaded) -> None:
    """Remove the tables that cannot come back; what a crash leaves of them nobody reads."""
    for one in loaded.dropped:
        keeping.discard(keeping.path_of(node.files, one.source, one.id))
