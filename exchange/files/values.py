"""What a column holds, judged by all of its cells, and how a cell is kept."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import assert_never

from catalogue.model import ItemType

_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)\.[0-9]+")
_DAY = re.compile(
    r"(?P<year>[0-9]{4})(?:(?P<mark>[-/.])(?P<month>[0-9]{1,2})(?P=mark)(?P<day>[0-9]{1,2})"
    r"|年(?P<month2>[0-9]{1,2})月(?P<day2>[0-9]{1,2})日)"
)
_MOMENT = re.compile(
    r"(?P<date>[0-9/.年月日-]{8,11})[T ](?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})"
    r"(?::(?P<second>[0-9]{2})(?:\.0+)?)?"
)
_COMPACT_DAY = re.compile(r"(?:19|20)[0-9]{6}")
_TRUTHS: Mapping[str, bool] = {
    "是": True,
    "否": False,
    "true": True,
    "false": False,
    "yes": True,
    "no": False,
}
_INT_MAX = 2**31 - 1
_LONGEST_NUMBER = 15
"""Digits; a spreadsheet keeps no more of a number, and codes are longer."""
_CODE_LENGTH = 10
"""From so many digits on, numbers that are all equally long are codes, not quantities."""
FIRST_YEAR, LAST_YEAR = 1900, 2100


class NoSuchDayError(ValueError):
    """It is written like a day, and the calendar has no such day."""


def read_day(text: str) -> date | None:
    """Read a day as departments write it; None for what is not written as one.

    Raises NoSuchDayError for 30 February.
    """
    found = _DAY.fullmatch(text)
    if found is None:
        return None
    month, day = found["month"] or found["month2"], found["day"] or found["day2"]
    try:
        return date(int(found["year"]), int(month), int(day))
    except ValueError:
        raise NoSuchDayError from None


def read_moment(text: str) -> datetime | None:
    """Read a day and a time of day; None for what is not written as one. Raises NoSuchDayError."""
    found = _MOMENT.fullmatch(text)
    day = None if found is None else read_day(found["date"])
    if found is None or day is None:
        return None
    try:
        return datetime(  # noqa: DTZ001 - in the zone of the source, like any department's column
            day.year,
            day.month,
            day.day,
            int(found["hour"]),
            int(found["minute"]),
            int(found["second"] or 0),
        )
    except ValueError:
        raise NoSuchDayError from None


def read_compact_day(text: str) -> date | None:
    """Read `20260131`; None for any other eight digits."""
    if not _COMPACT_DAY.fullmatch(text):
        return None
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None


def kind_of(text: str) -> ItemType:
    """Return what one cell, not an empty one, looks like. Raises NoSuchDayError."""
    if _WHOLE.fullmatch(text):
        if len(text.removeprefix("-")) > _LONGEST_NUMBER:
            return ItemType.TEXT
        return ItemType.INTEGER if abs(int(text)) <= _INT_MAX else ItemType.LONG
    if _DECIMAL.fullmatch(text):
        return ItemType.DECIMAL
    if text.casefold() in _TRUTHS:
        return ItemType.BOOLEAN
    if text[:4].isdigit():
        if read_day(text) is not None:
            return ItemType.DATE
        if read_moment(text) is not None:
            return ItemType.DATETIME
    return ItemType.TEXT


_NUMBERS = {ItemType.INTEGER, ItemType.LONG, ItemType.DECIMAL}
_DAYS = {ItemType.DATE, ItemType.DATETIME}


def _family(kind: ItemType) -> ItemType:
    """Return the one type that stands for all that can share a column."""
    if kind in _NUMBERS:
        return ItemType.DECIMAL
    return ItemType.DATETIME if kind in _DAYS else kind


class ColumnJudge:
    """Sees the cells of one column one by one, and says in the end what the column is."""

    def __init__(self) -> None:
        self.empty = 0
        self.counts: dict[ItemType, int] = {}
        self.first: dict[ItemType, list[int]] = {}
        """The first rows in which each kind was met."""
        self._lengths: set[int] = set()
        self._compact = True

    def see(self, text: str, *, row: int) -> ItemType:
        """Take one more cell into account. Raises NoSuchDayError, having counted it as text."""
        if not text:
            self.empty += 1
            return ItemType.TEXT
        try:
            kind = kind_of(text)
        except NoSuchDayError:
            self._count(ItemType.TEXT, row)
            raise
        self._count(kind, row)
        if kind in {ItemType.INTEGER, ItemType.LONG}:
            self._lengths.add(len(text))
            self._compact = self._compact and read_compact_day(text) is not None
        return kind

    def _count(self, kind: ItemType, row: int) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + 1
        rows = self.first.setdefault(kind, [])
        if len(rows) < 8:
            rows.append(row)

    def verdict(self) -> ItemType:
        """Return the one type that every cell fits; text where there is none, or no cell at all."""
        kinds = set(self.counts)
        if not kinds or ItemType.TEXT in kinds:
            return ItemType.TEXT
        if kinds <= {ItemType.INTEGER, ItemType.LONG}:
            return self._whole(kinds)
        if kinds <= _NUMBERS:
            return ItemType.DECIMAL
        if kinds <= _DAYS:
            return ItemType.DATETIME if len(kinds) > 1 else next(iter(kinds))
        return next(iter(kinds)) if len(kinds) == 1 else ItemType.TEXT

    def _whole(self, kinds: set[ItemType]) -> ItemType:
        if self._compact:
            return ItemType.DATE
        if len(self._lengths) == 1 and max(self._lengths) >= _CODE_LENGTH:
            return ItemType.TEXT
        return ItemType.LONG if ItemType.LONG in kinds else ItemType.INTEGER

    def misfits(self) -> list[int]:
        """Return the first rows that keep a column from being of the type that most of its cells have."""
        if self.verdict() is not ItemType.TEXT or len(self.counts) < 2:
            return []
        families = {kind: _family(kind) for kind in self.counts}
        sizes = Counter[ItemType]()
        for kind, count in self.counts.items():
            sizes[families[kind]] += count
        commonest, _count = sizes.most_common(1)[0]
        if commonest is ItemType.TEXT:
            return []
        others = [rows for kind, rows in self.first.items() if families[kind] is not commonest]
        return sorted(row for rows in others for row in rows)


Kept = str | int | None


def kept(text: str, kind: ItemType) -> Kept:
    """Return a cell as it is kept in a column of a type that it fits; None for an empty one."""
    if not text:
        return None
    writer = _WRITERS.get(kind)
    return text if writer is None else writer(text)


def shown(value: Kept, kind: ItemType) -> str:
    """Return a kept value as the preview shows it."""
    if value is None:
        return ""
    if kind is ItemType.BOOLEAN:
        return "true" if value else "false"
    return str(value)


def _kept_day(text: str) -> str:
    return (read_compact_day(text) or _sure(read_day(text))).isoformat()


def _kept_moment(text: str) -> str:
    moment = read_moment(text)
    if moment is not None:
        return moment.isoformat(timespec="seconds")
    return f"{_sure(read_day(text)).isoformat()}T00:00:00"


def _sure(day: date | None) -> date:
    if day is None:
        raise ValueError("the column was judged to hold days")
    return day


_WRITERS: Mapping[ItemType, Callable[[str], str | int]] = {
    ItemType.INTEGER: int,
    ItemType.LONG: int,
    ItemType.BOOLEAN: lambda text: int(_TRUTHS[text.casefold()]),
    ItemType.DATE: _kept_day,
    ItemType.DATETIME: _kept_moment,
}


def column_declaration(kind: ItemType) -> str:
    """Return the type under which SQLite keeps a column, so that nothing in it is respelled.

    SQLite's own NUMERIC would take the trailing zeros off an amount and round long ones: decimals are text
    under a collation that compares them as numbers.
    """
    match kind:
        case ItemType.TEXT | ItemType.DATE | ItemType.DATETIME | ItemType.BYTES:
            return "TEXT"
        case ItemType.INTEGER | ItemType.LONG | ItemType.BOOLEAN:
            return "INTEGER"
        case ItemType.DECIMAL:
            return "TEXT COLLATE exchange_decimal"
        case _:
            assert_never(kind)
