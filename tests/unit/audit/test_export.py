"""An exported log goes on where it ended, and whoever changes it is found out by the verifier alone."""

import gzip
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit import verify
from audit.canonical import encode
from audit.checkpoint import Checkpoint, format_checkpoint
from audit.entry import Sequenced
from audit.errors import MalformedError, ProofError
from audit.export import Export, Page, exported
from audit.merkle import inclusion_proof, leaf_hash, root_of
from audit.receipt import make_receipt
from tests.examples import examples
from tests.fakes.receipts import LOG, ORIGIN, WITNESS, bodies_of

TRUST = verify.Trust(vkeys=[LOG.vkey])
BODIES = bodies_of(600)


def signed(bodies: Sequence[bytes]) -> str:
    root = root_of([leaf_hash(body) for body in bodies])
    return LOG.sign(format_checkpoint(Checkpoint(ORIGIN, len(bodies), root)))


def export(
    folder: Path,
    bodies: Sequence[bytes],
    *,
    step: int = 200,
    entries: bool = True,
    packed: bool = False,
) -> None:
    """Export a log that a key of its own signed, however it came to its entries."""
    run = Export.open(folder, origin=ORIGIN, entries=entries, packed=packed)
    while run.first < len(bodies):
        run.take(page(bodies, run.first, step=step, entries=entries))
    run.finish(signed(bodies))


def page(bodies: Sequence[bytes], first: int, *, step: int = 200, entries: bool = True) -> Page:
    part = bodies[first : first + step]
    return Page(
        first=first, leaves=[leaf_hash(body) for body in part], bodies=part if entries else None
    )


def receipt_of(bodies: Sequence[bytes], index: int) -> bytes:
    """What a caller was given when the log held these entries."""
    leaves = [leaf_hash(body) for body in bodies]
    proof = inclusion_proof(
        index, len(leaves), lambda level, n: root_of(leaves[n << level : (n + 1) << level])
    )
    sequenced = Sequenced(
        index=index,
        size=len(leaves),
        body=bodies[index],
        proof=tuple(proof),
        checkpoint=signed(bodies),
        openings={},
    )
    return encode(make_receipt(sequenced, paths={}))


def faults(
    folder: Path, *, held: Sequence[bytes] = (), entries: bool = True
) -> dict[str, int | None]:
    """The verifier's noes, each with the index that it names first."""
    report = verify.verify_export(folder, trust=TRUST, entries=entries, held=held)
    found: dict[str, int | None] = {}
    for finding in report.findings:
        if not finding.holds:
            found.setdefault(finding.code, finding.index)
    assert report.holds == (not found)
    return found


@pytest.mark.parametrize("size", [1, 255, 256, 257, 600], ids=str)
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_every_size_is_exported_and_holds(tmp_path: Path, size: int, packed: bool) -> None:
    export(tmp_path, BODIES[:size], packed=packed)
    assert faults(tmp_path) == {}
    assert exported(tmp_path) == Checkpoint(
        ORIGIN, size, root_of([leaf_hash(body) for body in BODIES[:size]])
    )


def test_entries_stay_at_home_unless_asked_for(tmp_path: Path) -> None:
    export(tmp_path, BODIES, entries=False)
    assert faults(tmp_path, entries=False) == {}
    assert not (tmp_path / "tile/entries").exists()
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"service-hall" not in written


@settings(max_examples=examples(15), deadline=None)
@given(sizes=st.lists(st.integers(1, 600), min_size=1, max_size=4), step=st.integers(1, 700))
def test_an_export_that_goes_on_is_the_one_made_at_once(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], step: int
) -> None:
    grown, once = tmp_path_factory.mktemp("grown"), tmp_path_factory.mktemp("once")
    for size in sorted(sizes):
        export(grown, BODIES[:size], step=step)
    export(once, BODIES[: max(sizes)])
    assert faults(grown) == {}
    for path in once.rglob("*"):
        if path.is_file():
            assert (grown / path.relative_to(once)).read_bytes() == path.read_bytes()


def test_a_run_that_was_cut_short_shows_no_checkpoint_and_is_gone_on_with(tmp_path: Path) -> None:
    cut = Export.open(tmp_path, origin=ORIGIN, entries=True)
    cut.take(page(BODIES, 0, step=300))
    assert exported(tmp_path) is None
    again = Export.open(tmp_path, origin=ORIGIN, entries=True)
    assert again.first == 256
    export(tmp_path, BODIES)
    assert faults(tmp_path) == {}


def test_another_log_is_not_written_over(tmp_path: Path) -> None:
    export(tmp_path, BODIES[:3])
    with pytest.raises(MalformedError, match=r"other\.example/log needed"):
        Export.open(tmp_path, origin="other.example/log")


def test_a_page_must_go_on_and_bear_its_leaves(tmp_path: Path) -> None:
    run = Export.open(tmp_path, origin=ORIGIN, entries=True)
    with pytest.raises(MalformedError, match="from 0 needed"):
        run.take(page(BODIES, 200))
    wrong = Page(first=0, leaves=[leaf_hash(BODIES[0])], bodies=[BODIES[1]])
    with pytest.raises(ProofError, match="entry 0"):
        run.take(wrong)


def test_a_checkpoint_of_other_entries_is_not_put_on_the_export(tmp_path: Path) -> None:
    run = Export.open(tmp_path, origin=ORIGIN)
    run.take(page(BODIES[:10], 0, entries=False))
    with pytest.raises(ProofError, match="do not lead to the checkpoint"):
        run.finish(signed(BODIES[1:11]))
    assert exported(tmp_path) is None


@pytest.mark.proves("L1")
@pytest.mark.parametrize("index", [0, 255, 256, 599], ids=str)
def test_a_changed_byte_of_an_exported_entry_is_named_by_index(tmp_path: Path, index: int) -> None:
    export(tmp_path, BODIES, packed=True)
    part = tmp_path / verify._tile_name("entries", index // 256, min(256, 600 - index // 256 * 256))
    changed = gzip.decompress(part.read_bytes()).replace(BODIES[index], _flipped(BODIES[index]))
    part.write_bytes(gzip.compress(changed))
    assert faults(tmp_path) == {"ENTRY_DIFFERS": index}


@pytest.mark.proves("L1")
def test_a_changed_byte_of_an_exported_tile_is_found(tmp_path: Path) -> None:
    export(tmp_path, BODIES)
    tile = tmp_path / "tile/0/001"
    tile.write_bytes(_flipped(tile.read_bytes()))
    found = faults(tmp_path)
    assert found["ROOT_DIFFERS"] is None
    assert found["ENTRY_DIFFERS"] == 256


CHANGES: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "last-deleted": lambda bodies: bodies[:-7],
    "middle-deleted": lambda bodies: [*bodies[:299], *bodies[300:]],
    "reordered": lambda bodies: [*bodies[:100], bodies[101], bodies[100], *bodies[102:]],
}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param("last-deleted", "LOG_SHORTER", marks=pytest.mark.proves("L2")),
        pytest.param("middle-deleted", "LOG_SHORTER", marks=pytest.mark.proves("L3")),
        pytest.param("reordered", "PAST_DIFFERS", marks=pytest.mark.proves("L4")),
    ],
)
def test_a_log_signed_again_is_caught_by_any_receipt_given_before(
    tmp_path: Path, change: str, says: str
) -> None:
    receipt = receipt_of(BODIES, 597)
    export(tmp_path, CHANGES[change](list(BODIES)))
    assert faults(tmp_path) == {}, "the operator's own key signs anything"
    assert says in faults(tmp_path, held=[receipt])


@pytest.mark.proves("L3")
def test_a_receipt_whose_entry_was_taken_out_names_its_index(tmp_path: Path) -> None:
    kept = receipt_of(BODIES[:400], 299)
    export(tmp_path, CHANGES["middle-deleted"](list(BODIES)))
    assert faults(tmp_path, held=[kept])["ENTRY_GONE"] == 299


def test_receipts_given_before_hold_against_a_log_that_only_grew(tmp_path: Path) -> None:
    export(tmp_path, BODIES)
    held = [receipt_of(BODIES[:size], size - 1) for size in (1, 256, 599)]
    assert faults(tmp_path, held=held) == {}


def test_the_signature_of_the_log_alone_does_not_meet_a_quorum(tmp_path: Path) -> None:
    export(tmp_path, BODIES[:5])
    policy = f"log {LOG.vkey}\nwitness one {WITNESS.vkey}\nquorum one\n"
    trust = verify.Trust(policy=policy)
    report = verify.verify_export(tmp_path, trust=trust)
    assert report.fault is not None
    assert report.state == ""


def _flipped(content: bytes) -> bytes:
    return content[:9] + bytes([content[9] ^ 1]) + content[10:]
