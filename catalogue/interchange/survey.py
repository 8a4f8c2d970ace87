"""The survey's two sheets and the flat table: rows of cells out of entries, and entries out of them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from catalogue.classification import classify, level_name
from catalogue.interchange import columns as survey_columns
from catalogue.interchange.cells import CellError, read_cell, write_cell
from catalogue.interchange.columns import (
    BESIDES,
    CATALOGUE_TITLE,
    DETAIL,
    FORMAT_OTHER,
    GROUP,
    NEEDS,
    NEEDS_TITLE,
    NUMBER,
    SUBGROUP,
    TERMS,
    TERMS_BESIDES,
    Column,
)
from catalogue.interchange.fields import ENTRY_FIELDS, Field, Kind
from catalogue.interchange.model import Report, Said, Told, Wanted

NOT_SHARED = "not-shared"
LONGEST_NEED = 500


@dataclass(frozen=True, slots=True)
class Merge:
    """A merged range, rows and columns from 0, both ends in it."""

    first_row: int
    first_column: int
    last_row: int
    last_column: int


@dataclass(slots=True)
class Grid:
    """A sheet as it is written."""

    name: str
    rows: list[list[str]] = field(default_factory=list)
    merges: list[Merge] = field(default_factory=list)
    headings: int = 0
    """Rows of headings, the title's among them."""
    choices: dict[int, list[str]] = field(default_factory=dict)
    """By column from 0 the words of which a cell holds one; other columns take any text."""


# Writing


def catalogue_grid(told: Sequence[Told]) -> Grid:
    """Return the sheet of resources: a title, two rows of headings, a row an item, entries' cells merged."""
    details = max((len(_details(one.code)) for one in told), default=0)
    columns = survey_columns.survey(max(details, 1))
    grid = Grid(name=survey_columns.CATALOGUE_SHEET, headings=3)
    grid.rows.append([CATALOGUE_TITLE] + [""] * (len(columns) - 1))
    grid.merges.append(Merge(0, 0, 0, len(columns) - 1))
    _write_headings(grid, columns)
    grid.choices = {
        place: _choices(column.known)
        for place, column in enumerate(columns)
        if column.known is not None and column.known.kind in {Kind.WORD, Kind.FLAG}
    }
    for number, one in enumerate(told, 1):
        first = len(grid.rows)
        items: Sequence[Mapping[str, Any]] = one.items or ({},)
        for place, item in enumerate(items):
            grid.rows.append(
                [
                    _item_cell(column, item)
                    if column.of_item
                    else (_entry_cell(column, one, number) if place == 0 else "")
                    for column in columns
                ]
            )
        last = len(grid.rows) - 1
        if last > first:
            grid.merges += [
                Merge(first, place, last, place)
                for place, column in enumerate(columns)
                if not column.of_item
            ]
    return grid


def needs_grid(wanted: Sequence[Wanted]) -> Grid:
    """Return the sheet of needs."""
    grid = Grid(name=survey_columns.NEEDS_SHEET, headings=2)
    grid.rows.append([NEEDS_TITLE] + [""] * (len(NEEDS) - 1))
    grid.merges.append(Merge(0, 0, 0, len(NEEDS) - 1))
    grid.rows.append([heading for heading, _name in NEEDS])
    for number, one in enumerate(wanted, 1):
        cells = {"number": str(number), "words": one.words, "need": one.need}
        grid.rows.append([cells.get(name, "") for _heading, name in NEEDS])
    return grid


def flat_rows(told: Iterable[Told]) -> Iterator[list[str]]:
    """Yield the rows of a CSV file: headings, then a row an item, what is the entry's in its first row."""
    columns = survey_columns.flat()
    yield [column.flat for column in columns]
    for one in told:
        for place, item in enumerate(one.items or ({},)):
            yield [
                _item_cell(column, item)
                if column.of_item
                else (
                    _entry_cell(column, one, 0)
                    if place == 0 or column.field in {"code", "name"}
                    else ""
                )
                for column in columns
            ]


def _write_headings(grid: Grid, columns: Sequence[Column]) -> None:
    row = len(grid.rows)
    above, below = [""] * len(columns), [""] * len(columns)
    place = 0
    while place < len(columns):
        group = columns[place].group
        end = place
        while group and end + 1 < len(columns) and columns[end + 1].group == group:
            end += 1
        if group:
            above[place] = group
            below[place : end + 1] = [column.heading for column in columns[place : end + 1]]
            if end > place:
                grid.merges.append(Merge(row, place, row, end))
        else:
            above[place] = columns[place].heading
            grid.merges.append(Merge(row, place, row + 1, place))
        place = end + 1
    grid.rows += [above, below]


def _choices(known: Field) -> list[str]:
    return ["是", "否"] if known.kind is Kind.FLAG else list(known.words.values())


def _entry_cell(column: Column, told: Told, number: int) -> str:
    known = column.known
    fields = told.fields
    if known is not None:
        value = told.code if known.name == "code" else fields.get(known.name, known.empty)
        return write_cell(known, value)
    shared = fields.get("sharing_class") != NOT_SHARED
    conditions, basis = ENTRY_FIELDS["conditions"], ENTRY_FIELDS["no_share_basis"]
    match column.field.split(".")[0]:
        case survey_columns.NUMBER:
            return str(number)
        case survey_columns.GROUP | survey_columns.SUBGROUP | survey_columns.DETAIL:
            return _class_cell(column.field, told.code)
        case survey_columns.TERMS:
            one = conditions if shared else basis
            return write_cell(one, fields.get(one.name, one.empty))
        case survey_columns.TERMS_BESIDES:
            one = basis if shared else conditions
            return write_cell(one, fields.get(one.name, one.empty))
        case _:
            return ""


def _item_cell(column: Column, item: Mapping[str, Any]) -> str:
    known = column.known
    return "" if known is None or not item else write_cell(known, item.get(known.name, known.empty))


def _class_cell(name: str, code: str) -> str:
    found = classify(code)
    prefixes = found.prefixes if found is not None else ()
    if name == GROUP:
        return level_name(prefixes[1], language="zh") if len(prefixes) > 1 else ""
    if name == SUBGROUP:
        return level_name(prefixes[2], language="zh") if len(prefixes) > 2 else ""
    details, place = _details(code), int(name.partition(".")[2])
    return details[place - 1] if place <= len(details) else ""


def _details(code: str) -> list[str]:
    found = classify(code)
    return [found.detail] if found is not None and found.detail else []


# Reading


@dataclass(frozen=True, slots=True)
class Row:
    """A row of cells, blanks that a merged cell covers already filled in."""

    number: int
    cells: Sequence[str]


@dataclass(slots=True, kw_only=True)
class _Entry:
    """An entry while its rows are gone through."""

    row: int
    fields: dict[str, Any] = field(default_factory=dict)
    items: list[dict[str, Any]] = field(default_factory=list)
    cells: dict[int, str] = field(default_factory=dict)
    broken: bool = False


@dataclass(slots=True, kw_only=True)
class TableReader:
    """Reads rows under headings that were recognised."""

    columns: Sequence[Column | None]
    """By place; None is a column that nothing is read from."""
    report: Report
    sheet: str = ""
    _entries: list[_Entry] = field(default_factory=list)

    def read(self, rows: Iterable[Row]) -> list[Told]:
        places = {
            one.field: place for place, one in enumerate(self.columns) if one and not one.of_item
        }
        code, name = places.get("code"), places.get("name")
        for row in rows:
            if not any(cell.strip() for cell in row.cells):
                continue
            self._take(row, code, name)
        return [told for one in self._entries if (told := self._told(one)) is not None]

    def _take(self, row: Row, code: int | None, name: int | None) -> None:
        given_code, given_name = _cell(row, code), _cell(row, name)
        current = self._entries[-1] if self._entries else None
        held = "" if current is None else current.cells.get(code if code is not None else -1, "")
        if (
            current is None
            or (given_code and given_code != held)
            or (
                not given_code
                and given_name
                and given_name != current.cells.get(name if name is not None else -1, "")
            )
        ):
            current = _Entry(row=row.number)
            self._entries.append(current)
            self._begin(current, row)
        else:
            self._check_same(current, row)
        self._take_item(current, row)

    def _begin(self, entry: _Entry, row: Row) -> None:
        terms: dict[str, str] = {}
        for place, column in enumerate(self.columns):
            if column is None or column.of_item:
                continue
            cell = _cell(row, place)
            entry.cells[place] = cell
            if column.field in {TERMS, TERMS_BESIDES, FORMAT_OTHER}:
                terms[column.field] = cell
            elif column.known is not None:
                self._put(entry, entry.fields, column.known, cell, row.number)
        self._put_terms(entry, terms, row.number)

    def _put_terms(self, entry: _Entry, terms: Mapping[str, str], row: int) -> None:
        """Read the column that holds conditions, or the legal basis of what is not shared."""
        shared = entry.fields.get("sharing_class") != NOT_SHARED
        names = ("conditions", "no_share_basis") if shared else ("no_share_basis", "conditions")
        for column, name in zip((TERMS, TERMS_BESIDES), names, strict=True):
            if column in terms:
                self._put(entry, entry.fields, ENTRY_FIELDS[name], terms[column], row)
        if terms.get(FORMAT_OTHER) and not entry.fields.get("format_name"):
            entry.fields["format_name"] = terms[FORMAT_OTHER]

    def _check_same(self, entry: _Entry, row: Row) -> None:
        """A cell of the entry that is filled in again says the same, or nobody knows which one holds."""
        for place, first in entry.cells.items():
            column, cell = self.columns[place], _cell(row, place)
            if column is None or column.field == NUMBER or not cell or cell == first:
                continue
            entry.broken = True
            self.report.note(
                cell,
                f"what row {entry.row} says of the same entry, or nothing",
                row=row.number,
                column=column.flat,
                sheet=self.sheet,
                code=_code(entry),
            )

    def _take_item(self, entry: _Entry, row: Row) -> None:
        item: dict[str, Any] = {}
        said = False
        for place, column in enumerate(self.columns):
            if column is None or not column.of_item or column.known is None:
                continue
            cell = _cell(row, place)
            said = said or bool(cell)
            if column.known.obligatory and not cell:
                continue
            self._put(entry, item, column.known, cell, row.number)
        if not said:
            return
        if not item.get("title"):
            entry.broken = True
            self.report.note(
                "", "the item's title", row=row.number, column="信息项名称", sheet=self.sheet,
                code=_code(entry),
            )  # fmt: skip
            return
        entry.items.append(item)

    def _put(self, entry: _Entry, into: dict[str, Any], known: Field, cell: str, row: int) -> None:
        if known.obligatory and not cell:
            entry.broken = True
            self.report.note("", "something", row=row, column=known.zh, sheet=self.sheet)
            return
        try:
            into[known.name] = read_cell(known, cell)
        except CellError as error:
            entry.broken = True
            self.report.note(
                cell, str(error), row=row, column=known.zh, sheet=self.sheet, code=_code(entry)
            )

    def _told(self, entry: _Entry) -> Told | None:
        if entry.broken:
            return None
        speaks_of_items = any(one is not None and one.of_item for one in self.columns)
        return Told(
            code=str(entry.fields.get("code", "")),
            fields=entry.fields,
            items=tuple(entry.items) if speaks_of_items else None,
            row=entry.row,
        )


def read_headings(
    rows: Sequence[Row], report: Report, *, sheet: str = ""
) -> tuple[int, list[Column | None]] | None:
    """Find the headings among the first rows: in one row, or in two of which the upper one names groups.

    Returns the number of the last row of headings and the columns; None where no code and name are found.
    """
    columns = survey_columns.survey(1)
    columns += tuple(
        one for one in survey_columns.flat() if one.field in {"conditions", "no_share_basis"}
    )
    headings_known = survey_columns.Headings(columns)
    best: tuple[int, list[Column | None], list[str]] | None = None
    for place, row in enumerate(rows):
        below = rows[place + 1].cells if place + 1 < len(rows) else ()
        for two in (False, True):
            headings = _headings(row.cells, below if two else None)
            found = [
                headings_known.find(heading, group) if heading else None
                for group, heading in headings
            ]
            names = {one.field for one in found if one is not None and not one.of_item}
            if not {"code", "name"} <= names:
                continue
            score = sum(one is not None for one in found)
            if best is None or score > sum(one is not None for one in best[1]):
                last = rows[place + 1].number if two else row.number
                best = (last, found, [heading for _group, heading in headings])
    if best is None:
        return None
    last, found, headings_found = best
    _check_headings(last, found, headings_found, report, sheet=sheet)
    return last, found


def _headings(above: Sequence[str], below: Sequence[str] | None) -> list[tuple[str, str]]:
    """Return (group, heading) by place. A group stands over its columns once, or over each of them."""
    if below is None:
        return [("", cell.strip()) for cell in above]
    found = []
    group = ""
    for place in range(max(len(above), len(below))):
        upper = above[place].strip() if place < len(above) else ""
        lower = below[place].strip() if place < len(below) else ""
        group = upper or group
        if not lower or lower == upper:
            found.append(("", upper))
        else:
            found.append((group, lower))
    return found


def _check_headings(
    row: int, found: list[Column | None], headings: Sequence[str], report: Report, *, sheet: str
) -> None:
    """Report headings that mean nothing here, and those that stand twice; both columns are left out."""
    seen: dict[tuple[str, bool], int] = {}
    for place, (column, heading) in enumerate(zip(found, headings, strict=True)):
        if column is None:
            if heading:
                report.note(
                    heading, "a heading of the survey", row=row, column=heading, sheet=sheet
                )
            continue
        if column.field.startswith(DETAIL):
            continue
        first = seen.setdefault((column.field, column.of_item), place)
        if first != place:
            report.note(
                Said(f"the heading {heading!r} twice"),
                "it once",
                row=row,
                column=heading,
                sheet=sheet,
            )
            found[place] = None


def read_needs(rows: Sequence[Row], report: Report, *, sheet: str) -> list[Wanted]:
    """Read the sheet of needs: a title, one row of headings, one need a row."""
    known = {survey_columns.norm(heading): name for heading, name in NEEDS}
    for place, row in enumerate(rows[:20]):
        names = [known.get(survey_columns.norm(cell), "") for cell in row.cells]
        if "words" in names:
            return [
                wanted
                for one in rows[place + 1 :]
                if (wanted := _wanted(one, names, report, sheet)) is not None
            ]
    if any(any(cell.strip() for cell in row.cells) for row in rows):
        report.note("", "a row of headings with 所需资源名称", column="所需资源名称", sheet=sheet)
    return []


def _wanted(row: Row, names: Sequence[str], report: Report, sheet: str) -> Wanted | None:
    cells = {
        name: row.cells[place].strip()
        for place, name in enumerate(names)
        if name and place < len(row.cells)
    }
    if not any(value for name, value in cells.items() if name != "number"):
        return None
    zh = {name: heading for heading, name in NEEDS}
    others = [
        f"{zh[name]}：{cells[name]}"
        for name in ("description", "provider", "method", "frequency", "bodies", "had")
        if cells.get(name)
    ]
    need = "；".join([*filter(None, [cells.get("need", "")]), *others])
    if not cells.get("words"):
        report.note("", "what is needed", row=row.number, column=zh["words"], sheet=sheet)
        return None
    if not need or len(need) > LONGEST_NEED:
        report.note(
            Said(f"{len(need)} characters"), f"1 to {LONGEST_NEED} that say what it is needed for",
            row=row.number, column=zh["need"], sheet=sheet,
        )  # fmt: skip
        return None
    return Wanted(words=cells["words"], need=need, row=row.number)


def _cell(row: Row, place: int | None) -> str:
    return row.cells[place].strip() if place is not None and place < len(row.cells) else ""


def _code(entry: _Entry) -> str:
    return str(entry.fields.get("code", ""))


__all__ = ["BESIDES", "Grid", "Merge", "Row", "TableReader"]
