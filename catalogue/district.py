"""Reads a service hall's directory: departments.csv and items.csv, as one-stop platforms list them."""

import csv
import io
from collections.abc import Callable, Mapping
from typing import TypeVar

from catalogue.codes import department_code, matter_kind, plain_code
from catalogue.errors import CatalogueError, UnknownError
from catalogue.flaws import Flaw
from catalogue.imports import MAX_BYTES, Finding, Read
from catalogue.materials import type_of
from catalogue.model import Department, Matter
from catalogue.validation import check_department, check_matter

T = TypeVar("T")
DEPARTMENTS, ITEMS = "departments.csv", "items.csv"


def read_district(
    departments: bytes, items: bytes, *, region: str = ""
) -> tuple[Read[Department], Read[Matter]]:
    """Return the departments and their matters; codes stay exactly as they are given.

    `departments` has the columns department and main_uscc, `items` department, item_name, item_code and
    optionally task_type, of which a type that nobody knows says nothing. A code that is no USCC is kept as
    *other*. What is not taken is named by file and row.
    """
    codes: dict[str, str] = {}

    def department(row: Mapping[str, str]) -> Department:
        code, kind = department_code(row["main_uscc"].strip())
        named = Department(code=code, code_kind=kind, name=row["department"], region=region)
        codes[named.name] = code
        return check_department(named)

    def matter(row: Mapping[str, str]) -> Matter:
        code = plain_code(row["item_code"].strip())
        owner = codes.get(row["department"])
        if owner is None:
            raise UnknownError(f"department {row['department']} in {DEPARTMENTS}")
        return check_matter(
            Matter(
                code=code,
                kind=matter_kind(code),
                department=owner,
                name=row["item_name"],
                type=type_of(row.get("task_type", "")),
            )
        )

    first = _rows(departments, DEPARTMENTS, {"department", "main_uscc"}, department)
    return first, _rows(items, ITEMS, {"department", "item_name", "item_code"}, matter)


def _rows(
    content: bytes, file: str, needed: set[str], build: Callable[[Mapping[str, str]], T]
) -> Read[T]:
    if len(content) > MAX_BYTES:
        too_large = Flaw("{0} bytes, at most {1} needed", len(content), MAX_BYTES)
        return Read(rows=(), findings=(_finding(file, 0, too_large),))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return Read(
            rows=(), findings=(_finding(file, 0, Flaw("not UTF-8 at byte {0}", error.start)),)
        )
    reader = csv.DictReader(io.StringIO(text, newline=""))
    missing = needed - set(reader.fieldnames or ())
    if missing:
        return Read(
            rows=(), findings=(_finding(file, 1, Flaw("columns {0} needed", sorted(missing))),)
        )
    taken: list[T] = []
    findings: list[Finding] = []
    for number, row in enumerate(reader, 2):
        try:
            taken.append(build({name: value or "" for name, value in row.items() if name}))
        except CatalogueError as error:
            findings.append(_finding(file, number, _said(error)))
    return Read(rows=tuple(taken), findings=tuple(findings))


def _said(error: CatalogueError) -> Flaw:
    return Flaw("{0}: {1}", error.code, "; ".join(error.findings) or error.detail)


def _finding(file: str, row: int, message: Flaw) -> Finding:
    return Finding(file=file, row=row, column="", message=message)
