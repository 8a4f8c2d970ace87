"""Tiles kept between proofs, with the nodes inside them: what a tree of some size has there never changes."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from threading import Lock

from audit.tiles import TileReader

MOST = 512
"""Tiles kept, the latest used; about 37 KiB each."""

Fetch = Callable[[int, int], Sequence[bytes]]
_Place = tuple[int, int, int]
"""Level, number and width: a tile that grows is another one."""
_Rows = list[Sequence[bytes]]


class KeptTiles:
    """Safe to use from several threads."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._rows: OrderedDict[_Place, _Rows] = OrderedDict()
        self._lock = Lock()

    def reader(self, size: int, fetch: Fetch) -> TileReader:
        """Read the tree of a size out of kept tiles, and of those that `fetch` gives."""
        return _Reader(size, fetch, self)

    def rows(self, place: _Place, fetch: Fetch) -> _Rows:
        """Return a tile's rows of nodes, its hashes first; the others are added by whoever needs them."""
        with self._lock:
            found = self._rows.get(place)
            if found is not None:
                self._rows.move_to_end(place)
                return list(found)
        return [fetch(place[0], place[1])]

    def keep(self, place: _Place, rows: _Rows) -> None:
        """Keep a tile whose rows were read, and let go of the one that was longest not used."""
        with self._lock:
            self._rows[place] = list(rows)
            self._rows.move_to_end(place)
            if len(self._rows) > self._most:
                self._rows.popitem(last=False)


class _Reader(TileReader):
    def __init__(self, size: int, fetch: Fetch, kept: KeptTiles) -> None:
        super().__init__(fetch)
        self._size = size
        self._kept = kept

    def _rows(self, level: int, n: int, height: int) -> _Rows:
        rows = self._tiles.get((level, n))
        if rows is not None and len(rows) > height:
            return rows
        place = (level, n, min(256, (self._size >> 8 * level) - (n << 8)))
        held = self._kept.rows(place, self._fetch)
        self._tiles[level, n] = held
        before = len(held)
        rows = super()._rows(level, n, height)
        if len(rows) > before or before == 1:
            self._kept.keep(place, rows)
        return rows
