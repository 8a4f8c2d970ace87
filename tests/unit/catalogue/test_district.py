"""A hall's directory is read row by row: codes stay as given, and what is not taken is named."""

import pytest

from catalogue.codes import complete_uscc
from catalogue.district import DEPARTMENTS, ITEMS, read_district
from catalogue.materials import MatterType
from catalogue.model import CodeKind

USCC = complete_uscc("11990106MB0A10076")
HEAD = "department,main_uscc\n"
ITEM_HEAD = "department,item_name,item_code\n"
GIVEN = f"{HEAD}区审批局,{USCC}\n区烟草局,TE5116020105116050\n".encode()


def items(*rows: str) -> bytes:
    return (ITEM_HEAD + "".join(f"{row}\n" for row in rows)).encode()


def test_a_code_that_is_no_uscc_is_kept_as_other() -> None:
    departments, _ = read_district(GIVEN, items(), region="990106")
    assert [(d.code, d.code_kind) for d in departments.rows] == [
        (USCC, CodeKind.USCC),
        ("TE5116020105116050", CodeKind.OTHER),
    ]
    assert {department.region for department in departments.rows} == {"990106"}


@pytest.mark.parametrize(
    "code", ["511A0149400000-511602000000-000-115113016823646795-1-00", "G-000007-001", "0017"]
)
def test_a_matters_code_stays_exactly_as_given_and_belongs_to_its_department(code: str) -> None:
    _, matters = read_district(GIVEN, items(f"区审批局,施工许可,{code}"))
    (matter,) = matters.rows
    assert (matter.code, matter.department, matter.name) == (code, USCC, "施工许可")


@pytest.mark.parametrize(
    ("told", "meant"),
    [("1", MatterType.LICENCE), ("20", MatterType.PUBLIC_SERVICE), ("77", None), ("", None)],
)
def test_the_national_type_of_a_matter_is_taken_over(told: str, meant: MatterType | None) -> None:
    content = f"department,item_name,item_code,task_type\n区审批局,施工许可,A-1,{told}\n".encode()
    _, matters = read_district(GIVEN, content)
    assert [matter.type for matter in matters.rows] == [meant]


def test_a_row_that_is_not_taken_is_named_by_file_and_row_and_the_others_are_taken() -> None:
    departments, matters = read_district(
        GIVEN, items("区审批局,施工许可,A-1", "没有这个局,某事,A-2", "区审批局,空码,")
    )
    assert departments.findings == ()
    assert [matter.code for matter in matters.rows] == ["A-1"]
    assert [(finding.file, finding.row) for finding in matters.findings] == [(ITEMS, 3), (ITEMS, 4)]


@pytest.mark.parametrize(
    ("departments", "why"),
    [
        (b"name,code\nx,y\n", "needed"),
        ("department,main_uscc\n区审批局,x\n".encode("gb18030"), "not UTF-8"),
        (b"x" * (32 * 1024 * 1024 + 1), "at most"),
    ],
    ids=["other columns", "another encoding", "too large"],
)
def test_a_file_that_is_not_what_it_should_be_is_refused_whole(
    departments: bytes, why: str
) -> None:
    read, _ = read_district(departments, items())
    assert read.rows == ()
    (finding,) = read.findings
    assert finding.file == DEPARTMENTS
    assert why in str(finding)


def test_a_byte_order_mark_is_no_part_of_the_first_column() -> None:
    departments, _ = read_district(b"\xef\xbb\xbf" + GIVEN, items())
    assert len(departments.rows) == 2
