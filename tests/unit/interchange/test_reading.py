"""Files as departments and other catalogues write them: what is taken, and what is told of the rest."""

import io
import json
import zipfile
from typing import Any

import pytest

from catalogue.interchange.differences import Change, difference
from catalogue.interchange.entries import changed, drafted, told_of
from catalogue.interchange.model import Read, Told
from catalogue.interchange.survey import catalogue_grid, needs_grid
from catalogue.model import SharingClass
from catalogue.validation import check_resource
from exchange.interchange.parsing import Asked, parse_file
from exchange.interchange.workbook_writing import write_workbook
from tests.fakes.catalogue import a_resource
from tests.fakes.surveys import AUDITS, BELOW, PERMITS, TOP, a_survey


def read(content: bytes, name: str = "survey.xlsx", **asked: str) -> Read:
    return parse_file(content, Asked(file=name, **asked))


def by_code(found: Read) -> dict[str, Told]:
    return {one.code: one for one in found.told}


def places(found: Read) -> list[tuple[int, str]]:
    return [(one.row, one.column) for one in found.not_taken]


def new(told: Told) -> Any:
    return check_resource(drafted(told, department="D1", source="D1.unconnected", taken=()))


def test_a_survey_is_read_with_its_merged_cells_and_both_its_sheets() -> None:
    found = read(a_survey())
    assert found.not_taken == ()
    told = by_code(found)
    permits = told["307001/000101"]
    assert permits.fields["name"] == "食品经营许可信息"
    assert permits.fields["format"] == "database"
    assert permits.fields["format_name"] == "MySQL"
    assert permits.fields["update_cycle"] == "daily"
    assert permits.fields["published_on"] == "2026-03-01"
    assert permits.fields["conditions"] == "用于核发行政许可时核验"
    assert [item["title"] for item in permits.items or ()] == [
        "经营者名称", "统一社会信用代码", "许可证有效期至",
    ]  # fmt: skip
    assert [(item["type"], item["length"]) for item in permits.items or ()] == [
        ("text", 100), ("text", 18), ("date", None),
    ]  # fmt: skip
    assert [(one.words, one.need) for one in found.wanted] == [
        (
            "婚姻登记信息",
            (
                "核验不动产共有人；描述：结婚与离婚登记；提供方：民政局；建议获取方式：接口；"
                "期望使用频率：实时；所需机构：审批股；是否已获取：否"
            ),
        )
    ]


def test_what_keeps_data_unshared_is_read_as_the_law_that_it_cites() -> None:
    basis = by_code(read(a_survey()))["307001/000102"].fields["no_share_basis"]
    assert basis[:2] == ["中华人民共和国统计法", "第二十八条"]
    assert basis[3] == "law"


def test_a_draft_made_of_a_survey_opens_nothing_that_the_survey_does_not_open() -> None:
    permits = new(by_code(read(a_survey()))["307001/000101"])
    assert permits.sharing_class is SharingClass.CONDITIONAL
    assert {item.sharing_class for item in permits.items} == {SharingClass.CONDITIONAL}
    assert permits.key.title == "统一社会信用代码"


def test_each_cell_that_is_not_taken_is_told_by_row_and_column_with_what_was_needed() -> None:
    permits = [list(line) for line in PERMITS]
    permits[0][21] = "想起来就更新"
    permits[1][16] = "很长"
    permits[2][12] = ""
    found = read(a_survey(permits, AUDITS))
    assert list(by_code(found)) == ["307001/000102"]
    assert places(found) == [(4, "更新周期"), (5, "数据长度"), (6, "信息项名称")]
    assert "实时、每日" in found.not_taken[0].needed
    assert found.not_taken[0].found == "'想起来就更新'"
    assert {one.code for one in found.not_taken} == {"307001/000101"}


def test_headings_as_other_places_write_them_are_recognised() -> None:
    below = list(BELOW)
    below[9:12] = ["信息资源格式分类", "信息资源格式类型", "其他类型资源格式描述"]
    below[3] = "细目（1）"
    top = [f"{heading}*" if heading == "信息资源代码" else heading for heading in TOP]
    found = read(a_survey(tops=(top, below)))
    assert found.not_taken == ()
    assert by_code(found)["307001/000101"].fields["format"] == "database"


def test_a_description_of_a_service_is_sent_where_it_belongs() -> None:
    found = read(b'{"openapi": "3.1.0", "paths": {}}', "service.json")
    assert [one.found for one in found.not_taken] == ["a service's description"]


def test_a_heading_that_the_survey_does_not_have_is_told_and_the_rest_is_read() -> None:
    top, below = list(TOP), list(BELOW)
    top[22] = "录入员心情"
    found = read(a_survey(tops=(top, below)))
    assert len(found.told) == 2
    assert [(one.row, one.column) for one in found.not_taken] == [(3, "录入员心情")]


def test_merged_cells_that_were_broken_up_are_read_where_their_rows_are_plain() -> None:
    found = read(a_survey(merged=()))
    assert found.not_taken == ()
    assert len(by_code(found)["307001/000101"].items or ()) == 3


CSV = """信息资源代码,信息资源名称,共享类型,共享条件,信息项名称,数据类型
307/9,企業名錄,有条件共享,"依申請,審核",名稱,字符型
307/9,,,,成立日期,日期型
"""
TRADITIONAL = """信息資源代碼,信息資源名稱,共享類型,共享條件,信息項名稱,數據類型
307/9,企業名錄,有條件共享,依申請審核,名稱,字符型
307/9,,,,成立日期,日期型
"""


@pytest.mark.proves("B1")
@pytest.mark.parametrize(
    ("codec", "guessed"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("gb18030", "gb18030"),
        ("utf-16", "utf-16"),
        ("big5", "big5"),
    ],
)
def test_csv_is_read_in_the_encoding_that_is_guessed_and_shown(codec: str, guessed: str) -> None:
    found = read((TRADITIONAL if codec == "big5" else CSV).encode(codec), "list.csv")
    assert found.seen["encoding"] == guessed
    assert found.not_taken == ()
    assert by_code(found)["307/9"].fields["name"] == "企業名錄"
    assert len(by_code(found)["307/9"].items or ()) == 2


@pytest.mark.proves("B1")
def test_a_file_that_says_one_encoding_and_is_another_is_never_half_decoded() -> None:
    found = read(CSV.encode("gb18030"), "list.csv", encoding="utf-8")
    assert found.told == ()
    assert found.not_taken[0].row == 1
    assert "encoding" in found.not_taken[0].found


def test_two_rows_of_one_entry_that_contradict_each_other_are_told() -> None:
    text = CSV.replace("307/9,,,,", "307/9,另一名称,,,")
    found = read(text.encode(), "list.csv")
    assert found.told == ()
    assert places(found) == [(3, "信息资源名称")]


FOREIGN = """@prefix dcat: <http://www.w3.org/ns/dcat#> . @prefix dct: <http://purl.org/dc/terms/> .
@prefix foaf: <http://xmlns.com/foaf/0.1/> .
<https://data.example/d/1> a dcat:Dataset ; dct:title "Bus stops"@en, "公交站点"@zh-Hans ;
  dct:description "Where buses stop"@en ; dct:issued "2025-02-03T00:00:00Z" ; dcat:keyword "bus" ;
  dct:publisher [ a foaf:Agent ; foaf:name "Transport" ] ;
  dct:accrualPeriodicity <http://publications.europa.eu/resource/authority/frequency/MONTHLY> ;
  dcat:distribution [ a dcat:Distribution ; dct:title "CSV" ;
    dcat:mediaType <https://www.iana.org/assignments/media-types/text/csv> ] .
<https://data.example/d/2> a dcat:Dataset ; dct:description "no title" .
"""


def test_a_dataset_of_another_catalogue_is_read_as_far_as_it_says_what_an_entry_says() -> None:
    found = read(FOREIGN.encode(), "theirs.ttl")
    (told,) = found.told
    assert told.fields["name"] == "公交站点"
    assert told.fields["name_en"] == "Bus stops"
    assert told.fields["update_cycle"] == "monthly"
    assert told.fields["published_on"] == "2025-02-03"
    assert told.fields["distributions"] == [
        {"method": "file", "title": "CSV", "media_type": "text/csv"}
    ]
    assert "sharing_class" not in told.fields
    assert told.items is None
    assert [one.column for one in found.not_taken] == ["dct:title"]


def test_the_same_dataset_has_the_same_code_in_every_form_and_at_every_time() -> None:
    xml = (
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
        ' xmlns:dcat="http://www.w3.org/ns/dcat#" xmlns:dct="http://purl.org/dc/terms/">'
        '<dcat:Dataset rdf:about="https://data.example/d/1"><dct:title>公交站点</dct:title>'
        "</dcat:Dataset></rdf:RDF>"
    )
    linked = {
        "@context": {"dcat": "http://www.w3.org/ns/dcat#", "dct": "http://purl.org/dc/terms/"},
        "@id": "https://data.example/d/1",
        "@type": "dcat:Dataset",
        "dct:title": "公交站点",
    }
    codes = {
        told.code
        for content, name in (
            (FOREIGN.encode(), "a.ttl"),
            (xml.encode(), "a.rdf"),
            (json.dumps(linked).encode(), "a.jsonld"),
        )
        for told in read(content, name).told
    }
    assert len(codes) == 1


def test_packages_of_ckan_are_read_from_whatever_ckan_answered() -> None:
    package = {
        "name": "bus-stops", "title": "公交站点", "notes": "n", "state": "active",
        "tags": [{"name": "bus"}], "organization": {"name": "transport"},
        "resources": [{"name": "CSV", "format": "CSV", "mimetype": "text/csv", "url": "https://x.example/1"}],
    }  # fmt: skip
    search = {"success": True, "result": {"count": 1, "results": [package]}}
    for held in (search, {"success": True, "result": package}, [package], package):
        (told,) = read(json.dumps(held).encode(), "packages.json").told
        assert told.code == "bus-stops"
        assert told.fields["keywords"] == ["bus"]
        assert told.fields["distributions"][0]["method"] == "file"


def test_what_is_held_above_is_drafted_without_a_source() -> None:
    told = Told(
        code="307/8",
        fields={
            "code": "307/8",
            "name": "出入境记录",
            "upstream_holder": "省公安厅",
            "upstream_way_to_ask": "发函",
        },
        items=({"title": "证件号码", "type": "text"},),
    )
    entry = check_resource(drafted(told, department="D1", source="", taken=()))
    assert (entry.source, entry.table) == ("", "")
    assert entry.upstream is not None
    assert entry.upstream.holder == "省公安厅"


def test_an_empty_cell_says_nothing_where_every_entry_has_a_value() -> None:
    text = "信息资源代码,信息资源名称,数据级别,信息项名称,信息项级别\n307/9,甲,,名称,\n"
    (told,) = read(text.encode(), "list.csv").told
    assert "level" not in told.fields
    assert "level" not in (told.items or ({},))[0]
    assert new(told).level == 2


def test_only_what_a_file_speaks_of_is_changed() -> None:
    before = a_resource()
    told = Told(code=before.code, fields={"code": before.code, "abstract": "新摘要"})
    after = changed(told, before)
    found = difference(before, after)
    assert found.change is Change.CHANGED
    assert [(one.field, one.before, one.after) for one in found.fields] == [
        ("abstract", before.abstract, "新摘要")
    ]
    assert after.items == before.items


def test_an_item_keeps_its_ordinal_its_column_and_its_name_whatever_a_file_says_of_it() -> None:
    before = a_resource()
    items = [dict(item) for item in told_of(before).items or ()]
    items[1]["title"] = "企业全称"
    items.insert(0, {"title": "注册资本", "type": "decimal"})
    del items[-1]
    after = changed(Told(code=before.code, fields={}, items=tuple(items)), before)
    assert [(item.ordinal, item.column) for item in after.items[:-1]] == [
        (item.ordinal, item.column) for item in before.items[:-1]
    ]
    assert after.items[-1].title == "注册资本"
    changes = {
        (one.item, one.field): (one.before, one.after) for one in difference(before, after).fields
    }
    assert changes["name", "title"] == ("企业名称", "企业全称")
    assert changes[before.items[-1].name, "title"] == (before.items[-1].title, None)
    assert difference(
        after, changed(Told(code=before.code, items=told_of(after).items), after)
    ).change is (Change.UNCHANGED)


def test_the_survey_that_is_given_out_offers_the_words_of_its_cells_and_may_be_empty() -> None:
    book = write_workbook([catalogue_grid([]), needs_grid([])])
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    assert "无条件共享,有条件共享,不予共享" in sheet
    found = read(book)
    assert (found.told, found.wanted) == ((), ())
    assert [one.found for one in found.not_taken] == ["no entry"]
