"""The files of exports under `exports/`: pages as they were read, then parts in the format asked for.

Only masked records ever come here. Folders are 0700 and files 0600; a file is written whole under another
name, brought to the disk and only then given its own, so that none is ever half of what it says.
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain, islice
from pathlib import Path
from typing import Any

import msgspec

from exchange.exports.formats import WRITERS, Column
from exchange.exports.model import FORMATS, ID, Mark, Page, Part

PART_ROWS = 100_000
"""Records of the longest part: a download is held in memory until it is recorded."""

FOLDER = "exports"


class PageChangedError(Exception):
    """A page on the disk is not what was written."""


class ExportFiles:
    """One export's folder."""

    def __init__(self, home: Path, export_id: str) -> None:
        if not ID.fullmatch(export_id):
            raise ValueError("not the id of an export")
        self._folder = home / FOLDER / export_id

    def write_page(
        self, number: int, rows: Sequence[Mapping[str, Any]], marks: Sequence[Mark] = ()
    ) -> str:
        """Keep a page's records, one line of JSON each, and what is to be said of their cells.

        Returns the SHA-256 of the lines, hex.
        """
        content = b"".join(msgspec.json.encode(row) + b"\n" for row in rows)
        if marks:
            content += msgspec.json.encode(marks) + b"\n"
        _write(self._page(number), lambda path: path.write_bytes(content))
        return hashlib.sha256(content).hexdigest()

    def records(self, pages: Iterable[Page]) -> Iterator[dict[str, Any]]:
        """Yield every record in order. Raises PageChangedError for a page that is not as it was written."""
        for page in pages:
            for line in self._lines(page):
                if not line.startswith(b"["):
                    yield msgspec.json.decode(line)

    def marks(self, pages: Iterable[Page]) -> Iterator[Mark]:
        """Yield what is to be said of cells, by the number of the record in the whole export.

        Raises as `records`.
        """
        before = 0
        for page in pages:
            for line in self._lines(page):
                if line.startswith(b"["):
                    for one in msgspec.json.decode(line, type=list[Mark]):
                        yield msgspec.structs.replace(one, record=before + one.record)
            before += page.rows

    def _lines(self, page: Page) -> list[bytes]:
        try:
            content = self._page(page.number).read_bytes()
        except FileNotFoundError:
            raise PageChangedError(f"page {page.number} is not there") from None
        if hashlib.sha256(content).hexdigest() != page.digest:
            raise PageChangedError(f"page {page.number} is not what was written")
        return content.splitlines()

    def write_parts(
        self,
        pages: Sequence[Page],
        *,
        format_: str,
        columns: Sequence[Column],
        stem: str,
        most: int = PART_ROWS,
    ) -> tuple[Part, ...]:
        """Write all records as parts of at most so many, one at least; what an earlier attempt left goes."""
        ending, _media = FORMATS[format_]
        records = self.records(pages)
        parts: list[Part] = []
        for number in range(1, 1_000_000):
            first = next(records, None)
            if first is None and parts:
                break
            begun = [] if first is None else [first]
            counted = _Counted(islice(chain(begun, records), most))
            name = f"{stem}-{number:03}.{ending}"
            path = self._folder / name
            _write(path, lambda to, rows=counted: WRITERS[format_](to, columns, rows))  # type: ignore[misc]
            parts.append(
                Part(
                    number=number,
                    name=name,
                    rows=counted.number,
                    size=path.stat().st_size,
                    digest=_digest(path),
                )
            )
        return tuple(parts)

    def drop_pages(self) -> None:
        """Remove the pages: what they held is in the parts."""
        shutil.rmtree(self._folder / "pages", ignore_errors=True)

    def read(self, part: Part) -> bytes:
        """Return a part whole. Raises PageChangedError where it is not what was written."""
        try:
            content = (self._folder / part.name).read_bytes()
        except FileNotFoundError:
            raise PageChangedError(f"part {part.number} is not there") from None
        if hashlib.sha256(content).hexdigest() != part.digest:
            raise PageChangedError(f"part {part.number} is not what was written")
        return content

    def drop(self) -> None:
        """Remove everything of this export."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _page(self, number: int) -> Path:
        return self._folder / "pages" / f"{number:06}.jsonl"


def strays(home: Path, known: set[str]) -> Iterator[str]:
    """Yield the ids of folders that belong to no export: left by a crash before it was kept."""
    with suppress(FileNotFoundError):
        for path in (home / FOLDER).iterdir():
            if path.is_dir() and ID.fullmatch(path.name) and path.name not in known:
                yield path.name


class _Counted:
    """Passes records on and counts them."""

    def __init__(self, records: Iterator[dict[str, Any]]) -> None:
        self._records = records
        self.number = 0

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for record in self._records:
            self.number += 1
            yield record


def _write(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file that is there whole or not at all, after a crash too."""
    for folder in (path.parent.parent, path.parent):
        # One by one: what is made on the way to a folder would have the umask's mode.
        folder.mkdir(mode=0o700, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.part")
    unfinished.unlink(missing_ok=True)
    # The file is made by us first: a library would make it readable to whoever the umask lets in.
    os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    write(unfinished)
    unfinished.chmod(0o600)
    descriptor = os.open(unfinished, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    unfinished.replace(path)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
