"""One row as the registry holds it now, the entry of the act that made it so, and posts held for another."""

from typing import Any, TypeVar

from catalogue import store
from catalogue.deputies import standing_for
from catalogue.model import Actor, Resource
from catalogue.rows import RESOURCE, Kind
from exchange.node import Node

T = TypeVar("T")


def found(node: Node, kind: Kind[T], key: str) -> T | None:
    """Return a value as the log vouches for it; None where there is none. Blocks."""
    with node.databases.registry.execution_options(reading=True).connect() as connection:
        return store.find(connection, kind, key, recorded=node.ledger.digest, sealer=node.sealer)


def resource_of(node: Node, code: str) -> Resource | None:
    """Return a resource in whatever state; None where there is none that the log vouches for."""
    held = found(node, RESOURCE, code)
    return None if held is None else held.resource


def entry_of(node: Node, kind: Kind[Any], key: str) -> int | None:
    """Return the index of the act that made a row what it is; None: no row, or in an older shard."""
    with node.databases.registry.execution_options(reading=True).connect() as connection:
        number = store.entry_of(connection, kind, key)
    return None if number is None else node.index_of(number)


def entries_of(node: Node, kind: Kind[Any]) -> dict[str, int | None]:
    """Return the index of the act that made each row what it is, by key; None: in an older shard."""
    return {
        key: node.index_of(number)
        for (table, key), (number, _digest) in node.ledger.rows().items()
        if table == kind.table
    }


def resources_of(node: Node, codes: set[str]) -> dict[str, Resource]:
    """Some resources, out of the live picture where it has them: that one is warm."""
    shown = node.live.load().resources
    if all(code in shown for code in codes):
        return {code: shown[code] for code in codes}
    # A withdrawn resource that is being drafted anew stands in no picture until it is announced again.
    held = node.held(RESOURCE)
    return {code: held[code].resource for code in codes if code in held}


def acting(node: Node, actor: Actor) -> Actor:
    """Return the actor with the posts that they stand in for now."""
    snapshot = node.live.load()
    return standing_for(
        actor, snapshot.deputies.values(), snapshot.officers.values(), at=node.ports.now()
    )[0]
