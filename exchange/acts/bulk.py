"""Acts that take a published catalogue over, many rows at a time."""

from catalogue.model import Actor, Resource, Role, SourceAddress
from catalogue.rows import RESOURCE
from catalogue.service import Taken
from exchange.acts.listing import MOST, Span, Told, cut, paged
from exchange.acts.register import ActError, act
from exchange.node import Node


@act("source.import")
def import_sources(node: Node, actor: Actor, *, rows: list[SourceAddress]) -> Taken:
    """List sources that wait: nothing is read from them until their department opens them."""
    return node.registry.import_sources(rows, by=actor)


@act("resource.names")
def list_names(node: Node, actor: Actor, *, first: int = MOST, after: str | None = None) -> Told:
    """The GraphQL names that codes hold for ever, for whoever takes a catalogue over; the authority's."""
    if not actor.has(Role.AUTHORITY):
        raise ActError("ROLE_MISSING", "the authority takes catalogues over")
    held = {code: registration.resource for code, registration in node.held(RESOURCE).items()}
    return paged(
        cut(held, Span(first=first, after=after)),
        lambda one: {
            "code": one.code,
            "type_name": one.type_name,
            "field_name": one.field_name,
            "list_name": one.list_name,
        },
    )


@act("resource.import")
def import_resources(node: Node, actor: Actor, *, rows: list[Resource]) -> Taken:
    """List resources as announced by the authority alone; all conditional, none opened by it."""
    return node.registry.import_resources(rows, by=actor)
