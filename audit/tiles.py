"""Tiles and entry bundles as C2SP tlog-tiles lays them out, and reading tree nodes from tiles."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from audit.errors import MalformedError
from audit.merkle import HASH_LENGTH, TILE_WIDTH, node_hash

HIGHEST_LEVEL = 63
ENTRY_BOUND = 65_535
"""Bytes in one entry of a bundle: its length is a 16-bit number."""

INDEX_BOUND = 1 << 55
"""Tile numbers lie below this: a tree has fewer than 2^63 leaves."""

Level = int | Literal["entries"]

_PATH = re.compile(
    r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/)*)([0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?"
)


@dataclass(frozen=True, slots=True)
class TilePath:
    """Which tile, or entry bundle, a path names, and how many of its 256 places are filled."""

    level: Level
    n: int
    width: int


def tile_path(level: Level, n: int, width: int = TILE_WIDTH) -> str:
    """Write the path of a tile; 256 is the full one."""
    if level != "entries" and not 0 <= level <= HIGHEST_LEVEL:
        raise MalformedError(f"tile level {level}, 0 to {HIGHEST_LEVEL} needed")
    if not 0 <= n < INDEX_BOUND:
        raise MalformedError(f"tile number {n}, below 2^55 needed")
    if not 1 <= width <= TILE_WIDTH:
        raise MalformedError(f"tile width {width}, 1 to {TILE_WIDTH} needed")
    number = f"{n % 1000:03d}"
    while n := n // 1000:
        number = f"x{n % 1000:03d}/{number}"
    partial = "" if width == TILE_WIDTH else f".p/{width}"
    return f"tile/{level}/{number}{partial}"


def parse_tile_path(path: str) -> TilePath:
    """Read a tile's path; whatever `tile_path` would not have written is refused."""
    found = _PATH.fullmatch(path)
    if not found:
        raise MalformedError("not a tile path")
    level, groups, last, width = found.groups()
    tile = TilePath(
        "entries" if level == "entries" else int(level),
        int(groups.replace("x", "").replace("/", "") + last),
        TILE_WIDTH if width is None else int(width),
    )
    if tile_path(tile.level, tile.n, tile.width) != path:
        raise MalformedError("a tile path in another than its canonical form")
    return tile


def split_hashes(data: bytes) -> list[bytes]:
    """Read the hashes of a full or partial tile."""
    count, rest = divmod(len(data), HASH_LENGTH)
    if rest or not 1 <= count <= TILE_WIDTH:
        raise MalformedError(f"a tile of {len(data)} bytes, 1 to {TILE_WIDTH} hashes of 32 needed")
    return [data[at : at + HASH_LENGTH] for at in range(0, len(data), HASH_LENGTH)]


def entry_bundle(bodies: Sequence[bytes]) -> bytes:
    """Write up to 256 entries, each behind its length."""
    if not 1 <= len(bodies) <= TILE_WIDTH:
        raise MalformedError(f"a bundle of {len(bodies)} entries, 1 to {TILE_WIDTH} needed")
    longest = max(len(body) for body in bodies)
    if longest > ENTRY_BOUND:
        raise MalformedError(f"an entry of {longest} bytes, {ENTRY_BOUND} allowed")
    return b"".join(len(body).to_bytes(2, "big") + body for body in bodies)


def parse_bundle(data: bytes) -> list[bytes]:
    """Read the entries of a bundle."""
    bodies: list[bytes] = []
    at = 0
    while at < len(data):
        start = at + 2
        at = start + int.from_bytes(data[at:start], "big")
        if start > len(data) or at > len(data):
            raise MalformedError(f"the bundle ends inside entry {len(bodies)}")
        bodies.append(data[start:at])
    if not 1 <= len(bodies) <= TILE_WIDTH:
        raise MalformedError(f"a bundle of {len(bodies)} entries, 1 to {TILE_WIDTH} needed")
    return bodies


class TileReader:
    """Gives tree nodes out of tiles, fetching each tile once; made for one proof or one size.

    `fetch(level, n)` returns the hashes of a tile, as many as the tree has there.
    """

    def __init__(self, fetch: Callable[[int, int], Sequence[bytes]]) -> None:
        self._fetch = fetch
        self._tiles: dict[tuple[int, int], list[Sequence[bytes]]] = {}

    def node(self, level: int, n: int) -> bytes:
        """Return the hash of the complete subtree over leaves [n · 2^level, (n + 1) · 2^level)."""
        tile_level, height = divmod(level, 8)
        tile_n, place = divmod(n, TILE_WIDTH >> height)
        rows = self._rows(tile_level, tile_n, height)
        if place >= len(rows[height]):
            raise MalformedError(
                f"tile {tile_level}/{tile_n} holds {len(rows[0])} hashes, "
                f"{(place + 1) << height} needed"
            )
        return rows[height][place]

    def _rows(self, level: int, n: int, height: int) -> list[Sequence[bytes]]:
        """Rows of complete nodes inside a tile, from its hashes up to `height`."""
        rows = self._tiles.get((level, n))
        if rows is None:
            rows = self._tiles[level, n] = [self._fetch(level, n)]
        while len(rows) <= height:
            below = rows[-1]
            rows.append([node_hash(below[at], below[at + 1]) for at in range(0, len(below) - 1, 2)])
        return rows
