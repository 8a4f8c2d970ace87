"""Tile paths, bundles and nodes read from tiles are as C2SP tlog-tiles says."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.errors import MalformedError
from audit.merkle import (
    RightEdge,
    check_inclusion,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_of,
)
from audit.tiles import (
    Level,
    TilePath,
    TileReader,
    entry_bundle,
    parse_bundle,
    parse_tile_path,
    split_hashes,
    tile_path,
)
from tests.examples import examples

LEAVES = [leaf_hash(str(number).encode()) for number in range(1400)]

levels: st.SearchStrategy[Level] = st.one_of(st.integers(0, 63), st.just("entries"))
numbers = st.one_of(st.integers(0, 2000), st.integers(0, 2**55 - 1))


class StoredTiles:
    """Full tiles and the right edge of one tree; complains when a tile is fetched twice or is not there."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        edge = RightEdge()
        grown = edge.append(leaves)
        self._tiles = {(tile.level, tile.n): split_hashes(tile.hashes) for tile in grown.tiles}
        for level, partial in enumerate(edge.edges):
            self._tiles[level, len(leaves) >> 8 * (level + 1)] = list(partial)

    def fetch(self, level: int, n: int) -> Sequence[bytes]:
        return self._tiles.pop((level, n))


@settings(deadline=None)
@given(levels, numbers, st.integers(1, 256))
def test_a_tile_path_is_read_back(level: Level, n: int, width: int) -> None:
    assert parse_tile_path(tile_path(level, n, width)) == TilePath(level, n, width)


@pytest.mark.parametrize(
    ("path", "tile"),
    [
        ("tile/0/x001/x234/067", TilePath(0, 1_234_067, 256)),
        ("tile/0/273.p/112", TilePath(0, 273, 112)),
        ("tile/1/001.p/17", TilePath(1, 1, 17)),
        ("tile/entries/000", TilePath("entries", 0, 256)),
    ],
)
def test_paths_are_those_of_the_specification(path: str, tile: TilePath) -> None:
    assert tile_path(tile.level, tile.n, tile.width) == path
    assert parse_tile_path(path) == tile


@pytest.mark.proves("B5")
@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0/0",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000/",
        "/tile/0/000",
        "tile/0/000\n",
        "tile/\u0660/000",
        "tile/0/\u0660\u0660\u0660",
        "tile/data/000",
        "tile/0/" + "x999/" * 30 + "999",
    ],
)
def test_a_path_that_names_no_tile_is_refused(path: str) -> None:
    with pytest.raises(MalformedError):
        parse_tile_path(path)


@pytest.mark.parametrize(
    ("level", "n", "width"), [(64, 0, 256), (0, -1, 256), (0, 2**55, 1), (0, 0, 0)]
)
def test_a_tile_that_cannot_be_has_no_path(level: int, n: int, width: int) -> None:
    with pytest.raises(MalformedError):
        tile_path(level, n, width)


@settings(deadline=None)
@given(st.lists(st.binary(max_size=30), min_size=1, max_size=256))
def test_a_bundle_is_read_back(bodies: list[bytes]) -> None:
    assert parse_bundle(entry_bundle(bodies)) == bodies


@pytest.mark.proves("B5")
@settings(deadline=None)
@given(st.binary(max_size=30))
def test_a_bundle_has_one_spelling(data: bytes) -> None:
    try:
        bodies = parse_bundle(data)
    except MalformedError:
        return
    assert entry_bundle(bodies) == data


@pytest.mark.proves("B5")
@pytest.mark.parametrize("data", [b"", b"\0", b"\0\1", b"\0\2a", b"\0\1ab", b"\0\0" * 257])
def test_a_cut_or_overfull_bundle_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_bundle(data)


@pytest.mark.parametrize("bodies", [[], [b""] * 257, [bytes(65_536)]])
def test_what_fits_no_bundle_is_refused(bodies: list[bytes]) -> None:
    with pytest.raises(MalformedError):
        entry_bundle(bodies)


def test_an_entry_of_the_greatest_length_fits() -> None:
    assert parse_bundle(entry_bundle([bytes(65_535)])) == [bytes(65_535)]


@pytest.mark.parametrize("data", [b"", bytes(31), bytes(33), bytes(257 * 32)])
def test_bytes_that_are_no_tile_are_refused(data: bytes) -> None:
    with pytest.raises(MalformedError):
        split_hashes(data)


@settings(max_examples=examples(40), deadline=None)
@given(st.sampled_from([1, 2, 7, 255, 256, 257, 600, 1024, 1400]), st.data())
def test_proofs_read_from_tiles_are_those_of_the_definition(size: int, data: st.DataObject) -> None:
    leaves = LEAVES[:size]
    index = data.draw(st.integers(0, size - 1))
    reader = TileReader(StoredTiles(leaves).fetch)
    proof = inclusion_proof(index, size, reader.node)
    check_inclusion(leaves[index], index=index, size=size, proof=proof, root=root_of(leaves))

    old = data.draw(st.integers(1, size))
    defined = consistency_proof(
        old, size, lambda level, n: root_of(leaves[n << level : (n + 1) << level])
    )
    assert consistency_proof(old, size, TileReader(StoredTiles(leaves).fetch).node) == defined


def test_a_node_that_the_tree_does_not_have_yet_is_refused() -> None:
    reader = TileReader(StoredTiles(LEAVES[:3]).fetch)
    with pytest.raises(MalformedError, match="holds 3 hashes, 4 needed"):
        reader.node(1, 1)
