"""What is asked about a file, what is seen in it, and what is wrong with it."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from catalogue.model import ItemType

MOST_BYTES = 20 * 1024 * 1024
MOST_ROWS = 200_000
MOST_COLUMNS = 500
MOST_CELLS = 4_000_000
LONGEST_CELL = 32_767
"""Characters; what a spreadsheet's cell holds at most."""
SHOWN_ROWS = 20
NAMED_ROWS = 8
"""Rows that a finding names; of the others it says how many they are."""

ENCODINGS = ("utf-8", "utf-16", "gb18030", "big5")
DELIMITERS = {"comma": ",", "tab": "\t", "semicolon": ";", "bar": "|"}
WORKBOOK = "xlsx"
TEXT = "text"


class Trouble(StrEnum):
    """What can be wrong with a file, or has to be known before it is kept."""

    TOO_LARGE = "too-large"
    EMPTY = "empty"
    UNREADABLE = "unreadable"
    PROTECTED = "protected"
    BOMB = "bomb"
    NO_SHEET = "no-sheet"
    ENCODING = "encoding"
    CONTROL = "control"
    CSV = "csv"
    NO_HEADER = "no-header"
    NO_ROWS = "no-rows"
    TOO_MANY_ROWS = "too-many-rows"
    TOO_MANY_COLUMNS = "too-many-columns"
    TOO_MANY_CELLS = "too-many-cells"
    CELL_TOO_LONG = "cell-too-long"
    RAGGED = "ragged"
    HEADER_EMPTY = "header-empty"
    HEADER_TWICE = "header-twice"
    HEADER_LONG = "header-long"
    KEY_UNKNOWN = "key-unknown"
    DIGITS_LOST = "digits-lost"
    FORMULA_EMPTY = "formula-empty"
    CELL_ERROR = "cell-error"
    # Not in the way of keeping the file, but to be known:
    FORMULA = "formula"
    FORMULA_TEXT = "formula-text"
    APOSTROPHE = "apostrophe"
    LEADING_ZEROS = "leading-zeros"
    MIXED = "mixed"
    NO_SUCH_DAY = "no-such-day"
    FAR_DAY = "far-day"
    MERGED = "merged"
    KEY_EMPTY = "key-empty"
    KEY_TWICE = "key-twice"
    NO_KEY = "no-key"
    BLANK_ROWS = "blank-rows"


NOTES = frozenset(
    {
        Trouble.FORMULA,
        Trouble.FORMULA_TEXT,
        Trouble.APOSTROPHE,
        Trouble.LEADING_ZEROS,
        Trouble.MIXED,
        Trouble.NO_SUCH_DAY,
        Trouble.FAR_DAY,
        Trouble.MERGED,
        Trouble.KEY_EMPTY,
        Trouble.KEY_TWICE,
        Trouble.NO_KEY,
        Trouble.BLANK_ROWS,
    }
)
"""Whatever is not among them stops the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """How the officer wants the file read; an empty one leaves it to the guess."""

    encoding: str = ""
    """One of ENCODINGS."""
    delimiter: str = ""
    """One of DELIMITERS."""
    sheet: str = ""
    header: int = 0
    """Row of the headings as a spreadsheet counts; 0 leaves it to the guess."""
    key: tuple[str, ...] = ()
    """Headings of the columns that tell one record from another; the first of them finds it."""
    text: tuple[str, ...] = ()
    """Headings of columns that stay text whatever they look like."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something wrong at a place in the file. It names the place and never the value."""

    trouble: Trouble
    column: str = ""
    """Its heading, or its letter where it has none; empty is the row or the file as a whole."""
    rows: tuple[int, ...] = ()
    """The first NAMED_ROWS of them, as a spreadsheet counts; empty is the file as a whole."""
    count: int = 1
    """How often it was met."""

    @property
    def stops(self) -> bool:
        return self.trouble not in NOTES


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenColumn:
    heading: str
    type: ItemType
    empty: int
    """Rows without a value."""
    key: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """Everything that is guessed about a file, its first rows, and what is wrong with it."""

    kind: str
    """WORKBOOK or TEXT."""
    encoding: str
    """Empty for a workbook."""
    delimiter: str
    """Empty for a workbook."""
    sheets: tuple[str, ...]
    sheet: str
    """Empty for a text file."""
    header: int
    """Row of the headings; 0 where none was found."""
    rows: int
    content: str
    """SHA-256 of the file, hex."""
    columns: tuple[SeenColumn, ...]
    first: tuple[tuple[str, ...], ...]
    """The first SHOWN_ROWS rows as they will be kept."""
    findings: tuple[Finding, ...]

    @property
    def stopped(self) -> bool:
        return any(finding.stops for finding in self.findings)


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a file as text cells."""

    number: int
    """As a spreadsheet counts, from 1."""
    cells: list[str]


def letters(place: int) -> str:
    """Return a column's letters as a spreadsheet has them; `place` counts from 0."""
    name = ""
    number = place + 1
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


class Lines(Protocol):
    """The rows of a file; they can be gone through more than once."""

    def __iter__(self) -> Iterator[Line]: ...


class TroubleError(Exception):
    """The file cannot be read on; says what is in the way, and in which row."""

    def __init__(self, trouble: Trouble, *, row: int = 0) -> None:
        super().__init__(trouble.value)
        self.trouble = trouble
        self.row = row
        """0 is the file as a whole."""


class Findings:
    """Gathers what is wrong, one finding for each trouble and column."""

    def __init__(self) -> None:
        self._rows: dict[tuple[Trouble, str], list[int]] = {}
        self._counts: dict[tuple[Trouble, str], int] = {}

    def note(self, trouble: Trouble, *, column: str = "", row: int = 0, count: int = 1) -> None:
        """Note one more; row 0 is the file as a whole."""
        place = (trouble, column)
        self._counts[place] = self._counts.get(place, 0) + count
        rows = self._rows.setdefault(place, [])
        if row and len(rows) < NAMED_ROWS:
            rows.append(row)

    def found(self) -> tuple[Finding, ...]:
        """Return them, what stops the file first, then in the order met."""
        findings = [
            Finding(trouble=trouble, column=column, rows=tuple(rows), count=self._counts[place])
            for place, rows in self._rows.items()
            for trouble, column in [place]
        ]
        return tuple(sorted(findings, key=lambda one: not one.stops))
