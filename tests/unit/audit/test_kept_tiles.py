"""Tiles kept between proofs give the same proofs as tiles read anew."""

from hypothesis import given
from hypothesis import strategies as st

from audit.kept_tiles import KeptTiles
from audit.merkle import check_inclusion, inclusion_proof, root_of
from audit.tiles import TileReader

LEAVES = [number.to_bytes(32, "big") for number in range(1_500)]
FULL = [root_of(LEAVES[first : first + 256]) for first in range(0, 1_280, 256)]


class Tiles:
    """A tree's tiles, each reading noted."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.read: list[tuple[int, int]] = []

    def fetch(self, level: int, n: int) -> list[bytes]:
        self.read.append((level, n))
        row = LEAVES[: self.size] if level == 0 else FULL[: self.size // 256]
        return row[n * 256 : (n + 1) * 256]


@given(
    st.lists(st.tuples(st.integers(1, 1_500), st.integers(0, 1_499)), max_size=12),
    st.integers(1, 4),
)
def test_proofs_out_of_kept_tiles_are_those_out_of_fresh_ones(
    wanted: list[tuple[int, int]], most: int
) -> None:
    kept = KeptTiles(most)
    for size, number in wanted:
        index = number % size
        tiles = Tiles(size)
        proof = inclusion_proof(index, size, kept.reader(size, tiles.fetch).node)
        assert proof == inclusion_proof(index, size, TileReader(tiles.fetch).node)
        check_inclusion(
            LEAVES[index], index=index, size=size, proof=proof, root=root_of(LEAVES[:size])
        )


def test_a_tile_is_read_once_for_all_proofs_and_again_once_it_has_grown() -> None:
    kept = KeptTiles()
    first, again, grown = Tiles(700), Tiles(700), Tiles(701)
    for tiles in (first, again, grown):
        inclusion_proof(3, tiles.size, kept.reader(tiles.size, tiles.fetch).node)
    assert sorted(first.read) == [(0, 0), (0, 2), (1, 0)]
    assert again.read == []
    assert grown.read == [(0, 2)]
