"""Acts on sources that are there: described, kept for maintenance, held against their entries."""

from datetime import datetime

from catalogue.errors import InvalidError
from catalogue.flaws import Flaw
from catalogue.model import Actor, Item, Resource, Role, SourceAddress
from catalogue.readings import key_pointers
from catalogue.rows import RESOURCE, SOURCE
from exchange.acts.listing import Told
from exchange.acts.register import ActError, act
from exchange.clock import now
from exchange.drifting import missing_of
from exchange.node import Node
from exchange.shelf import reflect_table
from gateway.errors import SourceDriftError
from gateway.sources import descriptions
from gateway.sources.described import Choices, Described, DescriptionError


@act("source.describe")
def describe_source(node: Node, actor: Actor, *, name: str, description: str) -> Told:
    """Keep a service's own description: an OpenAPI document, a GraphQL SDL or a WSDL.

    What is announced is read as before. What the description no longer has is flagged beside its entry.
    """
    held = own_source(node, actor, name)
    offered = offers(held.kind, description)
    described = node.registry.describe_source(name, description, by=actor)
    return {"name": name, "offers": offered, "resources": _checked(node, described)}


@act("source.rest")
def rest_source(node: Node, actor: Actor, *, name: str, until: datetime, reason: str) -> Told:
    """Keep a source for maintenance until a moment: its steps answer SOURCE_MAINTENANCE, nothing is sent."""
    if until.tzinfo is None:
        raise InvalidError(Flaw("the end of the maintenance needs a zone: 2026-12-01T06:00+08:00"))
    held = node.registry.rest_source(name, until=until, reason=reason, by=actor)
    return {"name": name, "rests_until": held.rests_until}


@act("source.resume")
def resume_source(node: Node, actor: Actor, *, name: str, reason: str) -> Told:
    """End a source's maintenance: the next call reads it."""
    node.registry.rest_source(name, until=None, reason=reason, by=actor)
    return {"name": name, "rests_until": None}


@act("source.check")
def check_source(node: Node, actor: Actor, *, name: str) -> Told:
    """Hold a source against the entries that stand on it; what it lacks is flagged, what it has again is not.

    Raises SourceError where a database does not answer.
    """
    return {"name": name, "resources": _checked(node, own_source(node, actor, name))}


@act("source.key")
def show_key(node: Node, actor: Actor) -> dict[str, str]:  # noqa: ARG001 - any officer
    """The public key with which departments check that it is the exchange that asks them."""
    return node.upstream.jwk


def own_source(node: Node, actor: Actor, name: str) -> SourceAddress:
    """Return a source of the officer's department. Raises ActError for any other."""
    held = node.held(SOURCE).get(name)
    if held is None or held.department != actor.department:
        raise ActError("ACT_ARGUMENTS", f"no source {name} of your department")
    return held


def offers(kind: str, description: str) -> list[str]:
    """Return what a description offers. Raises ActError DESCRIPTION_REFUSED."""
    try:
        return descriptions.operations(kind, description)
    except DescriptionError as error:
        raise ActError("DESCRIPTION_REFUSED", str(error)) from error


def describe(source: SourceAddress, operation: str, choices: Choices) -> Described:
    """Return one operation of a described service. Raises ActError DESCRIPTION_REFUSED."""
    try:
        return descriptions.describe(source.kind, source.description or "", operation, choices)
    except DescriptionError as error:
        raise ActError("DESCRIPTION_REFUSED", str(error)) from error


def flag_of(node: Node, code: str) -> Told | None:
    """Tell what is wrong with a resource's source; None where nothing is."""
    flag = node.registry.flags().get(code)
    if flag is None:
        return None
    return {"code": flag.code, "items": list(flag.items), "seen_at": flag.seen_at}


def rests_until(held: SourceAddress) -> datetime | None:
    """Return until when a source is kept for maintenance; None where it is read."""
    return held.rests_until if held.rests_until and now() < held.rests_until else None


def may_see(actor: Actor, held: SourceAddress) -> bool:
    return actor.has(Role.AUTHORITY) or held.department == actor.department


def _checked(node: Node, source: SourceAddress) -> list[Told]:
    standing = sorted(
        (
            held.resource
            for held in node.held(RESOURCE).values()
            if held.resource.source == source.name and held.resource.state != "withdrawn"
        ),
        key=lambda resource: resource.code,
    )
    return [_check(node, source, resource) for resource in standing]


def _check(node: Node, source: SourceAddress, resource: Resource) -> Told:
    lacking = (
        _lacks_described(source, resource)
        if resource.reading is not None
        else _lacks_columns(node, source, resource)
    )
    if lacking is None:
        node.drifting.clear(resource)
        return {"resource": resource.code, "drifted": False, "items": []}
    node.drifting.note(resource, lacking)
    return {"resource": resource.code, "drifted": True, "items": list(lacking)}


def _lacks_described(source: SourceAddress, resource: Resource) -> tuple[str, ...] | None:
    """Return the items that the description lacks: none if the operation is gone, None if nothing is."""
    reading = resource.reading
    if reading is None or source.description is None:
        return None
    choices = descriptions.choices_of(reading, key_item=resource.key.column)
    try:
        found = descriptions.describe(source.kind, source.description, resource.table, choices)
    except DescriptionError:
        return ()
    types = {field.pointer: field.member.type for field in found.fields}
    parts = key_pointers(reading)

    def lacks(item: Item) -> bool:
        if item.key and parts:
            return not parts <= set(types)
        return types.get(item.column) != reading.members[item.column].type

    return tuple(sorted(item.name for item in resource.items if lacks(item))) or None


def _lacks_columns(node: Node, source: SourceAddress, resource: Resource) -> tuple[str, ...] | None:
    """As `_lacks_described`, of a table; None too of a service that nobody described."""
    if source.kind not in {"sql", "file"}:
        return None
    try:
        columns = reflect_table(source, resource.table, unseal=node.sealer.open, files=node.files)
    except SourceDriftError as error:
        return missing_of(error)
    there = {column.name for column in columns}
    return tuple(sorted(i.name for i in resource.items if i.column not in there)) or None
