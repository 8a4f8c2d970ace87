"""Sharing by hand: each button of the inbox, the requests, the grants and the console, without scripts."""

import html
import re
from collections.abc import Iterator

import pytest

from exchange.demo import district
from exchange.demo.setup import SYSTEM
from tests.fakes.node import Standing, standing
from tests.stories.test_emergency_pages import Browsing
from tests.stories.test_items import request_for, wanted

LICENCE = "307/000001"
PERMIT = "309/000001"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    with standing(tmp_path_factory.mktemp("pages") / "home") as found:
        yield found


def by(here: Standing, officer: str) -> Browsing:
    return Browsing(here, officer, two_factor=False)


def text(page: str) -> str:
    return html.unescape(page)


@pytest.mark.proves("E4", "E8")
def test_the_inbox_shows_first_what_is_to_be_decided_by_when_and_how_to_refuse(
    shared: Standing,
) -> None:
    key = request_for(shared, SYSTEM, LICENCE, items=["entName"])
    head = by(shared, "market.head")
    inbox = text(head.go("/inbox"))
    assert f"/inbox/{key}#refuse-heading" in inbox
    assert "尚余 10 个工作日" in inbox
    accepted = head.send(f"/inbox/{key}", {"contact": "登记科 87001"}, to=f"/inbox/{key}/accept")
    assert "SL20" in text(accepted.text)
    empty = head.send(f"/inbox/{key}", {"contact": ""}, to=f"/inbox/{key}/accept")
    assert empty.status_code == 400
    asked = head.send(f"/inbox/{key}", {"days": "5", "why": "核对"}, to=f"/inbox/{key}/extend")
    assert "主管部门尚未答复" in text(asked.text)
    authority = by(shared, "authority")
    told = authority.send(f"/inbox/{key}", {"verdict": "consent"}, to=f"/inbox/{key}/time")
    assert "已同意" in text(told.text)
    clock = shared.act("hall.head", "request.show", request=key)["clock"]
    assert clock["left"] == 15
    moved = head.send(
        f"/inbox/{key}", {"to": PERMIT, "reason": "由生态环境局掌握"}, to=f"/inbox/{key}/transfer"
    )
    assert moved.status_code == 400
    assert "INVALID" in moved.text


def test_a_draft_is_given_back_found_again_changed_and_printed(shared: Standing) -> None:
    drafted = shared.act("hall.operator", "request.create", wanted=wanted(SYSTEM, LICENCE))
    page = f"/requests/{drafted['id']}"
    head, operator = by(shared, "hall.head"), by(shared, "hall.operator")
    back = head.send(page, {"reasons": "依据不具体；期限过长"}, to=f"{page}/return")
    assert "已退回" in text(back.text)
    assert page in operator.go("/requests?state=returned")
    edit = text(operator.go(f"{page}/edit"))
    fields = dict(re.findall(r'name="(basis|scenario|until|quota)"[^>]*value="([^"]*)"', edit))
    saved = operator.send(
        f"{page}/edit",
        {
            **fields,
            "resource": LICENCE,
            "revise": drafted["id"],
            "items": ["entName", "status"],
            "matters": [district.MATTER],
            "systems": [SYSTEM],
            "purposes": ["administrative-basis"],
            "channels": ["query"],
            "basis": "《建筑法》第八条第二款",
            "scenario": "核验主体资格",
            "volume": "300",
            "step": "send",
        },
        to="/requests/new",
    )
    assert saved.status_code == 200
    held = shared.act("hall.head", "request.show", request=drafted["id"])
    assert (held["state"], held["volume"]) == ("draft", 300)
    printed = text(operator.go(f"{page}/print"))
    assert "数据共享申请表" in printed
    assert drafted["id"] in printed
    gone = operator.send(page, {"reason": "改用核验"}, to=f"{page}/withdraw")
    assert "申请已撤回" in text(gone.text)


def test_a_basket_asks_several_departments_at_once_and_is_signed_together(
    shared: Standing,
) -> None:
    operator = by(shared, "hall.operator")
    two = f"/basket?resource={LICENCE}&resource={PERMIT}"
    missing = operator.send(two, {"resource": [LICENCE, PERMIT], "step": "send"}, to="/basket")
    assert missing.status_code == 400
    assert text(missing.text).count("请至少勾选一个信息项") >= 1
    made = operator.send(
        two,
        {
            "resource": [LICENCE, PERMIT],
            "items": [f"{LICENCE}|entName", f"{PERMIT}|approvalNo"],
            "matters": [district.MATTER],
            "systems": [SYSTEM],
            "purposes": ["administrative-basis"],
            "basis": "《建筑法》第八条",
            "scenario": "核发建筑工程施工许可证",
            "until": wanted(SYSTEM, LICENCE)["not_after"][:10],
            "quota": "100",
            "step": "send",
        },
        to="/basket",
    )
    shown = text(made.text)
    found = re.search(r"合并申请 (bsk_[0-9A-Za-z-]+)：共 2 项资源", shown)
    assert found is not None
    rows = shared.act("hall.head", "request.list", basket=found[1])["rows"]
    assert len(rows) == 2
    entry = f"/requests/{rows[0]['id']}"
    by(shared, "hall.head").send(entry, {}, to=f"/basket/{found[1]}/sign")
    states = {
        one["state"] for one in shared.act("hall.head", "request.list", basket=found[1])["rows"]
    }
    assert states == {"submitted"}


def test_a_grant_is_narrowed_amended_and_ended_on_its_page(shared: Standing) -> None:
    key = request_for(shared, SYSTEM, "310/000001", items=["certNo", "grade"], match=["uscc"])
    grant = shared.act("housing.head", "grant.give", request=key, terms={})["id"]
    page, housing, hall = f"/grants/{grant}", by(shared, "housing.head"), by(shared, "hall.head")
    narrowed = housing.send(
        page,
        {"items": ["certNo"], "quota": "50", "reason-of-change": "只需证书编号"},
        to=f"{page}/narrow",
    )
    assert narrowed.status_code == 200
    assert shared.act("hall.head", "grant.show", grant=grant)["items"] == ["certNo"]
    proposed = by(shared, "hall.operator").send(
        page,
        {"items": ["certNo"], "quota": "80", "reason-of-change": "业务量增加"},
        to=f"{page}/amend",
    )
    assert "提出变更授权" in text(proposed.text)
    (amendment,) = shared.act("hall.head", "grant.show", grant=grant)["amendments"]
    for side in (hall, housing):
        side.send(page, {"verdict": "sign"}, to=f"{page}/amendments/{amendment['id']}")
    amended = shared.act("hall.head", "grant.show", grant=grant)
    assert (amended["daily_quota"], amended["revision"]) == (80, 2)
    refused = hall.send(page, {"why": "", "words": ""}, to=f"{page}/end")
    assert refused.status_code == 400
    ended = hall.send(page, {"why": "purpose-achieved", "words": "办结"}, to=f"{page}/end")
    assert "用途已实现" in text(ended.text)


def test_a_wrong_value_goes_from_the_receipt_to_its_provider_and_back(shared: Standing) -> None:
    entry = int(shared.ask().entry["index"])
    operator, market = by(shared, "hall.operator"), by(shared, "market.head")
    assert f"/corrections/new?entry={entry}" in operator.go(f"/receipts/{entry}?format=html")
    report = {
        "entry": str(entry),
        "resource": LICENCE,
        "item": "status",
        "type": "enterprise",
        "identifier": district.APPLICANT,
        "words": "已于上月注销",
    }
    made = operator.send("/corrections/new", report)
    assert "自此标为存在争议" in text(made.text)
    assert district.APPLICANT not in made.text
    page = made.url.path
    assert page in market.go("/corrections")
    assert "告知" in text(market.go("/inbox?view=notices"))
    refused = market.send(
        page, {"verdict": "refuse", "text": "登记簿仍为存续"}, to=f"{page}/answer"
    )
    assert "登记簿仍为存续" in text(refused.text)
    head = by(shared, "hall.head")
    key = page.rpartition("/")[2]
    dispute = head.send(
        f"/disputes/new?kind=correction&about={key}",
        {"kind": "correction", "about": key, "text": "与注销通知书不符"},
        to="/disputes/new",
    )
    where = dispute.url.path
    market.send(where, {"verdict": "say", "text": "以登记簿为准"}, to=f"{where}/step")
    raised = head.send(where, {"verdict": "raise", "text": "请裁定"}, to=f"{where}/step")
    assert "主管部门裁定" in text(raised.text)
    closed = operator.send(page, {"verdict": "close"}, to=f"{page}/answer")
    assert "维持原值" in text(closed.text)


def test_the_console_leads_from_each_breach_to_its_record_and_gives_it_as_a_file(
    shared: Standing,
) -> None:
    key = request_for(shared, SYSTEM, LICENCE, items=["capital"])
    shared.act("market.head", "request.refuse", request=key, reason="不便提供")
    authority = by(shared, "authority")
    listed = text(authority.go("/supervision?kind=refusal-without-basis"))
    assert "拒绝共享无依据" in listed
    assert f"/inbox/{key}" in listed
    assert "不便提供" in text(authority.go(f"/inbox/{key}"))
    assert key.encode() in authority.fetch("/supervision/violations.csv")
    assert "request.answer" in authority.go("/supervision/rules")
    operator = by(shared, "market.operator")
    assert "/supervision" not in operator.go("/")


def test_a_head_names_a_deputy_on_the_page_and_takes_them_back(shared: Standing) -> None:
    head = by(shared, "hall.head")
    operator = shared.place.ids["hall.operator"]
    day = wanted(SYSTEM, LICENCE)["not_after"][:10]
    named = head.send(
        "/deputies",
        {"post": "head", "deputy": operator, "begins": "2020-01-01", "ends": day},
    )
    assert "已记录" in text(named.text)
    (held,) = [one for one in shared.act("hall.head", "deputy.list") if one["stands"]]
    # Who stands in sees the head's button on a colleague's draft, and none on their own.
    own = shared.act("hall.operator", "request.create", wanted=wanted(SYSTEM, LICENCE))
    deputy = by(shared, "hall.operator")
    assert f"/requests/{own['id']}/sign" not in deputy.go(f"/requests/{own['id']}")
    theirs = shared.act("hall.head", "request.create", wanted=wanted(SYSTEM, LICENCE))
    page = f"/requests/{theirs['id']}"
    assert "已签发" in text(deputy.send(page, {}, to=f"{page}/sign").text)
    head.send("/deputies", {}, to=f"/deputies/{held['id']}/end")
    assert not any(one["stands"] for one in shared.act("hall.head", "deputy.list"))


def test_a_demand_is_answered_on_the_list_and_who_filed_it_is_told(shared: Standing) -> None:
    filed = shared.act("hall.operator", "demand.file", words="企业登记", need="核验主体")
    authority = by(shared, "authority")
    page = "/catalogue/demands"
    answered = authority.send(page, {"resource": LICENCE}, to=f"{page}/{filed['id']}")
    assert "需求已答复" in text(answered.text)
    notices = shared.act("hall.operator", "notice.list", unseen=True, first=100)["rows"]
    assert filed["id"] in {one["about"] for one in notices}


def test_a_file_is_attached_on_the_page_of_a_draft_and_fetched_unchanged(
    shared: Standing,
) -> None:
    drafted = shared.act("hall.operator", "request.create", wanted=wanted(SYSTEM, LICENCE))
    page = f"/requests/{drafted['id']}"
    operator = by(shared, "hall.operator")
    refused = operator.upload(page, b"MZ", "依据.pdf", to=f"{page}/attach")
    assert "FILE_REFUSED" in refused.text
    content = b"%PDF-1.4\ntrailer<<>>\n%%EOF\n"
    attached = operator.upload(page, content, "依据.pdf", to=f"{page}/attach")
    found = re.search(rf"{page}/files/([0-9a-f]{{64}})", attached.text)
    assert found is not None
    assert operator.fetch(found[0]) == content
