"""What an operator with the files, and even with the log's key, might try; and what shows it."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from audit.checkpoint import Checkpoint, format_checkpoint, parse_checkpoint
from audit.errors import AuditError
from audit.fsck import check_log
from audit.merkle import RightEdge, consistency_proof, leaf_hash, root_of
from audit.note import Verifier, parse_note
from audit.policy_file import Policy, check_witnessed
from audit.sqlstore import SqlStore
from audit.startup import check_seal
from exchange.client.session import Answer
from exchange.node import Node
from exchange.storage import sqlite_engine
from exchange.witnessing import WitnessClient


def change_a_byte(node: Node, folder: Path) -> tuple[int, str]:
    """Flip one byte of a stored entry in a copy of the log; returns its index and what the check says."""
    path = _copy(node, folder, "changed")
    index = node.log.size // 2
    connection = sqlite3.connect(path)
    with connection:
        (body,) = connection.execute(
            "SELECT body FROM audit_entry WHERE idx = ?", (index,)
        ).fetchone()
        changed = bytearray(body)
        changed[len(changed) // 2] ^= 1
        connection.execute("UPDATE audit_entry SET body = ? WHERE idx = ?", (bytes(changed), index))
    connection.close()
    return index, _first(node, path, checkpoints=[])


def delete_and_sign_again(
    node: Node, folder: Path, *, receipt: Mapping[str, Any]
) -> tuple[int, str]:
    """Leave out the last refusal and sign a new history with the log's key, as only its owner can.

    The new log is sound in itself; the checkpoint in a receipt that somebody holds is not of it.
    """
    index = int(receipt["index"])
    bodies = [
        body
        for position, body in enumerate(node.log.entries(0, node.log.size))
        if position != index
    ]
    edge = RightEdge()
    edge.append([leaf_hash(body) for body in bodies])
    forged = node.keys.signer.sign(
        format_checkpoint(Checkpoint(origin=node.log.origin, size=len(bodies), root=edge.root()))
    )
    held = parse_checkpoint(parse_note(str(receipt["checkpoint"])).text)
    told = parse_checkpoint(parse_note(forged).text)
    again = RightEdge()
    again.append([leaf_hash(body) for body in bodies[: held.size]])
    if told.size < held.size:
        said = f"checkpoint {held.size} was signed, the log has only {told.size} entries"
    elif again.root() != held.root:
        said = f"checkpoint {held.size} of a receipt and the new log have different roots"
    else:
        said = "nothing shows"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "forged-checkpoint").write_text(forged, encoding="utf-8")
    return index, said


def ask_to_cosign_again(
    node: Node, *, index: int, url: str, keys: tuple[Verifier, ...], policy: Policy
) -> tuple[str, str]:
    """Leave an entry out, write two more, sign, and ask a witness to cosign the new history.

    Returns what the witness says, and what a verifier says who needs the policy's quorum.
    """
    bodies = node.log.entries(0, node.log.size)
    hashes = [leaf_hash(body) for at, body in enumerate(bodies) if at != index]
    hashes += [leaf_hash(f"filler {n}".encode()) for n in range(2)]
    forged = node.keys.signer.sign(
        format_checkpoint(
            Checkpoint(origin=node.log.origin, size=len(hashes), root=root_of(hashes))
        )
    )

    def prove(old: int, size: int) -> list[bytes]:
        return consistency_proof(old, size, lambda level, n: root_of(_subtree(hashes, level, n)))

    with httpx.Client(trust_env=False) as http:
        asked = _said(lambda: WitnessClient(url, keys, http=http).cosign(forged, prove=prove))
    return asked, _said(lambda: check_witnessed(forged, policy))


def _subtree(hashes: Sequence[bytes], level: int, n: int) -> Sequence[bytes]:
    return hashes[n << level : (n + 1) << level]


def _said(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except AuditError as error:
        return str(error)
    return "taken"


def insert_a_grant(node: Node, ask: Callable[[], Answer]) -> tuple[str, Mapping[str, Any]]:
    """Copy a revoked grant as an active one by SQL, then ask; returns its id and the step's line."""
    connection = sqlite3.connect(node.settings.home / "registry.db")
    connection.row_factory = sqlite3.Row
    with connection:
        row = dict(
            connection.execute("SELECT * FROM sharing_grant WHERE state = 'revoked'").fetchone()
        )
        row |= {"id": "grt_inserted-by-sql", "state": "active"}
        marks = ", ".join("?" for _ in row)
        connection.execute(
            f"INSERT INTO sharing_grant ({', '.join(row)}) VALUES ({marks})",  # noqa: S608 - its own columns
            tuple(row.values()),
        )
    connection.close()
    line = next(line for line in ask().outcomes if line["path"][-1] == "qualification")
    return str(row["id"]), line


def remove_the_grant(node: Node, grant: str) -> None:
    connection = sqlite3.connect(node.settings.home / "registry.db")
    with connection:
        connection.execute("DELETE FROM sharing_grant WHERE id = ?", (grant,))
    connection.close()


def _copy(node: Node, folder: Path, name: str) -> Path:
    """Copy the log's database consistently while it is in use."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.db"
    path.unlink(missing_ok=True)
    source = sqlite3.connect(node.settings.home / "log.db")
    target = sqlite3.connect(path)
    source.backup(target)
    target.close()
    source.close()
    return path


def _first(node: Node, path: Path, *, checkpoints: list[Checkpoint]) -> str:
    engine = sqlite_engine(path)
    findings = check_log(
        SqlStore(engine),
        check_head=lambda head: check_seal(head, node.keys.seal),
        checkpoints=checkpoints,
    )
    engine.dispose()
    return str(findings[0]) if findings else "nothing found"
