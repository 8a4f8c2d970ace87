"""Workbooks written by hand, whole ones and such as only an attacker makes."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"


@dataclass(frozen=True, slots=True)
class Day:
    """A day as a workbook keeps it: a count, and a style that makes a date of it."""

    serial: int


@dataclass(frozen=True, slots=True)
class Formula:
    text: str
    result: str = ""
    """As last computed; empty where it never was."""


@dataclass(frozen=True, slots=True)
class Mistake:
    code: str = "#N/A"


Cell = str | int | float | Day | Formula | Mistake


def a_workbook(
    rows: Sequence[Sequence[Cell]] = (("名称", "数量"), ("甲", 1)),
    *,
    name: str = "表一",
    others: Sequence[str] = (),
    merged: str = "",
) -> bytes:
    """A workbook whose first sheet holds the rows; `others` are the names of further, empty ones."""
    return packed(a_workbook_parts(a_sheet(rows, merged=merged), name=name, others=others))


def a_workbook_parts(
    sheet: str, *, name: str = "表一", others: Sequence[str] = ()
) -> dict[str, bytes]:
    """The parts of a workbook by their names, to be packed, one of them changed perhaps."""
    names = [name, *others]
    listed = "".join(
        f'<sheet name="{escape(one)}" sheetId="{n}" r:id="rId{n}"/>'
        for n, one in enumerate(names, 1)
    )
    related = "".join(
        f'<Relationship Id="rId{n}" Type="{RELATIONS}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n, _one in enumerate(names, 1)
    )
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="xml" ContentType="application/xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}">'
        f"<sheets>{listed}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">{related}'
        f'<Relationship Id="rId99" Type="{RELATIONS}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": f'<styleSheet xmlns="{MAIN}"><cellXfs count="2"><xf numFmtId="0"/>'
        '<xf numFmtId="14" applyNumberFormat="1"/></cellXfs></styleSheet>',
        "xl/worksheets/sheet1.xml": sheet,
    }
    parts |= {f"xl/worksheets/sheet{n}.xml": a_sheet(()) for n in range(2, len(names) + 1)}
    return {part: text.encode() for part, text in parts.items()}


def a_sheet(rows: Sequence[Sequence[Cell]], *, merged: str = "") -> str:
    written = "".join(
        f'<row r="{n}">{"".join(_cell(cell, n, place) for place, cell in enumerate(row))}</row>'
        for n, row in enumerate(rows, 1)
    )
    merging = f'<mergeCells><mergeCell ref="{merged}"/></mergeCells>' if merged else ""
    return f'<worksheet xmlns="{MAIN}"><sheetData>{written}</sheetData>{merging}</worksheet>'


def packed(parts: Mapping[str, bytes]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return written.getvalue()


def _cell(cell: Cell, row: int, place: int) -> str:
    where = f'r="{chr(ord("A") + place)}{row}"'
    match cell:
        case Day(serial):
            return f'<c {where} s="1"><v>{serial}</v></c>'
        case Formula(text, result):
            return f"<c {where}><f>{escape(text)}</f>{f'<v>{result}</v>' if result else ''}</c>"
        case Mistake(code):
            return f'<c {where} t="e"><v>{code}</v></c>'
        case str():
            return f'<c {where} t="inlineStr"><is><t>{escape(cell)}</t></is></c>'
        case _:
            return f"<c {where}><v>{cell}</v></c>"
