"""What kind of file it is, and what it says of entries. Runs in the child process (`child.py`)."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import PurePath
from typing import Any

from catalogue.interchange.columns import CATALOGUE_SHEET, NEEDS_SHEET
from catalogue.interchange.csv_text import as_it_was
from catalogue.interchange.dcat_reading import read_datasets
from catalogue.interchange.documents import FORMAT, Lines, packages_of, read_json, read_package
from catalogue.interchange.entries import checked
from catalogue.interchange.model import Read, Report, Said, Told, Wanted
from catalogue.interchange.survey import Row, TableReader, read_headings, read_needs
from exchange.files.model import (
    DELIMITERS,
    ENCODINGS,
    MOST_BYTES,
    MOST_COLUMNS,
    MOST_ROWS,
    Findings,
    TroubleError,
    letters,
)
from exchange.files.texts import TextLines, decode, guess_delimiter, guess_encoding
from exchange.files.words import TROUBLES
from exchange.files.workbook_child import (
    cell_text,
    checked_archive,
    opened_book,
    scanned,
    sheet_parts,
)
from exchange.interchange.rdf_parsing import DEEPEST, JSON_LD, RDF_XML, TURTLE, parse, too_deep

KINDS = ("workbook", "csv", "json", TURTLE, RDF_XML, JSON_LD, "ckan")
MOST_ENTRIES = 20_000
MOST_MERGES = 200_000
_SOUGHT = 20
"""Rows among which the headings are looked for."""
_LONGEST_LINE = 100_000
"""Delimiters in one line, those within quotation marks too."""
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BY_SUFFIX = {
    ".ttl": TURTLE,
    ".nt": TURTLE,
    ".rdf": RDF_XML,
    ".jsonld": JSON_LD,
    ".csv": "csv",
    ".tsv": "csv",
    ".xlsx": "workbook",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How a file is to be read; what is left empty is guessed."""

    file: str = "file"
    """Its name, for the report and for its suffix."""
    kind: str = ""
    """One of KINDS."""
    encoding: str = ""
    delimiter: str = ""


def parse_file(content: bytes, asked: Asked) -> Read:
    """Read a file; whatever is wrong with it stands in the report."""
    report = Report(asked.file)
    seen: dict[str, str] = {}
    told: list[Told] = []
    wanted: list[Wanted] = []
    try:
        if not content.strip():
            report.note(Said("an empty file"), "entries of a catalogue")
        elif len(content) > MOST_BYTES:
            report.note(Said(f"{len(content)} bytes"), f"at most {MOST_BYTES} bytes")
        else:
            seen["kind"] = asked.kind or guess_kind(content, asked.file)
            told, wanted = _read(content, asked, seen, report)
    except TroubleError as error:
        said = TROUBLES[error.trouble][1].rstrip(".")
        report.note(Said(said), "a file that can be read", row=error.row)
        told, wanted = [], []
    except (MemoryError, RecursionError):
        report.note(Said("more than a catalogue takes"), "a smaller file")
        told, wanted = [], []
    if len(told) > MOST_ENTRIES:
        report.note(Said(f"{len(told)} entries"), f"at most {MOST_ENTRIES} in one file")
        told = []
    if not told and not wanted and not report.found:
        report.note(Said("no entry"), "entries of a catalogue")
    return Read(
        told=tuple(_each_once(told, report)),
        wanted=tuple(wanted),
        not_taken=report.whole(),
        seen=seen,
    )


def guess_kind(content: bytes, name: str) -> str:
    """Return what a file is by how it begins, and by its name where that does not tell."""
    if content.startswith((_ZIP, _OLE)):
        return "workbook"
    head = content[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith((b"<?xml", b"<rdf:RDF", b"<!DOCTYPE")):
        return RDF_XML
    suffix = PurePath(name).suffix.lower()
    if head.startswith((b"{", b"[")) and suffix not in {".ttl", ".csv"}:
        return _json_kind(content)
    if head.startswith((b"@prefix", b"@base", b"PREFIX", b"BASE", b"<http", b"<urn")):
        return TURTLE
    return _BY_SUFFIX.get(suffix, "csv")


def _json_kind(content: bytes) -> str:
    if f'"{FORMAT}"'.encode() in content[:200]:
        return "json"
    return JSON_LD if b'"@context"' in content or b'"@graph"' in content else "ckan"


def _read(
    content: bytes, asked: Asked, seen: dict[str, str], report: Report
) -> tuple[list[Told], list[Wanted]]:
    match seen["kind"]:
        case "workbook":
            return _workbook(content, seen, report)
        case "csv":
            return _csv(content, asked, seen, report), []
        case "json" | "ckan":
            return _json(content, seen["kind"], report)
        case "turtle" | "rdf-xml" | "json-ld":
            graph = parse(content, seen["kind"], report)
            if graph is None:
                return [], []
            told = read_datasets(graph, report)
            if not told and not report.found:
                report.note(Said("no dcat:Dataset"), "datasets with a dct:title")
            lines = Lines(content.decode("utf-8", "replace"))
            return [replace(one, row=lines.of(one.code)) for one in told], []
        case other:
            report.note(other, f"one of {', '.join(KINDS)}")
            return [], []


def _each_once(told: list[Told], report: Report) -> Iterator[Told]:
    """Yield entries whose values fit, each code once."""
    seen: dict[str, int] = {}
    for one in told:
        fit = checked(one, report)
        if fit is None:
            continue
        first = seen.setdefault(fit.code, fit.row)
        if first != fit.row or (first == 0 and list(seen).count(fit.code) > 1):
            report.note(
                fit.code, f"a code that row {first} does not have", row=fit.row,
                column="信息资源代码", code=fit.code,
            )  # fmt: skip
            continue
        yield fit


# Tables


def _workbook(
    content: bytes, seen: dict[str, str], report: Report
) -> tuple[list[Told], list[Wanted]]:
    if content.startswith(_OLE):
        report.note(
            Said("a workbook with a password, or an old .xls"), "an .xlsx without a password"
        )
        return [], []
    archive = checked_archive(content)
    parts = sheet_parts(archive)
    seen["sheets"] = "、".join(parts)
    for part in parts.values():
        scanned(archive.read(part), Findings())
    archive.close()
    book = opened_book(content)
    resources = next((name for name in parts if CATALOGUE_SHEET in name), next(iter(parts), ""))
    told = _sheet_entries(_rows(book, resources, report), report, resources)
    needs = next((name for name in parts if NEEDS_SHEET in name), None)
    wanted = []
    if needs is not None and needs != resources:
        wanted = read_needs(list(_rows(book, needs, report)), report, sheet=needs)
    return told, wanted


def _sheet_entries(rows: Iterator[Row], report: Report, sheet: str = "") -> list[Told]:
    first = list(islice(rows, _SOUGHT))
    found = read_headings(first, report, sheet=sheet)
    if found is None:
        report.note(
            Said("no headings"), "a row with 信息资源代码 and 信息资源名称", row=1, sheet=sheet
        )
        return []
    last, columns = found
    reader = TableReader(columns=columns, report=report, sheet=sheet)
    below = [row for row in first if row.number > last]
    return reader.read(_chained(below, rows))


def _chained(first: list[Row], rest: Iterator[Row]) -> Iterator[Row]:
    yield from first
    yield from rest


def _rows(book: Any, name: str, report: Report) -> Iterator[Row]:
    """Yield the rows of a sheet; a merged cell's value stands in every row that it covers."""
    sheet = book.get_sheet_by_name(name)
    down = _merged_down(sheet, report, name)
    held: dict[int, tuple[int, str]] = {}
    left = sheet.start[1] if sheet.start else 0
    findings = Findings()
    for number, row in enumerate(sheet.iter_rows(), start=1):
        cells = [""] * left
        for cell in row:
            cells.append(cell_text(cell, findings, row=number, column=len(cells)))
        for column, (last, value) in list(held.items()):
            if number > last:
                del held[column]
            elif column < len(cells) and not cells[column].strip():
                cells[column] = value
        for column, last in down.get(number, ()):
            if column < len(cells):
                held[column] = (last, cells[column])
        yield Row(number, cells)


def _merged_down(sheet: Any, report: Report, name: str) -> dict[int, list[tuple[int, int]]]:
    """Return by row, from 1, the columns from which a merged cell runs down, and its last row.

    Ranges that lie on each other, or beyond any sheet, are told and passed over.
    """
    found: dict[int, list[tuple[int, int]]] = {}
    ends: dict[int, int] = {}
    ranges = sorted(sheet.merged_cell_ranges or [])
    if len(ranges) > MOST_MERGES:
        report.note(Said(f"{len(ranges)} merged cells"), f"at most {MOST_MERGES}", sheet=name)
        return {}
    for (top, left), (bottom, right) in ranges:
        if bottom - top > MOST_ROWS or right >= 16_384 or bottom < top or right < left:
            report.note(
                Said("a merged cell beyond the sheet"), "merged cells within the sheet",
                row=top + 1, column=letters(min(left, MOST_COLUMNS)), sheet=name,
            )  # fmt: skip
            continue
        if right != left:
            continue  # across columns: titles and groups of headings
        if top <= ends.get(left, -1):
            report.note(
                Said("merged cells that lie on each other"), "each cell merged once",
                row=top + 1, column=letters(left), sheet=name,
            )  # fmt: skip
            continue
        ends[left] = bottom
        found.setdefault(top + 1, []).append((left, bottom + 1))
    return found


def _csv(content: bytes, asked: Asked, seen: dict[str, str], report: Report) -> list[Told]:
    encoding = asked.encoding if asked.encoding in ENCODINGS else guess_encoding(content)
    seen["encoding"] = encoding
    text = decode(content, encoding)
    delimiter = asked.delimiter if asked.delimiter in DELIMITERS else guess_delimiter(text)
    seen["delimiter"] = delimiter
    return _sheet_entries(_csv_rows(text, delimiter, report), report)


def _csv_rows(text: str, delimiter: str, report: Report) -> Iterator[Row]:
    for number, written in enumerate(text.split("\n"), 1):
        if written.count(DELIMITERS[delimiter]) > _LONGEST_LINE:
            report.note(Said("a row without end"), f"at most {MOST_COLUMNS} cells", row=number)
            return
    width = 0
    for line in TextLines(text, delimiter):
        if line.number > MOST_ROWS:
            report.note(Said(f"more than {MOST_ROWS} rows"), "a smaller file", row=line.number)
            return
        cells = [as_it_was(cell) for cell in line.cells]
        if len(cells) > MOST_COLUMNS:
            report.note(Said(f"{len(cells)} cells"), f"at most {MOST_COLUMNS}", row=line.number)
            return
        width = width or len(cells)
        if len(cells) > width and any(cell.strip() for cell in cells[width:]):
            report.note(
                Said(f"{len(cells)} cells"), f"{width}, as many as there are headings",
                row=line.number,
            )  # fmt: skip
            continue
        yield Row(line.number, cells)


# JSON


def _json(content: bytes, kind: str, report: Report) -> tuple[list[Told], list[Wanted]]:
    decoded = _decoded(content, kind, report)
    if decoded is None:
        return [], []
    text, held = decoded
    if kind == "json":
        if isinstance(held, dict) and held.get("format") == FORMAT:
            return read_json(held, text, report)
        report.note(Said("another format"), FORMAT, column="format")
        return [], []
    return _packages(held, Lines(text), report), []


def _packages(held: Any, lines: Lines, report: Report) -> list[Told]:
    if isinstance(held, dict) and ("openapi" in held or "swagger" in held):
        report.note(
            Said("a service's description"), "its source described by it (exchange source add)"
        )
        return []
    packages = packages_of(held)
    if packages is None:
        report.note(Said("no packages"), f"an answer of CKAN, or entries of {FORMAT}")
        return []
    return [told for one in packages if (told := read_package(one, lines, report)) is not None]


def _decoded(content: bytes, kind: str, report: Report) -> tuple[str, Any] | None:
    """Return a document's text and what it holds; None where it cannot be read, and the report says where."""
    line = too_deep(content, kind)
    if line:
        report.note(
            Said("brackets too deep in each other, or too many"),
            f"at most {DEEPEST} deep",
            row=line,
        )
        return None
    try:
        text = content.decode("utf-8-sig")
        return text, json.loads(text)
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        report.note(Said("bytes that are no UTF-8"), "JSON in UTF-8", row=row)
    except json.JSONDecodeError as error:
        report.note(Said(error.msg), "well-formed JSON", row=error.lineno)
    except ValueError as error:
        report.note(Said(str(error)[:100]), "well-formed JSON")
    return None
