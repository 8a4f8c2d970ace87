"""What an entry must say and may not say: metadata, secrets, base data, conditions, the law that closes."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from catalogue import entries
from catalogue.classification import Classification, classify, level_name
from catalogue.errors import InvalidError
from catalogue.legal import check_basis
from catalogue.metadata import (
    ANY_DEPARTMENT,
    BaseData,
    Code,
    Contact,
    DataClass,
    Distribution,
    InformationFormat,
    Openness,
    Secrecy,
    Sensitivity,
    SharingMethod,
    UpdateCycle,
    Upstream,
    cycle_of,
)
from catalogue.model import Item, Resource, SharingClass, SubjectType
from catalogue.validation import check_complete, check_resource
from tests.fakes.catalogue import a_resource, licence_items

KEY, NAME, *OTHERS = licence_items()
TEXT = "涉及国家安全的政务数据不予共享"


def whole(**changes: Any) -> Resource:
    """An entry with all of its core metadata."""
    members: dict[str, Any] = {
        "code": "307001/000001",
        "abstract": "企业营业执照登记信息",
        "keywords": ("营业执照", "企业"),
        "format": InformationFormat.DATABASE,
        "format_name": "MySQL",
        "methods": (SharingMethod.INTERFACE, SharingMethod.FILE),
        "openness": Openness.CONDITIONAL,
        "open_conditions": "登录后可查",
        "update_cycle": UpdateCycle.DAILY,
        "update_days": 1,
        "related": ("307001/000002",),
        "data_class": DataClass.ORGANISATION,
        "distributions": (Distribution(method=SharingMethod.FILE, media_type="text/csv"),),
        "contact": Contact(unit="数据科", telephone="0571-88880000转12"),
        "items": tuple(
            replace(item, title_en=item.name, length=64) for item in (KEY, NAME, *OTHERS)
        ),
    }
    return a_resource(**members | changes)


def test_an_entry_with_all_core_metadata_has_no_gap() -> None:
    assert entries.gaps(check_complete(whole())) == ()
    assert {"abstract", "keywords", "contact", "classification"} <= {*entries.gaps(a_resource())}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"secrecy": Secrecy.STATE_SECRET}, "a state secret: it is no government data"),
        ({"secrecy": Secrecy.WORK_SECRET}, "a work secret: it is no government data"),
        ({"abstract": "机密★10年"}, "a mark of secrecy"),
        ({"keywords": ("企业", "企业")}, "keyword 企业 stands twice"),
        ({"keywords": (" ",)}, "keyword ' '"),
        ({"open_conditions": ""}, "open to the public on conditions: the conditions needed"),
        ({"openness": Openness.UNCONDITIONAL}, "conditional to departments"),
        ({"update_days": 30}, "update cycle daily: rows of 30 days, 1 at most"),
        ({"update_cycle": UpdateCycle.IRREGULAR}, "one of both"),
        ({"related": ("307001/000001",)}, "related resource: itself"),
        ({"methods": (SharingMethod.INTERFACE,)}, "distribution by file"),
        ({"recipients": ("*", "税务局")}, "* stands alone"),
        ({"contact": Contact(unit="数据科", email="nobody")}, "the e-mail address is none"),
        ({"upstream": Upstream(holder="", way_to_ask="")}, "upstream: who holds it is missing"),
        (
            {"upstream": Upstream(holder="省厅", way_to_ask="发函")},
            "neither source nor table",
        ),
    ],
)
def test_metadata_against_the_rules_is_refused_in_any_draft(
    changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidError) as raised:
        check_resource(whole(**changes))
    assert said in "; ".join(raised.value.findings)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"length": 0}, "length 0"),
        ({"codes": (Code(value="1", title="男"),) * 2}, "code '1' stands twice"),
        ({"codes": (Code(value="", title="男"),)}, "a value and a title"),
        ({"codes": (Code(value="123", title="男"),), "length": 2}, "a code of 3 characters"),
        ({"basic": True}, "basic, but the resource is no base data"),
        (
            {
                "sensitivity": Sensitivity.SENSITIVE_PERSONAL,
                "sharing_class": SharingClass.UNCONDITIONAL,
            },
            "sensitive personal information is unconditional",
        ),
    ],
)
def test_an_item_against_the_rules_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidError) as raised:
        check_resource(whole(items=(KEY, replace(NAME, **changes), *OTHERS)))
    assert said in "; ".join(raised.value.findings)


def test_basic_items_of_base_data_are_unconditional() -> None:
    base = {"code": "102/000001", "base_data": BaseData.LEGAL_PERSONS}
    with pytest.raises(InvalidError, match="basic item of base data is conditional"):
        check_resource(whole(**base, items=(KEY, replace(NAME, basic=True), *OTHERS)))
    with pytest.raises(InvalidError, match="which items are basic is missing"):
        check_resource(whole(**base))
    open_name = replace(NAME, basic=True, sharing_class=SharingClass.UNCONDITIONAL)
    check_resource(whole(**base, items=(KEY, open_name, *OTHERS)))
    with pytest.raises(InvalidError, match="names base data: legal-persons needed"):
        check_resource(whole(code="102/000001"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"recipients": ()}, "who may have it is missing"),
        ({"purposes": ()}, "the purposes are missing"),
        ({"methods": (), "distributions": ()}, "the sharing method is missing"),
    ],
)
def test_a_draft_may_lack_what_must_be_there_when_it_is_signed(
    changes: dict[str, Any], said: str
) -> None:
    check_resource(whole(**changes))
    with pytest.raises(InvalidError, match=said):
        check_complete(whole(**changes))


def test_an_item_that_is_not_shared_needs_its_law_too() -> None:
    items = (KEY, NAME, replace(OTHERS[0], sharing_class=SharingClass.NOT_SHARED), *OTHERS[1:])
    with pytest.raises(InvalidError, match="items status are not shared"):
        check_complete(whole(items=items))
    basis = ("《中华人民共和国数据安全法》", "第三十八条", TEXT, "law")
    check_complete(whole(items=items, no_share_basis=basis))


@pytest.mark.parametrize(
    ("document", "level"),
    [
        ("《中华人民共和国统计法》", "law"),
        ("《反间谍法》", "law"),
        ("《中华人民共和国户口登记条例》", "law"),
        ("《全国人民代表大会常务委员会关于加强网络信息保护的决定》", "law"),
        ("《政务数据共享条例》（国务院令第809号）", "administrative-regulation"),
        ("《中华人民共和国保守国家秘密法实施条例》", "administrative-regulation"),
        ("《国务院关于加强数字政府建设的指导意见》（国发〔2022〕14号）", "state-council-decision"),
    ],
)
def test_a_law_a_regulation_and_a_state_council_decision_may_close_data(
    document: str, level: str
) -> None:
    assert not [*check_basis((document, "第九条", TEXT, level))]


@pytest.mark.parametrize(
    ("document", "level", "found"),
    [
        (
            "《云岫区市场监督管理局数据管理内部规定》",
            "administrative-regulation",
            "an internal rule",
        ),
        ("《浙江省公共数据条例》", "law", "a local document"),
        ("《杭州市人民政府关于数据管理的通知》", "state-council-decision", "a local document"),
        ("《市场监管总局关于登记数据管理的通知》", "law", "a department's own document"),
        ("《关于登记数据管理的通知》", "law", "a notice"),
        ("《数据共享工作方案》", "administrative-regulation", "a plan or scheme"),
        ("《数据管理的若干意见》", "state-council-decision", "not issued by the State Council"),
        ("《数据共享备忘录》", "law", "no name that a law has"),
    ],
)
def test_anything_below_is_named_for_what_it_is(document: str, level: str, found: str) -> None:
    said = [*check_basis((document, "第九条", TEXT, level))]
    needed = "a law, an administrative regulation or a State Council decision needed"
    assert said == [f"not shared: {document} is {found}; {needed}"]


def test_a_basis_names_its_article() -> None:
    assert "article '全文'" in "".join(check_basis(("《统计法》", "全文", TEXT, "law")))


def test_the_classification_is_read_from_the_code() -> None:
    assert classify("307/000001") == Classification(category="3", group="07")
    deep = classify("2010030007/000001")
    assert deep is not None
    assert deep.prefixes == ("2", "201", "201003", "2010030007")
    assert [level_name(one, language="zh") for one in deep.prefixes[:2]] == [
        "主题信息资源",
        "全民健康保障",
    ]
    assert level_name("307", language="en") == "307"
    assert classify("MKT/licence") is None
    assert classify("407/000001") is None


@pytest.mark.parametrize(
    ("days", "cycle"),
    [
        (None, UpdateCycle.IRREGULAR),
        (0, UpdateCycle.REALTIME),
        (1, UpdateCycle.DAILY),
        (31, UpdateCycle.MONTHLY),
        (400, UpdateCycle.IRREGULAR),
    ],
)
def test_an_age_of_rows_names_its_cycle(days: int | None, cycle: UpdateCycle) -> None:
    assert cycle_of(days) is cycle


def test_personal_information_is_seen_in_any_item() -> None:
    plain: tuple[Item, ...] = (KEY, NAME)
    assert not entries.holds_personal(a_resource(items=plain))
    for changes in ({"sensitivity": Sensitivity.PERSONAL}, {"subject": SubjectType.PERSON}):
        touched = (KEY, replace(NAME, **changes))
        assert entries.holds_personal(a_resource(items=touched))


def test_fields_of_an_entry_are_kept_for_comparison() -> None:
    held = whole(published_on=date(2026, 1, 5), recipients=(ANY_DEPARTMENT,))
    assert check_resource(held) == held
