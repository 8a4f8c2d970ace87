"""Whoever breaks the chain of shards is found out by the verifier alone, whatever keys he holds."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit import verify
from audit.canonical import encode
from audit.checkpoint import Checkpoint, format_checkpoint
from audit.export import Export, Page
from audit.merkle import leaf_hash, root_of
from audit.note import Signer
from tests.fakes.receipts import LOG, ORIGIN, bodies_of

NEXT = f"{ORIGIN}/2027"
FOLLOWING = Signer(NEXT, Ed25519PrivateKey.from_private_bytes(b"f" * 32))
STRANGER = Signer(NEXT, Ed25519PrivateKey.from_private_bytes(b"s" * 32))
"""Bears the next shard's name, and is not the key that the old one named."""


def named(*signers: Signer) -> bytes:
    """The last entry of a shard: origin and keys of the one that follows."""
    keys = [signer.vkey for signer in signers]
    following = {"origin": NEXT, "keys": keys}
    return encode({"kind": "shard-freeze", "facts": {"next": following}})


def begun(previous: str, *, before: int) -> bytes:
    """The first entry of a shard: the final checkpoint of the one before."""
    return encode({"kind": "shard-open", "facts": {"previous": previous, "before": before}})


def export(folder: Path, bodies: Sequence[bytes], signer: Signer) -> str:
    """Export a shard that its key signed, however it came to its entries; returns the checkpoint."""
    leaves = [leaf_hash(body) for body in bodies]
    note = signer.sign(format_checkpoint(Checkpoint(signer.name, len(bodies), root_of(leaves))))
    run = Export.open(folder, origin=signer.name, entries=True)
    run.take(Page(first=0, leaves=leaves, bodies=list(bodies)))
    run.finish(note)
    return note


OLD = [*bodies_of(20), named(FOLLOWING)]
NEW = bodies_of(5)


def fault(*folders: Path, keys: Sequence[str] = (LOG.vkey,)) -> str:
    """Return the code of what does not hold; empty where all does."""
    report = verify.verify_shards(folders, trust=verify.Trust(vkeys=list(keys)), entries=True)
    return "" if report.fault is None else report.fault.code


def test_a_chain_holds_under_the_first_key_alone(tmp_path: Path) -> None:
    final = export(tmp_path / "old", OLD, LOG)
    export(tmp_path / "new", [begun(final, before=len(OLD)), *NEW], FOLLOWING)
    assert fault(tmp_path / "old", tmp_path / "new") == ""


@pytest.mark.proves("L5", "L17")
def test_a_shard_that_went_on_after_its_end_is_found_though_its_own_key_signed_it(
    tmp_path: Path,
) -> None:
    final = export(tmp_path / "frozen", OLD, LOG)
    export(tmp_path / "new", [begun(final, before=len(OLD)), *NEW], FOLLOWING)
    # The operator kept the old key, and adds an entry behind the end that the next shard follows.
    export(tmp_path / "grown", [*OLD, bodies_of(22)[-1]], LOG)
    trusted = (LOG.vkey, FOLLOWING.vkey)
    assert fault(tmp_path / "grown", tmp_path / "new", keys=trusted) == "SHARD_GREW"
    # Its end names no shard any more: who trusts the first key alone trusts no other.
    assert fault(tmp_path / "grown", tmp_path / "new") != ""


@pytest.mark.proves("L5")
def test_a_shard_that_was_rewritten_at_the_same_length_is_found(tmp_path: Path) -> None:
    final = export(tmp_path / "frozen", OLD, LOG)
    export(tmp_path / "new", [begun(final, before=len(OLD)), *NEW], FOLLOWING)
    export(tmp_path / "rewritten", [*bodies_of(19), bodies_of(22)[-1], named(FOLLOWING)], LOG)
    assert fault(tmp_path / "rewritten", tmp_path / "new") == "SHARD_DIFFERS"


@pytest.mark.proves("L7")
@pytest.mark.parametrize("end", [named(STRANGER), bodies_of(21)[-1]], ids=["other", "none"])
def test_a_shard_that_the_end_before_does_not_name_is_found_though_one_trusts_its_key(
    tmp_path: Path, end: bytes
) -> None:
    final = export(tmp_path / "old", [*bodies_of(20), end], LOG)
    export(tmp_path / "new", [begun(final, before=21), *NEW], FOLLOWING)
    trusted = (LOG.vkey, FOLLOWING.vkey)
    assert fault(tmp_path / "old", tmp_path / "new", keys=trusted) == "SHARD_UNNAMED"
    # Who trusts the first key alone trusts no key for it at all.
    assert fault(tmp_path / "old", tmp_path / "new") != ""


@pytest.mark.proves("L7")
def test_a_shard_under_another_key_than_the_named_one_is_not_believed(tmp_path: Path) -> None:
    final = export(tmp_path / "old", OLD, LOG)
    export(tmp_path / "new", [begun(final, before=len(OLD)), *NEW], STRANGER)
    assert fault(tmp_path / "old", tmp_path / "new") != ""
    trusted = (LOG.vkey, STRANGER.vkey)
    assert fault(tmp_path / "old", tmp_path / "new", keys=trusted) == "SHARD_UNNAMED"


@pytest.mark.parametrize("before", [0, len(OLD) - 1, len(OLD) + 1])
def test_a_shard_that_counts_other_entries_before_it_is_found(tmp_path: Path, before: int) -> None:
    final = export(tmp_path / "old", OLD, LOG)
    export(tmp_path / "new", [begun(final, before=before), *NEW], FOLLOWING)
    assert fault(tmp_path / "old", tmp_path / "new") == "SHARD_GAP"


@pytest.mark.parametrize(
    "first", [bodies_of(6)[-1], begun("", before=21)], ids=["no opening", "nameless"]
)
def test_a_shard_that_does_not_begin_with_the_one_before_is_found(
    tmp_path: Path, first: bytes
) -> None:
    export(tmp_path / "old", OLD, LOG)
    export(tmp_path / "new", [first, *NEW], FOLLOWING)
    assert fault(tmp_path / "old", tmp_path / "new") == "SHARD_GAP"
