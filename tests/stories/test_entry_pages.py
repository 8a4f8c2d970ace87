"""An entry's way on the portal, as its department and the authority walk it."""

import hashlib
import html
import json
from collections.abc import Iterator
from datetime import timedelta
from xml.etree import ElementTree as ET

import httpx
import pytest

from catalogue.errors import NotAllowedError, StateError
from catalogue.rows import RESOURCE
from exchange.clock import now
from exchange.demo import setup as demo
from exchange.demo.setup import SYSTEM, resource_owner
from tests.fakes.node import Founded, Standing, standing
from tests.stories.test_items import wanted
from tests.unit.exchange.test_api import ask
from tests.unit.exchange.test_portal_rooms import Portal, form_fields, send, text_of, token_of

ATOM = "{http://www.w3.org/2005/Atom}"
CODE = "307/000099"
ENTRY = f"/publish/entry/{CODE}"


@pytest.fixture(scope="module")
def portal(origin: Founded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    del origin  # founded before any sabotage is applied
    with standing(tmp_path_factory.mktemp("entries") / "home") as found:
        yield Portal(standing=found)


@pytest.fixture(scope="module")
def here(portal: Portal) -> Standing:
    return portal.standing


def drafted(portal: Portal, **changed: str) -> None:
    """The market bureau's operator fills the form in and saves it."""
    edit = f"/publish/edit?source=market&table=business_licence&code={CODE}"
    with portal.browser("market.operator") as browser:
        fields = form_fields(text_of(browser, edit))
        fields |= {
            "name": "营业执照新版",
            "class": "conditional",
            "conditions": "行政许可办理部门",
            "keywords": "营业执照、企业",
            "update_cycle": "weekly",
            "openness": "not-open",
            "contact_unit": "登记注册科",
            "contact_phone": "0571-88880000",
            "step": "draft",
        }
        saved = browser.post("/publish/edit", data=fields | changed)
        assert saved.status_code == 200, html.unescape(saved.text)


def examined(portal: Portal, kind: str) -> None:
    content = f"{kind}：通过".encode()
    with portal.browser("market.operator") as browser:
        token = token_of(browser.get(ENTRY).text)
        answer = browser.post(
            f"/publish/checks/{CODE}",
            data={"csrf": token, "kind": kind, "conclusion": "clear", "words": ""},
            files={"file": ("审查表.pdf", content)},
        )
        page = html.unescape(answer.text)
        assert answer.status_code == 200, page
        assert hashlib.sha256(content).hexdigest()[:16] in page


def test_an_entry_walks_from_the_draft_over_a_return_to_its_announcement(portal: Portal) -> None:
    drafted(portal)
    with portal.browser("market.head") as head:
        assert "尚未完成保密审查；尚未完成个人信息保护影响评估" in text_of(head, ENTRY)
        assert "尚未填写的目录元数据：内容摘要、数据分类" in text_of(head, ENTRY)
        refused = send(head, ENTRY, ENTRY, verb="submit")
        assert refused.status_code == 400
        assert "保密审查" in html.unescape(refused.text)
    examined(portal, "secrecy")
    examined(portal, "personal")
    with portal.browser("market.head") as head:
        assert send(head, ENTRY, ENTRY, verb="submit").status_code == 200
    reasons = {
        "reason-code-0": "incomplete",
        "reason-text-0": "摘要过短",
        "reason-code-1": "wrong",
        "reason-about-1": "uscc",
        "reason-text-1": "名称应为统一社会信用代码",
    }
    with portal.browser("authority") as authority:
        empty = send(authority, ENTRY, f"/publish/returns/{CODE}")
        assert empty.status_code == 400
        assert 'href="#reason-text-0"' in empty.text
        half = send(
            authority, ENTRY, f"/publish/returns/{CODE}", **reasons, **{"reason-code-2": "basis"}
        )
        assert half.status_code == 400
        assert 'value="摘要过短"' in half.text  # what was typed is kept
        done = send(authority, ENTRY, f"/publish/returns/{CODE}", **reasons)
        assert done.status_code == 200
    with portal.browser("market.operator") as operator:
        assert "被退回待修改的目录条目" in text_of(operator, "/")
        page = text_of(operator, ENTRY)
        assert "摘要过短" in page
        assert "名称应为统一社会信用代码" in page
    with portal.browser("hall.operator") as other:
        assert other.get(ENTRY).status_code == 404
    drafted(portal, abstract="云岫区企业营业执照登记信息")
    examined(portal, "secrecy")
    examined(portal, "personal")
    with portal.browser("market.head") as head:
        send(head, ENTRY, ENTRY, verb="submit")
    with portal.browser("authority") as authority:
        assert send(authority, ENTRY, ENTRY, verb="announce").status_code == 200
    with portal.browser("hall.operator") as other:
        page = text_of(other, f"/catalogue/{CODE}")
        for said in ("营业执照、企业", "每周", "登记注册科", "因履职需要的各部门", "部门信息资源"):
            assert said in page
    with portal.browser("hall.operator", "en") as other:
        page = text_of(other, f"/catalogue/{CODE}")
        assert "Weekly" in page
        assert "Any department whose duties need it" in page


def test_a_secret_is_refused_on_the_form_and_nothing_is_kept(portal: Portal) -> None:
    code = "307/000098"
    edit = f"/publish/edit?source=market&table=business_licence&code={code}"
    with portal.browser("market.operator") as browser:
        fields = form_fields(text_of(browser, edit)) | {"name": "某名单", "secrecy": "work-secret"}
        answer = browser.post("/publish/edit", data=fields | {"step": "draft"})
    assert answer.status_code == 400
    assert "工作秘密不属于政务数据" in html.unescape(answer.text)
    assert code not in json.dumps(portal.place.act("market.operator", "resource.list"))


def test_the_authority_says_on_its_page_whose_item_it_is(portal: Portal) -> None:
    path = "/publish/one-source"
    with portal.browser("authority") as authority:
        page = text_of(authority, path)
        assert "联系电话" in page
        assert "登记在先" in page
    with portal.browser("authority", "en") as authority:
        assert "One source per item" in text_of(authority, path)
    with portal.browser("hall.operator") as other:
        assert other.get(path).status_code == 200


def test_revisions_are_compared_and_an_older_one_is_drafted_again(portal: Portal) -> None:
    code, other = "310/000001", "hall.operator"
    page = f"/history/{code}"
    portal.place.act("authority", "resource.withdraw", code=code, reason="修订")
    held = portal.place.act("authority", "resource.show", code=code)
    owner = resource_owner(code)
    with portal.browser(f"{owner}.operator") as operator:
        edit = f"/publish/edit?code={code}"
        fields = form_fields(text_of(operator, edit)) | {"abstract": "第二版", "step": "draft"}
        assert operator.post("/publish/edit", data=fields).status_code == 200
        assert "第二版" in text_of(operator, f"{page}?older=1")
    with portal.browser(other) as outside:
        assert "第二版" not in text_of(outside, page)
    demo.examine(portal.place, owner, code)
    portal.place.act(f"{owner}.head", "resource.submit", code=code)
    portal.place.act("authority", "resource.announce", code=code)
    with portal.browser(other) as outside:
        told = text_of(outside, page)
        assert "第 1 版至第 2 版的变更" in told
        assert "摘要" in told
        assert "第二版" in told
    with portal.browser(other, "en") as outside:
        assert "From revision 1 to 2" in text_of(outside, page)
    portal.place.act("authority", "resource.withdraw", code=code, reason="恢复")
    with portal.browser(f"{owner}.operator") as operator:
        assert send(operator, page, page, revision="").status_code == 400
        assert send(operator, page, page, revision="1").status_code == 200
    again = portal.place.act(f"{owner}.operator", "resource.show", code=code)
    assert (again["revision"], again["state"], again["abstract"]) == (3, "draft", held["abstract"])


def test_who_withdraws_sees_first_whom_it_hits_and_they_are_told(portal: Portal) -> None:
    code, page = "307/000001", "/publish/entry/307/000001"
    with portal.browser("market.head") as head:
        told = text_of(head, page)
        assert "撤回影响范围" in told
        assert "建筑工程施工许可" in told
        fields = form_fields(told)
        stale = send(head, page, page, verb="withdraw", reason="停用", seen="0" * 16)
        assert stale.status_code == 400
        assert "IMPACT_CHANGED" in stale.text
        done = send(head, page, page, verb="withdraw", reason="停用", seen=fields["seen"])
        assert done.status_code == 200
    (told_hall,) = [
        row
        for row in portal.place.act("hall.operator", "notice.list")["rows"]
        if row["resource"] == code
    ]
    assert told_hall["kind"] == "withdrawn"


def test_announcements_are_a_feed_for_officers_and_for_systems(
    portal: Portal, here: Standing
) -> None:
    with portal.browser("hall.operator") as officer:
        answer = officer.get("/catalogue/feed.atom")
        assert answer.headers["content-type"].startswith("application/atom+xml")
        root = ET.fromstring(answer.content)  # noqa: S314 - our own
        entries = root.findall(f"{ATOM}entry")
        titles = [one.findtext(f"{ATOM}title") for one in entries]
        assert "已撤回：企业法人营业执照" in titles
        assert any(one is not None and one.startswith("已发布：") for one in titles)
        ids = [one.findtext(f"{ATOM}id") for one in entries]
        assert len(ids) == len(set(ids)) >= 5
        told = officer.get("/catalogue/feed.json").json()["items"]
        assert {"announced", "withdrawn"} <= {row["kind"] for row in told}
        assert [row["at"] for row in told] == sorted((row["at"] for row in told), reverse=True)
    request = httpx.Request("GET", f"{here.url}/catalogue/feed.json")
    assert here.send(request).status_code == 401
    answer = here.send(here.signed(request))
    assert answer.status_code == 200
    assert here.kinds()[-1] == "catalogue.feed-read"


def test_the_management_api_tells_history_impact_and_news(here: Standing) -> None:
    asked = ask(
        here,
        """{ catalogueFeed(first: 3) { kind resource entry }
             resourceHistory(code: "307/000001") { revision announcedAt changes }
             resourceImpact(code: "307/000001") { grants { department } matters { name } seen }
             itemCollisions { meaning holders { department } }
             resource(code: "307/000001") { keywords methods gaps items { sensitivity }
               secrecy { conclusion digest } returns { reasons { text } } } }""",
        by="market.head",
    ).json()
    assert "errors" not in asked, asked
    told = asked["data"]
    assert len(told["catalogueFeed"]) == 3
    assert told["resourceHistory"][0]["revision"] == 1
    assert told["resourceImpact"]["matters"]
    assert told["resource"]["secrecy"]["conclusion"] == "clear"
    assert told["resource"]["keywords"] == ["企业法人营业执照"]


def test_a_resource_held_above_is_registered_found_and_asked_for(
    portal: Portal, here: Standing
) -> None:
    code, page = "201/000009", "/publish/upstream"
    told = {
        "code": code,
        "name": "省级不动产登记信息",
        "name_en": "Provincial real estate",
        "way_to_ask": "经省平台申请",
        "letter": "云资函〔2026〕3号",
        "items": "不动产单元号、权利人、用途",
    }
    with portal.browser("market.operator") as operator:
        missing = send(operator, page, page, **told)
        assert missing.status_code == 400
        assert 'href="#holder"' in missing.text
        saved = send(operator, page, page, holder="省自然资源厅", **told)
        assert saved.status_code == 200
        edit = text_of(operator, f"/publish/edit?code={code}")
        fields = form_fields(edit) | {"upstream_letter": "云资函〔2026〕4号", "step": "draft"}
        assert operator.post("/publish/edit", data=fields).status_code == 200
    demo.examine(portal.place, "market", code)
    portal.place.act("market.head", "resource.submit", code=code)
    demo.settle_sources(portal.place)
    portal.place.act("authority", "resource.announce", code=code)
    with portal.browser("hall.operator") as hall:
        assert code in text_of(hall, "/catalogue?q=不动产登记")
        shown = text_of(hall, f"/catalogue/{code}")
        for said in ("省自然资源厅", "经省平台申请", "云资函〔2026〕4号", "尚未接入本平台"):
            assert said in shown
        assert f"/requests/new?resource={code.replace('/', '%2F')}" in shown or (
            f"/requests/new?resource={code}" in shown
        )
        assert hall.get(f"/requests/new?resource={code}").status_code == 200
    with portal.browser("hall.operator", "en") as hall:
        assert "Held above and not connected here" in text_of(hall, f"/catalogue/{code}")
    field = portal.place.node.live.load().resources[code].field_name
    answer = here.send(
        here.signed(
            here.write(f"query Q($e: ID!) {{ enterprise(uscc: $e) {{ {field} {{ quanLiRen }} }} }}")
        )
    )
    assert answer.json()["errors"][0]["message"]
    assert "quanLiRen" not in str(answer.json().get("data"))

    asked = request_of(here, code)
    drafted = portal.place.act("hall.operator", "request.create", wanted=asked)
    key = drafted["id"]
    portal.place.act("hall.head", "request.sign", request=key)
    portal.place.act("market.head", "grant.give", request=key, terms={})
    with portal.browser("market.operator") as operator:
        inbox = f"/inbox/{key}"
        assert f'action="{inbox}/hand-over"' in text_of(operator, inbox)
        empty = send(operator, inbox, f"{inbox}/hand-over", words=" ")
        assert empty.status_code == 400
        done = send(operator, inbox, f"{inbox}/hand-over", words="云资函〔2026〕9号随附光盘")
        assert done.status_code == 200
        assert "云资函〔2026〕9号随附光盘" in html.unescape(done.text)
        assert f"{inbox}/hand-over" not in text_of(operator, inbox)
    shown = portal.place.act("hall.operator", "request.show", request=key)
    assert shown["state"] == "delivered"
    assert shown["delivered_at"]
    assert shown["handed_over"]["text"] == "云资函〔2026〕9号随附光盘"


def test_what_is_connected_is_delivered_by_its_first_call_and_by_nobody_s_word(
    portal: Portal, here: Standing
) -> None:
    asked = request_of(here, "308/000001")
    key = portal.place.act("hall.operator", "request.create", wanted=asked)["id"]
    portal.place.act("hall.head", "request.sign", request=key)
    with pytest.raises(StateError, match="is connected"):
        portal.place.act("planning.operator", "request.hand-over", request=key, words="光盘")
    with pytest.raises(NotAllowedError):
        portal.place.act("hall.operator", "request.hand-over", request=key, words="光盘")


def request_of(here: Standing, code: str) -> dict[str, object]:
    resource = here.node.live.load().resources[code]
    return {
        **wanted(SYSTEM, code),
        "items": [item.name for item in resource.items if item.sharing_class != "not-shared"][:2],
        "match": [resource.key.name],
    }


def test_a_deputy_signs_and_withdraws_what_the_head_would_and_is_named_in_the_entry(
    portal: Portal,
) -> None:
    place, node = portal.place, portal.place.node
    code = "307/000097"
    page = f"/publish/entry/{code}"
    edit = f"/publish/edit?source=market&table=business_licence&code={code}"
    named = place.act(
        "market.head",
        "deputy.name",
        deputy=place.ids["market.operator"],
        post="head",
        begins=now().isoformat(),
        ends=(now() + timedelta(days=2)).isoformat(),
    )["id"]
    with portal.browser("market.head") as head:
        fields = form_fields(text_of(head, edit)) | {"name": "代理签批的条目", "step": "draft"}
        fields |= {"class": "conditional", "conditions": "行政许可办理部门"}
        saved = head.post("/publish/edit", data=fields)
        assert saved.status_code == 200, html.unescape(saved.text)
    demo.examine(place, "market", code)
    with portal.browser("market.head") as head:
        assert 'value="submit"' not in head.get(page).text
    with portal.browser("market.operator") as deputy:
        assert 'value="submit"' in deputy.get(page).text
        size = node.log.size
        assert send(deputy, page, page, verb="submit").status_code == 200
    entry = json.loads(node.log.entry(size))
    assert entry["kind"] == "resource.submitted"
    assert entry["facts"]["deputies"] == [named]
    assert node.held(RESOURCE)[code].latest.signed_by == place.ids["market.operator"]
    demo.settle_sources(place)
    place.act("authority", "resource.announce", code=code)
    with portal.browser("market.operator") as deputy:
        assert 'value="withdraw"' in deputy.get(page).text
    place.act("market.head", "deputy.end", deputy=named)
    with portal.browser("market.operator") as operator:
        assert 'value="withdraw"' not in operator.get(page).text
    with pytest.raises(NotAllowedError):
        place.act("market.operator", "resource.withdraw", code=code)
