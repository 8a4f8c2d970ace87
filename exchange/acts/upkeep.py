"""Acts on the node itself: what a system administrator looks at and copies."""

from audit.entry import Commit, Draft, IndexRow
from catalogue.model import Actor, Role
from exchange.acts.register import ActError, act
from exchange.condition import look_over
from exchange.ledger import append_spending
from exchange.node import Node


@act("node.examine")
def examine(node: Node, actor: Actor) -> dict[str, object]:
    """Look the node over: broken parts, rows that the log does not vouch for, logins that can write."""
    _require_administrator(actor)
    found = look_over(node, at=node.ports.now())
    snapshot = node.live.latest() if "registry" in found.broken else node.live.load()
    return {
        "status": found.status,
        "broken": found.broken,
        "home": str(node.settings.home),
        "log_origin": node.log.origin,
        "log_size": node.log.size,
        "policy": node.ports.decisions.revision,
        "rows_left_out": [f"{row.table} {row.key}: {row.why}" for row in snapshot.absent],
        "sources": node.writable_sources(),
    }


@act("backup.begin")
def begin_backup(node: Node, actor: Actor) -> dict[str, object]:
    """Record that a copy of the home is about to be taken: it holds what the home holds."""
    _require_administrator(actor)
    return {"index": _record(node, actor, "backup.begun", {})}


@act("backup.finish")
def finish_backup(
    node: Node, actor: Actor, *, name: str, size: int, root: str
) -> dict[str, object]:
    """Record which copy was taken, and how far the log in it had come."""
    _require_administrator(actor)
    facts: dict[str, object] = {"backup": name, "size": size, "root": root}
    return {"index": _record(node, actor, "backup.made", facts)}


def _require_administrator(actor: Actor) -> None:
    if not actor.has(Role.ADMINISTRATOR):
        raise ActError("ROLE_MISSING", "an administrator needed")


def _record(node: Node, actor: Actor, kind: str, facts: dict[str, object]) -> int:
    draft = Draft(
        kind=kind,
        clear={"department": actor.department, "auth": actor.auth, "facts": facts},
        commits=(Commit(name="officer", value=actor.id),),
        index=(IndexRow(consumer=actor.department, officer=actor.id),),
    )
    return append_spending(node.log, draft)
