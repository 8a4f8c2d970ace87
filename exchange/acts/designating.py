"""Acts on the one source of an item: what collides, and whose item the authority says it is."""

from dataclasses import asdict

from catalogue import single_source
from catalogue.lifecycle import Registration
from catalogue.model import Actor, Resource, Role
from catalogue.rows import ITEM_SOURCE, RESOURCE
from catalogue.single_source import Collision, ItemSource
from exchange.acts.listing import Told
from exchange.acts.register import act
from exchange.node import Node


@act("item.collisions")
def list_collisions(node: Node, actor: Actor) -> list[Told]:
    """Items of signed entries that another department registered, and that wait for the authority's word.

    The authority sees all of them, a department those of its own entries.
    """
    designated = node.held(ITEM_SOURCE)
    everything = node.held(RESOURCE)
    waiting = [
        held.resource
        for held in everything.values()
        if held.resource.state == "submitted"
        and (actor.has(Role.AUTHORITY) or held.resource.department == actor.department)
    ]
    told: dict[str, Collision] = {}
    for resource in waiting:
        found = single_source.collisions(resource, alike(resource, everything))
        for one in single_source.undesignated(found, designated):
            told.setdefault(one.meaning, one)
    return [asdict(one) for _meaning, one in sorted(told.items())]


@act("item.designate")
def designate(
    node: Node, actor: Actor, *, meaning: str, department: str, reason: str
) -> dict[str, object]:
    """Say which department is the source of an item (authority)."""
    made = node.registry.designate_source(meaning, department, reason=reason, by=actor)
    return {
        "meaning": made.id,
        "department": made.department,
        "entry": node.index_of(node.ledger.rows()[ITEM_SOURCE.table, made.id][0]),
    }


@act("item.sources")
def list_designated(node: Node, actor: Actor) -> list[Told]:  # noqa: ARG001 - any officer
    """The designated sources, by meaning."""
    return [_told(held) for _key, held in sorted(node.held(ITEM_SOURCE).items())]


def alike(resource: Resource, everything: dict[str, Registration]) -> list[Resource]:
    """Return the other signed entries that have an item titled like one of the entry's."""
    wanted = single_source.titles(resource)
    return [
        held.resource
        for held in everything.values()
        if held.signed_by is not None
        and held.resource.state in {"announced", "submitted"}
        and held.resource.code != resource.code
        and any(
            single_source.plain_title(item.title) in wanted
            or (item.data_element and single_source.plain_title(item.data_element) in wanted)
            for item in held.resource.items
        )
    ]


def _told(held: ItemSource) -> Told:
    return {
        "meaning": held.id,
        "title": held.title,
        "department": held.department,
        "designated_at": held.designated_at.isoformat(),
        "reason": held.reason,
    }
