"""Reads departments, officers, matters and their materials from CSV, strictly.

Each thing that is not taken is named by its place.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from catalogue.codes import department_code, matter_kind, plain_code
from catalogue.errors import CatalogueError, InvalidError
from catalogue.flaws import Flaw
from catalogue.lifecycle import NewOfficer
from catalogue.materials import Material, MatterList, Origin, depth_of, list_of, origin_of, type_of
from catalogue.model import Department, Matter, Role
from catalogue.validation import check_department, check_material, check_matter

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
    "type": "事项类型",
    "lists": "所属清单",
    "online_depth": "网上办理深度",
    "trips": "到场次数|跑动次数",
    "statutory_days": "法定时限",
    "promised_days": "承诺时限",
    "baseline_days": "共享前时限",
}
MATERIAL_HEADINGS = {
    "matter": "事项编码",
    "code": "材料编号|序号",
    "name": "材料名称",
    "name_en": "英文名称",
    "required": "是否必要",
    "origin": "来源渠道",
    "resource": "共享资源代码",
    "certificate": "证照类型代码",
    "department": "来源部门代码",
    "waived": "是否免提交|免提交",
    "reason": "仍需提交原因",
}
_YES = frozenset({"是", "yes", "true", "1", "必要", "免提交"})
_NO = frozenset({"否", "no", "false", "0", "非必要", "需提交", ""})
_MOST_DAYS = 3650


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something in a file that is not taken. It names the place and what was needed, never the value."""

    file: str
    row: int
    """As a spreadsheet counts: the heading is row 1. 0 is the file as a whole."""
    column: str
    """The heading of the column; empty is the row as a whole."""
    message: Flaw

    def told(self) -> Flaw:
        return Flaw("{0}:{1}:{2}: {3}", self.file, self.row, self.column, self.message)

    def __str__(self) -> str:
        return self.told()


@dataclass(frozen=True, slots=True, kw_only=True)
class Read(Generic[T]):
    """The rows of a file, and what of it was not taken."""

    rows: tuple[T, ...]
    findings: tuple[Finding, ...] = ()
    numbers: tuple[int, ...] = ()
    """Where each row stands in the file, as a spreadsheet counts."""

    def whole(self) -> tuple[T, ...]:
        """Return the rows. Raises InvalidError naming every place where anything was not taken."""
        if self.findings:
            raise InvalidError(*(one.told() for one in self.findings), code="IMPORT_REFUSED")
        return self.rows


@dataclass(frozen=True, slots=True, kw_only=True)
class MaterialRow:
    """One line of a file of materials."""

    matter: str
    material: Material


class _PlaceError(Exception):
    """A value that cannot be taken, with the column it stands in."""

    def __init__(self, column: str, message: Flaw) -> None:
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


def read_materials(content: bytes, *, file: str) -> Read[MaterialRow]:
    """Read materials, a line each. One without a code of its own is known by its name."""
    return _read(
        content,
        file,
        MATERIAL_HEADINGS,
        {"matter", "name"},
        _material,
        lambda one: f"{one.matter}\n{one.material.code}",
    )


def by_matter(rows: Iterable[MaterialRow]) -> dict[str, list[Material]]:
    """Return the materials of a file, by matter and in its order."""
    found: dict[str, list[Material]] = {}
    for row in rows:
        found.setdefault(row.matter, []).append(row.material)
    return found


def material_row(read: Read[MaterialRow], matter: str, material: str) -> int:
    """Return where a material stands in its file; else where its matter first does."""
    stands = list(zip(read.rows, read.numbers, strict=True))
    for row, number in stands:
        if (row.matter, row.material.code) == (matter, material):
            return number
    return next((number for row, number in stands if row.matter == matter), 0)


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
        type=_stated("type", type_of, row),
        lists=_lists(row),
        online_depth=_stated("online_depth", depth_of, row),
        trips=_stated("trips", _whole, row),
        statutory_days=_stated("statutory_days", _days, row),
        promised_days=_stated("promised_days", _days, row),
        baseline_days=_stated("baseline_days", _days, row),
    )
    return _at("", check_matter, matter)


def _material(row: Mapping[str, str]) -> MaterialRow:
    resource, certificate = row.get("resource", ""), row.get("certificate", "")
    department = row.get("department", "")
    material = Material(
        code=row.get("code") or row["name"],
        name=row["name"],
        name_en=row.get("name_en", ""),
        required=_at("required", _flag, row.get("required") or "是"),
        origin=_stated("origin", origin_of, row) or Origin.APPLICANT,
        resource=_at("resource", plain_code, resource) if resource else "",
        certificate=certificate,
        department=_at("department", plain_code, department) if department else "",
        waived=_at("waived", _flag, row.get("waived", "")),
        reason=row.get("reason", ""),
    )
    for field, message in check_material(material):
        raise _PlaceError(field, message)
    return MaterialRow(matter=_at("matter", plain_code, row["matter"]), material=material)


def _stated(column: str, convert: Callable[[str], T | None], row: Mapping[str, str]) -> T | None:
    """Convert what a row states; None where it states nothing."""
    text = row.get(column, "")
    if not text:
        return None
    found = _at(column, convert, text)
    if found is None:
        raise _PlaceError(column, Flaw("not one of the words or numbers that stand here"))
    return found


def _lists(row: Mapping[str, str]) -> tuple[MatterList, ...] | None:
    text = row.get("lists", "")
    if not text:
        return None
    found = [_stated("lists", list_of, {"lists": one}) for one in _list(text)]
    return tuple(sorted({one for one in found if one is not None}))


def _flag(text: str) -> bool:
    plain = text.strip().casefold()
    if plain not in _YES | _NO:
        raise ValueError("neither yes nor no")
    return plain in _YES


def _days(text: str) -> int:
    days = _whole(text.removesuffix("个工作日").removesuffix("工作日").strip())
    if days > _MOST_DAYS:
        raise ValueError("too many days")
    return days


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
    numbers: list[int] = []
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
            numbers.append(number)
        else:
            findings.append(
                _finding(file, number, _PlaceError("", Flaw("the same as row {0}", first)))
            )
    return Read(rows=tuple(rows), findings=tuple(findings), numbers=tuple(numbers))


def _lines(content: bytes) -> Iterator[list[str]]:
    if len(content) > MAX_BYTES:
        raise _PlaceError("", Flaw("{0} bytes, at most {1} taken", len(content), MAX_BYTES))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _PlaceError("", Flaw("not UTF-8 at byte {0}", error.start)) from None
    if "\0" in text:
        raise _PlaceError("", Flaw("holds a NUL character"))
    try:
        yield from csv.reader(io.StringIO(text, newline=""), strict=True)
    except csv.Error as error:
        raise _PlaceError("", Flaw("not CSV: {0}", error)) from None


def _columns(
    heading: Sequence[str], headings: Mapping[str, str], obligatory: set[str]
) -> list[str]:
    """Return the field of each column."""
    known = {name: name for name in headings}
    known |= {zh: name for name, told in headings.items() for zh in told.split("|")}
    columns = []
    for cell in heading:
        if cell.strip() not in known:
            raise _PlaceError("", Flaw("unknown heading {0!r}", cell.strip()[:40]))
        columns.append(known[cell.strip()])
    if len(set(columns)) != len(columns):
        raise _PlaceError("", Flaw("a heading stands twice"))
    missing = sorted(obligatory - set(columns))
    if missing:
        raise _PlaceError("", Flaw("headings missing: {0}", ", ".join(missing)))
    return columns


def _row(
    cells: Sequence[str], columns: Sequence[str], obligatory: set[str]
) -> dict[str, str] | None:
    """Return the cells by field; None for an empty line."""
    if not any(cell.strip() for cell in cells):
        return None
    if len(cells) != len(columns):
        raise _PlaceError("", Flaw("{0} cells, {1} needed", len(cells), len(columns)))
    row = {name: cell.strip() for name, cell in zip(columns, cells, strict=True)}
    for name in columns:
        if name in obligatory and not row[name]:
            raise _PlaceError(name, Flaw("empty"))
    return row


def _at(column: str, convert: Callable[..., T], value: object) -> T:
    """Convert a value, or say in which column it cannot be."""
    try:
        return convert(value)
    except CatalogueError as error:
        said = error.findings[0] if error.findings else Flaw.quoted(error.detail)
        raise _PlaceError(column, said) from None
    except ValueError:
        raise _PlaceError(column, Flaw("not one of the words or numbers that stand here")) from None


def _whole(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 4:
        raise ValueError("not a whole number")
    return int(text)


def _list(text: str) -> tuple[str, ...]:
    parts = text.replace("；", ";").split(";")
    return tuple(part.strip() for part in parts if part.strip())


def _finding(file: str, row: int, error: _PlaceError) -> Finding:
    return Finding(file=file, row=row, column=error.column, message=error.message)
