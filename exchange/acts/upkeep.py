"""Acts on the node itself: what a system administrator looks at."""

from catalogue.model import Actor, Role
from exchange.acts.register import ActError, act
from exchange.node import Node


@act("node.examine")
def examine(node: Node, actor: Actor) -> dict[str, object]:
    """Look the node over: rows that the log does not vouch for, logins that can write by now."""
    if not actor.has(Role.ADMINISTRATOR):
        raise ActError("ROLE_MISSING", "an administrator needed")
    snapshot = node.live.load()
    return {
        "home": str(node.settings.home),
        "log_origin": node.log.origin,
        "log_size": node.log.size,
        "policy": node.ports.decisions.revision,
        "rows_left_out": [f"{row.table} {row.key}: {row.why}" for row in snapshot.absent],
        "sources": node.writable_sources(),
    }
