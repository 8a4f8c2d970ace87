"""What a file says of catalogue entries, where it says so, and what of it cannot be taken."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

LONGEST_FOUND = 40
"""Characters of a cell that a report repeats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotTaken:
    """Something in a file that is not taken: where it stands, what was found there, what was needed."""

    file: str
    row: int = 0
    """As a spreadsheet or an editor counts; 0 is the file as a whole."""
    column: str = ""
    """The heading, or the member's name; empty is the row as a whole."""
    found: str
    needed: str
    needed_zh: str = ""
    """What was needed in Chinese, where the catalogue's own rules say it; else the report's words do."""
    sheet: str = ""
    """Of a workbook; empty where there are no sheets."""
    code: str = ""
    """Of the entry that is not taken because of it; empty where the entry is not known."""

    def __str__(self) -> str:
        sheet = f"[{self.sheet}]" if self.sheet else ""
        return (
            f"{self.file}{sheet}:{self.row}:{self.column}: {self.found} found, {self.needed} needed"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a file says of one entry, as JSON has it. What it does not name it is silent about."""

    code: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    """Field of the entry (`fields.ENTRY`) → value."""
    items: tuple[Mapping[str, Any], ...] | None = None
    """Of each item the fields (`fields.ITEM`) that are named; None: nothing is said of items."""
    row: int = 0
    """Where it begins."""
    notes: tuple[str, ...] = ()
    """What was taken otherwise than it was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One line of the sheet of needs (信息资源需求清单)."""

    words: str
    need: str
    row: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """All that was read of a file."""

    told: tuple[Told, ...] = ()
    wanted: tuple[Wanted, ...] = ()
    not_taken: tuple[NotTaken, ...] = ()
    seen: Mapping[str, str] = field(default_factory=dict)
    """What was guessed or seen of the file: format, encoding, delimiter, sheets."""


def shown(value: object) -> str:
    """Return what was found, short enough and plain enough for a report."""
    text = "nothing" if value in (None, "") else repr(value)
    return text if len(text) <= LONGEST_FOUND else f"{text[:LONGEST_FOUND]}…"


@dataclass(slots=True)
class Report:
    """Gathers what is not taken while one file is read; a report of millions of rows helps nobody."""

    file: str
    most: int = 1_000
    found: list[NotTaken] = field(default_factory=list)
    more: int = 0

    def note(
        self,
        found: object,
        needed: str,
        *,
        row: int = 0,
        column: str = "",
        sheet: str = "",
        code: str = "",
    ) -> None:
        if len(self.found) >= self.most:
            self.more += 1
            return
        self.found.append(
            NotTaken(
                file=self.file,
                sheet=sheet,
                row=row,
                column=column,
                found=str(found) if isinstance(found, Said) else shown(found),
                needed=needed,
                code=code,
            )
        )

    def whole(self) -> tuple[NotTaken, ...]:
        rest = NotTaken(
            file=self.file, found=f"{self.more} more of the kind", needed="those above corrected"
        )
        return (*self.found, *([rest] if self.more else []))


class Said(str):
    """Words about what was found, not the thing itself."""

    __slots__ = ()


def once(values: Iterable[str]) -> list[str]:
    """Return values that have no order, each once and in the one order that all forms agree on."""
    return sorted(set(values))
