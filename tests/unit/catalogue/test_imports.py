"""Reading CSV: what is taken is exactly what stands there, and what is not is named by its place."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogue.errors import InvalidError
from catalogue.imports import read_departments, read_matters, read_officers
from catalogue.model import CodeKind, MatterKind, Role
from tests.fakes.catalogue import HALL, MARKET

NAMES = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20)


def table(*rows: tuple[str, ...]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


def places(content: bytes) -> list[str]:
    return [str(finding) for finding in read_departments(content, file="d.csv").findings]


@given(st.lists(NAMES, max_size=8))
def test_every_name_comes_back_as_it_was_written(names: list[str]) -> None:
    content = table(("code", "name"), *((f"D{i}", name) for i, name in enumerate(names)))
    assert [d.name for d in read_departments(content, file="d.csv").whole()] == names


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_chinese_headings_are_read_with_and_without_a_byte_order_mark(mark: bytes) -> None:
    content = mark + table(
        ("部门名称", "部门代码", "上级部门代码"),
        ("行政审批局", HALL, ""),
        ("烟草专卖局", "TE5116020105116050", HALL),
    )
    first, second = read_departments(content, file="d.csv").whole()
    assert (first.code, first.code_kind, first.superior) == (HALL, CodeKind.USCC, None)
    assert (second.code_kind, second.superior) == (CodeKind.OTHER, HALL)


def test_each_thing_not_taken_is_named_by_file_row_and_column() -> None:
    content = table(
        ("部门代码", "部门名称", "行政区划代码"),
        (HALL, "审批局", "990106"),
        ("坏 码", "甲", ""),
        (MARKET, "", ""),
        ("D3", "乙", "abc"),
        ("D4", "丙"),
        ("", "", ""),
        (HALL, "又一个", ""),
    )
    read = read_departments(content, file="d.csv")
    assert [d.name for d in read.rows] == ["审批局"]
    assert [(f.row, f.column) for f in read.findings] == [
        (3, "部门代码"),
        (4, "部门名称"),
        (5, ""),
        (6, ""),
        (8, ""),
    ]
    with pytest.raises(InvalidError) as raised:
        read.whole()
    assert raised.value.code == "IMPORT_REFUSED"
    assert str(raised.value).count("d.csv:") == 5


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "headings missing: code, name"),
        (table(("code",)), "headings missing: name"),
        (table(("code", "name", "colour")), "unknown heading 'colour'"),
        (table(("code", "部门代码", "name")), "a heading stands twice"),
        ("部门代码,部门名称\n".encode("gb18030"), "not UTF-8 at byte 0"),
        ("code,name\n".encode("utf-16"), "not UTF-8 at byte 0"),
        (b"code,name\nD1,a\0b\n", "holds a NUL character"),
        (b'code,name\nD1,"open\n', "not CSV: unexpected end of data"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_as_a_whole(content: bytes, said: str) -> None:
    (place,) = places(content)
    assert said in place
    assert read_departments(content, file="d.csv").rows == ()


def test_officers_come_with_roles_and_their_names_in_no_finding() -> None:
    content = table(
        ("department", "staff_number", "name", "roles", "clearance"),
        (HALL, "H-1", "许明镜", "operator；head", "3"),
        (HALL, "H-2", "苏信", "emperor", ""),
        (HALL, "H-3", "严察", "", "٣"),
        (HALL, "H-1", "重复", "", ""),
    )
    read = read_officers(content, file="o.csv")
    (officer,) = read.rows
    assert officer.roles == {Role.OPERATOR, Role.HEAD}
    assert officer.clearance == 3
    assert [(f.row, f.column) for f in read.findings] == [(3, "roles"), (4, "clearance"), (5, "")]
    text = " ".join(map(str, read.findings))
    assert not any(name in text for name in ("苏信", "严察", "重复", "H-2"))


def test_matters_keep_their_codes_and_get_their_kind() -> None:
    code = "511Z07001006-511602000000-000-11511301008778183N-1-00"
    content = table(
        ("事项编码", "部门代码", "事项名称", "办件号规则", "关联资源"),
        (code, HALL, "企业投资项目备案", "", "MKT/a; MKT/b"),
        ("001130001000", HALL, "施工许可", "(", ""),
    )
    read = read_matters(content, file="m.csv")
    (matter,) = read.rows
    assert (matter.code, matter.kind) == (code, MatterKind.IMPLEMENTATION)
    assert matter.resources == ("MKT/a", "MKT/b")
    assert [f.row for f in read.findings] == [3]
