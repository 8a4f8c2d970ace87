"""Reads one sheet of a workbook in a process of its own, whose memory and time are bounded.

What strangers' workbooks do to a reader (claims of a million columns, archives that unfold without end, a
fault in the reader itself) ends this process and not the exchange. The workbook comes on standard input.
On standard output go lines of JSON: one with the sheets, then `[row, [cells]]` for each row; on standard
error goes what was found wrong, as one line.
"""

import io
import json
import posixpath
import re
import resource
import sys
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any
from xml.etree import ElementTree as ET

from python_calamine import CalamineWorkbook

from exchange.files.model import (
    LONGEST_CELL,
    MOST_CELLS,
    MOST_COLUMNS,
    MOST_ROWS,
    Findings,
    Trouble,
    TroubleError,
    letters,
)

MEMORY = 512 * 1024 * 1024
CPU_S = 60
UNFOLDED = 160 * 1024 * 1024
PARTS = 2000
LARGEST_INDEX = 1024 * 1024
_HEADROOM = 50
"""Rows above the table, titles for example."""

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_CELL = re.compile(
    rb"<(?:\w+:)?c\s(?:[^>]*?\s)?r=[\"']([A-Z]{1,3})([0-9]{1,10})[\"'][^>]*>(?:<(?:\w+:)?(f)[\s/>])?"
)
_ERROR = re.compile(
    rb"<(?:\w+:)?c\s(?=[^>]*?\bt=[\"']e[\"'])[^>]*?\br=[\"']([A-Z]{1,3})([0-9]{1,10})[\"']"
)


def main(sheet: str) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    findings = Findings()
    try:
        for line in _lines(sys.stdin.buffer.read(), sheet, findings):
            sys.stdout.write(json.dumps(line))
            sys.stdout.write("\n")
    except TroubleError as error:
        findings.note(error.trouble, row=error.row)
    except MemoryError:
        findings.note(Trouble.BOMB)
    told = [[one.trouble, one.column, one.rows, one.count] for one in findings.found()]
    sys.stderr.write(json.dumps(told))


def _lines(content: bytes, wanted: str, findings: Findings) -> Iterator[Any]:
    archive = checked_archive(content)
    parts = sheet_parts(archive)
    chosen = wanted or next(iter(parts), "")
    if chosen not in parts:
        raise TroubleError(Trouble.NO_SHEET)
    formulas = scanned(archive.read(parts[chosen]), findings)
    archive.close()
    sheet = opened_book(content).get_sheet_by_name(chosen)
    for first, _last in sheet.merged_cell_ranges or []:
        findings.note(Trouble.MERGED, column=letters(first[1]), row=first[0] + 1)
    yield {"sheets": list(parts), "sheet": chosen}
    # The reader begins with the first row of the sheet, but with the first column that holds anything.
    left = sheet.start[1] if sheet.start else 0
    for number, row in enumerate(sheet.iter_rows(), start=1):
        cells = [""] * left
        for cell in row:
            cells.append(cell_text(cell, findings, row=number, column=len(cells)))
            if not cells[-1] and (number, len(cells)) in formulas:
                findings.note(Trouble.FORMULA_EMPTY, column=letters(len(cells) - 1), row=number)
        yield [number, cells]


def checked_archive(content: bytes) -> zipfile.ZipFile:
    """Unfold every part once, to the size that it claims. Raises TroubleError."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        parts = archive.infolist()
        if any(part.flag_bits & 0x1 for part in parts):
            raise TroubleError(Trouble.PROTECTED)
        if len(parts) > PARTS or sum(part.file_size for part in parts) > UNFOLDED:
            raise TroubleError(Trouble.BOMB)
        if len({part.filename for part in parts}) != len(parts):
            raise TroubleError(Trouble.UNREADABLE)
        # A size that is claimed too small shows as a wrong checksum.
        if archive.testzip() is not None:
            raise TroubleError(Trouble.UNREADABLE)
    except (
        zipfile.BadZipFile,
        zlib.error,
        OSError,
        EOFError,
        NotImplementedError,
        ValueError,
    ) as error:
        raise TroubleError(Trouble.UNREADABLE) from error
    return archive


def sheet_parts(archive: zipfile.ZipFile) -> dict[str, str]:
    """Return part by name of each worksheet, in the workbook's order."""
    book = _index(archive, "xl/workbook.xml")
    relations = {
        one.get("Id"): one.get("Target", "")
        for one in _index(archive, "xl/_rels/workbook.xml.rels")
    }
    found: dict[str, str] = {}
    names = set(archive.namelist())
    for sheet in book.iter(f"{_MAIN}sheet"):
        target = relations.get(sheet.get(_RELATION), "")
        part = target[1:] if target.startswith("/") else posixpath.normpath(f"xl/{target}")
        if part in names and "worksheets/" in part:
            found[sheet.get("name", "")] = part
    return found


def _index(archive: zipfile.ZipFile, part: str) -> ET.Element:
    try:
        if archive.getinfo(part).file_size > LARGEST_INDEX:
            raise TroubleError(Trouble.BOMB)
        text = archive.read(part)
        if b"<!DOCTYPE" in text:
            raise TroubleError(Trouble.UNREADABLE)
        return ET.fromstring(text)  # noqa: S314 - no document type, so no entities; and bounded
    except (KeyError, ET.ParseError) as error:
        raise TroubleError(Trouble.UNREADABLE) from error


def scanned(part: bytes, findings: Findings) -> set[tuple[int, int]]:
    """Return where formulas stand; refuse a sheet whose cells lie too far out.

    The reader makes a rectangle of everything up to the last cell, however empty it is.
    """
    last_row = last_column = 0
    formulas: set[tuple[int, int]] = set()
    for found in _CELL.finditer(part):
        row, column = int(found[2]), _column(found[1])
        last_row, last_column = max(last_row, row), max(last_column, column)
        if found[3]:
            formulas.add((row, column))
            findings.note(Trouble.FORMULA, column=letters(column - 1), row=row)
    if last_row > MOST_ROWS + _HEADROOM:
        raise TroubleError(Trouble.TOO_MANY_ROWS, row=last_row)
    if last_column > MOST_COLUMNS:
        raise TroubleError(Trouble.TOO_MANY_COLUMNS)
    if last_row * last_column > MOST_CELLS:
        raise TroubleError(Trouble.TOO_MANY_CELLS)
    for error in _ERROR.finditer(part):
        findings.note(Trouble.CELL_ERROR, column=error[1].decode(), row=int(error[2]))
    return formulas


def _column(name: bytes) -> int:
    number = 0
    for letter in name:
        number = number * 26 + letter - ord("A") + 1
    return number


def opened_book(content: bytes) -> CalamineWorkbook:
    try:
        return CalamineWorkbook.from_filelike(io.BytesIO(content))
    except MemoryError:
        raise
    except Exception as error:  # the reader's errors have no root of their own
        raise TroubleError(Trouble.UNREADABLE) from error


def cell_text(cell: object, findings: Findings, *, row: int, column: int) -> str:
    """Return a cell as it would stand in a text file."""
    match cell:
        case str():
            if len(cell) > LONGEST_CELL:
                raise TroubleError(Trouble.CELL_TOO_LONG, row=row)
            return cell
        case bool():
            return "true" if cell else "false"
        case int() | float():
            # A workbook keeps fifteen digits of a number: of a longer one the last are lost already.
            if abs(cell) >= 10**15:
                findings.note(Trouble.DIGITS_LOST, column=letters(column), row=row)
            return _number(cell)
        case datetime():
            plain = cell.time() == time()
            return cell.date().isoformat() if plain else cell.isoformat(" ", timespec="seconds")
        case date():
            return cell.isoformat()
        case None:
            return ""
        case _:
            return str(cell)


def _number(cell: float) -> str:
    if cell == int(cell):
        return str(int(cell))
    written = repr(cell)
    return written if "e" not in written else f"{cell:.15f}".rstrip("0")


if __name__ == "__main__":
    main(sys.argv[1])
