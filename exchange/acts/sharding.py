"""Ending the log's shard, so that the next start opens the one that follows."""

from typing import Any

import msgspec

from audit.chain import Next, freezing_draft
from audit.entry import Commit, Draft, IndexRow
from audit.keys import create_next_keys
from catalogue.model import Actor, Role
from catalogue.reviews import ReviewState
from catalogue.rows import REVIEW
from exchange.acts.register import ActError, act
from exchange.clock import random_bytes
from exchange.ledger import append_spending
from exchange.node import Node
from exchange.shard_places import places_of
from exchange.shards import NEXT_KEYS, following_of


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


def _signed_by(actor: Actor, draft: Draft) -> Draft:
    return msgspec.structs.replace(
        draft,
        clear={"department": actor.department, "auth": actor.auth, **draft.clear},
        commits=(*draft.commits, Commit(name="officer", value=actor.id)),
        index=(IndexRow(consumer=actor.department, officer=actor.id),),
    )
