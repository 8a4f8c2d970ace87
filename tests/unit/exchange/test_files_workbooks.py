"""Workbooks: read as they are meant, and those made to do harm end their reader and nothing else."""

import io
import zipfile

import pytest

from catalogue.model import ItemType
from exchange.files.looking import look_over
from exchange.files.model import Choices, Preview, Trouble
from exchange.files.workbook_child import UNFOLDED
from tests.fakes.workbooks import (
    MAIN,
    Day,
    Formula,
    Mistake,
    a_sheet,
    a_workbook,
    a_workbook_parts,
    packed,
)

WHOLE = a_workbook(
    [
        ["号码", "名称", "金额", "日期"],
        ["00123", "甲", 12.5, Day(45000)],
        ["00124", "乙", 7, Day(45001)],
    ],
    others=["说明"],
)


def troubles(seen: Preview) -> dict[Trouble, tuple[str, tuple[int, ...]]]:
    return {finding.trouble: (finding.column, finding.rows) for finding in seen.findings}


def test_a_workbook_is_read_with_its_types() -> None:
    seen = look_over(WHOLE, Choices())
    assert (seen.kind, seen.sheets, seen.sheet) == ("xlsx", ("表一", "说明"), "表一")
    assert [column.type for column in seen.columns] == [
        ItemType.TEXT,
        ItemType.TEXT,
        ItemType.DECIMAL,
        ItemType.DATE,
    ]
    assert seen.first == (
        ("00123", "甲", "12.5", "2023-03-15"),
        ("00124", "乙", "7", "2023-03-16"),
    )


def test_a_sheet_is_chosen_by_its_name() -> None:
    assert Trouble.EMPTY in troubles(look_over(WHOLE, Choices(sheet="说明")))
    assert Trouble.NO_SHEET in troubles(look_over(WHOLE, Choices(sheet="没有")))


def test_rows_and_columns_are_counted_as_the_spreadsheet_does() -> None:
    heading = '<row r="3"><c r="C3" t="inlineStr"><is><t>甲</t></is></c></row>'
    cells = heading + '<row r="7"><c r="C7" t="e"/></row>'
    sheet = f'<worksheet xmlns="{MAIN}"><sheetData>{cells}</sheetData></worksheet>'
    seen = look_over(packed(a_workbook_parts(sheet)), Choices())
    assert seen.header == 3
    assert troubles(seen)[Trouble.CELL_ERROR] == ("C", (7,))


def test_what_a_workbook_hides_is_told_by_its_place() -> None:
    seen = look_over(
        a_workbook(
            [
                ["甲", "乙"],
                [1, Formula("1+1", "2")],
                [2, Formula("A2+1")],
                [3, Mistake()],
                [123456789012345678, 4],
            ],
            merged="A2:A3",
        ),
        Choices(),
    )
    found = troubles(seen)
    assert found[Trouble.FORMULA] == ("B", (2, 3))
    assert found[Trouble.FORMULA_EMPTY] == ("B", (3,))
    assert found[Trouble.CELL_ERROR] == ("B", (4,))
    assert found[Trouble.DIGITS_LOST] == ("A", (5,))
    assert found[Trouble.MERGED] == ("A", (2,))
    assert seen.stopped


def a_bomb() -> bytes:
    """A small archive that unfolds to more than is taken."""
    parts = a_workbook_parts(a_sheet(()))
    return packed({**parts, "xl/media/image1.bin": bytes(UNFOLDED + 1)})


def a_liar() -> bytes:
    """A bomb that claims to be small, in every place where the size is written."""
    content = bytearray(packed({**a_workbook_parts(a_sheet(())), "x": bytes(8 * 1024 * 1024)}))
    size = (8 * 1024 * 1024).to_bytes(4, "little")
    return bytes(content.replace(size, (10).to_bytes(4, "little")))


def a_far_cell(cell: str) -> bytes:
    row = f'<row><c r="{cell}"><v>1</v></c></row>'
    sheet = f'<worksheet xmlns="{MAIN}"><sheetData>{row}</sheetData></worksheet>'
    return packed(a_workbook_parts(sheet))


def with_a_document_type() -> bytes:
    parts = a_workbook_parts(a_sheet(()))
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]>' + parts["xl/workbook.xml"]
    return packed({**parts, "xl/workbook.xml": bomb})


def encrypted() -> bytes:
    """Marks its parts as encrypted, as ZIP's own password does."""
    content = bytearray(WHOLE)
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.find(signature)
        while at >= 0:
            content[at + flags] |= 1
            at = content.find(signature, at + 4)
    return bytes(content)


@pytest.mark.proves("B2")
@pytest.mark.parametrize(
    ("content", "trouble"),
    [
        pytest.param(WHOLE[: len(WHOLE) // 2], Trouble.UNREADABLE, id="truncated"),
        pytest.param(WHOLE[:40], Trouble.UNREADABLE, id="nearly nothing"),
        pytest.param(b"PK\x03\x04 no archive", Trouble.UNREADABLE, id="no archive"),
        pytest.param(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), Trouble.PROTECTED, id="OLE"),
        pytest.param(encrypted(), Trouble.PROTECTED, id="password"),
        pytest.param(a_bomb(), Trouble.BOMB, id="bomb"),
        pytest.param(a_liar(), Trouble.UNREADABLE, id="bomb that claims to be small"),
        pytest.param(a_far_cell("A1048576"), Trouble.TOO_MANY_ROWS, id="claims a million rows"),
        pytest.param(a_far_cell("XFD2"), Trouble.TOO_MANY_COLUMNS, id="claims 16,384 columns"),
        pytest.param(a_far_cell("SF190000"), Trouble.TOO_MANY_CELLS, id="claims 95 million cells"),
        pytest.param(with_a_document_type(), Trouble.UNREADABLE, id="document type"),
    ],
)
def test_a_workbook_made_to_do_harm_is_a_plain_error(content: bytes, trouble: Trouble) -> None:
    seen = look_over(content, Choices())
    assert set(troubles(seen)) == {trouble}
    assert seen.stopped
    assert seen.first == ()


def test_the_far_cell_would_be_read_where_it_is_near() -> None:
    assert look_over(a_far_cell("B2"), Choices(header=2)).header == 2


@pytest.mark.slow
def test_the_archive_is_what_it_is_said_to_be() -> None:
    with zipfile.ZipFile(io.BytesIO(a_bomb())) as archive:
        assert sum(part.file_size for part in archive.infolist()) > UNFOLDED
    assert len(a_bomb()) < 1024 * 1024
