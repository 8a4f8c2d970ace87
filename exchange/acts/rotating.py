"""Changing the log's signing keys: the new ones sign beside the old until those are retired."""

from audit.entry import Commit, Draft, IndexRow
from audit.errors import AuditError
from audit.keys import create_fresh_keys, load_keys, settle_keys
from audit.rotation import retirement_draft, rotation_draft
from catalogue.model import Actor, Role
from exchange.acts.register import ActError, act
from exchange.clock import random_bytes
from exchange.keylist import tell_keys
from exchange.ledger import append_spending
from exchange.node import Node


@act("audit.rotate-key")
def rotate_key(node: Node, actor: Actor) -> dict[str, object]:
    """Have new keys sign beside the log's old ones, from the entry on that both keys say it in."""
    _require_administrator(actor)
    keys = node.log.keys
    if keys.beside:
        raise ActError("KEY_STATE", "an older key still signs: retire it first")
    fresh = create_fresh_keys(node.settings.home / "keys", keys, random=random_bytes)
    index = append_spending(node.log, _signed_by(actor, rotation_draft(keys, fresh)))
    return _renewed(node, index)


@act("audit.retire-key")
def retire_key(node: Node, actor: Actor) -> dict[str, object]:
    """Have the older keys sign no more, and destroy them. Whoever verifies needs the new ones by then."""
    _require_administrator(actor)
    keys = node.log.keys
    if not keys.beside:
        raise ActError("KEY_STATE", "no older key signs beside the newest: rotate first")
    if not node.witnessing.takes(keys.signer.verifier):
        raise ActError(
            "KEY_STATE", "witness_policy does not name the new key: add its line, then start anew"
        )
    index = append_spending(node.log, _signed_by(actor, retirement_draft(keys)))
    return _renewed(node, index)


def _renewed(node: Node, index: int) -> dict[str, object]:
    # From here on the entry says who signs: a crash leaves the rest to the next start.
    folder = node.settings.home / "keys"
    try:
        node.log.renew_keys(load_keys(folder))
    except AuditError as error:
        raise ActError("KEY_STATE", f"recorded as entry {index}; start anew: {error}") from error
    keys = node.log.keys
    settle_keys(folder, keys)
    tell_keys(node.settings.home, keys)
    node.witnessing.trust(keys.verifiers)
    return {
        "index": index,
        "vkey": keys.signer.vkey,
        "beside": [held.vkey for held in keys.beside],
        "keys": [
            {"vkey": span.key.vkey, "first": span.first, "last": span.last} for span in keys.spans
        ],
    }


def _signed_by(actor: Actor, draft: Draft) -> Draft:
    return Draft(
        kind=draft.kind,
        clear={"department": actor.department, "auth": actor.auth, **draft.clear},
        commits=(Commit(name="officer", value=actor.id),),
        index=(IndexRow(consumer=actor.department, officer=actor.id),),
    )


def _require_administrator(actor: Actor) -> None:
    if not actor.has(Role.ADMINISTRATOR):
        raise ActError("ROLE_MISSING", "an administrator needed")
