"""What a system's contract holds, for the officers of its department."""

from catalogue.model import Actor, Role
from exchange.acts.listing import Told
from exchange.acts.register import ActError, act
from exchange.node import Node
from gateway.schema import build_contract, sdl


@act("contract.show")
def show_contract(node: Node, actor: Actor, *, system: str) -> Told:
    """A system's contract as SDL, with its digest and whatever could not be put into it."""
    snapshot = node.live.load()
    held = snapshot.systems.get(system)
    if held is None or (held.department != actor.department and not actor.has(Role.AUTHORITY)):
        raise ActError("NOT_FOUND", f"no system {system} of your department")
    made = build_contract(snapshot.contract(system))
    return {
        "system": system,
        "digest": made.digest,
        "resources": sorted(resource.code for resource in made.types.values()),
        "left_out": list(made.left_out),
        "sdl": sdl(made),
    }
