"""Writes a log as static files in the layout of C2SP tlog-tiles, going on where an earlier export ended.

Any web server can serve the folder: `checkpoint`, `tile/<level>/…`, with entries `tile/entries/…` too. Each
file is put in place by renaming; tiles are never changed again; the checkpoint comes last, and only when
the tiles lead to its root. An export that was cut short goes on from the tiles that it finds.
"""

import gzip
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from audit.checkpoint import Checkpoint, format_size, parse_checkpoint
from audit.errors import MalformedError, ProofError
from audit.merkle import TILE_WIDTH, RightEdge, leaf_hash
from audit.note import parse_note
from audit.tiles import entry_bundle, split_hashes, tile_path

CHECKPOINT = "checkpoint"
CHECKPOINTS = "checkpoints"
"""Folder of the checkpoints that bear a time stamp: `<size>` and, beside it, `<size>.tst`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A stretch of the log from `first` on, as the node gives it."""

    first: int
    leaves: Sequence[bytes]
    bodies: Sequence[bytes] | None
    """None where no entries are exported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamped:
    """A published checkpoint with the token of a time-stamping authority (RFC 3161)."""

    note: str
    token: bytes


class Export:
    """One run of an export into a folder: `open`, `take` page by page, `finish`."""

    def __init__(self, folder: Path, *, edge: RightEdge, entries: bool, packed: bool) -> None:
        self._folder = folder
        self._edge = edge
        self._entries = entries
        self._packed = packed
        self._bundled = self._count_bundles() if entries else 0
        self._waiting: list[bytes] = []
        self.written = 0
        """Files put in place by this run."""

    @classmethod
    def open(
        cls, folder: Path, *, origin: str, entries: bool = False, packed: bool = False
    ) -> "Export":
        """Continue the export in a folder, or begin one. `packed` writes entry bundles by gzip.

        Raises MalformedError where the folder holds another log, ProofError where it was changed.
        """
        folder.mkdir(parents=True, exist_ok=True)
        past = exported(folder)
        if past is not None and past.origin != origin:
            raise MalformedError(f"the folder holds a log of {past.origin}, {origin} needed")
        edge = RightEdge() if past is None else _edge_in(folder, past)
        made = cls(folder, edge=edge, entries=entries, packed=packed)
        made._resume()
        return made

    @property
    def first(self) -> int:
        """The first index that the next page must have."""
        bundled = self._bundled + len(self._waiting)
        return min(self._edge.size, bundled) if self._entries else self._edge.size

    def take(self, page: Page) -> None:
        """Write the tiles and bundles that a page completes.

        Raises MalformedError for a page that does not go on where the last one ended, ProofError for
        entries that are not their leaves, or a file that says otherwise already.
        """
        if page.first != self.first:
            raise MalformedError(f"a page from {page.first} on, from {self.first} needed")
        known = self._edge.size - page.first
        grown = self._edge.append(page.leaves[known:])
        for tile in grown.tiles:
            self._put(tile_path(tile.level, tile.n), tile.hashes)
        if self._entries:
            self._bundle(page)

    def finish(self, note: str, *, stamped: Sequence[Stamped] = ()) -> Checkpoint:
        """Write the partial tiles and then the checkpoint. Raises ProofError unless it is of this tree."""
        checkpoint = parse_checkpoint(parse_note(note).text)
        if checkpoint.size != self._edge.size or checkpoint.root != self._edge.root():
            raise ProofError(
                f"the tiles of {self._edge.size} leaves do not lead to the checkpoint of "
                f"{checkpoint.size}"
            )
        for level, edge in enumerate(self._edge.edges):
            if edge:
                n = checkpoint.size >> 8 * (level + 1)
                self._put(tile_path(level, n, len(edge)), b"".join(edge))
        if self._waiting:
            n, width = self._bundled // TILE_WIDTH, len(self._waiting)
            self._put_bundle(tile_path("entries", n, width), self._waiting)
        for each in stamped:
            self._keep(each)
        # The commit point: all that the checkpoint speaks of is on the disk before it is.
        os.sync()
        _place(self._folder / CHECKPOINT, note.encode())
        self.written += 1
        return checkpoint

    def _resume(self) -> None:
        """Take over the full tiles that a run left which was cut short."""
        while True:
            n, known = divmod(self._edge.size, TILE_WIDTH)
            path = self._folder / tile_path(0, n)
            if not path.is_file():
                return
            hashes = split_hashes(path.read_bytes())
            if len(hashes) != TILE_WIDTH or tuple(hashes[:known]) != self._edge.edges[0]:
                raise ProofError(f"{path.name}: tile 0/{n} is not of the log exported before")
            for tile in self._edge.append(hashes[known:]).tiles:
                self._put(tile_path(tile.level, tile.n), tile.hashes)

    def _count_bundles(self) -> int:
        """Return the first index of the first full bundle that is not there yet."""
        n = 0
        while (self._folder / tile_path("entries", n)).is_file():
            n += 1
        return n * TILE_WIDTH

    def _bundle(self, page: Page) -> None:
        if page.bodies is None or len(page.bodies) != len(page.leaves):
            raise MalformedError("a page without its entries, or with others than its leaves")
        for index, (body, leaf) in enumerate(
            zip(page.bodies, page.leaves, strict=True), page.first
        ):
            if leaf_hash(body) != leaf:
                raise ProofError(f"entry {index} is not the one that its leaf was made of")
        start = self._bundled + len(self._waiting) - page.first
        self._waiting += page.bodies[start:]
        while len(self._waiting) >= TILE_WIDTH:
            n = self._bundled // TILE_WIDTH
            self._put_bundle(tile_path("entries", n), self._waiting[:TILE_WIDTH])
            del self._waiting[:TILE_WIDTH]
            self._bundled += TILE_WIDTH

    def _put_bundle(self, name: str, bodies: Sequence[bytes]) -> None:
        bundle = entry_bundle(bodies)
        path = self._folder / name
        if path.is_file():
            if unpacked(path.read_bytes()) != bundle:
                raise ProofError(f"{name} holds other entries already")
            return
        # Without a time in it, the same entries make the same file.
        _place(path, gzip.compress(bundle, mtime=0) if self._packed else bundle)
        self.written += 1

    def _put(self, name: str, content: bytes) -> None:
        """Write a file that is never changed again. Raises ProofError where it says otherwise."""
        path = self._folder / name
        if path.is_file():
            if path.read_bytes() != content:
                raise ProofError(f"{name} holds something else already")
            return
        _place(path, content)
        self.written += 1

    def _keep(self, stamped: Stamped) -> None:
        size = parse_checkpoint(parse_note(stamped.note).text).size
        path = self._folder / CHECKPOINTS / format_size(size)
        if size <= self._edge.size and not path.is_file():
            _place(path.with_name(f"{path.name}.tst"), stamped.token)
            _place(path, stamped.note.encode())
            self.written += 2


def exported(folder: Path) -> Checkpoint | None:
    """Return up to where a folder holds a log; None where no export was finished there yet."""
    path = folder / CHECKPOINT
    if not path.is_file():
        return None
    return parse_checkpoint(parse_note(path.read_text(encoding="utf-8")).text)


def unpacked(content: bytes) -> bytes:
    """Return an entry bundle as it was before gzip: an entry begins with a brace, so none looks packed."""
    return gzip.decompress(content) if content[:3] == b"\x1f\x8b\x08" else content


def _edge_in(folder: Path, past: Checkpoint) -> RightEdge:
    """Read the right edge of an earlier export. Raises ProofError unless it leads to its checkpoint."""
    try:
        edge = RightEdge.from_edges(past.size, list(_edges_in(folder, past.size)))
    except OSError as error:
        raise ProofError(f"the export of {past.size} entries lacks a tile") from error
    if edge.root() != past.root:
        raise ProofError(f"the exported tiles do not lead to the checkpoint of {past.size}")
    return edge


def _edges_in(folder: Path, size: int) -> Iterator[Sequence[bytes]]:
    level = 0
    while size >> 8 * level:
        n, width = divmod(size >> 8 * level, TILE_WIDTH)
        yield split_hashes((folder / tile_path(level, n, width)).read_bytes()) if width else []
        level += 1


def _place(path: Path, content: bytes) -> None:
    """Put a file in place as a whole: a reader finds it complete or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    with fresh.open("wb") as file:
        file.write(content)
        if path.name == CHECKPOINT:
            file.flush()
            os.fsync(file.fileno())
    fresh.replace(path)
