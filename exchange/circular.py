"""The table for circulation (通报): departments by indicators, as CSV, JSON and a workbook."""

import csv
import io
import json
from collections.abc import Callable, Mapping
from typing import Any

from rustpy_xlsxwriter import write_worksheets

NO_DATA = {"zh": "无数据", "en": "no data"}
_HEADS = {
    "zh": ("部门", "全部部门", "分子", "分母", "未填报"),
    "en": ("Department", "All departments", "numerator", "denominator", "not known"),
}
_SHEETS = {"zh": ("通报", "指标说明"), "en": ("Table", "Indicators")}
_MEANT = {
    "zh": ("指标", "计算方法", "数据来源"),
    "en": ("Indicator", "Definition", "Source"),
}
Named = Callable[[str], str]
"""Department's code → its name in the reader's language."""


def records(table: Mapping[str, Any], *, language: str, named: Named) -> list[dict[str, Any]]:
    """Return a row a department: of each indicator the share in per cent, and what it is made of."""
    first, whole, numerator, denominator, missing = _HEADS[language]
    titles = [_text(one, "title", language) for one in table["indicators"]]
    rows = []
    for row in table["rows"]:
        told: dict[str, Any] = {first: named(row["department"]) if row["department"] else whole}
        for title, value in zip(titles, row["values"], strict=True):
            share = value["share"]
            told[f"{title} %"] = NO_DATA[language] if share is None else round(share * 100, 2)
            told[f"{title} ({numerator})"] = value["numerator"]
            told[f"{title} ({denominator})"] = value["denominator"]
            told[f"{title} ({missing})"] = value["missing"]
        rows.append(told)
    return rows


def as_csv(table: Mapping[str, Any], *, language: str, named: Named) -> bytes:
    """RFC 4180 in UTF-8 with a byte-order mark, by which spreadsheets know it."""
    rows = records(table, language=language, named=named)
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow(rows[0])
    for row in rows:
        writer.writerow([_plain(cell) for cell in row.values()])
    return written.getvalue().encode("utf-8-sig")


def as_json(table: Mapping[str, Any], *, language: str, named: Named) -> bytes:
    """The table as the act tells it, with the departments' names beside their codes."""
    rows = [
        {**row, "name": named(row["department"]) if row["department"] else _HEADS[language][1]}
        for row in table["rows"]
    ]
    return json.dumps({**table, "rows": rows}, ensure_ascii=False, indent=2).encode()


def as_workbook(table: Mapping[str, Any], *, language: str, named: Named) -> bytes:
    """Two sheets: the table, and what each indicator means. Texts stay texts, whatever they begin with."""
    first, second = _SHEETS[language]
    title, definition, source = _MEANT[language]
    meant = [
        {
            title: _text(one, "title", language),
            definition: _text(one, "definition", language),
            source: _text(one, "source", language),
        }
        for one in table["indicators"]
    ]
    written = io.BytesIO()
    rows = records(table, language=language, named=named)
    write_worksheets([(first, rows), (second, meant)], written)
    return written.getvalue()


WRITERS: Mapping[str, tuple[Callable[..., bytes], str]] = {
    "csv": (as_csv, "text/csv; charset=utf-8"),
    "json": (as_json, "application/json"),
    "xlsx": (
        as_workbook,
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
}
"""Format → what writes it, and its media type."""


def _text(told: Mapping[str, Any], name: str, language: str) -> str:
    return str(told[name if language == "zh" else f"{name}_en"])


def _plain(cell: Any) -> Any:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in {"=", "+", "-", "@"} else cell
