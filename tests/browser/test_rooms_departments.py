"""The rooms of departments and halls in a browser: readable by all, and the ways through them."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from exchange.demo.setup import CASE, DEPOSIT, SYSTEM
from tests.browser.visiting import PHONE, Visiting
from tests.fakes.node import Standing

pytestmark = pytest.mark.browser

DRAFTS = "/requests?state=draft"

Address = Callable[[Standing], str]


def _waiting(place: Standing) -> str:
    return next(
        str(one["id"])
        for one in place.act("labour.head", "request.list")["rows"]
        if one["resource"] == DEPOSIT
    )


def _grant(place: Standing) -> str:
    return place.grants["310/000001"]


PAGES: tuple[tuple[str, str, Address], ...] = (
    ("inbox", "labour.head", lambda _: "/inbox"),
    ("inbox-card", "labour.head", lambda place: f"/inbox/{_waiting(place)}"),
    ("inbox-authority", "authority", lambda _: "/inbox"),
    ("inbox-agreed", "labour.head", lambda _: "/inbox?view=agreed"),
    ("inbox-sources", "authority", lambda _: "/inbox?view=sources"),
    ("source", "authority", lambda _: "/inbox/sources/market.archive"),
    ("source-told", "market.head", lambda _: "/inbox/sources/market.archive"),
    ("requests", "hall.operator", lambda _: "/requests"),
    ("request", "hall.operator", lambda place: f"/requests/{_waiting(place)}"),
    ("request-new", "hall.operator", lambda _: "/requests/new?resource=307/000001"),
    ("requests-drafts", "hall.operator", lambda _: "/requests?state=draft"),
    ("grants", "hall.operator", lambda _: "/grants"),
    ("grants-paged", "hall.operator", lambda _: "/grants?first=2"),
    ("grants-ending", "hall.operator", lambda _: "/grants?side=have&ends-within=30"),
    ("grants-auditor", "auditor", lambda _: "/grants"),
    ("grant", "housing.head", lambda place: f"/grants/{_grant(place)}"),
    ("cases", "hall.operator", lambda _: "/cases"),
    ("case", "hall.operator", lambda _: f"/cases?number={CASE}"),
    ("case-unknown", "hall.operator", lambda _: "/cases?number=SG-2026-9999"),
    ("emergency", "hall.operator", lambda _: "/emergency"),
    ("emergency-own", "market.head", lambda _: "/emergency"),
    ("emergency-new", "hall.operator", lambda _: "/emergency/new?resource=307/000001"),
    ("emergency-offer", "market.head", lambda _: "/emergency/offer?resource=307/000001"),
    ("publish", "market.operator", lambda _: "/publish"),
    ("publish-new", "market.operator", lambda _: "/publish/new?source=market"),
    (
        "publish-edit",
        "market.operator",
        lambda _: "/publish/edit?source=market&table=business_licence&code=307/000077",
    ),
    ("publish-entry", "market.head", lambda _: "/publish/entry/307/000001"),
    (
        "query",
        "hall.operator",
        lambda _: (
            f"/query?system={SYSTEM}&tick=307/000001|entName&tick=310/000002|name&case={CASE}"
        ),
    ),
)
CASES = [pytest.param(officer, at, id=name) for name, officer, at in PAGES]


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize(("officer", "at"), CASES)
def test_axe_finds_nothing_and_a_phone_needs_no_scrolling(
    visiting: Visiting, officer: str, at: Address, lang: str
) -> None:
    visit = visiting.as_officer(officer, lang=lang, axe=True)
    visit.go(at(visiting.place))
    assert visit.inaccessible() == ""
    visit.resize(PHONE)
    assert not visit.is_wider_than_its_window()
    assert visit.inaccessible() == ""


@pytest.mark.parametrize(("officer", "at"), CASES)
def test_no_script_fails_and_the_security_policy_holds(
    visiting: Visiting, officer: str, at: Address
) -> None:
    visit = visiting.as_officer(officer)
    path = at(visiting.place)
    visit.go(path)
    # A browser notes every answer of 400; a case that is not there is one.
    assert [said for said in visit.complaints if "status of 400" not in said] == []


@pytest.mark.parametrize(("officer", "at"), CASES)
def test_each_page_reads_the_same_without_scripts(
    visiting: Visiting, officer: str, at: Address
) -> None:
    path = at(visiting.place)
    with_scripts = visiting.as_officer(officer).go(path).inner_text("main")
    without = visiting.as_officer(officer, scripts=False).go(path).inner_text("main")
    assert _steady(without) == _steady(with_scripts)


def _steady(text: str) -> str:
    """Leave out the white space and what the second look may itself have added to a list."""
    return re.sub(r"\s+", " ", text)


@pytest.mark.proves("E4")
@pytest.mark.parametrize("scripts", [True, False])
def test_the_provider_decides_from_one_card(visiting: Visiting, *, scripts: bool) -> None:
    request = _a_fresh_request(visiting.place)
    visit = visiting.as_officer("labour.head", scripts=scripts)
    page = visit.go("/inbox")
    page.click(f'main a[href="/inbox/{request}"]')
    for button in ("同意授权", "拒绝申请", "要求对方补充"):
        expect(page.get_by_role("button", name=button)).to_be_visible()
    page.get_by_role("button", name="同意授权").click()
    expect(page.get_by_text("授权自下次调用起生效")).to_be_visible()
    assert visit.complaints == []


@pytest.mark.proves("E3")
def test_a_request_is_ticked_checked_and_saved(visiting: Visiting) -> None:
    visit = visiting.as_officer("hall.operator", scripts=False)
    # Other tests of this process may have saved drafts of their own.
    before = visit.go(DRAFTS).locator("table#requests tbody a").count()
    page = visit.go("/requests/new?resource=310/000001")
    page.get_by_label("资质等级").check()
    page.get_by_label("工程建设审批系统").check()
    page.get_by_label("法律依据").fill("《建筑法》第二十六条")
    page.get_by_label("如何使用").fill("核验施工单位资质")
    page.locator('input[name="matters"]').first.check()
    page.get_by_role("button", name="核对填报内容").click()
    expect(page.get_by_role("heading", name="核对填报内容")).to_be_visible()
    page.get_by_role("button", name="返回修改").click()
    expect(page.get_by_label("法律依据")).to_have_value("《建筑法》第二十六条")
    page.get_by_role("button", name="核对填报内容").click()
    page.get_by_role("button", name="保存申请").click()
    expect(page.get_by_text("申请已保存")).to_be_visible()
    page.goto(f"{visit.url}{DRAFTS}")
    expect(page.locator("table#requests tbody a")).to_have_count(before + 1)


@pytest.mark.proves("E2")
def test_a_table_becomes_a_draft_without_a_file(visiting: Visiting) -> None:
    visit = visiting.as_officer("market.operator")
    page = visit.go("/publish")
    page.get_by_role("link", name="登记数据表").click()
    page.get_by_label("数据源").select_option("market")
    page.get_by_role("button", name="显示数据表").click()
    page.get_by_label("表或视图").select_option("business_licence")
    page.get_by_label("资源代码").fill("307/000078")
    page.get_by_role("button", name="查看建议").click()
    page.get_by_label("名称", exact=True).first.fill("营业执照（浏览器登记）")
    page.get_by_label("共享条件").fill("行政许可办理部门")
    page.get_by_role("button", name="预览").click()
    expect(page.get_by_role("heading", name=re.compile("预览"))).to_be_visible()
    page.get_by_role("button", name="存为草稿").click()
    expect(page.get_by_text("已存为草稿")).to_be_visible()
    assert visit.complaints == []


@pytest.mark.proves("E7")
def test_a_refused_answer_is_two_clicks_from_the_filled_in_request(visiting: Visiting) -> None:
    visit = visiting.as_officer("hall.operator", scripts=False)
    page = visit.go(f"/query?system={SYSTEM}")
    page.locator("table#answers").get_by_role("link", name=re.compile("申请")).first.click()
    ticked = page.locator('input[name="items"]:checked')
    expect(ticked).to_have_count(1)
    expect(ticked).to_have_value("amount")


def _a_fresh_request(place: Standing) -> str:
    made = place.act(
        "hall.operator",
        "request.create",
        wanted={
            "resource": DEPOSIT,
            "systems": [SYSTEM],
            "items": ["state"],
            "match": ["uscc"],
            "matters": ["001130001000"],
            "purposes": ["administrative-basis"],
            "channels": ["query"],
            "legal_basis": "《建筑法》第八条",
            "scenario": "核验保证金",
            "not_before": "2026-01-01T00:00:00Z",
            "not_after": "2030-01-01T00:00:00Z",
        },
    )
    place.act("hall.head", "request.sign", request=made["id"])
    return str(made["id"])
