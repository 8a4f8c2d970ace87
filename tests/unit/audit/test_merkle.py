"""The tree is RFC 6962's, by whatever road it is grown, proved and restored."""

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.errors import MalformedError, ProofError
from audit.merkle import (
    EMPTY_ROOT,
    RightEdge,
    check_consistency,
    check_inclusion,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    proofs_of_added,
    root_of,
)
from tests.examples import examples

VECTORS = json.loads((Path(__file__).parents[2] / "data" / "rfc6962.json").read_bytes())
BODIES = [bytes.fromhex(body) for body in VECTORS["leaves"]]
ROOTS = [bytes.fromhex(root) for root in VECTORS["roots"]]
LEAVES = [leaf_hash(str(number).encode()) for number in range(1400)]

sizes = st.one_of(st.integers(0, 40), st.sampled_from([255, 256, 257, 511, 512, 513, 1400]))


def hexes(proof: list[str]) -> list[bytes]:
    return [bytes.fromhex(held) for held in proof]


def nodes_of(leaves: list[bytes]) -> Callable[[int, int], bytes]:
    """Read nodes by the definition of the tree, and complain of one that is not complete."""

    def node(level: int, n: int) -> bytes:
        first, end = n << level, (n + 1) << level
        assert end <= len(leaves), "a node over leaves that are not there"
        return root_of(leaves[first:end])

    return node


def test_the_roots_are_those_of_the_standard_vectors() -> None:
    leaves = [leaf_hash(body) for body in BODIES]
    assert [root_of(leaves[:size]) for size in range(9)] == ROOTS
    assert ROOTS[0] == EMPTY_ROOT


@pytest.mark.parametrize("vector", VECTORS["inclusion"])
def test_inclusion_proofs_are_those_of_the_standard_vectors(vector: dict[str, object]) -> None:
    index, size = int(str(vector["index"])), int(str(vector["size"]))
    proof = hexes(vector["proof"])  # type: ignore[arg-type]  # the file holds lists of hex here
    leaves = [leaf_hash(body) for body in BODIES[:size]]
    assert inclusion_proof(index, size, nodes_of(leaves)) == proof
    check_inclusion(leaves[index], index=index, size=size, proof=proof, root=ROOTS[size])


@pytest.mark.parametrize("vector", VECTORS["consistency"])
def test_consistency_proofs_are_those_of_the_standard_vectors(vector: dict[str, object]) -> None:
    old, new = int(str(vector["old"])), int(str(vector["new"]))
    proof = hexes(vector["proof"])  # type: ignore[arg-type]  # the file holds lists of hex here
    leaves = [leaf_hash(body) for body in BODIES[:new]]
    assert consistency_proof(old, new, nodes_of(leaves)) == proof
    check_consistency(proof, old_size=old, old_root=ROOTS[old], new_size=new, new_root=ROOTS[new])


@settings(max_examples=examples(50), deadline=None)
@given(sizes, st.data())
def test_every_leaf_proves_its_inclusion_and_no_other_leaf_does(
    size: int, data: st.DataObject
) -> None:
    size = max(size, 1)
    leaves = LEAVES[:size]
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, nodes_of(leaves))
    root = root_of(leaves)
    check_inclusion(leaves[index], index=index, size=size, proof=proof, root=root)
    other = data.draw(st.integers(0, size))
    if other != index:
        with pytest.raises(ProofError):
            check_inclusion(leaves[index], index=other, size=size, proof=proof, root=root)
    with pytest.raises(ProofError):
        check_inclusion(leaf_hash(b"?"), index=index, size=size, proof=proof, root=root)


@pytest.mark.proves("B5")
@settings(max_examples=examples(50), deadline=None)
@given(st.integers(1, 40), st.data())
def test_a_changed_inclusion_proof_is_refused(size: int, data: st.DataObject) -> None:
    leaves = LEAVES[:size]
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, nodes_of(leaves))
    changed = changed_proof(proof, data)
    with pytest.raises(ProofError):
        check_inclusion(leaves[index], index=index, size=size, proof=changed, root=root_of(leaves))


@settings(max_examples=examples(50), deadline=None)
@given(sizes, sizes)
def test_every_tree_is_a_prefix_of_the_trees_that_it_grew_into(first: int, second: int) -> None:
    old, new = sorted((first, second))
    leaves = LEAVES[:new]
    if old == 0 < new:
        with pytest.raises(ProofError):
            consistency_proof(old, new, nodes_of(leaves))
        return
    proof = consistency_proof(old, new, nodes_of(leaves))
    check_consistency(
        proof,
        old_size=old,
        old_root=root_of(leaves[:old]),
        new_size=new,
        new_root=root_of(leaves),
    )


@pytest.mark.proves("B5")
@settings(max_examples=examples(50), deadline=None)
@given(st.integers(1, 40), st.data())
def test_a_changed_consistency_proof_is_refused(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, new))
    leaves = LEAVES[:new]
    changed = changed_proof(consistency_proof(old, new, nodes_of(leaves)), data)
    with pytest.raises(ProofError):
        check_consistency(
            changed,
            old_size=old,
            old_root=root_of(leaves[:old]),
            new_size=new,
            new_root=root_of(leaves),
        )


@settings(deadline=None)
@given(st.integers(1, 40), st.data())
def test_a_rewritten_past_is_refused(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, new))
    rewritten = [*LEAVES[: old - 1], leaf_hash(b"another"), *LEAVES[old:new]]
    proof = consistency_proof(old, new, nodes_of(rewritten))
    with pytest.raises(ProofError):
        check_consistency(
            proof,
            old_size=old,
            old_root=root_of(LEAVES[:old]),
            new_size=new,
            new_root=root_of(rewritten),
        )


def changed_proof(proof: list[bytes], data: st.DataObject) -> list[bytes]:
    """Draw a proof that differs: one hash more, less, changed or of another length."""
    at = data.draw(st.integers(0, max(0, len(proof) - 1)))
    longer = [*proof[:at], sha256(b"?").digest(), *proof[at:]]
    if not proof:
        return longer
    flipped = bytes([proof[at][0] ^ 1]) + proof[at][1:]
    return data.draw(
        st.sampled_from(
            [
                longer,
                [*proof[:at], *proof[at + 1 :]],
                [*proof[:at], flipped, *proof[at + 1 :]],
                [*proof[:at], proof[at][:-1], *proof[at + 1 :]],
                [*proof[:at], proof[at] + b"\0", *proof[at + 1 :]],
            ]
        )
    )


@pytest.mark.proves("B5")
@pytest.mark.parametrize(
    ("old_size", "new_size", "proof"),
    [(0, 3, []), (3, 2, []), (-1, 2, []), (2, 3, []), (2, 2, [bytes(32)])],
)
def test_sizes_that_cannot_follow_each_other_are_refused(
    old_size: int, new_size: int, proof: list[bytes]
) -> None:
    with pytest.raises(ProofError):
        check_consistency(
            proof,
            old_size=old_size,
            old_root=root_of(LEAVES[: max(0, old_size)]),
            new_size=new_size,
            new_root=root_of(LEAVES[:new_size]),
        )


def test_two_empty_trees_agree_on_the_empty_root_only() -> None:
    with pytest.raises(ProofError):
        check_consistency([], old_size=0, old_root=bytes(32), new_size=0, new_root=bytes(32))


@pytest.mark.proves("B5")
@pytest.mark.parametrize(("index", "size"), [(0, 0), (-1, 4), (4, 4), (5, 4)])
def test_a_leaf_outside_the_tree_has_no_proof(index: int, size: int) -> None:
    with pytest.raises(ProofError):
        inclusion_proof(index, size, nodes_of(LEAVES[:size]))
    with pytest.raises(ProofError):
        check_inclusion(LEAVES[0], index=index, size=size, proof=[], root=root_of(LEAVES[:size]))


batches = st.lists(st.sampled_from([0, 1, 2, 5, 100, 255, 256, 257]), max_size=6)


@settings(max_examples=examples(60), deadline=None)
@given(batches, st.lists(st.booleans(), min_size=6, max_size=6))
def test_the_right_edge_grows_as_the_definition_says_also_after_taking_back(
    widths: list[int], taken_back: list[bool]
) -> None:
    edge = RightEdge()
    for width, take_back in zip(widths, taken_back, strict=False):
        leaves = LEAVES[: edge.size + width]
        before = (edge.size, edge.root(), edge.peaks, edge.edges)
        grown = edge.append(leaves[edge.size :])
        if take_back:
            edge.rollback(grown.undo)
            assert (edge.size, edge.root(), edge.peaks, edge.edges) == before
            grown = edge.append(leaves[edge.size :])
        assert (edge.size, edge.root()) == (len(leaves), grown.root)
        assert grown.root == root_of(leaves)
        for tile in grown.tiles:
            width_of_hash = 256**tile.level
            first = tile.n * 256 * width_of_hash
            assert tile.root == root_of(leaves[first : first + 256 * width_of_hash])
            assert tile.hashes == b"".join(
                root_of(leaves[at : at + width_of_hash])
                for at in range(first, first + 256 * width_of_hash, width_of_hash)
            )
        assert [tile.n for tile in grown.tiles if tile.level == 0] == list(
            range(before[0] // 256, len(leaves) // 256)
        )


@settings(max_examples=examples(30), deadline=None)
@given(sizes)
def test_an_edge_restored_from_its_partial_tiles_is_the_edge(size: int) -> None:
    edge = RightEdge()
    edge.append(LEAVES[:size])
    restored = RightEdge.from_edges(size, edge.edges)
    assert (restored.size, restored.root(), restored.peaks, restored.edges) == (
        edge.size,
        edge.root(),
        edge.peaks,
        edge.edges,
    )
    assert restored.append(LEAVES[:300]) == edge.append(LEAVES[:300])


def test_a_tree_of_70_000_has_the_partial_tiles_of_the_specification_and_takes_back_a_level() -> (
    None
):
    edge = RightEdge()
    edge.append([LEAVES[0]] * 65_535)
    before = (edge.root(), edge.edges)
    grown = edge.append([LEAVES[1]] * 4_465)
    # C2SP tlog-tiles: 112 hashes on level 0, 17 on level 1, 1 on level 2.
    assert [len(level) for level in edge.edges] == [112, 17, 1]
    assert RightEdge.from_edges(70_000, edge.edges).root() == edge.root() == grown.root
    edge.rollback(grown.undo)
    assert (edge.root(), edge.edges) == before


def test_an_append_is_taken_back_only_while_it_is_the_newest() -> None:
    edge = RightEdge()
    first = edge.append(LEAVES[:3])
    edge.append(LEAVES[3:5])
    with pytest.raises(ValueError, match="stands at 5"):
        edge.rollback(first.undo)


@pytest.mark.parametrize(
    ("size", "edges"),
    [
        (3, [[bytes(32)] * 2]),
        (256, [[], []]),
        (256, [[]]),
        (1, [[bytes(31)]]),
        (1, [[bytes(32)], [bytes(32)]]),
    ],
)
def test_an_edge_that_does_not_fit_its_size_is_refused(size: int, edges: list[list[bytes]]) -> None:
    with pytest.raises(MalformedError):
        RightEdge.from_edges(size, edges)


def test_what_is_no_hash_is_not_appended() -> None:
    edge = RightEdge()
    with pytest.raises(MalformedError):
        edge.append([LEAVES[0], b"short"])
    assert edge.size == 0


@given(st.integers(0, 600), st.integers(1, 300))
def test_what_a_batch_adds_is_proved_from_the_old_peaks_and_its_leaves_alone(
    size: int, added: int
) -> None:
    leaves = [sha256(b"%d" % index).digest() for index in range(size + added)]
    edge = RightEdge()
    edge.append(leaves[:size])
    proofs = proofs_of_added(size, edge.peaks, leaves[size:])
    assert len(proofs) == added
    root = root_of(leaves)
    for index, proof in enumerate(proofs, size):
        check_inclusion(leaves[index], index=index, size=len(leaves), proof=proof, root=root)


def test_a_batch_that_adds_nothing_needs_no_proof() -> None:
    assert proofs_of_added(3, [LEAVES[0], LEAVES[1]], []) == []
