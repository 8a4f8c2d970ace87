"""Records that somebody looked: each act that only reads leaves its own entry."""

from collections.abc import Mapping
from typing import Any

from audit.entry import Commit, Draft, IndexRow
from catalogue.model import Actor
from exchange.ledger import append_spending
from exchange.node import Node


def record_read(
    node: Node,
    actor: Actor,
    kind: str,
    facts: Mapping[str, Any],
    *,
    private: Mapping[str, Any] | None = None,
    about: tuple[str, str] | None = None,
    sealed: bool = False,
) -> int:
    """Record a reading of the log under the reader's own authority; return the entry's index.

    `facts` stand in the clear; the officer and the values of `private` are only committed to, under the key
    of the subject whom they are `about`, so that they are erased with it. Of a `sealed` entry others are
    shown its number alone.
    """
    commits = [Commit(name="officer", value=actor.id)]
    commits += [
        Commit(name=name, value=value, subject=about) for name, value in (private or {}).items()
    ]
    return append_spending(
        node.log,
        Draft(
            kind=kind,
            clear={
                "department": actor.department,
                "auth": actor.auth,
                "facts": _facts(node, facts),
                **({"sealed": True} if sealed else {}),
            },
            commits=tuple(commits),
            index=(IndexRow(consumer=actor.department, officer=actor.id),),
        ),
    )


def _facts(node: Node, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Name the shard with what was read there, where it is another than the one that says so."""
    older = node.read_from
    return dict(facts) if older is None else {**facts, "shard": older.shard.origin}
