"""The life of an entry in a real registry: one source per item, checks, returns, history, withdrawal."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from catalogue import entries
from catalogue.differences import differences
from catalogue.errors import (
    InvalidError,
    NotAllowedError,
    OwnRequestError,
    StateError,
    UnknownError,
    UnrecordedRowError,
)
from catalogue.examination import CheckKind, Conclusion, ReturnCode, ReturnReason
from catalogue.lifecycle import Registration
from catalogue.metadata import Sensitivity, Upstream
from catalogue.model import Resource, SharingClass, SubjectType
from catalogue.requested import RequestState
from catalogue.rows import NOTICE, RESOURCE, REVISION, WITHDRAWAL
from catalogue.withdrawals import impact
from gateway.joining import _named
from tests.fakes.catalogue import (
    HALL,
    HALL_SYSTEM,
    LICENCE,
    MARKET,
    MATTER,
    TODAY,
    a_department,
    a_matter,
    a_resource,
    a_source,
    an_item,
)
from tests.fakes.district import District, a_registry_database

KEY = an_item(
    "uscc", 0, title="统一社会信用代码", key=True, match=True, subject=SubjectType.ENTERPRISE
)


@pytest.fixture
def district(tmp_path: Path) -> Iterator[District]:
    found = District(engine=a_registry_database(tmp_path))
    found.found()
    yield found
    found.engine.dispose()


def an_entry(code: str, department: str = MARKET, *titles: str) -> Resource:
    name = f"E{code.partition('/')[2]}"
    items = [an_item(f"i{n}", n, title=title) for n, title in enumerate(titles or ("住所",), 1)]
    return a_resource(
        code,
        department=department,
        source="market" if department == MARKET else "hall",
        type_name=name,
        field_name=name.lower(),
        list_name=f"{name.lower()}s",
        items=(KEY, *items),
        validity=None,
    )


def test_a_second_registration_waits_until_the_authority_says_whose_item_it_is(
    district: District,
) -> None:
    registry = district.registry
    district.announce(an_entry("307/000001", MARKET, "企业名称"))
    registry.add_source(a_source("hall", department=HALL), by=district.by("hall.operator"))
    registry.draft_resource(
        an_entry("307/000002", HALL, "企业名称"), by=district.by("hall.operator")
    )
    district.examine("307/000002", by="hall.operator")
    registry.submit_resource("307/000002", by=district.by("hall.head"))
    authority = district.by("authority")
    with pytest.raises(InvalidError) as raised:
        registry.announce_resource("307/000002", by=authority)
    assert raised.value.code == "ITEM_SOURCE_OPEN"
    meaning, reason = "enterprise/企业名称", "登记机关为数据源"
    with pytest.raises(NotAllowedError):
        registry.designate_source(meaning, MARKET, reason=reason, by=district.by("market.head"))
    with pytest.raises(InvalidError, match="registered no item"):
        registry.designate_source(meaning, "nobody", reason=reason, by=authority)
    with pytest.raises(UnknownError):
        registry.designate_source("enterprise/没有", MARKET, reason=reason, by=authority)
    assert (
        registry.designate_source(meaning, MARKET, reason=reason, by=authority).department == MARKET
    )
    act = district.ledger.acts[-1]
    assert (act.kind, act.facts) == (
        "item.source-designated",
        {"provider": MARKET, "items": 1},
    )
    assert registry.announce_resource("307/000002", by=authority).state == "announced"


CODE = "307/000001"
A_CHECK = {"words": "", "file": "审查表.pdf", "digest": "0f" * 32}


def held(district: District, code: str = CODE) -> Registration:
    with district.registry._unit(district.by("auditor")) as unit:
        return unit.need(RESOURCE, code)


def test_nothing_is_signed_before_it_was_checked_for_secrets(district: District) -> None:
    registry, operator, head = (
        district.registry,
        district.by("market.operator"),
        district.by("market.head"),
    )
    registry.draft_resource(an_entry(CODE), by=operator)
    with pytest.raises(InvalidError, match="the check for secrets is missing") as raised:
        registry.submit_resource(CODE, by=head)
    assert raised.value.code == "ENTRY_UNEXAMINED"
    with pytest.raises(NotAllowedError):
        registry.examine_resource(
            CODE, CheckKind.SECRECY, Conclusion.CLEAR, by=district.by("hall.head"), **A_CHECK
        )
    with pytest.raises(InvalidError, match="no measure makes a secret none"):
        registry.examine_resource(
            CODE, CheckKind.SECRECY, Conclusion.MEASURES, by=operator, **A_CHECK | {"words": "x"}
        )
    with pytest.raises(InvalidError, match="no SHA-256"):
        registry.examine_resource(
            CODE, CheckKind.SECRECY, Conclusion.CLEAR, by=operator, **A_CHECK | {"digest": "1"}
        )
    stopped = A_CHECK | {"words": "含工作秘密"}
    registry.examine_resource(CODE, CheckKind.SECRECY, Conclusion.STOPPED, by=operator, **stopped)
    with pytest.raises(InvalidError, match="not to be registered"):
        registry.submit_resource(CODE, by=head)
    registry.examine_resource(CODE, CheckKind.SECRECY, Conclusion.CLEAR, by=operator, **A_CHECK)
    assert district.ledger.acts[-1].facts["check"] == "secrecy"
    assert registry.submit_resource(CODE, by=head).state == "submitted"


def test_personal_information_is_assessed_and_a_changed_draft_is_checked_anew(
    district: District,
) -> None:
    registry, operator, head = (
        district.registry,
        district.by("market.operator"),
        district.by("market.head"),
    )
    plain = an_entry(CODE)
    registry.draft_resource(plain, by=operator)
    registry.examine_resource(CODE, CheckKind.SECRECY, Conclusion.CLEAR, by=operator, **A_CHECK)
    registry.draft_resource(plain, by=operator)  # saved again, unchanged: the check stands
    assert held(district).course.secrecy is not None
    home = replace(plain.items[1], sensitivity=Sensitivity.PERSONAL)
    registry.draft_resource(replace(plain, items=(KEY, home)), by=operator)
    with pytest.raises(InvalidError) as raised:
        registry.submit_resource(CODE, by=head)
    assert raised.value.findings == (
        "the check for secrets is missing",
        "the assessment of personal information is missing",
    )
    district.examine(CODE)
    assert registry.submit_resource(CODE, by=head).state == "submitted"


def test_an_entry_is_given_back_with_all_reasons_at_once_and_keeps_them(district: District) -> None:
    registry, operator, head = (
        district.registry,
        district.by("market.operator"),
        district.by("market.head"),
    )
    authority = district.by("authority")
    registry.draft_resource(an_entry(CODE), by=operator)
    district.examine(CODE)
    registry.submit_resource(CODE, by=head)
    reasons = [
        ReturnReason(code=ReturnCode.CLASS, about="i1", text="住所属于企业公示信息，应当无条件"),
        ReturnReason(code=ReturnCode.INCOMPLETE, about="", text="缺少摘要"),
    ]
    with pytest.raises(NotAllowedError):
        registry.return_resource(CODE, reasons, by=head)
    with pytest.raises(InvalidError, match="0 reasons"):
        registry.return_resource(CODE, [], by=authority)
    with pytest.raises(InvalidError, match="no item gone"):
        registry.return_resource(CODE, [replace(reasons[0], about="gone")], by=authority)
    registry.return_resource(CODE, reasons, by=authority)
    act = district.ledger.acts[-1]
    assert (act.kind, act.facts["reasons"], act.facts["state"]) == (
        "resource.returned",
        2,
        "returned",
    )
    assert "住所" not in str(act.facts)
    with pytest.raises(StateError):
        registry.announce_resource(CODE, by=authority)
    with pytest.raises(StateError):
        registry.submit_resource(CODE, by=head)
    registry.draft_resource(an_entry(CODE, MARKET, "经营场所"), by=operator)
    district.examine(CODE)
    registry.submit_resource(CODE, by=head)
    registry.announce_resource(CODE, by=authority)
    (kept,) = held(district).course.returns
    assert [reason.text for reason in kept.reasons] == [one.text for one in reasons]


def test_a_head_gives_a_draft_back_but_not_their_own(district: District) -> None:
    registry, head = district.registry, district.by("market.head")
    reasons = [ReturnReason(code=ReturnCode.WRONG, about="", text="名称有误")]
    registry.draft_resource(an_entry(CODE), by=head)
    with pytest.raises(OwnRequestError):
        registry.return_resource(CODE, reasons, by=head)
    registry.draft_resource(an_entry(CODE), by=district.by("market.operator"))
    assert registry.return_resource(CODE, reasons, by=head).resource.state == "returned"


def test_every_announcement_is_kept_and_an_older_one_comes_back_as_a_new_revision(
    district: District,
) -> None:
    registry, operator = district.registry, district.by("market.operator")
    authority = district.by("authority")
    district.announce(an_entry(CODE))
    registry.withdraw_resource(CODE, by=authority, reason="修订")
    district.announce(replace(an_entry(CODE, MARKET, "住所", "经营范围"), abstract="新版"))
    registry.withdraw_resource(CODE, by=authority, reason="恢复")
    with pytest.raises(UnknownError):
        registry.restore_resource(CODE, 9, by=operator)
    with pytest.raises(NotAllowedError):
        registry.restore_resource(CODE, 1, by=district.by("hall.operator"))
    drafted = registry.restore_resource(CODE, 1, by=operator)
    assert (drafted.revision, drafted.state, drafted.abstract) == (3, "draft", "")
    with pytest.raises(InvalidError, match="check for secrets"):  # the whole way again
        registry.submit_resource(CODE, by=district.by("market.head"))
    district.examine(CODE)
    registry.submit_resource(CODE, by=district.by("market.head"))
    registry.announce_resource(CODE, by=authority)
    with registry._unit(district.by("auditor")) as unit:
        kept = sorted(unit.all(REVISION).values(), key=lambda one: one.revision)
    assert [(one.revision, one.restored_from) for one in kept] == [(1, None), (2, None), (3, 1)]
    assert kept[1].content.abstract == "新版"
    assert differences(kept[0].content, kept[2].content) == ()


def test_the_next_revision_is_prepared_while_the_announced_one_stands(district: District) -> None:
    registry, operator = district.registry, district.by("market.operator")
    head, authority = district.by("market.head"), district.by("authority")
    district.announce(an_entry(CODE))
    changed = replace(an_entry(CODE, MARKET, "住所", "经营范围"), abstract="新版")
    drafted = registry.draft_resource(changed, by=operator)
    assert (drafted.revision, drafted.state) == (2, "draft")
    standing = held(district)
    assert (standing.resource.state, standing.resource.revision) == ("announced", 1)
    assert standing.latest.resource == drafted
    with pytest.raises(InvalidError, match="check for secrets"):
        registry.submit_resource(CODE, by=head)
    district.examine(CODE)
    reasons = [ReturnReason(code=ReturnCode.WRONG, about="", text="摘要不实")]
    registry.return_resource(CODE, reasons, by=head)
    assert held(district).latest.resource.state == "returned"
    assert held(district).resource.state == "announced"
    registry.draft_resource(changed, by=head)
    with pytest.raises(OwnRequestError):  # who drafts a revision does not sign it either
        registry.submit_resource(CODE, by=head)
    registry.draft_resource(changed, by=operator)
    registry.submit_resource(CODE, by=head)
    assert held(district).resource.revision == 1
    announced = registry.announce_resource(CODE, by=authority)
    assert (announced.revision, announced.state, announced.abstract) == (2, "announced", "新版")
    now_held = held(district)
    assert now_held.prepared is None
    assert now_held.before is not None
    assert now_held.before.revision == 1
    assert [one.title for one in now_held.resource.items][1:] == ["住所", "经营范围"]


def test_a_prepared_revision_is_given_up_and_names_stay_for_ever(district: District) -> None:
    registry, operator = district.registry, district.by("market.operator")
    district.announce(an_entry(CODE))
    with pytest.raises(StateError, match="being prepared"):
        registry.drop_revision(CODE, by=operator)
    with pytest.raises(InvalidError, match="kept for ever"):
        registry.draft_resource(replace(an_entry(CODE), field_name="other"), by=operator)
    registry.draft_resource(an_entry(CODE, MARKET, "住所", "经营范围"), by=operator)
    with pytest.raises(NotAllowedError):
        registry.drop_revision(CODE, by=district.by("hall.operator"))
    kept = registry.drop_revision(CODE, by=operator)
    assert (kept.prepared, kept.resource.state, kept.resource.revision) == (None, "announced", 1)


def test_a_withdrawal_of_what_stands_leaves_the_revision_in_preparation(district: District) -> None:
    registry, operator = district.registry, district.by("market.operator")
    authority = district.by("authority")
    district.announce(an_entry(CODE))
    registry.draft_resource(replace(an_entry(CODE), abstract="新版"), by=operator)
    registry.withdraw_resource(CODE, by=authority, reason="停用")
    assert held(district).resource.state == "withdrawn"
    district.examine(CODE)
    registry.submit_resource(CODE, by=district.by("market.head"))
    assert registry.announce_resource(CODE, by=authority).revision == 2


def test_a_revision_changed_by_hand_is_not_believed(district: District) -> None:
    district.announce(an_entry(CODE))
    with district.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE resource_revision SET announced_by = 'off_other'")
    with pytest.raises(UnrecordedRowError):
        district.registry.restore_resource(CODE, 1, by=district.by("market.operator"))


def test_a_withdrawal_keeps_what_it_hit_and_tells_every_department(district: District) -> None:
    registry, head = district.registry, district.by("market.head")
    district.announce()
    grant = district.grant()
    with pytest.raises(StateError) as raised:
        registry.withdraw_resource(LICENCE, by=head, reason="停用", seen="0" * 16)
    assert raised.value.code == "IMPACT_CHANGED"
    assert held(district, LICENCE).resource.state == "announced"
    made = registry.withdraw_resource(LICENCE, by=head, reason="停用")
    assert [one.grant for one in made.impact.grants] == [grant.id]
    assert [one.matter for one in made.impact.matters] == [MATTER]
    act = district.ledger.acts[-1]
    assert (act.facts["grants"], act.facts["matters"], act.narrowing) == (1, 1, True)
    with registry._unit(district.by("auditor")) as unit:
        (notice,) = unit.all(NOTICE).values()
        assert unit.need(WITHDRAWAL, made.id) == made
    assert (notice.department, notice.kind, notice.resource) == (HALL, "withdrawn", LICENCE)
    assert registry.see_notice(notice.id, by=district.by("hall.operator")).seen_by is not None


def test_the_list_that_was_shown_is_the_one_that_is_hit(district: District) -> None:
    district.announce()
    grant, matter = district.grant(), a_matter()
    shown = impact(a_resource(), grants=[grant], matters=[matter], at=TODAY)
    assert shown.departments == (HALL,)
    ended = replace(grant, not_after=TODAY)
    assert impact(a_resource(), grants=[ended], matters=[], at=TODAY).mark != shown.mark
    made = district.registry.withdraw_resource(
        LICENCE, by=district.by("market.head"), seen=shown.mark
    )
    assert made.impact == shown


def an_upstream(code: str = "201/000009", **changes: Any) -> Resource:
    members: dict[str, Any] = {
        "code": code,
        "name": "不动产登记信息（省级）",
        "type_name": "ProvincialParcels",
        "field_name": "provincialParcels",
        "list_name": "provincialParcelss",
        "source": "",
        "table": "",
        "items": (replace(KEY, column=""), an_item("owner", 1, title="权利人", column="")),
        "validity": None,
        "upstream": Upstream(
            holder="省自然资源厅", way_to_ask="经省平台申请", letter="云资函〔2026〕3号"
        ),
    }
    return a_resource(**members | changes)


def test_a_resource_held_above_is_found_and_asked_for_and_never_served(district: District) -> None:
    registry = district.registry
    announced = district.announce(an_upstream())
    snapshot = district.snapshot()
    assert snapshot.resources[announced.code].upstream == announced.upstream
    wanted = district.wanted(resource=announced.code, items=("uscc", "owner"), match=("uscc",))
    drafted = registry.request_sharing(wanted, by=district.by("hall.operator"))
    signed, granted = registry.sign_request(drafted.id, by=district.by("hall.head"))
    assert (signed.state, granted) == (RequestState.SUBMITTED, None)
    assert (
        registry.ask_once(
            drafted.id, by=district.by("market.operator"), question="请说明依据"
        ).state
        is RequestState.SUPPLEMENT
    )
    registry.supplement(drafted.id, by=district.by("hall.operator"), answer="建筑法第八条")
    registry.grant(drafted.id, by=district.by("market.head"))
    # Even a grant opens nothing: there is no source, and no contract has it.
    snapshot = district.snapshot()
    assert [one.resource for one in snapshot.grants.values()] == [announced.code]
    assert snapshot.contract(HALL_SYSTEM) == ()
    assert announced.type_name not in dict(_named(snapshot))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"source": "market", "table": "t"}, "neither source nor table"),
        ({"upstream": Upstream(holder="省厅", way_to_ask=" ")}, "the way to ask is missing"),
        ({"emergency_items": ("owner",)}, "nothing is served"),
    ],
)
def test_what_is_held_above_is_registered_as_that(
    district: District, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidError, match=said):
        district.registry.draft_resource(an_upstream(**changes), by=district.by("market.operator"))
    open_ = replace(
        an_upstream(),
        sharing_class=SharingClass.UNCONDITIONAL,
        items=tuple(
            replace(item, sharing_class=SharingClass.UNCONDITIONAL) for item in an_upstream().items
        ),
    )
    with pytest.raises(InvalidError, match="its holder decides on is conditional"):
        district.registry.draft_resource(open_, by=district.by("market.operator"))


def test_conditional_data_is_asked_for_by_those_whom_the_entry_names(district: District) -> None:
    ask = {"by": district.by("hall.operator")}
    district.announce(a_resource(recipients=(a_department(MARKET).name,)))
    assert held(district, LICENCE).resource.recipients == (MARKET,)
    with pytest.raises(InvalidError, match="names who may have it"):
        district.registry.request_sharing(district.wanted(), **ask)
    named = a_resource()
    for recipients, may in (
        ((HALL,), True),
        ((MARKET,), False),
        (("行政许可办理部门",), True),
        (("*",), True),
    ):
        assert entries.may_have(replace(named, recipients=recipients), HALL) is may
