"""A newer file for a table that is there: what it would add, change and take away, and what it breaks."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from catalogue.codes import normalise_subject
from catalogue.errors import CodeError
from catalogue.model import Item, ItemType, Resource
from exchange.files.looking import Table, below, plain
from exchange.files.model import NAMED_ROWS, Findings, SeenColumn
from exchange.files.values import Kept, NoSuchDayError, kept, kind_of, read_compact_day

EXAMPLES = 5
"""Keys of added, changed and removed records that a preview names."""

Rows = list[tuple[Kept, ...]]


class Rule(StrEnum):
    """What a file can break of what its entry promises."""

    COLUMN_MISSING = "column-missing"
    TYPE_CHANGED = "type-changed"
    KEY_MISSING = "key-missing"
    OLDER = "older"
    # The officer may take these on their own word:
    KEY_EMPTY = "key-empty"
    KEY_TWICE = "key-twice"
    CODE_INVALID = "code-invalid"
    MOSTLY_GONE = "mostly-gone"


ACCEPTABLE = frozenset({Rule.KEY_EMPTY, Rule.KEY_TWICE, Rule.CODE_INVALID, Rule.MOSTLY_GONE})
RULES: Mapping[Rule, tuple[str, str]] = {
    Rule.COLUMN_MISSING: ("目录登记的列不在文件中", "a column that the entry has is missing"),
    Rule.TYPE_CHANGED: ("值不符合登记的类型", "values do not have the type that was registered"),
    Rule.KEY_MISSING: (
        "没有主键列，不能按主键更新",
        "without a key column nothing can be loaded by key",
    ),
    Rule.OLDER: (
        "数据日期早于现有数据",
        "the rows are of an earlier day than those that are there",
    ),
    Rule.KEY_EMPTY: ("主键为空", "the key is empty"),
    Rule.KEY_TWICE: (
        "主键重复，而每个对象只应有一条记录",
        "a key stands twice, one record was promised",
    ),
    Rule.CODE_INVALID: ("标识号码校验不通过", "an identifier breaks the rules of its code"),
    Rule.MOSTLY_GONE: ("将移除超过一半的记录", "more than half of the records would be removed"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """One rule that a file breaks, and where; never the value."""

    rule: Rule
    column: str = ""
    rows: tuple[int, ...] = ()
    """The first NAMED_ROWS, as a spreadsheet counts."""
    count: int = 1

    @property
    def acceptable(self) -> bool:
        return self.rule in ACCEPTABLE

    def text(self, language: str) -> str:
        zh, en = RULES[self.rule]
        return en if language == "en" else zh


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What a load does to the records that are there."""

    added: int
    changed: int
    removed: int
    unchanged: int
    examples: Mapping[str, tuple[str, ...]]
    """Some keys by `added`, `changed`, `removed`; the department's own data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A load, ready to be kept."""

    columns: tuple[SeenColumn, ...]
    rows: Rows = field(repr=False)
    difference: Difference
    breaks: tuple[Break, ...]
    ignored: tuple[str, ...]
    """Headings that the table does not have: such columns are left out."""


@dataclass(slots=True)
class _Breaks:
    found: dict[tuple[Rule, str], list[int]] = field(default_factory=dict)
    counts: Counter[tuple[Rule, str]] = field(default_factory=Counter)

    def note(self, rule: Rule, *, column: str = "", row: int = 0) -> None:
        self.counts[rule, column] += 1
        rows = self.found.setdefault((rule, column), [])
        if row and len(rows) < NAMED_ROWS:
            rows.append(row)

    def all(self) -> tuple[Break, ...]:
        return tuple(
            Break(rule=rule, column=column, rows=tuple(rows), count=self.counts[rule, column])
            for (rule, column), rows in self.found.items()
        )


def prepare(
    table: Table,
    *,
    columns: Sequence[SeenColumn],
    before: Rows,
    resource: Resource,
    by_key: bool,
) -> Prepared:
    """Compare a file with the rows that are there.

    `columns` are those of the table, in which the new rows are kept: each cell has to fit the type that was
    registered. With `by_key` the file's records replace those of the same key and the others stay.
    """
    breaks = _Breaks()
    places = {
        column.heading: place
        for column, place in zip(table.preview.columns, table.places, strict=True)
    }
    needed = {item.column for item in resource.items}
    for column in columns:
        if column.heading not in places and column.heading in needed:
            breaks.note(Rule.COLUMN_MISSING, column=column.heading)
    offered = _rows(table, columns, places, breaks)
    keys = [place for place, column in enumerate(columns) if column.key]
    _check(offered, columns, resource, breaks)
    key_of = _key_of(keys)
    if by_key and not keys:
        breaks.note(Rule.KEY_MISSING)
    rows = [row for _number, row in offered]
    if by_key and keys:
        replaced = {key_of(row) for row in rows}
        rows = [row for row in before if key_of(row) not in replaced] + rows
    difference = compare(before, rows, key_of=key_of)
    if difference.removed * 2 > len(before):
        breaks.note(Rule.MOSTLY_GONE)
    return Prepared(
        columns=tuple(columns),
        rows=rows,
        difference=difference,
        breaks=breaks.all(),
        ignored=tuple(heading for heading in places if heading not in {c.heading for c in columns}),
    )


def compare(before: Rows, after: Rows, *, key_of: Callable[[tuple[Kept, ...]], str]) -> Difference:
    """Return what stands under each key before and after: a record may have several rows."""
    old, new = _grouped(before, key_of), _grouped(after, key_of)
    added = [key for key in new if key not in old]
    removed = [key for key in old if key not in new]
    changed = [key for key in new if key in old and new[key] != old[key]]
    return Difference(
        added=len(added),
        changed=len(changed),
        removed=len(removed),
        unchanged=len(new) - len(added) - len(changed),
        examples={
            "added": tuple(added[:EXAMPLES]),
            "changed": tuple(changed[:EXAMPLES]),
            "removed": tuple(removed[:EXAMPLES]),
        },
    )


def rows_of(path: Path, table: str, columns: Sequence[SeenColumn]) -> Rows:
    """Return the rows of a kept table."""
    names = ", ".join('"' + column.heading.replace('"', '""') + '"' for column in columns)
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        return connection.execute(f'SELECT {names} FROM "{table}"').fetchall()  # noqa: S608 - quoted


def _grouped(
    rows: Iterable[tuple[Kept, ...]], key_of: Callable[[tuple[Kept, ...]], str]
) -> dict[str, Counter[tuple[Kept, ...]]]:
    grouped: dict[str, Counter[tuple[Kept, ...]]] = {}
    for row in rows:
        grouped.setdefault(key_of(row), Counter())[row] += 1
    return grouped


def _key_of(keys: Sequence[int]) -> Callable[[tuple[Kept, ...]], str]:
    """Return what tells one record from another: the key's columns, or the whole row where there is none."""

    def key_of(row: tuple[Kept, ...]) -> str:
        cells = [row[place] for place in keys] if keys else row
        return " ".join("" if cell is None else str(cell) for cell in cells)

    return key_of


def _rows(
    table: Table, columns: Sequence[SeenColumn], places: Mapping[str, int], breaks: _Breaks
) -> list[tuple[int, tuple[Kept, ...]]]:
    rows = []
    for line in below(table.lines, table.preview.header, Findings()):
        row: list[Kept] = []
        for column in columns:
            place = places.get(column.heading, len(line.cells))
            cell = plain(line.cells[place]) if place < len(line.cells) else ""
            if not _fits(cell, column.type):
                breaks.note(Rule.TYPE_CHANGED, column=column.heading, row=line.number)
                cell = ""
            row.append(kept(cell, column.type))
        rows.append((line.number, tuple(row)))
    return rows


_NARROWER: Mapping[ItemType, frozenset[ItemType]] = {
    ItemType.INTEGER: frozenset({ItemType.INTEGER}),
    ItemType.LONG: frozenset({ItemType.INTEGER, ItemType.LONG}),
    ItemType.DECIMAL: frozenset({ItemType.INTEGER, ItemType.LONG, ItemType.DECIMAL}),
    ItemType.BOOLEAN: frozenset({ItemType.BOOLEAN}),
    ItemType.DATE: frozenset({ItemType.DATE}),
    ItemType.DATETIME: frozenset({ItemType.DATE, ItemType.DATETIME}),
}


def _fits(cell: str, kind: ItemType) -> bool:
    if not cell or kind not in _NARROWER:
        return True
    if kind is ItemType.DATE and read_compact_day(cell) is not None:
        return True
    try:
        return kind_of(cell) in _NARROWER[kind]
    except NoSuchDayError:
        return False


def _check(
    rows: Sequence[tuple[int, tuple[Kept, ...]]],
    columns: Sequence[SeenColumn],
    resource: Resource,
    breaks: _Breaks,
) -> None:
    """Note what the rows break of the entry: one record a key where that was promised, and true codes."""
    items = {item.column: item for item in resource.items}
    key = resource.key.column
    seen: set[Kept] = set()
    for place, column in enumerate(columns):
        item = items.get(column.heading)
        if item is None:
            continue
        for number, row in rows:
            cell = row[place]
            if column.heading == key:
                if cell is None:
                    breaks.note(Rule.KEY_EMPTY, column=key, row=number)
                elif cell in seen and resource.single:
                    breaks.note(Rule.KEY_TWICE, column=key, row=number)
                seen.add(cell)
            if cell is not None and _is_wrong_code(item, str(cell)):
                breaks.note(Rule.CODE_INVALID, column=column.heading, row=number)


def _is_wrong_code(item: Item, text: str) -> bool:
    if item.subject is None:
        return False
    try:
        normalise_subject(item.subject, text)
    except CodeError:
        return True
    return False
