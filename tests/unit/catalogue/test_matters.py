"""A changed matter is its next version; what it asks of applicants is compared, and read from files."""

from dataclasses import replace
from typing import Any

import pytest

from catalogue import matters
from catalogue.errors import InvalidError, NotAllowedError
from catalogue.imports import read_materials, read_matters
from catalogue.materials import Material, MatterList, MatterType, Origin
from catalogue.model import Role
from catalogue.validation import check_matter
from exchange.files.plain import as_utf8
from tests.fakes.catalogue import (
    HALL,
    LICENCE,
    MARKET,
    MATTER,
    TODAY,
    a_matter,
    a_resource,
    an_actor,
    an_officer,
)

HEAD = "事项编码,材料编号,材料名称,来源渠道,共享资源代码,证照类型代码,来源部门代码,是否免提交,仍需提交原因\n"


def a_material(code: str = "1", **changes: object) -> Material:
    return replace(Material(code=code, name="营业执照"), **changes)  # type: ignore[arg-type]  # a builder


def test_a_matter_that_is_registered_first_is_version_one() -> None:
    assert matters.revised(None, a_matter()).version == 1


def test_a_matter_that_changes_is_the_next_version_and_the_one_before_is_kept_whole() -> None:
    known = matters.revised(None, a_matter(materials=(a_material(),)))
    changed = matters.revised(known, a_matter(name="施工许可"))
    kept = matters.ended(known, by="off", at=TODAY)
    assert (changed.version, changed.name) == (2, "施工许可")
    assert (kept.id, kept.held) == (f"{MATTER}@1", known)


def test_a_fact_that_an_import_does_not_state_stays_and_makes_no_version() -> None:
    known = matters.revised(None, a_matter(trips=0, online_depth=4, materials=(a_material(),)))
    assert matters.revised(known, a_matter()) is known
    assert matters.revised(known, a_matter(trips=1)).online_depth == 4


def test_a_matter_from_before_there_were_versions_counts_as_the_first() -> None:
    old = a_matter()
    assert old.version is None
    assert matters.number_of(old) == 1
    assert matters.revised(old, a_matter(name="新名")).version == 2


def test_a_list_of_materials_is_compared_by_code_and_names_what_differs() -> None:
    before = (a_material("1"), a_material("2"), a_material("3"))
    after = (a_material("1", waived=True, resource=LICENCE), a_material("3"), a_material("4"))
    found = matters.difference(MATTER, before, after)
    assert (found.added, found.removed, found.unchanged) == (("4",), ("2",), 1)
    assert [(c.code, c.fields) for c in found.changed] == [("1", ("resource", "waived"))]
    assert not matters.difference(MATTER, after, after).differs


def test_what_the_catalogue_does_not_know_of_materials_is_named() -> None:
    departments, resources = {HALL: 1, MARKET: 1}, {LICENCE: a_resource()}
    listed = (
        a_material("1", resource="MKT/none"),
        a_material("2", department="nobody"),
        a_material("3", resource=LICENCE, department=HALL),
        a_material("4", resource=LICENCE, department=MARKET),
        a_material("5", certificate="1110"),
    )
    found = list(matters.misfits(MATTER, listed, departments=departments, resources=resources))
    assert [(one.material, one.field) for one in found] == [
        ("1", "resource"),
        ("2", "department"),
        ("3", "department"),
    ]


def test_only_the_matters_department_and_the_authority_say_what_it_asks_for() -> None:
    matters.require_keeper(an_actor(an_officer()), HALL)
    authority = an_officer("off_a", department=MARKET, roles=frozenset({Role.AUTHORITY}))
    matters.require_keeper(an_actor(authority), HALL)
    for officer in (
        an_officer("off_m", department=MARKET),
        an_officer("off_s", roles=frozenset({Role.ADMINISTRATOR})),
        an_officer("off_r", roles=frozenset({Role.AUDITOR})),
    ):
        with pytest.raises(NotAllowedError):
            matters.require_keeper(an_actor(officer), HALL)


@pytest.mark.parametrize(
    "changes",
    [
        {"online_depth": 5},
        {"trips": -1},
        {"promised_days": 4000},
        {"materials": (a_material("1"), a_material("1"))},
        {"materials": (a_material("1", waived=True),)},
        {"materials": (a_material("1", certificate="小写"),)},
        {"materials": (a_material("1", name=""),)},
    ],
)
def test_a_matter_that_contradicts_itself_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidError):
        check_matter(a_matter(**changes))


def test_a_directory_says_type_lists_depth_trips_and_days_in_its_own_words() -> None:
    content = (
        "事项编码,部门代码,事项名称,事项类型,所属清单,网上办理深度,到场次数,法定时限,承诺时限,共享前时限\n"
        f"A-1,{HALL},施工许可,行政许可,审批;最多跑一次,Ⅳ级,0,7个工作日,4,6\n"
        f"A-2,{HALL},进度查询,20,公共服务,,,,,\n"
        f"A-3,{HALL},备案,随便,,,,,,\n"
        f"A-4,{HALL},备案,10,,七级,,,,\n"
    )
    read = read_matters(content.encode(), file="m.csv")
    first, second = read.rows
    assert (first.type, first.lists) == (
        MatterType.LICENCE,
        (MatterList.APPROVAL, MatterList.ONE_TRIP),
    )
    assert (first.online_depth, first.trips, first.statutory_days) == (4, 0, 7)
    assert (second.type, second.trips, second.lists) == (
        MatterType.PUBLIC_SERVICE,
        None,
        (MatterList.PUBLIC_SERVICE,),
    )
    assert [(f.row, f.column) for f in read.findings] == [(4, "事项类型"), (5, "网上办理深度")]


@pytest.mark.proves("B1")
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_materials_are_read_in_the_encoding_that_the_file_has(encoding: str) -> None:
    text = f"{HEAD}{MATTER},1,营业执照,政府部门核发,{LICENCE},,{MARKET},是,\n{MATTER},,设计文件,,,,,否,\n"
    content, guess = as_utf8(text.encode(encoding), file="m.csv")
    read = read_materials(content, file="m.csv")
    assert guess.encoding == encoding.removesuffix("-sig")
    assert read.findings == ()
    assert read.numbers == (2, 3)
    first, second = (row.material for row in read.rows)
    assert (first.origin, first.resource, first.waived) == (Origin.GOVERNMENT, LICENCE, True)
    assert (second.code, second.waived) == ("设计文件", False)


def test_a_file_that_is_not_what_it_is_said_to_be_is_refused_whole() -> None:
    with pytest.raises(InvalidError, match=r"m\.csv:1:"):
        as_utf8(f"{HEAD}{MATTER},1,营业执照".encode("gb18030"), file="m.csv", encoding="utf-8")


@pytest.mark.proves("B3")
def test_each_material_that_is_not_taken_is_named_by_row_and_column() -> None:
    content = (
        f"{HEAD}{MATTER},1,营业执照,,,,,也许,\n"
        f"{MATTER},2,,,,,,否,\n"
        f"{MATTER},3,规划许可证,,,,,是,\n"
        f"{MATTER},4,资质,,=1+1,,,否,\n"
        f"{MATTER},5,<script>'\"&amp;{{{{7*7}}}},,,,,否,\n"
        f"{MATTER},5,又一个,,,,,否,\n"
    )
    read = read_materials(content.encode(), file="m.csv")
    assert [(f.row, f.column) for f in read.findings] == [
        (2, "是否免提交"),
        (3, "材料名称"),
        (4, "是否免提交"),
        (5, "共享资源代码"),
        (7, ""),
    ]
    assert [row.material.name for row in read.rows] == ["<script>'\"&amp;{{7*7}}"]
