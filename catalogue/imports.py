"""Reads departments, officers and matters from CSV, strictly: each thing not taken is named by its place."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from catalogue.codes import department_code, matter_kind, plain_code
from catalogue.errors import CatalogueError, InvalidError
from catalogue.lifecycle import NewOfficer
from catalogue.model import Department, Matter, Role
from catalogue.validation import check_department, check_matter

T = TypeVar("T")
MAX_BYTES = 16 * 1024 * 1024

_DEPARTMENT = {
    "code": "部门代码",
    "name": "部门名称",
    "name_en": "英文名称",
    "level": "层级",
    "region": "行政区划代码",
    "superior": "上级部门代码",
}
_OFFICER = {
    "department": "部门代码",
    "staff_number": "工号",
    "name": "姓名",
    "post": "职务",
    "roles": "角色",
    "clearance": "密级权限",
}
_MATTER = {
    "code": "事项编码",
    "department": "部门代码",
    "name": "事项名称",
    "case_pattern": "办件号规则",
    "max_parties": "当事人上限",
    "relations": "允许关联",
    "resources": "关联资源",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something in a file that is not taken. It names the place and what was needed, never the value."""

    file: str
    row: int
    """As a spreadsheet counts: the heading is row 1. 0 is the file as a whole."""
    column: str
    """The heading of the column; empty is the row as a whole."""
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.row}:{self.column}: {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Read(Generic[T]):
    """The rows of a file, and what of it was not taken."""

    rows: tuple[T, ...]
    findings: tuple[Finding, ...] = ()

    def whole(self) -> tuple[T, ...]:
        """Return the rows. Raises InvalidError naming every place where anything was not taken."""
        if self.findings:
            raise InvalidError(*map(str, self.findings), code="IMPORT_REFUSED")
        return self.rows


class _PlaceError(Exception):
    """A value that cannot be taken, with the column it stands in."""

    def __init__(self, column: str, message: str) -> None:
        self.column = column
        self.message = message
        super().__init__(column, message)


def read_departments(content: bytes, *, file: str) -> Read[Department]:
    return _read(content, file, _DEPARTMENT, {"code", "name"}, _department, lambda d: d.code)


def read_officers(content: bytes, *, file: str) -> Read[NewOfficer]:
    return _read(
        content,
        file,
        _OFFICER,
        {"department", "staff_number", "name"},
        _officer,
        lambda o: f"{o.department}/{o.staff_number}",
    )


def read_matters(content: bytes, *, file: str) -> Read[Matter]:
    return _read(content, file, _MATTER, {"code", "department", "name"}, _matter, lambda m: m.code)


def _department(row: Mapping[str, str]) -> Department:
    code, kind = _at("code", department_code, row["code"])
    superior = row.get("superior", "")
    department = Department(
        code=code,
        code_kind=kind,
        name=row["name"],
        name_en=row.get("name_en", ""),
        level=row.get("level") or "district",
        region=row.get("region", ""),
        superior=_at("superior", plain_code, superior) if superior else None,
    )
    return _at("", check_department, department)


def _officer(row: Mapping[str, str]) -> NewOfficer:
    return NewOfficer(
        department=_at("department", plain_code, row["department"]),
        staff_number=row["staff_number"],
        name=row["name"],
        post=row.get("post", ""),
        roles=frozenset(_at("roles", Role, name) for name in _list(row.get("roles", ""))),
        clearance=_at("clearance", _whole, row.get("clearance") or "2"),
    )


def _matter(row: Mapping[str, str]) -> Matter:
    code = _at("code", plain_code, row["code"])
    matter = Matter(
        code=code,
        kind=matter_kind(code),
        department=_at("department", plain_code, row["department"]),
        name=row["name"],
        case_pattern=row.get("case_pattern", ""),
        max_parties=_at("max_parties", _whole, row.get("max_parties") or "5"),
        relations=_list(row.get("relations", "")),
        resources=_list(row.get("resources", "")),
    )
    return _at("", check_matter, matter)


def _read(
    content: bytes,
    file: str,
    headings: Mapping[str, str],
    obligatory: set[str],
    build: Callable[[Mapping[str, str]], T],
    key: Callable[[T], str],
) -> Read[T]:
    """Read a file whose headings are the English or the Chinese names."""
    try:
        lines = list(_lines(content))
        columns = _columns(lines[0] if lines else [], headings, obligatory)
    except _PlaceError as error:
        return Read(rows=(), findings=(_finding(file, 1, error),))
    rows: list[T] = []
    findings: list[Finding] = []
    seen: dict[str, int] = {}
    for number, cells in enumerate(lines[1:], start=2):
        try:
            row = _row(cells, columns, obligatory)
            if row is None:
                continue
            value = build(row)
        except _PlaceError as error:
            heading = lines[0][columns.index(error.column)] if error.column in columns else ""
            findings.append(_finding(file, number, _PlaceError(heading, error.message)))
            continue
        first = seen.setdefault(key(value), number)
        if first == number:
            rows.append(value)
        else:
            findings.append(_finding(file, number, _PlaceError("", f"the same as row {first}")))
    return Read(rows=tuple(rows), findings=tuple(findings))


def _lines(content: bytes) -> Iterator[list[str]]:
    if len(content) > MAX_BYTES:
        raise _PlaceError("", f"{len(content)} bytes, at most {MAX_BYTES} taken")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _PlaceError("", f"not UTF-8 at byte {error.start}") from None
    if "\0" in text:
        raise _PlaceError("", "holds a NUL character")
    try:
        yield from csv.reader(io.StringIO(text, newline=""), strict=True)
    except csv.Error as error:
        raise _PlaceError("", f"not CSV: {error}") from None


def _columns(
    heading: Sequence[str], headings: Mapping[str, str], obligatory: set[str]
) -> list[str]:
    """Return the field of each column."""
    known = {name: name for name in headings} | {zh: name for name, zh in headings.items()}
    columns = []
    for cell in heading:
        if cell.strip() not in known:
            raise _PlaceError("", f"unknown heading {cell.strip()[:40]!r}")
        columns.append(known[cell.strip()])
    if len(set(columns)) != len(columns):
        raise _PlaceError("", "a heading stands twice")
    missing = sorted(obligatory - set(columns))
    if missing:
        raise _PlaceError("", f"headings missing: {', '.join(missing)}")
    return columns


def _row(
    cells: Sequence[str], columns: Sequence[str], obligatory: set[str]
) -> dict[str, str] | None:
    """Return the cells by field; None for an empty line."""
    if not any(cell.strip() for cell in cells):
        return None
    if len(cells) != len(columns):
        raise _PlaceError("", f"{len(cells)} cells, {len(columns)} needed")
    row = {name: cell.strip() for name, cell in zip(columns, cells, strict=True)}
    for name in columns:
        if name in obligatory and not row[name]:
            raise _PlaceError(name, "empty")
    return row


def _at(column: str, convert: Callable[..., T], value: object) -> T:
    """Convert a value, or say in which column it cannot be."""
    try:
        return convert(value)
    except CatalogueError as error:
        raise _PlaceError(column, error.detail) from None
    except ValueError:
        raise _PlaceError(column, "not one of the words or numbers that stand here") from None


def _whole(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 4:
        raise ValueError("not a whole number")
    return int(text)


def _list(text: str) -> tuple[str, ...]:
    parts = text.replace("；", ";").split(";")
    return tuple(part.strip() for part in parts if part.strip())


def _finding(file: str, row: int, error: _PlaceError) -> Finding:
    return Finding(file=file, row=row, column=error.column, message=error.message)
