"""Acts that take a published catalogue over, many rows at a time."""

from catalogue.model import Actor, Resource, SourceAddress
from catalogue.service import Taken
from exchange.acts.register import act
from exchange.node import Node


@act("source.import")
def import_sources(node: Node, actor: Actor, *, rows: list[SourceAddress]) -> Taken:
    """List sources that wait: nothing is read from them until their department opens them."""
    return node.registry.import_sources(rows, by=actor)


@act("resource.import")
def import_resources(node: Node, actor: Actor, *, rows: list[Resource]) -> Taken:
    """List resources as announced by the authority alone; all conditional, none opened by it."""
    return node.registry.import_resources(rows, by=actor)
