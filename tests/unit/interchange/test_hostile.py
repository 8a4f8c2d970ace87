"""Files that mean harm: each ends in a plain report that names file and row, bounded in time and memory."""

import io
import json
import zipfile
from collections.abc import Callable

import pytest

from exchange.interchange import child
from exchange.interchange.parsing import Asked
from exchange.interchange.reading import read_file
from tests.fakes.measuring import read_and_measured
from tests.fakes.surveys import a_survey
from tests.fakes.workbooks import a_sheet, a_workbook, a_workbook_parts, packed

RDF = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:d="urn:d:"'
MEMORY = 512 * 1024 * 1024


def a_zip_bomb() -> bytes:
    parts = a_workbook_parts(a_sheet((("名称",),)))
    parts["xl/worksheets/sheet1.xml"] = b"<worksheet>" + b" " * (165 * 1024 * 1024)
    return packed(parts)


def a_lying_zip() -> bytes:
    """Its part claims to be small and is not."""
    held = bytearray(packed(a_workbook_parts(a_sheet((("名称",),)))))
    place = held.rindex(b"PK\x01\x02")
    held[place + 24 : place + 28] = (7).to_bytes(4, "little")
    return bytes(held)


def entities_in_a_workbook() -> bytes:
    parts = a_workbook_parts(a_sheet((("名称",),)))
    bomb = b'<!DOCTYPE w [<!ENTITY a "aaaaaaaaaa">' + b"".join(
        b'<!ENTITY a%d "%s">' % (n, (b"&a%d;" % (n - 1) if n else b"&a;") * 10) for n in range(12)
    )
    parts["xl/workbook.xml"] = (
        bomb + b"]>" + parts["xl/workbook.xml"].replace("表一".encode(), b"&a11;")
    )
    return packed(parts)


def ten_million_rows() -> bytes:
    sheet = a_sheet((("信息资源代码", "信息资源名称"),)).replace(
        "</sheetData>", '<row r="10000000"><c r="A10000000"><v>1</v></c></row></sheetData>'
    )
    return packed(a_workbook_parts(sheet))


def a_wide_claim() -> bytes:
    sheet = a_sheet((("信息资源代码",),)).replace(
        "</sheetData>", '<row r="190000"><c r="XFD190000"><v>1</v></c></row></sheetData>'
    )
    return packed(a_workbook_parts(sheet))


def merges_on_each_other() -> bytes:
    sheet = a_sheet((("信息资源代码", "信息资源名称"), ("307/1", "甲"), ("", ""), ("", "")))
    merging = (
        "".join(f'<mergeCell ref="A2:A{end}"/>' for end in (3, 4)) + '<mergeCell ref="B3:B900000"/>'
    )
    return packed(
        a_workbook_parts(
            sheet.replace("</worksheet>", f"<mergeCells>{merging}</mergeCells></worksheet>")
        )
    )


def an_entity_bomb() -> bytes:
    entities = b"".join(
        b'<!ENTITY a%d "%s">' % (n, (b"&a%d;" % (n - 1) if n else b"lol") * 20) for n in range(12)
    )
    return (
        b'<?xml version="1.0"?>\n<!DOCTYPE r [' + entities + b"]>\n<rdf:RDF "
        + RDF.encode() + b'><rdf:Description rdf:about="urn:x"><d:t>&a11;</d:t></rdf:Description></rdf:RDF>'
    )  # fmt: skip


def an_outside_entity() -> bytes:
    return (
        '<?xml version="1.0"?>\n<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/passwd">]>\n'
        f'<rdf:RDF {RDF}><rdf:Description rdf:about="urn:x"><d:t>&a;</d:t></rdf:Description></rdf:RDF>'
    ).encode()


def deep_turtle() -> bytes:
    return b"@prefix : <urn:x#> .\n:a :b 'x' .\n:c :d " + b"[ :b " * 1_000_000


def many_statements() -> bytes:
    return b"@prefix : <urn:x#> .\n" + b":a :b " + b"1,2,3," * 210_000 + b"4 .\n"


def a_long_literal() -> bytes:
    return b'@prefix : <urn:x#> .\n:a :b """' + b"x" * (9 * 1024 * 1024)


def deep_json_ld() -> bytes:
    return b'{"@context":{"d":"urn:d:"},\n"@id":"urn:x","d:t":' + b'{"d:t":' * 500_000


def a_remote_context() -> bytes:
    return b'{\n"@context":"http://127.0.0.1:1/context","@id":"urn:x","@type":"dcat:Dataset"}'


def a_context_in_a_context() -> bytes:
    return b'{\n"@context":{"d":{"@id":"urn:d","@context":["http://127.0.0.1:1/"]}},"@id":"urn:x"}'


def many_lists() -> bytes:
    return b"[" + b"[]," * 1_500_000 + b"[]]"


def deep_json() -> bytes:
    return b"\n" + b"[" * 5_000_000


def a_huge_number() -> bytes:
    return b'[{"name":"a","title":' + b"9" * 1_000_000 + b"}]"


def half_an_encoding() -> bytes:
    return "信息资源代码,信息资源名称\n307/1,甲".encode("gb18030")[:-1]


def no_text() -> bytes:
    return b"\x00\x01\x02\xff" * 1000


def an_endless_row() -> bytes:
    return "信息资源代码,信息资源名称\n".encode() + b"," * 5_000_000


def an_open_quote() -> bytes:
    return "信息资源代码,信息资源名称\n307/1,甲\n".encode() + b'"' + b"x\n" * 1_000_000


def a_truncated_workbook() -> bytes:
    return a_survey()[:-200]


def not_a_workbook() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("readme.txt", "nothing")
    return held.getvalue()


HOSTILE: list[tuple[Callable[[], bytes], str, int]] = [
    (a_zip_bomb, "a.xlsx", 0),
    (a_lying_zip, "a.xlsx", 0),
    (entities_in_a_workbook, "a.xlsx", 0),
    (ten_million_rows, "a.xlsx", 10_000_000),
    (a_wide_claim, "a.xlsx", 0),
    (a_truncated_workbook, "a.xlsx", 0),
    (not_a_workbook, "a.xlsx", 0),
    (an_entity_bomb, "a.rdf", 2),
    (an_outside_entity, "a.rdf", 2),
    (deep_turtle, "a.ttl", 3),
    (many_statements, "a.ttl", 0),
    (a_long_literal, "a.ttl", 2),
    (deep_json_ld, "a.jsonld", 2),
    (a_remote_context, "a.jsonld", 2),
    (a_context_in_a_context, "a.jsonld", 2),
    (many_lists, "a.json", 1),
    (deep_json, "a.json", 2),
    (a_huge_number, "a.json", 0),
    (half_an_encoding, "a.csv", 2),
    (no_text, "a.csv", 1),
    (an_endless_row, "a.csv", 2),
    (an_open_quote, "a.csv", 3),
]


@pytest.mark.slow
@pytest.mark.proves("B2")
@pytest.mark.parametrize(("made", "name", "row"), HOSTILE, ids=[one[0].__name__ for one in HOSTILE])
def test_a_hostile_file_ends_in_a_report_that_names_it_and_takes_no_more_than_its_bounds(
    made: Callable[[], bytes], name: str, row: int
) -> None:
    read, most = read_and_measured(made(), Asked(file=name))
    assert read.told == ()
    assert {one.file for one in read.not_taken} == {name}
    assert read.not_taken[0].row == row, read.not_taken
    assert read.not_taken[0].found
    assert read.not_taken[0].needed
    assert 0 < most < MEMORY


def test_merged_cells_that_lie_on_each_other_are_told_and_make_no_row_say_two_things() -> None:
    read = read_file(merges_on_each_other(), Asked(file="a.xlsx"))
    assert [one.code for one in read.told] == ["307/1"]
    assert [(one.row, one.column) for one in read.not_taken] == [(2, "A"), (3, "B")]


def test_the_reader_of_files_has_bounds_that_the_kernel_keeps() -> None:
    assert child.MEMORY < MEMORY
    assert child.CPU_S < 10


def test_a_formula_is_text_on_its_way_in_and_cannot_run_on_its_way_out() -> None:
    content = json.dumps(
        {
            "format": "exchange-catalogue/1",
            "needs": [],
            "entries": [{"code": "307/1", "name": "=1+1"}],
        }
    ).encode()
    (told,) = read_file(content, Asked(file="a.json")).told
    assert told.fields["name"] == "=1+1"


def test_a_workbook_that_is_none_of_the_survey_s_says_which_headings_are_needed() -> None:
    read = read_file(a_workbook(), Asked(file="a.xlsx"))
    assert "信息资源代码" in read.not_taken[0].needed
