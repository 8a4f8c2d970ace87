"""The Merkle tree of RFC 6962: roots, the growing right edge, proofs and their verification.

Pure arithmetic over 32-byte hashes. Tiles are 256 hashes wide, as C2SP tlog-tiles has them.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

import msgspec

from audit.errors import MalformedError, ProofError

HASH_LENGTH = 32
TILE_WIDTH = 256
EMPTY_ROOT = sha256(b"").digest()

NodeReader = Callable[[int, int], bytes]
"""Gives the hash of the complete subtree over leaves [n · 2^level, (n + 1) · 2^level)."""


def leaf_hash(body: bytes) -> bytes:
    return sha256(b"\0" + body).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1" + left + right).digest()


def root_of(leaf_hashes: Sequence[bytes]) -> bytes:
    """Return the tree's root, word for word as RFC 6962, 2.1, defines it."""
    if not leaf_hashes:
        return EMPTY_ROOT
    return _root_of(leaf_hashes, 0, len(leaf_hashes))


def _root_of(leaf_hashes: Sequence[bytes], first: int, end: int) -> bytes:
    if end - first == 1:
        return leaf_hashes[first]
    middle = first + _split(end - first)
    return node_hash(_root_of(leaf_hashes, first, middle), _root_of(leaf_hashes, middle, end))


@dataclass(frozen=True, slots=True)
class FullTile:
    """256 hashes that will never change again."""

    level: int
    n: int
    root: bytes
    hashes: bytes
    """The 256 hashes one after the other."""


class Undo(msgspec.Struct, frozen=True):
    """What one append changed, so that it can be taken back without a copy of the edge."""

    before: int
    after: int
    peaks: tuple[bytes, ...]
    widths: tuple[int, ...]
    filled: tuple[tuple[int, list[bytes]], ...]


class Grown(msgspec.Struct, frozen=True):
    root: bytes
    tiles: tuple[FullTile, ...]
    """Tiles that this append completed, lowest level first where one completes another."""
    undo: Undo


class RightEdge:
    """The part of the tree that still grows: its peaks and its partial tiles.

    Grows in place; an append whose transaction failed is taken back with `rollback`, newest first.
    """

    def __init__(self) -> None:
        self._size = 0
        self._peaks: list[bytes] = []
        self._edges: list[list[bytes]] = [[]]

    @classmethod
    def from_edges(cls, size: int, edges: Sequence[Sequence[bytes]]) -> "RightEdge":
        """Restore the edge of a tree from its partial tiles, level 0 first."""
        levels = max(1, (size.bit_length() + 7) // 8)
        widths = [(size >> 8 * level) % TILE_WIDTH for level in range(max(levels, len(edges)))]
        found = [len(edge) for edge in edges] + [0] * (len(widths) - len(edges))
        if found != widths:
            raise MalformedError(f"partial tiles of {found} hashes, size {size} needs {widths}")
        _need_hashes(held for edge in edges for held in edge)
        restored = cls()
        restored._size = size
        restored._edges = [list(edge) for edge in edges[:levels]]
        restored._edges += [[] for _ in range(levels - len(restored._edges))]
        restored._peaks = [
            peak for edge in reversed(restored._edges) for peak in _peaks_of_tile(edge)
        ]
        return restored

    @property
    def size(self) -> int:
        return self._size

    @property
    def peaks(self) -> tuple[bytes, ...]:
        """Roots of the complete subtrees that cover the tree, largest first."""
        return tuple(self._peaks)

    @property
    def edges(self) -> tuple[tuple[bytes, ...], ...]:
        """The partial tiles, level 0 first: what `from_edges` takes."""
        return tuple(tuple(edge) for edge in self._edges)

    def root(self) -> bytes:
        if not self._peaks:
            return EMPTY_ROOT
        remaining = reversed(self._peaks)
        root = next(remaining)
        for peak in remaining:
            root = sha256(b"\1" + peak + root).digest()
        return root

    def append(self, leaf_hashes: Sequence[bytes]) -> Grown:
        """Add leaves in order: O(leaves + log size), whatever is in the partial tiles."""
        _need_hashes(leaf_hashes)
        size, peaks, edges = self._size, self._peaks, self._edges
        before, peaks_before = size, tuple(peaks)
        widths = tuple(len(edge) for edge in edges)
        filled: list[tuple[int, list[bytes]]] = []
        tiles: list[FullTile] = []
        for leaf in leaf_hashes:
            edges[0].append(leaf)
            subtree, carry, height = leaf, size, 0
            size += 1
            # A peak of the same height as the new subtree merges with it: binary counting.
            while carry & 1:
                subtree = sha256(b"\1" + peaks.pop() + subtree).digest()
                carry >>= 1
                height += 1
                if height % 8 == 0:
                    level = height // 8 - 1
                    full = edges[level]
                    filled.append((level, full))
                    n = (size >> height) - 1
                    tiles.append(FullTile(level, n, subtree, b"".join(full)))
                    edges[level] = []
                    if level + 1 == len(edges):
                        edges.append([])
                    edges[level + 1].append(subtree)
            peaks.append(subtree)
        self._size = size
        undo = Undo(before, size, peaks_before, widths, tuple(filled))
        return Grown(self.root(), tuple(tiles), undo)

    def rollback(self, undo: Undo) -> None:
        """Take back the newest append that still stands."""
        if undo.after != self._size:
            raise ValueError(f"the edge stands at {self._size}, the append ended at {undo.after}")
        self._size = undo.before
        self._peaks = list(undo.peaks)
        for level, full in reversed(undo.filled):
            self._edges[level] = full
        del self._edges[len(undo.widths) :]
        for edge, width in zip(self._edges, undo.widths, strict=True):
            del edge[width:]


def inclusion_proof(index: int, size: int, node: NodeReader) -> list[bytes]:
    """Return the hashes from the leaf's sibling up to the root's child (RFC 6962, 2.1.1)."""
    if not 0 <= index < size:
        raise ProofError(f"leaf {index} is outside a tree of {size}")
    siblings = []
    first, end = 0, size
    while end - first > 1:
        middle = first + _split(end - first)
        if index < middle:
            siblings.append((middle, end))
            end = middle
        else:
            siblings.append((first, middle))
            first = middle
    return [_range_hash(*sibling, node) for sibling in reversed(siblings)]


def proofs_of_added(
    size: int, peaks: Sequence[bytes], leaf_hashes: Sequence[bytes]
) -> list[tuple[bytes, ...]]:
    """Return the inclusion proof of each leaf added to a tree of `size`, in the tree with all of them.

    From the old tree's peaks and the leaves alone: a subtree left of a new leaf and whole in the old
    tree is one of its peaks, for its parent would hold the new leaf, too, and so was not complete.
    """
    if not leaf_hashes:
        return []
    remaining = list(peaks)
    nodes, first = list(leaf_hashes), size
    levels: list[tuple[Sequence[bytes], bool]] = []
    while len(nodes) > 1:
        # A right child whose left sibling is old: this is the peak of that height.
        beside_old = bool(first & 1)
        if beside_old:
            nodes.insert(0, remaining.pop())
        levels.append((nodes, beside_old))
        above = [sha256(b"\1" + left + right).digest() for left, right in _pairs(nodes)]
        if len(nodes) & 1:
            # Alone on the right border, it goes up as it is (RFC 6962, 2.1).
            above.append(nodes[-1])
        nodes, first = above, first >> 1
    # One node is left above all new leaves. What is beside its path lies left of it: peaks, smallest first.
    paths: list[tuple[bytes, ...]] = [tuple(reversed(remaining))]
    # Back down to the leaves: a node's path is its sibling, then the path of the node above both.
    for below, beside_old in reversed(levels):
        alone = [paths[-1]] if len(below) & 1 else []
        paths = [
            path
            for (left, right), above_both in zip(_pairs(below), paths, strict=False)
            for path in ((right, *above_both), (left, *above_both))
        ]
        paths += alone
        if beside_old:
            del paths[0]
    return paths


def _pairs(nodes: Sequence[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Left and right children in order; the last of an odd number is nobody's sibling."""
    return zip(nodes[::2], nodes[1::2], strict=False)


def consistency_proof(old: int, new: int, node: NodeReader) -> list[bytes]:
    """Return the hashes by which the tree of `old` leaves is a prefix of that of `new` (2.1.2)."""
    if not 0 < old <= new and not old == new == 0:
        raise ProofError(f"no tree of {new} leaves extends one of {old}")
    ranges = []
    first, end = 0, new
    whole = True
    while end != old:
        middle = first + _split(end - first)
        if old <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((first, middle))
            first = middle
            whole = False
    if not whole:
        ranges.append((first, end))
    return [_range_hash(*covered, node) for covered in reversed(ranges)]


def check_inclusion(
    leaf: bytes, *, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Raise ProofError unless the leaf hash stands at `index` in the tree of this size and root."""
    if not 0 <= index < size:
        raise ProofError(f"leaf {index} is outside a tree of {size}")
    _need_proof_hashes([leaf, root, *proof])
    inner, border = _path_lengths(index, size)
    if len(proof) != inner + border:
        raise ProofError(f"{len(proof)} hashes in the proof, {inner + border} needed")
    computed = leaf
    for height, sibling in enumerate(proof):
        # Past the inner part the leaf's subtree is always the right child.
        if height >= inner or index >> height & 1:
            computed = node_hash(sibling, computed)
        else:
            computed = node_hash(computed, sibling)
    if computed != root:
        raise ProofError(f"leaf {index} leads to another root than that of the tree of {size}")


def check_consistency(
    proof: Sequence[bytes], *, old_size: int, old_root: bytes, new_size: int, new_root: bytes
) -> None:
    """Raise ProofError unless the old tree is a prefix of the new one (RFC 9162, 2.1.4.2)."""
    _need_proof_hashes([old_root, new_root, *proof])
    if old_size == new_size:
        _check_same_tree(proof, size=new_size, old_root=old_root, new_root=new_root)
        return
    if not 0 < old_size < new_size:
        raise ProofError(f"no tree of {new_size} leaves extends one of {old_size}")
    inner, border = _path_lengths(old_size - 1, new_size)
    # The largest complete subtree that ends the old tree is common to both: the proof begins there.
    skipped = (old_size & -old_size).bit_length() - 1
    inner -= skipped
    seeded = old_size != 1 << skipped
    if len(proof) != seeded + inner + border:
        raise ProofError(f"{len(proof)} hashes in the proof, {seeded + inner + border} needed")
    old = new = proof[0] if seeded else old_root
    path = (old_size - 1) >> skipped
    for height, sibling in enumerate(proof[seeded:]):
        if height >= inner or path >> height & 1:
            old = node_hash(sibling, old)
            new = node_hash(sibling, new)
        else:
            new = node_hash(new, sibling)
    if old != old_root:
        raise ProofError(f"the proof leads to another root than that of the tree of {old_size}")
    if new != new_root:
        raise ProofError(f"the proof leads to another root than that of the tree of {new_size}")


def _check_same_tree(
    proof: Sequence[bytes], *, size: int, old_root: bytes, new_root: bytes
) -> None:
    if proof:
        raise ProofError(f"{len(proof)} hashes in the proof, none needed between equal sizes")
    if old_root != new_root or (size == 0 and new_root != EMPTY_ROOT):
        raise ProofError(f"two roots for the tree of {size}")


def _split(width: int) -> int:
    """Largest power of two strictly below a width of at least two."""
    return 1 << ((width - 1).bit_length() - 1)


def _path_lengths(index: int, size: int) -> tuple[int, int]:
    """How many hashes of a leaf's path lie below, and how many on, the tree's right border."""
    inner = (index ^ (size - 1)).bit_length()
    return inner, (index >> inner).bit_count()


def _complete_subtrees(first: int, end: int) -> Iterator[tuple[int, int]]:
    """Cover leaves [first, end) by complete subtrees (level, n), left to right."""
    while first < end:
        level = (end - first).bit_length() - 1
        if first:
            level = min(level, (first & -first).bit_length() - 1)
        yield level, first >> level
        first += 1 << level


def _range_hash(first: int, end: int, node: NodeReader) -> bytes:
    hashes = [node(level, n) for level, n in _complete_subtrees(first, end)]
    computed = hashes.pop()
    while hashes:
        computed = node_hash(hashes.pop(), computed)
    return computed


def _peaks_of_tile(edge: Sequence[bytes]) -> Iterator[bytes]:
    first = 0
    for height in reversed(range(8)):
        width = 1 << height
        if len(edge) & width:
            yield root_of(edge[first : first + width])
            first += width


def _need_hashes(hashes: Iterable[bytes]) -> None:
    for held in hashes:
        if len(held) != HASH_LENGTH:
            raise MalformedError(f"a hash of {len(held)} bytes, {HASH_LENGTH} needed")


def _need_proof_hashes(hashes: Iterable[bytes]) -> None:
    for held in hashes:
        if len(held) != HASH_LENGTH:
            raise ProofError(f"a hash of {len(held)} bytes, {HASH_LENGTH} needed")
