"""Looks a file over: headings, types, and everything that is wrong, by row and column."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice

from catalogue.model import ItemType
from exchange.files.model import (
    MOST_CELLS,
    MOST_COLUMNS,
    MOST_ROWS,
    SHOWN_ROWS,
    TEXT,
    Choices,
    Findings,
    Line,
    Lines,
    Preview,
    SeenColumn,
    Trouble,
    TroubleError,
    letters,
)
from exchange.files.opening import Opened, opened
from exchange.files.values import (
    FIRST_YEAR,
    LAST_YEAR,
    ColumnJudge,
    Kept,
    NoSuchDayError,
    kept,
    kind_of,
    shown,
)

LONGEST_HEADING = 100
_SOUGHT = 20
"""Rows among which the headings are looked for: titles and notes stand above them."""
_ZEROS = re.compile(r"0[0-9]+")
_APOSTROPHE = re.compile(r"'(?=[0-9])")
_FORMULA = re.compile(r"[=@]|[+-](?![0-9.])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A file that was looked over: the preview, and its rows."""

    preview: Preview
    lines: Lines
    places: tuple[int, ...]
    """Of the columns with a heading, among the cells of a row."""

    def rows(self) -> Iterator[tuple[Kept, ...]]:
        """Yield every row as it is kept. Only for a preview that is not stopped."""
        types = [column.type for column in self.preview.columns]
        for line in below(self.lines, self.preview.header, Findings()):
            yield tuple(
                kept(plain(line.cells[place]) if place < len(line.cells) else "", kind)
                for place, kind in zip(self.places, types, strict=True)
            )


@contextmanager
def looked_over(content: bytes, choices: Choices) -> Iterator[Table]:
    """Look a file over. What is wrong with it stands in the preview; nothing is raised for it."""
    findings = Findings()
    with opened(content, choices, findings) as file:
        look = _Look(file=file, choices=choices, findings=findings)
        try:
            look.go()
        except TroubleError as error:
            findings.note(error.trouble, row=error.row)
        yield Table(
            preview=look.told(content),
            lines=file.lines,
            places=tuple(column.place for column in look.columns),
        )


def look_over(content: bytes, choices: Choices) -> Preview:
    """Return the preview alone."""
    with looked_over(content, choices) as table:
        return table.preview


def plain(cell: str) -> str:
    """Return a cell without white space around it and without the spreadsheets' apostrophe before digits."""
    stripped = cell.strip()
    return stripped[1:] if _APOSTROPHE.match(stripped) else stripped


def below(lines: Lines, header: int, findings: Findings) -> Iterator[Line]:
    """Yield the rows below the headings but blank ones; those between others are noted."""
    blank: list[int] = []
    for line in lines:
        if line.number <= header:
            continue
        if not any(cell and not cell.isspace() for cell in line.cells):
            blank.append(line.number)
            continue
        for number in blank:
            findings.note(Trouble.BLANK_ROWS, row=number)
        blank.clear()
        yield line


@dataclass(slots=True, kw_only=True)
class _Column:
    """A column while it is gone through."""

    place: int
    heading: str
    key: bool
    as_text: bool
    judge: ColumnJudge = field(default_factory=ColumnJudge)
    coded: bool = False
    """Whether a cell begins with a zero or an apostrophe: then it is a code."""

    def see(self, raw: str, row: int, findings: Findings) -> None:
        cell = plain(raw)
        if cell != raw and _APOSTROPHE.match(raw.strip()):
            findings.note(Trouble.APOSTROPHE, column=self.heading, row=row)
            self.coded = True
        if cell[:1] == "0" and _ZEROS.fullmatch(cell):
            findings.note(Trouble.LEADING_ZEROS, column=self.heading, row=row)
            self.coded = True
        elif cell[:1] in {"=", "@", "+", "-"} and _FORMULA.match(cell):
            findings.note(Trouble.FORMULA_TEXT, column=self.heading, row=row)
        try:
            kind = self.judge.see(cell, row=row)
        except NoSuchDayError:
            findings.note(Trouble.NO_SUCH_DAY, column=self.heading, row=row)
            return
        days = kind is ItemType.DATE or kind is ItemType.DATETIME
        if days and not FIRST_YEAR <= int(cell[:4]) <= LAST_YEAR:
            findings.note(Trouble.FAR_DAY, column=self.heading, row=row)

    @property
    def type(self) -> ItemType:
        if self.key or self.as_text or self.coded:
            return ItemType.TEXT
        return self.judge.verdict()

    def note_misfits(self, findings: Findings) -> None:
        if not (self.key or self.as_text or self.coded):
            for row in self.judge.misfits():
                findings.note(Trouble.MIXED, column=self.heading, row=row)


@dataclass(slots=True, kw_only=True)
class _Look:
    """One look at a file, as far as it came."""

    file: Opened
    choices: Choices
    findings: Findings
    header: int = 0
    width: int = 0
    columns: list[_Column] = field(default_factory=list)
    rows: int = 0
    first: list[list[str]] = field(default_factory=list)

    def go(self) -> None:
        """Go through the whole file. Raises TroubleError where it cannot be read on."""
        header = find_header(self.file.lines, self.choices.header)
        self.header = header.number
        self._take_headings(header.cells)
        keys = [column for column in self.columns if column.key]
        known: set[tuple[str, ...]] = set()
        for line in below(self.file.lines, self.header, self.findings):
            self._count(line)
            self._check_width(line)
            for column in self.columns:
                cell = line.cells[column.place] if column.place < len(line.cells) else ""
                column.see(cell, line.number, self.findings)
            self._check_key(line, keys, known)
        if not self.rows:
            raise TroubleError(Trouble.NO_ROWS)
        for column in self.columns:
            column.note_misfits(self.findings)

    def _take_headings(self, cells: Sequence[str]) -> None:
        headings = [cell.strip() for cell in cells]
        self.width = max((n for n, heading in enumerate(headings, 1) if heading), default=0)
        named = [(place, heading) for place, heading in enumerate(headings) if heading]
        if len(named) > MOST_COLUMNS:
            raise TroubleError(Trouble.TOO_MANY_COLUMNS, row=self.header)
        # The database that keeps them knows no case.
        times = Counter(heading.casefold() for _place, heading in named)
        for place, heading in named:
            if times[heading.casefold()] > 1:
                self.findings.note(Trouble.HEADER_TWICE, column=heading, row=self.header)
            if len(heading) > LONGEST_HEADING or not heading.isprintable():
                self.findings.note(Trouble.HEADER_LONG, column=letters(place), row=self.header)
        self.columns = [
            _Column(
                place=place,
                heading=heading,
                key=heading in self.choices.key,
                as_text=heading in self.choices.text,
            )
            for place, heading in named
        ]
        for wanted in set(self.choices.key) - {heading for _place, heading in named}:
            self.findings.note(Trouble.KEY_UNKNOWN, column=wanted)
        if not self.choices.key:
            self.findings.note(Trouble.NO_KEY)

    def _count(self, line: Line) -> None:
        self.rows += 1
        if self.rows > MOST_ROWS:
            raise TroubleError(Trouble.TOO_MANY_ROWS, row=line.number)
        if self.rows * len(self.columns) > MOST_CELLS:
            raise TroubleError(Trouble.TOO_MANY_CELLS, row=line.number)
        if len(self.first) < SHOWN_ROWS:
            cells = line.cells
            self.first.append(
                [plain(cells[c.place]) if c.place < len(cells) else "" for c in self.columns]
            )

    def _check_width(self, line: Line) -> None:
        """A row is as wide as the headings; cells under no heading are empty."""
        cells, last = line.cells, self.width
        if self.file.kind == TEXT:
            # In a text file a cell too many is a delimiter too many: the columns may have moved.
            if len(cells) < self.width or any(cell.strip() for cell in cells[self.width :]):
                self.findings.note(Trouble.RAGGED, row=line.number)
        else:
            last = len(cells)
        if len(self.columns) < last:
            named = {column.place for column in self.columns}
            for place, cell in enumerate(cells[:last]):
                if place not in named and cell.strip():
                    self.findings.note(Trouble.HEADER_EMPTY, column=letters(place), row=line.number)

    def _check_key(self, line: Line, keys: Sequence[_Column], known: set[tuple[str, ...]]) -> None:
        if not keys:
            return
        cells = line.cells
        key = tuple(plain(cells[c.place]) if c.place < len(cells) else "" for c in keys)
        if not all(key):
            self.findings.note(Trouble.KEY_EMPTY, row=line.number)
        elif key in known:
            self.findings.note(Trouble.KEY_TWICE, row=line.number)
        known.add(key)

    def told(self, content: bytes) -> Preview:
        """Return what was seen, however far the look came."""
        columns = tuple(
            SeenColumn(heading=c.heading, type=c.type, empty=c.judge.empty, key=c.key)
            for c in self.columns
        )
        findings = self.findings.found()
        stopped = any(finding.stops for finding in findings)
        return Preview(
            kind=self.file.kind,
            encoding=self.file.encoding,
            delimiter=self.file.delimiter,
            sheets=self.file.sheets,
            sheet=self.file.sheet,
            header=self.header,
            rows=self.rows,
            content=hashlib.sha256(content).hexdigest(),
            columns=columns,
            first=tuple(
                tuple(
                    cell if stopped else shown(kept(cell, column.type), column.type)
                    for cell, column in zip(row, columns, strict=True)
                )
                for row in self.first
            ),
            findings=findings,
        )


def find_header(lines: Lines, chosen: int) -> Line:
    """Return the row of the headings. Raises TroubleError NO_HEADER, EMPTY.

    Where none is chosen it is the first that fills more than half of what most rows fill: titles fill
    fewer cells. A row that holds mostly numbers or days is none.
    """
    if chosen:
        found = next((line for line in lines if line.number == chosen), None)
        if found is None or not any(cell.strip() for cell in found.cells):
            raise TroubleError(Trouble.NO_HEADER, row=chosen)
        return found
    sought = [line for line in islice(lines, _SOUGHT) if any(cell.strip() for cell in line.cells)]
    filled = [sum(1 for cell in line.cells if cell.strip()) for line in sought]
    if not filled:
        raise TroubleError(Trouble.EMPTY)
    times = Counter(filled)
    usual = max(times, key=lambda width: (times[width], width))
    header = next(line for line, count in zip(sought, filled, strict=True) if count * 2 > usual)
    if _mostly_values(header.cells):
        raise TroubleError(Trouble.NO_HEADER, row=header.number)
    return header


def _mostly_values(cells: Sequence[str]) -> bool:
    named = [cell.strip() for cell in cells if cell.strip()]
    return sum(1 for cell in named if _is_value(cell)) * 2 > len(named)


def _is_value(cell: str) -> bool:
    try:
        return kind_of(cell) is not ItemType.TEXT or cell.isdecimal()
    except NoSuchDayError:
        return True
