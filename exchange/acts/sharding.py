"""Ending the log's shard, so that the next start opens the one that follows; and which shards there are."""

from typing import Any

import msgspec

from audit.canonical import b64
from audit.chain import Next, freezing_draft
from audit.entry import Commit, Draft, IndexRow
from audit.keys import create_next_keys
from audit.log import Log
from catalogue.model import Actor, Role
from catalogue.reviews import ReviewState
from catalogue.rows import REVIEW
from exchange.acts.register import ActError, act
from exchange.clock import random_bytes
from exchange.ledger import append_spending
from exchange.node import Node
from exchange.shard_places import places_of
from exchange.shards import NEXT_KEYS, Older, following_of, is_due


@act("audit.shard-open")
def open_shard(node: Node, actor: Actor, *, reason: str) -> dict[str, Any]:
    """End the shard that is written, for good; the next start opens another under keys of its own."""
    if not actor.has(Role.ADMINISTRATOR):
        raise ActError("ROLE_MISSING", "an administrator needed")
    if not reason.strip():
        raise ActError("ACT_ARGUMENTS", "a shard is ended for a reason")
    if node.log.frozen:
        raise ActError("SHARD_STATE", "this shard was ended already: start anew to open the next")
    if node.log.keys.beside:
        raise ActError("SHARD_STATE", "an older key still signs: retire it first")
    running = [one.id for one in node.held(REVIEW).values() if one.state is ReviewState.OPEN]
    if running:
        raise ActError("SHARD_STATE", f"a review draws on this shard, close it: {running[0]}")
    places = places_of(node.settings)
    fresh = following_of(node.shards, places, year=node.ports.now().astimezone(node.zone).year)
    refused = places.refused(fresh.file, node.databases.log)
    if refused is not None:
        raise ActError("SHARD_STATE", refused)
    keys = create_next_keys(
        node.settings.home / NEXT_KEYS, origin=fresh.origin, random=random_bytes
    )
    if not node.witnessing.takes(keys.signer.verifier):
        raise ActError(
            "SHARD_STATE",
            f"witness_policy does not name the new key {keys.signer.vkey}: add its line, start anew",
        )
    named = Next(origin=fresh.origin, keys=(keys.signer.verifier, keys.published_signer.verifier))
    # No act may be recorded in this shard and applied after it: the next one carries what stands.
    with node.registry.settled():
        index = append_spending(node.log, _signed_by(actor, freezing_draft(named, reason=reason)))
    return {
        "index": index,
        "frozen": node.log.origin,
        "size": node.log.size,
        "next": fresh.origin,
        "vkey": keys.signer.vkey,
    }


@act("audit.shard-list")
def list_shards(node: Node, actor: Actor) -> dict[str, Any]:
    """The log's shards, the oldest first: sizes, final checkpoints, and whether each holds."""
    if not actor.has(Role.AUDITOR) and not actor.has(Role.ADMINISTRATOR):
        raise ActError("ROLE_MISSING", "an auditor or an administrator needed")
    return {
        "shards": [*(_older_told(each) for each in node.older), _written_told(node, node.log)],
        "due": is_due(node.log, at=node.ports.now(), zone=node.zone),
    }


def _older_told(older: Older) -> dict[str, Any]:
    shard, log = older.shard, older.log
    return {
        "shard": shard.name,
        "origin": shard.origin,
        "state": "frozen" if log is not None else "broken",
        "first_number": None if log is None else log.before,
        "size": None if log is None else log.size,
        "root": None if log is None else b64(log.final.root),
        "keys": list(shard.keys),
        "file": shard.file,
        "trouble": older.trouble,
    }


def _written_told(node: Node, log: Log) -> dict[str, Any]:
    shard = node.shards[-1]
    return {
        "shard": shard.name,
        "origin": shard.origin,
        "state": "frozen" if log.frozen else "written",
        "first_number": log.before,
        "size": log.size,
        "root": None,
        "keys": [span.key.vkey for span in log.keys.spans],
        "file": shard.file,
        "trouble": None,
    }


def _signed_by(actor: Actor, draft: Draft) -> Draft:
    return msgspec.structs.replace(
        draft,
        clear={"department": actor.department, "auth": actor.auth, **draft.clear},
        commits=(*draft.commits, Commit(name="officer", value=actor.id)),
        index=(IndexRow(consumer=actor.department, officer=actor.id),),
    )
