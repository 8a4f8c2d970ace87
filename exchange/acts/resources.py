"""Acts on sources, and what a table suggests for an entry."""

import re
from dataclasses import dataclass, replace
from typing import Literal

from catalogue import files, naming, suggest
from catalogue.interchange.entries import connected, is_unconnected
from catalogue.metadata import ANY_DEPARTMENT, SharingMethod, Upstream
from catalogue.model import Actor, Resource, SharingClass, SourceAddress
from catalogue.readings import Reading
from catalogue.rows import RESOURCE, SOURCE
from catalogue.validation import PURPOSES
from exchange.acts.listing import FIRST, Span, Told, cut, paged
from exchange.acts.register import ActError, act
from exchange.acts.sources import (
    describe,
    may_see,
    offers,
    own_source,
    rests_until,
)
from exchange.node import Node
from exchange.shelf import look_at, reflect_table, tables_of
from gateway.sources.described import Choices, DescriptionError


@act("source.add")
def add_source(  # noqa: PLR0913 - an envelope's members, named one by one
    node: Node,
    actor: Actor,
    *,
    name: str,
    department: str,
    kind: str,
    address: str,
    secret: str | None = None,
    zone: str = "Asia/Shanghai",
    timeout_ms: int = 2000,
    write_reason: str | None = None,
    description: str | None = None,
) -> dict[str, object]:
    """Register where data is read, after reading it once.

    A login that can write is refused unless `write_reason` says why it must be. `secret` None: the source
    asks for none. `description` is a service's own (OpenAPI, GraphQL SDL, WSDL); None: it may follow.
    """
    if kind == files.KIND:
        raise ActError("ACT_ARGUMENTS", "a file is uploaded, not addressed: register the file")
    offered = [] if description is None else offers(kind, description)
    source = SourceAddress(
        name=name,
        department=department,
        kind=kind,
        address=address,
        secret=None if secret is None else node.sealer.seal(secret),
        zone=zone,
        timeout_ms=timeout_ms,
        write_reason=write_reason,
        description=description,
    )
    rights = _looked_at(source, secret=secret)
    node.registry.add_source(source, by=actor)
    return {"name": name, "tested": True, "can_write": rights, "offers": offered}


@act("source.list")
def list_sources(
    node: Node,
    actor: Actor,  # noqa: ARG001 - any officer
    *,
    department: str | None = None,
    state: str | None = None,
    first: int = FIRST,
    after: str | None = None,
    before: str | None = None,
) -> Told:
    """Sources in the order of their names, without secrets; one in the state `waiting` is read by nobody."""
    fit = {
        name: held
        for name, held in node.held(SOURCE).items()
        if department in {None, held.department} and state in {None, held.state}
    }
    return paged(cut(fit, Span(first=first, after=after, before=before)), _source)


@act("source.show")
def show_source(node: Node, actor: Actor, *, name: str) -> Told:
    """One source with the resources that stand on it, for its department and the authority."""
    held = node.held(SOURCE).get(name)
    if held is None or not may_see(actor, held):
        raise ActError("NOT_FOUND", f"no source {name} of your department")
    standing = sorted(
        registration.resource.code
        for registration in node.held(RESOURCE).values()
        if registration.resource.source == name
    )
    return _source(held) | {
        "zone": held.zone,
        "timeout_ms": held.timeout_ms,
        "resources": standing,
        "entry": node.index_of(node.ledger.rows()[SOURCE.table, name][0]),
    }


@act("source.open")
def open_source(  # noqa: PLR0913 - an envelope's members, named one by one
    node: Node,
    actor: Actor,
    *,
    name: str,
    kind: Literal["sql", "http", "graphql", "soap"],
    address: str,
    reason: str,
    secret: str | None = None,
    zone: str = "Asia/Shanghai",
    timeout_ms: int = 2000,
    write_reason: str | None = None,
) -> Told:
    """Open a source that waits, once its department has said how it is read; the authority's act.

    It is read once before: a login that can write is refused unless `write_reason` says why it must be.
    `secret` None: the source asks for none. `reason` is kept as a disclosure of the act.
    """
    node.registry.check_opening(name, by=actor)
    held = node.held(SOURCE)[name]
    opened = replace(
        held,
        kind=kind,
        address=address,
        secret=None if secret is None else node.sealer.seal(secret),
        zone=zone,
        timeout_ms=timeout_ms,
        write_reason=write_reason,
        state="active",
    )
    rights = _looked_at(opened, secret=secret)
    node.registry.open_source(opened, by=actor, reason=reason)
    return {
        "name": name,
        "state": opened.state,
        "can_write": rights,
        "entry": node.index_of(node.ledger.rows()[SOURCE.table, name][0]),
    }


@act("source.tables")
def list_tables(node: Node, actor: Actor, *, source: str) -> list[str]:
    """The tables and views of a source of one's own department, or what a described service offers."""
    try:
        return tables_of(own_source(node, actor, source), unseal=node.sealer.open)
    except DescriptionError as error:
        raise ActError("DESCRIPTION_REFUSED", str(error)) from error


@act("resource.reflect")
def reflect(
    node: Node,
    actor: Actor,
    *,
    source: str,
    table: str,
    code: str,
    key: str | None = None,
    titles: dict[str, str] | None = None,
    choices: Choices | None = None,
) -> dict[str, object]:
    """Look at a table, or at an operation that a service describes, and suggest a resource; nothing is saved.

    `key` names the key's column, None lets the columns tell. `titles` gives Chinese titles by column where
    the source's comments have none. `choices` say how an operation is read where its description does not.
    """
    held = own_source(node, actor, source)
    seen = _seen(node, held, table, choices or Choices(key_item=key or ""))
    columns = [
        replace(column, comment=(titles or {}).get(column.name) or column.comment)
        for column in seen.columns
    ]
    registered = _held(node, code)
    items = suggest.suggest_items(
        columns, key=seen.key or key, kept=registered.items if registered else ()
    )
    names = naming.name_resource(seen.label, code=code, taken=_taken(node, code))
    if registered is not None:
        names = naming.ResourceNames(
            type_name=registered.type_name,
            field_name=registered.field_name,
            list_name=registered.list_name,
        )
    resource = Resource(
        code=code,
        department=held.department,
        name=table,
        name_en=seen.label.replace("_", " "),
        type_name=names.type_name,
        field_name=names.field_name,
        list_name=names.list_name,
        source=source,
        table=table,
        items=items,
        sharing_class=suggest.suggest_class(items),
        abstract=_abstract(held),
        level=max(item.level for item in items),
        personal=suggest.is_personal(items),
        reading=seen.reading,
        format=suggest.suggest_format(held.kind),
        methods=(SharingMethod.INTERFACE,),
        recipients=(ANY_DEPARTMENT,),
    )
    skipped = list(seen.skipped)
    if registered is not None and is_unconnected(registered):
        # A survey said what there is before anybody connected it: what people wrote stays.
        resource, without = connected(registered, resource)
        skipped += [f"{title}: no column has this title" for title in without]
    return {"resource": resource, "skipped": skipped}


@act("resource.register-upstream")
def register_upstream(  # noqa: PLR0913 - an envelope's members, named one by one
    node: Node,
    actor: Actor,
    *,
    code: str,
    name: str,
    holder: str,
    way_to_ask: str,
    items: list[str],
    letter: str = "",
    key: str | None = None,
    name_en: str = "",
    abstract: str = "",
    conditions: str = "",
) -> dict[str, object]:
    """Draft a resource that a body above holds and that is not connected here, for one's own department.

    `items` are the titles of what is held; `key` is the one by which a record would be asked for, the first
    otherwise. It is conditional: its holder decides. It can be found and asked for, and is never served.
    """
    titles = [one.strip() for one in items]
    if key is not None and key not in titles:
        raise ActError("ACT_ARGUMENTS", f"no item {key} among the titles")
    suggested = suggest.suggest_items(
        [suggest.Column(name=one, type="TEXT", comment=one) for one in titles],
        key=key or next(iter(titles), ""),
    )
    names = naming.name_resource(name, code=code, taken=_taken(node, code))
    resource = Resource(
        code=code,
        department=actor.department,
        name=name,
        name_en=name_en,
        type_name=names.type_name,
        field_name=names.field_name,
        list_name=names.list_name,
        source="",
        table="",
        items=tuple(
            replace(item, column="", sharing_class=SharingClass.CONDITIONAL) for item in suggested
        ),
        sharing_class=SharingClass.CONDITIONAL,
        abstract=abstract,
        level=max((item.level for item in suggested), default=2),
        personal=suggest.is_personal(suggested),
        purposes=PURPOSES,
        conditions=conditions or f"由{holder}决定",
        methods=(SharingMethod.INTERFACE,),
        recipients=(ANY_DEPARTMENT,),
        upstream=Upstream(holder=holder, way_to_ask=way_to_ask, letter=letter),
    )
    held = node.registry.draft_resource(resource, by=actor)
    return {"code": held.code, "revision": held.revision, "state": held.state}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What a source says about one table or operation."""

    label: str
    """Out of which names are made."""
    columns: tuple[suggest.Column, ...]
    key: str | None = None
    """The key's column; None lets the columns tell."""
    reading: Reading | None = None
    skipped: tuple[str, ...] = ()


def _seen(node: Node, source: SourceAddress, table: str, choices: Choices) -> _Seen:
    if source.description is None:
        found = reflect_table(source, table, unseal=node.sealer.open, files=node.files)
        return _Seen(
            label=table,
            columns=tuple(
                suggest.Column(
                    name=column.name,
                    type=column.type,
                    nullable=column.nullable,
                    primary_key=column.primary_key,
                    comment=column.comment,
                )
                for column in found
            ),
        )
    described = describe(source, table, choices)
    columns = [
        suggest.Column(name=field.pointer, type=field.declared, comment=field.title)
        for field in described.fields
    ]
    if described.key not in {column.name for column in columns}:
        columns.insert(0, suggest.Column(name=described.key, type="TEXT"))
    return _Seen(
        label=re.sub(r"^(GET|POST) |[{}]", "", table),
        columns=tuple(columns),
        key=described.key,
        reading=described.reading,
        skipped=described.skipped,
    )


def as_of(source: SourceAddress) -> str:
    """Return the day whose state a file tells; empty for any other source."""
    if source.kind != files.KIND:
        return ""
    return files.parse_address(source.address).as_of.isoformat()


def _abstract(source: SourceAddress) -> str:
    """What the entry of a file says first, for the publisher to go on from: of which day it is."""
    day = as_of(source)
    return f"数据截至 {day}。" if day else ""


def _looked_at(source: SourceAddress, *, secret: str | None) -> list[str]:
    """Read a source once; returns why its login can write. Raises ActError where nobody says why it may."""
    rights = look_at(source, secret=secret)
    if rights and source.write_reason is None:
        raise ActError(
            "SOURCE_WRITABLE",
            f"{source.name}: the login can write ({'; '.join(rights)}); a reason is needed",
        )
    return rights


def _source(held: SourceAddress) -> Told:
    return {
        "name": held.name,
        "department": held.department,
        "kind": held.kind,
        # The digests in a file's address tell of its contents.
        "address": "" if held.kind == files.KIND else held.address,
        "as_of": as_of(held),
        "secret": held.secret is not None,
        "state": held.state,
        "described": held.description is not None,
        "rests_until": rests_until(held),
    }


def _held(node: Node, code: str) -> Resource | None:
    """Return what is drafted last under this code, in whatever state; None where none has it yet."""
    registration = node.held(RESOURCE).get(code)
    return None if registration is None else registration.latest.resource


def _taken(node: Node, code: str) -> set[str]:
    """Return the names that other resources hold for ever."""
    others = [held.resource for held in node.held(RESOURCE).values() if held.resource.code != code]
    return {
        name for other in others for name in (other.type_name, other.field_name, other.list_name)
    }
