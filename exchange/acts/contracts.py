"""What a system's contract holds, for the officers of its department."""

import json

from catalogue.model import Actor, Role, System
from catalogue.snapshot import Snapshot
from exchange.acts.listing import Told
from exchange.acts.register import ActError, act
from exchange.node import Node
from exchange.offered import description_of
from gateway.schema import build_contract, sdl


@act("contract.show")
def show_contract(node: Node, actor: Actor, *, system: str) -> Told:
    """A system's contract as SDL, with its digest and whatever could not be put into it."""
    snapshot, _ = _system(node, actor, system)
    made = build_contract(snapshot.contract(system))
    return {
        "system": system,
        "digest": made.digest,
        "resources": sorted(resource.code for resource in made.types.values()),
        "left_out": list(made.left_out),
        "sdl": sdl(made),
    }


@act("contract.openapi")
def show_openapi(node: Node, actor: Actor, *, system: str) -> Told:
    """What a system may ask by `/rest/…`, as OpenAPI 3.1: its department's documents in its contract."""
    snapshot, held = _system(node, actor, system)
    content = description_of(system, held.department, snapshot, server=node.settings.base_url)
    return dict(json.loads(content))


def _system(node: Node, actor: Actor, system: str) -> tuple[Snapshot, System]:
    snapshot = node.live.load()
    held = snapshot.systems.get(system)
    if held is None or (held.department != actor.department and not actor.has(Role.AUTHORITY)):
        raise ActError("NOT_FOUND", f"no system {system} of your department")
    return snapshot, held
