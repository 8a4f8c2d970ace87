"""Reads a log: entries, tiles, proofs and what opens commitments. Never touches the committing thread."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache

from audit.canonical import decode_strict
from audit.checkpoint import parse_checkpoint
from audit.compose import open_payload
from audit.entry import Opening, Sequenced
from audit.errors import ProofError
from audit.kept_tiles import KeptTiles
from audit.merkle import TILE_WIDTH, consistency_proof, inclusion_proof
from audit.note import parse_note
from audit.questions import digest_of
from audit.store import LogStore
from audit.tiles import TileReader, split_hashes
from audit.vault import Vault, place_of


@lru_cache(maxsize=4)
def size_of(note: str) -> int:
    """Return the size of a checkpoint; whoever proves many entries asks for that of one and the same."""
    return parse_checkpoint(parse_note(note).text).size


class LogReader(ABC):
    """One log, or one shard of it, as far as it is signed. Safe to use from any thread."""

    def __init__(self, store: LogStore, vault: Vault) -> None:
        self._store = store
        self._vault = vault
        self._tiles = KeptTiles()

    @property
    @abstractmethod
    def origin(self) -> str: ...

    @property
    @abstractmethod
    def size(self) -> int: ...

    @property
    @abstractmethod
    def before(self) -> int:
        """Entries of earlier shards: an index and these make the number that registry rows carry."""

    @property
    @abstractmethod
    def checkpoint(self) -> str:
        """The newest signed checkpoint."""

    def entry(self, index: int) -> bytes:
        """Return an entry's bytes. Raises ProofError where the log has none there."""
        body = self._store.body(index) if 0 <= index < self.size else None
        if body is None:
            raise ProofError(f"no entry {index} in a log of {self.size}")
        return body

    def prove(self, index: int, size: int | None = None) -> list[bytes]:
        """Return the inclusion proof of an entry in the tree of `size`; None: of the checkpoint."""
        newest = size_of(self.checkpoint)
        wanted = newest if size is None else size
        if not 0 <= wanted <= newest:
            raise ProofError(f"no tree of {wanted} in a log of {newest}")
        return inclusion_proof(index, wanted, self._reader(wanted).node)

    def tile(self, level: int, n: int, *, width: int) -> Sequence[bytes]:
        """Return the first `width` hashes of a tile, from the newest tree."""
        return self._tiles_of(min(self.size, (n * TILE_WIDTH + width) << 8 * level))(level, n)

    def entries(self, first: int, end: int) -> list[bytes]:
        """Return the bytes of the entries [first, end), in order."""
        return [stored.body for stored in self._store.entries(first, min(end, self.size))]

    def receipt_of(self, index: int, *, names: Iterable[str] = ()) -> Sequenced:
        """Prove a stored entry anew; `names` are the commitments to open, as far as they open."""
        note = self.checkpoint
        size = size_of(note)
        opened = self.open_disclosures(index)
        return Sequenced(
            index=index,
            size=size,
            body=self.entry(index),
            proof=tuple(self.prove(index, size)),
            checkpoint=note,
            openings={name: opened[name] for name in names if name in opened},
        )

    def open_disclosure(self, index: int, name: str) -> Opening | None:
        """Return what opens a commitment; None: there is no such, or its key was destroyed."""
        return self.open_disclosures(index).get(name)

    def open_disclosures(self, index: int) -> dict[str, Opening]:
        """Return all that opens an entry's commitments, by name, as far as its keys are still there.

        Raises ProofError for a disclosure that was changed or moved.
        """
        opened: dict[str, Opening] = {}
        for part in self._store.parts(index):
            place = place_of(self.origin, index=index, part=part.part)
            payload = self._vault.open_disclosure(part.key_id, part.sealed, place=place)
            if payload is not None:
                opened |= open_payload(payload)
        return opened

    def document(self, digest: str) -> bytes:
        """Return what entries share under a SHA-256. Raises ProofError where it is gone or was changed."""
        content = self._store.document(digest)
        if content is None or digest_of(content) != digest:
            raise ProofError(f"document {digest[:12]} is not kept as entries name it")
        return content

    def digests(self, index: int) -> Mapping[str, str]:
        """Return the digests that an entry commits to, by name."""
        found: Mapping[str, str] = decode_strict(self.entry(index))["digests"]
        return found

    def prove_growth(self, old: int, size: int) -> list[bytes]:
        """Return the proof that the tree of `size` extends that of `old`. Raises ProofError."""
        if not 0 < old <= size <= self.size:
            raise ProofError(f"no trees of {old} and {size} in a log of {self.size}")
        return consistency_proof(old, size, self._reader(size).node)

    def _reader(self, size: int) -> TileReader:
        return self._tiles.reader(size, self._tiles_of(size))

    def _tiles_of(self, size: int) -> Callable[[int, int], Sequence[bytes]]:
        """Read the tiles of the tree of a given size: partial ones are derived, full ones stored."""

        def fetch(level: int, n: int) -> Sequence[bytes]:
            end = min(size >> 8 * level, (n + 1) * TILE_WIDTH)
            first = n * TILE_WIDTH
            if end - first == TILE_WIDTH:
                tile = self._store.tile(level, n)
                if tile is None:
                    raise ProofError(f"tile {level}/{n} is missing")
                return split_hashes(tile.hashes)
            if level == 0:
                return self._store.leaves(first, end)
            return self._store.tile_roots(level - 1, first, end)

        return fetch
