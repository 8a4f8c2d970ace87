"""Acts on the log: proving entries, checking it and the registry; each is itself an entry."""

from itertools import takewhile
from typing import Any

from audit.canonical import b64, decode_strict
from audit.checkpoint import parse_checkpoint
from audit.fsck import ERASED, Finding, check_log, check_registry, erased_keys
from audit.note import parse_note
from audit.receipt import InclusionProof, format_proof
from audit.search_complete import check_sides
from audit.sqlstore import SqlStore
from audit.startup import check_seal, read_guard
from catalogue import store
from catalogue.model import Actor, Role
from exchange.acts.recording import record_read
from exchange.acts.register import ActError, act
from exchange.acts.seeing import seen, sight_of
from exchange.node import Node
from exchange.rollbacks import GUARD


@act("audit.prove")
def prove(node: Node, actor: Actor, *, index: int, shard: str | None = None) -> dict[str, object]:
    """The inclusion proof of an entry, also as a C2SP `.tlog-proof` file."""
    node = node.of_shard(shard)
    sight = sight_of(node, actor)
    seen(node, actor, index, sight)
    facts = {"read": index} | sight.facts()
    record_read(node, actor, "log.entry-proven", facts, sealed=sight.sealed)
    return proof_of(node, index)


@act("audit.verify-log")
def verify_log(node: Node, actor: Actor, *, shard: str | None = None) -> dict[str, object]:
    """Hash every stored entry again, up to the signed head; name what is wrong."""
    require_auditor(actor)
    node = node.of_shard(shard)
    return _verified(node, actor, _check_tree(node))


@act("audit.fsck")
def fsck_log(node: Node, actor: Actor, *, shard: str | None = None) -> dict[str, object]:
    """Check the tree, and that the search leads to every entry and every disclosure still opens."""
    require_auditor(actor)
    node = node.of_shard(shard)
    sides = check_sides(
        node.indexed,
        node.vault,
        origin=node.shown.origin,
        entries=node.shown.entries,
        size=node.shown.size,
        destroyed=_destroyed_later(node),
    )
    return _verified(node, actor, [*_check_tree(node), *sides])


def _destroyed_later(node: Node) -> set[str]:
    """Return the keys that shards after the one that is read say were destroyed."""
    later = reversed(list(node.of_all_shards()))
    keys: set[str] = set()
    for shard in takewhile(lambda one: one.shown.origin != node.shown.origin, later):
        for index in SqlStore(shard.indexed).indices_of(ERASED):
            keys |= erased_keys(decode_strict(shard.shown.entry(index)))
    return keys


def _check_tree(node: Node) -> list[Finding]:
    # The guard knows the shard that is written; a frozen one has its final checkpoint.
    guard = read_guard(node.settings.home / GUARD) if node.read_from is None else ""
    checkpoints = [
        parse_checkpoint(parse_note(note).text) for note in (node.shown.checkpoint, guard) if note
    ]
    return check_log(
        SqlStore(node.indexed),
        check_head=lambda head: check_seal(head, node.keys.seal),
        checkpoints=checkpoints,
    )


def _verified(node: Node, actor: Actor, findings: list[Finding]) -> dict[str, object]:
    size = node.shown.size
    record_read(node, actor, "log.verified", {"size": size, "findings": len(findings)})
    return {"size": size, "holds": not findings, "findings": _told(findings)}


@act("audit.fsck-registry")
def fsck_registry(node: Node, actor: Actor) -> dict[str, object]:
    """Compare every protected row of the registry with the digest that the log recorded."""
    require_auditor(actor)
    recorded = node.ledger.rows()
    with node.databases.registry.execution_options(reading=True).connect() as connection:
        present = store.row_digests(connection)
    findings = check_registry(recorded, present)
    record_read(node, actor, "registry.verified", {"rows": len(present), "findings": len(findings)})
    return {"rows": len(present), "holds": not findings, "findings": _told(findings)}


def proof_of(node: Node, index: int) -> dict[str, object]:
    """Return the inclusion proof of an entry. Whether it is theirs to see, `exchange/acts/seeing.py` says."""
    held = node.shown.receipt_of(index)
    file = format_proof(InclusionProof(index=index, proof=held.proof, checkpoint=held.checkpoint))
    return {
        "index": index,
        "size": held.size,
        "hashes": [b64(one) for one in held.proof],
        "checkpoint": held.checkpoint,
        "tlog_proof": file,
    }


def require_auditor(actor: Actor) -> None:
    if not actor.has(Role.AUDITOR):
        raise ActError("ROLE_MISSING", "an auditor needed")


def _told(findings: list[Finding]) -> list[dict[str, Any]]:
    return [
        {
            "what": finding.what.value,
            "where": finding.where,
            "index": finding.index,
            "detail": finding.detail,
        }
        for finding in findings
    ]
