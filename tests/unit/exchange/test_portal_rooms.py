"""The rooms of departments and halls: who sees what, what a form does, and what the log says of it."""

import ast
import html
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from catalogue.rows import OFFICER, REQUEST, RESOURCE
from exchange import composing
from exchange.client.session import Party
from exchange.clock import now
from exchange.demo import district
from exchange.demo import setup as demo
from exchange.demo.setup import CASE, DEPOSIT, SYSTEM, District, ask_for
from exchange.identity.keys import private_pem
from exchange.portal import asking
from exchange.portal.render import COOKIE as LANGUAGE_COOKIE
from exchange.portal.session import COOKIE
from gateway.limits import Limits
from gateway.parse import parse_document
from gateway.schema import build_contract
from tests.fakes.node import Standing, codes, founded, standing

pytestmark = pytest.mark.slow  # a served node; left to `make test`

NAUGHTY = "<script>alert(1)</script>'\"&amp;%s{{7*7}}\u200b\u202e𝔘𠮷\\ \u00a0末"
DEPOSIT_OF = "query D($e: ID!) { enterprise(uscc: $e) { wageDeposit { amount state } } }"
SAME_SITE = {"sec-fetch-site": "same-origin"}


@dataclass
class Portal:
    """The portal of a district that serves, and browsers of its officers."""

    standing: Standing

    @property
    def place(self) -> District:
        return self.standing.place

    def browser(self, officer: str, language: str = "zh") -> httpx.Client:
        node = self.place.node
        officers = node.held(OFFICER)
        link = node.sign_in.offer_link(officers[self.place.ids[officer]], by=None)
        secret = node.sign_in.redeem_link(link, officers=officers).secret
        return httpx.Client(
            base_url=self.standing.url,
            cookies={COOKIE: secret, LANGUAGE_COOKIE: language},
            headers=SAME_SITE,
            follow_redirects=True,
            trust_env=False,
        )


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    with standing(tmp_path / "home") as served:
        yield Portal(standing=served)


def token_of(text: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', text)
    assert found is not None
    return found[1]


def send(browser: httpx.Client, page: str, to: str, **fields: Any) -> httpx.Response:
    """Fill in a form of a page and send it as a browser does."""
    token = token_of((browser.get(page)).text)
    return browser.post(to, data={"csrf": token, **fields})


def form_fields(page: str) -> dict[str, Any]:
    """Read the filled-in form of a page as a browser would send it."""
    found: dict[str, Any] = {}
    for tag in re.findall(r"<input [^>]*>", page):
        named = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        ticked = named.get("type") not in {"checkbox", "radio"} or tag.endswith(" checked>")
        if "name" in named and ticked:
            value = html.unescape(named.get("value", ""))
            kept = found.get(named["name"])
            found[named["name"]] = (
                value if kept is None else [*([kept] if isinstance(kept, str) else kept), value]
            )
    for name, inner in re.findall(
        r'<select [^>]*name="([^"]+)"[^>]*>(.*?)</select>', page, re.DOTALL
    ):
        chosen = re.search(r'value="([^"]*)" selected', inner)
        found[name] = html.unescape(chosen[1]) if chosen else ""
    for name, text in re.findall(
        r'<textarea [^>]*name="([^"]+)"[^>]*>\n?(.*?)</textarea>', page, re.DOTALL
    ):
        found[name] = html.unescape(text)
    return found


def request_fields(**changes: Any) -> dict[str, Any]:
    return {
        "resource": DEPOSIT,
        "items": ["amount", "state"],
        "systems": [SYSTEM],
        "matters": [district.MATTER],
        "purposes": ["administrative-basis"],
        "channels": ["query"],
        "basis": "《建筑法》第八条",
        "scenario": "核发施工许可前核验保证金",
        "until": "2027-06-30",
        "quota": "200",
    } | changes


def text_of(browser: httpx.Client, path: str) -> str:
    answer = browser.get(path)
    assert answer.status_code == 200, path
    return html.unescape(answer.text)


@pytest.mark.proves("E4")
def test_one_card_tells_the_rule_and_a_grant_is_recorded_at_once(portal: Portal) -> None:
    request = ask_for(portal.place, DEPOSIT)
    assert codes(portal.standing.ask(DEPOSIT_OF)) == {"wageDeposit": "GRANT_MISSING"}
    with portal.browser("labour.head") as browser:
        assert "农民工工资保证金缴存证明" in text_of(browser, "/inbox")
        card = text_of(browser, f"/inbox/{request}")
        for said in (
            "云岫区行政审批局",
            "建筑工程施工许可核发",
            "保证金金额（元）",
            "国务院令第809号",
            "《建筑法》第八条",
        ):
            assert said in card
        last = re.search(r'name="until" type="date" value="([0-9-]+)"', card)
        assert last is not None
        answer = send(
            browser,
            f"/inbox/{request}",
            f"/inbox/{request}/grant",
            items=["amount", "state"],
            until=last[1],
            **{"mask-amount": "null"},
        )
    assert answer.status_code == 200
    held = next(
        g for g in portal.place.act("labour.head", "grant.list")["rows"] if g["request"] == request
    )
    assert (held["items"], held["masks"]) == (["amount", "state"], {"amount": "null"})
    assert f"已记入日志第 {held['entry']} 条" in html.unescape(answer.text)
    found = portal.place.act("auditor", "audit.show", index=held["entry"])
    assert found["entry"]["kind"] == "grant.issued"
    given = portal.standing.ask(DEPOSIT_OF)
    assert given.data is not None
    assert given.data["enterprise"]["wageDeposit"] == {"amount": None, "state": "已缴存"}


def test_budgets_are_agreed_with_the_grant_and_narrowed_on_its_page(portal: Portal) -> None:
    request = ask_for(portal.place, DEPOSIT)
    page, act = f"/inbox/{request}", portal.place.act
    with portal.browser("labour.head", "en") as browser:
        card = text_of(browser, page)
        for label in ("Calls a day", "Records a day", "Different subjects a day"):
            assert label in card
        last = re.search(r'name="until" type="date" value="([0-9-]+)"', card)
        assert last is not None
        typed: dict[str, Any] = {"items": ["amount", "state"], "until": last[1], "quota": "100"}
        for wrong in ({"rows": "none"}, {"subjects": "0"}, {"rows": "-3"}, {"quota": "999999"}):
            refused = send(browser, page, f"{page}/grant", **typed | wrong)
            assert refused.status_code == 400
            assert f'href="#{next(iter(wrong))}"' in refused.text
        send(browser, page, f"{page}/grant", **typed, rows="300", subjects="")
        (held,) = [g for g in act("labour.head", "grant.list")["rows"] if g["request"] == request]
        assert (held["daily_quota"], held["daily_rows"], held["daily_subjects"]) == (100, 300, None)
        own = f"/grants/{held['id']}"
        shown = text_of(browser, own)
        assert "300" in shown
        assert "No bound of its own" in shown
        change: dict[str, Any] = {
            "items": ["amount", "state"],
            "quota": "100",
            "reason-of-change": "核减",
        }
        wider = send(browser, own, f"{own}/narrow", **change, rows="301", subjects="")
        assert wider.status_code == 400
        lifted = send(browser, own, f"{own}/narrow", **change, rows="", subjects="20")
        assert (lifted.status_code, 'href="#rows"' in lifted.text) == (400, True)
        # What was typed stands there still, in a form that is open.
        assert re.search(r'name="subjects"[^>]*value="20"', lifted.text)
        assert re.search(r"<details[^>]* open>", lifted.text)
        send(browser, own, f"{own}/narrow", **change, rows="200", subjects="20")
    (held,) = [g for g in act("labour.head", "grant.list")["rows"] if g["request"] == request]
    assert (held["daily_rows"], held["daily_subjects"]) == (200, 20)


def test_budgets_and_the_last_day_are_proposed_by_who_asks_and_hold_once_both_heads_signed(
    portal: Portal,
) -> None:
    act = portal.place.act
    request = ask_for(portal.place, DEPOSIT)
    terms = {"items": ["amount"], "daily_rows": 300, "daily_subjects": 10}
    given = act("labour.head", "grant.give", request=request, terms=terms)
    own = f"/grants/{given['id']}"
    change: dict[str, Any] = {"items": ["amount"], "quota": str(given["daily_quota"])}
    with portal.browser("hall.operator", "en") as browser:
        shown = text_of(browser, own)
        assert "once the heads of both departments have signed" in shown
        assert "Narrow at once" not in shown
        until = re.search(r'name="until" type="date" value="([0-9-]+)"', shown)
        assert until is not None
        typed = {"until": until[1], "reason-of-change": "扩大", "rows": "300", "subjects": "10"}
        for wrong in ({"rows": "none"}, {"subjects": "0"}, {"until": "soon"}):
            refused = send(browser, own, f"{own}/amend", **change | typed | wrong)
            assert refused.status_code == 400
            assert f'href="#{next(iter(wrong))}"' in refused.text
        early = send(browser, own, f"{own}/amend", **change | typed | {"until": "2001-01-01"})
        assert (early.status_code, "would end before it begins" in early.text) == (400, True)
        unchanged = send(browser, own, f"{own}/amend", **change | typed)
        assert (unchanged.status_code, "nothing would change" in unchanged.text) == (400, True)
        wanted = {"until": until[1], "reason-of-change": "业务量增加", "rows": "", "subjects": "40"}
        proposed = html.unescape(send(browser, own, f"{own}/amend", **change | wanted).text)
        for said in ("Different subjects a day", "40", "Records a day", "No bound of its own"):
            assert said in proposed
        section = proposed.partition('aria-labelledby="amendment-1"')[2].partition("</section>")[0]
        # Told is what would change, and no button to sign is shown to who proposed it.
        assert "Calls a day" not in section
        assert "Items to be read" not in section
        assert 'value="sign"' not in section
    (amendment,) = act("hall.head", "grant.show", grant=given["id"])["amendments"]
    assert amendment["changes"] == ["daily_rows", "daily_subjects"]
    for officer, language in (("hall.head", "zh"), ("labour.head", "en")):
        with portal.browser(officer, language) as browser:
            page = text_of(browser, own)
            assert ("每日不同当事人数" if language == "zh" else "Different subjects a day") in page
            assert ("现为：" if language == "zh" else "Now:") in page
            send(browser, own, f"{own}/amendments/{amendment['id']}", verdict="sign")
    held = act("hall.head", "grant.show", grant=given["id"])
    assert (held["daily_rows"], held["daily_subjects"], held["revision"]) == (None, 40, 2)


def test_a_refusal_without_reason_or_law_names_its_fields(portal: Portal) -> None:
    request = ask_for(portal.place, DEPOSIT)
    with portal.browser("labour.operator") as browser:
        page = f"/inbox/{request}"
        empty = send(browser, page, f"{page}/refuse", words="", basis="")
        assert empty.status_code == 400
        for field in ("code", "words", "basis"):
            assert f'href="#{field}"' in empty.text
        assert portal.place.node.held(REQUEST)[request].state == "submitted"
        refused = send(
            browser,
            page,
            f"{page}/refuse",
            code="PURPOSE_UNFIT",
            words="用途不符",
            basis="国务院令第809号第二十五条",
        )
    assert refused.status_code == 200
    held = portal.place.node.held(REQUEST)[request]
    assert (held.state, held.refusal_code) == ("refused", "PURPOSE_UNFIT")
    with portal.browser("hall.operator") as browser:
        own = text_of(browser, f"/requests/{request}")
    assert "用途不符" in own
    assert f"/requests/new?resource={DEPOSIT.replace('/', '%2F')}" in own


def test_supplements_are_asked_for_once_and_the_button_goes(portal: Portal) -> None:
    request = ask_for(portal.place, DEPOSIT)
    page = f"/inbox/{request}"
    with portal.browser("labour.operator") as browser:
        send(browser, page, f"{page}/ask", question="请写明条款")
        assert portal.place.node.held(REQUEST)[request].state == "supplement"
    with portal.browser("hall.operator") as hall:
        own = f"/requests/{request}"
        assert "请写明条款" in text_of(hall, own)
        send(hall, own, f"{own}/supplement", answer="第八条第二款")
    with portal.browser("labour.operator") as browser:
        card = text_of(browser, page)
        assert "第八条第二款" in card
        assert f'action="{page}/grant"' in card
        assert f'action="{page}/ask"' not in card


@pytest.mark.proves("E3")
def test_a_request_goes_from_ticks_to_the_providers_inbox(portal: Portal) -> None:
    with portal.browser("hall.operator") as browser:
        new = f"/requests/new?resource={DEPOSIT}"
        checked = send(browser, new, "/requests/new", step="check", **request_fields())
        assert checked.status_code == 200
        assert "保证金金额（元）" in html.unescape(checked.text)
        saved = send(browser, new, "/requests/new", step="send", **request_fields())
        request = saved.url.path.rsplit("/", 1)[1]
        assert "本部门负责人签发" in html.unescape(saved.text)
        # Whoever drafted it is shown no button, and is refused where they send the form all the same.
        assert f"/requests/{request}/sign" not in saved.text
        own = send(browser, f"/requests/{request}", f"/requests/{request}/sign")
        assert own.status_code == 400
    with portal.browser("hall.head") as head:
        assert DEPOSIT in text_of(head, f"/requests/{request}")
        signed = send(head, f"/requests/{request}", f"/requests/{request}/sign")
        assert signed.status_code == 200
    with portal.browser("labour.operator") as provider:
        assert request in text_of(provider, "/inbox")


def test_everything_missing_in_a_request_is_named_at_its_field(portal: Portal) -> None:
    with portal.browser("hall.operator", "en") as browser:
        answer = send(
            browser,
            f"/requests/new?resource={DEPOSIT}",
            "/requests/new",
            resource=DEPOSIT,
            until="30.6.2027",
            quota="many",
        )
    assert answer.status_code == 400
    for field in (
        "items",
        "systems",
        "matters",
        "purposes",
        "channels",
        "basis",
        "scenario",
        "until",
        "quota",
    ):
        assert f'href="#{field}"' in answer.text
        assert f'id="{field}"' in answer.text


def test_requests_inbox_and_grants_are_three_lists(portal: Portal) -> None:
    request = ask_for(portal.place, DEPOSIT)
    with portal.browser("hall.operator") as hall:
        assert request in text_of(hall, "/requests")
        assert request in text_of(hall, "/requests?state=submitted")
        assert request not in text_of(hall, "/requests?state=draft")
        assert request not in text_of(hall, "/inbox")
        assert (hall.get(f"/inbox/{request}")).status_code == 404
    with portal.browser("labour.operator") as labour:
        assert request in text_of(labour, "/inbox")
        assert request not in text_of(labour, "/requests")
        assert (labour.get(f"/requests/{request}")).status_code == 404
    with portal.browser("market.operator") as market:
        assert request not in text_of(market, "/inbox")
        assert (market.get(f"/inbox/{request}")).status_code == 404


def drafted(portal: Portal, number: int) -> str:
    made = portal.place.act(
        "hall.operator",
        "request.create",
        wanted=request_fields_of_an_act() | {"scenario": f"第 {number} 次"},
    )
    return str(made["id"])


def request_fields_of_an_act() -> dict[str, Any]:
    return {
        "resource": DEPOSIT,
        "systems": [SYSTEM],
        "items": ["state"],
        "match": ["uscc"],
        "matters": [district.MATTER],
        "purposes": ["administrative-basis"],
        "channels": ["query"],
        "legal_basis": "《建筑法》第八条",
        "scenario": "核验保证金",
        "not_before": "2026-01-01T00:00:00Z",
        "not_after": "2030-01-01T00:00:00Z",
    }


def test_a_draft_is_found_again_on_whatever_page_it_stands(portal: Portal) -> None:
    oldest, *others = [drafted(portal, number) for number in range(23)]
    with portal.browser("hall.operator") as browser:
        first = text_of(browser, "/requests?state=draft")
        assert oldest not in first
        assert others[-1] in first
        assert "草稿 (23)" in first
        following = re.search(r'rel="next" href="([^"]+)"', first)
        assert following is not None
        second = text_of(browser, following[1])
        assert oldest in second
        assert 'aria-current="true">草稿' in second
        back = re.search(r'rel="prev" href="([^"]+)"', second)
        assert back is not None
        assert re.findall(r"/requests/(req_\w+)", text_of(browser, back[1])) == re.findall(
            r"/requests/(req_\w+)", first
        )
        assert oldest in text_of(browser, "/requests?first=100&department=" + provider_of(portal))
    with portal.browser("hall.head") as head:
        home = text_of(head, "/")
        assert 'href="/requests?state=draft"' in home


def provider_of(portal: Portal) -> str:
    return portal.place.node.live.load().resources[DEPOSIT].department


def test_what_waits_is_shown_first_and_what_was_decided_apart(portal: Portal) -> None:
    decided = ask_for(portal.place, DEPOSIT)
    waiting = ask_for(portal.place, DEPOSIT)
    portal.place.act("labour.head", "request.refuse", request=decided, reason="用途不符")
    with portal.browser("labour.head") as browser:
        shown = text_of(browser, "/inbox")
        assert waiting in shown
        assert decided not in shown
        assert 'aria-current="true">待审核 (1)' in shown
        assert decided in text_of(browser, "/inbox?view=refused")
        # Each to-do of the first page leads to a list that has what it counts.
        home = text_of(browser, "/")
        assert re.search(r'x-way__count">1</div><h2><a class="govuk-link" href="/inbox">', home)
        card = text_of(browser, f"/inbox/{waiting}")
        for button in ("同意授权", "拒绝申请", "要求对方补充"):
            assert button in card


def test_grants_that_were_had_and_given_are_two_lists_with_filters(portal: Portal) -> None:
    grant = founded().grants["310/000001"]
    with portal.browser("hall.operator") as hall:
        had = text_of(hall, "/grants")
        assert grant in had
        assert grant not in text_of(hall, "/grants?side=gave")
        assert grant not in text_of(hall, "/grants?state=revoked")
        housing = portal.place.node.live.load().grants[grant].provider
        narrowed = text_of(hall, f"/grants?side=have&department={housing}")
        assert grant in narrowed
        assert founded().grants["307/000001"] not in narrowed
    with portal.browser("housing.operator") as gave:
        assert grant in text_of(gave, "/grants?side=gave")
        assert grant not in text_of(gave, "/grants?side=have")
    with portal.browser("auditor") as auditor:
        assert grant in text_of(auditor, "/grants?first=1000")


def test_grants_that_end_soon_are_a_list_that_the_first_page_leads_to(portal: Portal) -> None:
    grant = founded().grants["310/000001"]
    left = portal.place.node.live.load().grants[grant].not_after - now()
    portal.standing.go_ahead(days=left.days - 10)
    with portal.browser("hall.operator") as hall:
        home = text_of(hall, "/")
        assert 'href="/grants?side=have&ends-within=30"' in home
        assert grant in text_of(hall, "/grants?side=have&ends-within=30")


def test_what_waits_for_the_authority_is_counted_on_its_first_page(portal: Portal) -> None:
    node = portal.place.node
    with portal.browser("authority") as authority:
        assert "待发布" not in text_of(authority, "/").split("<h2", 1)[0]
        code = "307/000001"
        portal.place.act("authority", "resource.withdraw", code=code, reason="复核")
        resource = node.held(RESOURCE)[code].resource
        portal.place.act("market.operator", "resource.draft", resource=resource)
        demo.examine(portal.place, "market", code)
        portal.place.act("market.head", "resource.submit", code=code)
        assert 'href="/inbox?view=announcements"' in text_of(authority, "/")
        assert code in text_of(authority, "/inbox?view=announcements")


def test_the_calls_of_a_case_have_pages(portal: Portal) -> None:
    for _ in range(21):
        portal.standing.ask()
    with portal.browser("hall.operator") as hall:
        newest = text_of(hall, f"/cases?number={CASE}")
        older = re.search(r'rel="next" href="([^"]+)"', newest)
        assert older is not None
        before = text_of(hall, older[1])
        shown = [set(re.findall(r"/audit/entries/(\d+)", one)) for one in (newest, before)]
        assert not shown[0] & shown[1]
        assert shown[1]


def test_cases_are_narrowed_by_their_state(portal: Portal) -> None:
    with portal.browser("hall.operator") as hall:
        assert "建筑工程施工许可核发" in text_of(hall, "/cases?state=open")
        assert "此列表中没有办件" in text_of(hall, "/cases?state=closed")


def test_a_grant_is_suspended_and_revoked_with_a_reason(portal: Portal) -> None:
    grant = founded().grants["310/000001"]
    page = f"/grants/{grant}"
    with portal.browser("housing.head") as browser:
        bare = send(browser, page, f"{page}/revoke", reason=" ")
        assert bare.status_code == 400
        assert 'href="#reason"' in bare.text
        send(browser, page, f"{page}/suspend", reason="复核")
        assert "已暂停" in text_of(browser, f"{page}?done=suspend")
        send(browser, page, f"{page}/resume")
        revoked = send(browser, page, f"{page}/revoke", reason="用途已结束")
        assert revoked.status_code == 200
        assert f'action="{page}/suspend"' not in revoked.text
    assert portal.place.node.live.load().grants[grant].state == "revoked"
    with portal.browser("hall.head") as hall:
        shown = text_of(hall, page)
        assert f"{page}/revoke" not in shown
        forced = send(hall, page, f"{page}/resume")
        assert forced.status_code == 400


def test_a_case_opens_by_its_number_for_its_own_department_alone(portal: Portal) -> None:
    with portal.browser("hall.operator") as hall:
        assert CASE not in text_of(hall, "/cases")
        case = text_of(hall, f"/cases?number={CASE}")
        assert "建筑工程施工许可核发" in case
        unknown = hall.get("/cases?number=SG-2026-9999")
        assert unknown.status_code == 400
    with portal.browser("market.operator") as other:
        assert (other.get(f"/cases?number={CASE}")).status_code == 400


def test_a_late_party_counts_once_a_second_officer_typed_its_number(portal: Portal) -> None:
    late = Party(type="enterprise", identifier=district.STRANGER, role="agent")
    portal.standing.as_system().case_action(CASE, "parties", parties=[late], operator="HALL-011")
    fields = {"number": CASE, "system": SYSTEM, "type": "enterprise"}
    page, form = f"/cases?number={CASE}", "/cases/confirm-party"
    with portal.browser("hall.operator") as first:
        assert form in text_of(first, page)
        own = send(first, page, form, **fields, identifier=district.STRANGER)
        assert own.status_code == 400
        assert "SECOND_OFFICER" in own.text
    with portal.browser("hall.head") as second:
        empty = send(second, page, form, number=CASE, system=SYSTEM, identifier="")
        assert empty.status_code == 400
        assert 'href="#identifier"' in empty.text
        done = send(second, page, form, **fields, identifier=district.STRANGER)
        assert done.status_code == 200
        assert form not in done.text
    assert codes(portal.standing.ask(e=district.STRANGER)) == {"businessLicence": None}


@pytest.mark.proves("E2")
def test_a_table_is_published_without_editing_a_file(portal: Portal) -> None:
    code = "307/000099"
    edit = f"/publish/edit?source=market&table=business_licence&code={code}"
    with portal.browser("market.operator") as browser:
        assert "business_licence" in text_of(browser, "/publish/new?source=market")
        page = text_of(browser, edit)
        # Suggested from names alone: the identity number is personal, conditional and masked.
        fields = form_fields(page)
        number = next(
            n for n in range(8) if ">legal_rep_id <" in page and fields[f"mask-{n}"] == "id"
        )
        assert fields[f"class-{number}"] == "conditional"
        fields |= {"name": "营业执照新版", "class": "conditional", "conditions": "行政许可办理部门"}
        preview = browser.post("/publish/edit", data=fields | {"step": "preview"})
        assert preview.status_code == 200
        assert code not in portal.place.node.held(RESOURCE)
        saved = browser.post("/publish/edit", data=form_fields(preview.text) | {"step": "draft"})
        assert saved.status_code == 200
        assert "本部门负责人签发" in html.unescape(saved.text)
    entry = f"/publish/entry/{code}"
    demo.examine(portal.place, "market", code)
    with portal.browser("market.head") as head:
        assert (send(head, entry, entry, verb="submit")).status_code == 200
    with portal.browser("authority") as authority:
        assert code in text_of(authority, "/inbox")
        assert (send(authority, entry, entry, verb="announce")).status_code == 200
    held = portal.place.node.live.load().resources[code]
    assert (held.name, held.state, held.conditions) == (
        "营业执照新版",
        "announced",
        "行政许可办理部门",
    )


def test_an_entry_that_breaks_the_rules_names_its_fields(portal: Portal) -> None:
    edit = "/publish/edit?source=market&table=business_licence&code=307/000098"
    with portal.browser("market.operator") as browser:
        fields = form_fields(text_of(browser, edit))
        answer = browser.post(
            "/publish/edit",
            data=fields
            | {"name": "", "title-1": " ", "class": "not-shared", "key_item": "", "step": "draft"},
        )
        assert answer.status_code == 400
        for field in ("name", "title-1", "basis-document", "key_item"):
            assert f'href="#{field}"' in answer.text
            assert f'id="{field}"' in answer.text
        opened = browser.post(
            "/publish/edit", data=fields | {"class": "unconditional", "step": "draft"}
        )
        assert 'href="#class"' in opened.text
        empty = browser.get("/publish/edit?source=market&table=&code=")
        assert empty.status_code == 400
    assert "307/000098" not in portal.place.node.held(RESOURCE)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("zh", "不予共享：《内部数据管理办法》属于“内部规定”；须为法律、行政法规或国务院决定"),
        ("en", "not shared: 内部数据管理办法 is an internal rule; a law"),
    ],
)
def test_what_keeps_an_entry_from_being_drafted_is_said_in_the_reader_s_language(
    portal: Portal, language: str, said: str
) -> None:
    edit = "/publish/edit?source=market&table=business_licence&code=307/000098"
    with portal.browser("market.operator") as browser:
        fields = form_fields(text_of(browser, edit))
        answer = browser.post(
            f"/publish/edit?lang={language}",
            data=fields
            | {
                "class": "not-shared",
                "basis-document": "内部数据管理办法",
                "basis-article": "第三条",
                "basis-text": "不得对外提供",
                "basis-level": "law",
                "step": "draft",
            },
        )
    assert answer.status_code == 400
    assert html.escape(said) in answer.text
    assert "307/000098" not in portal.place.node.held(RESOURCE)


@pytest.mark.proves("B3")
def test_naughty_text_comes_back_byte_equal_and_never_as_markup(portal: Portal) -> None:
    with portal.browser("hall.operator") as browser:
        saved = send(
            browser,
            f"/requests/new?resource={DEPOSIT}",
            "/requests/new",
            step="send",
            **request_fields(scenario=NAUGHTY, basis=f"《法》{NAUGHTY}"),
        )
        assert saved.status_code == 200
        request = saved.url.path.rsplit("/", 1)[1]
        held = portal.place.node.held(REQUEST)[request]
        assert (held.scenario, held.legal_basis) == (NAUGHTY, f"《法》{NAUGHTY}")
        for language in ("zh", "en"):
            for path in (f"/requests/{request}", "/requests"):
                shown = (browser.get(f"{path}?lang={language}")).text
                assert "<script>alert" not in shown
        shown = (browser.get(f"/requests/{request}")).text
        assert NAUGHTY in html.unescape(shown)
        looked = browser.get(
            "/query", params={"case": NAUGHTY, "reason": NAUGHTY, "tick": f"{DEPOSIT}|amount"}
        )
        assert looked.status_code == 200
        assert "<script>alert" not in looked.text
        for path in ("/cases", "/requests/new", "/publish/new", "/grants/x", "/inbox/x"):
            answer = browser.get(path, params={"number": NAUGHTY, "resource": NAUGHTY})
            assert answer.status_code in {200, 400, 404}
            assert "<script>alert" not in answer.text
    assert portal.place.act("auditor", "audit.verify-log")["holds"]
    assert portal.place.act("auditor", "audit.fsck-registry")["holds"]


def test_a_form_without_the_sessions_token_changes_nothing(portal: Portal) -> None:
    request = ask_for(portal.place, DEPOSIT)
    with portal.browser("labour.head") as browser:
        page = f"/inbox/{request}"
        posts: dict[str, dict[str, Any]] = {
            f"{page}/grant": {"items": ["amount"], "until": "2027-01-01"},
            f"{page}/refuse": {"code": "LAW_FORBIDS", "words": "x", "basis": "y"},
            f"{page}/ask": {"question": "x"},
            "/requests/new": request_fields(step="send"),
            f"/requests/{request}/sign": {},
            f"/requests/{request}/supplement": {"answer": "x"},
            "/publish/edit": {"code": "1"},
            f"/publish/entry/{DEPOSIT}": {"verb": "withdraw", "reason": "x"},
            f"/grants/{founded().grants['310/000001']}/revoke": {"reason": "x"},
            "/cases/confirm-party": {"number": CASE},
        }
        for path, fields in posts.items():
            answer = browser.post(path, data=fields | {"csrf": "of-no-session"})
            assert answer.status_code == 403, path
    assert portal.place.node.held(REQUEST)[request].state == "submitted"
    assert portal.place.node.live.load().resources[DEPOSIT].state == "announced"


@pytest.mark.proves("E7")
def test_a_refused_outcome_names_the_rule_and_leads_to_the_filled_in_request(
    portal: Portal,
) -> None:
    portal.standing.ask("query D($e: ID!) { enterprise(uscc: $e) { wageDeposit { amount } } }")
    with portal.browser("hall.operator") as browser:
        page = text_of(browser, f"/query?system={SYSTEM}")
        link = re.search(r'href="(/requests/new\?[^"]*items=amount[^"]*)"', page)
        assert link is not None
        assert "GRANT_MISSING" in page
        assert "保证金金额（元）" in page
        form = text_of(browser, link[1])
    ticked = re.findall(r'name="items" type="checkbox" value="(\w+)" checked', form)
    assert ticked == ["amount"]
    assert re.search(rf'name="matters" type="checkbox" value="{district.MATTER}" checked', form)


@pytest.mark.proves("E5")
def test_the_query_that_the_page_shows_is_valid_in_the_contract(portal: Portal) -> None:
    snapshot = portal.place.node.live.load()
    contract = snapshot.contract(SYSTEM)
    everything = {r.code: [item.name for item in r.items] for r in contract}
    composed = composing.compose(composing.tick(contract, everything))
    parse_document(composed.document, build_contract(contract), limits=Limits())
    assert set(composed.variables) == {"enterprise", "person"}
    with portal.browser("hall.operator") as browser:
        page = text_of(
            browser, f"/query?system={SYSTEM}&tick={DEPOSIT}|amount&case={CASE}&reason=核发"
        )
    assert "wageDeposit { amount }" in page
    for told in ("exchange.query(QUERY", "exchange call ask.graphql", "curl --fail-with-body"):
        assert told in page


@pytest.mark.proves("E5")
def test_the_python_and_the_shell_snippet_get_an_answer(portal: Portal, tmp_path: Path) -> None:
    key = portal.place.systems[SYSTEM]
    (tmp_path / "system.pem").write_bytes(private_pem(key.private))
    composed, values, usage = a_composed_query(portal)
    url, vkey = portal.standing.url, portal.place.node.vkey
    script = asking.python_snippet(composed, values, usage=usage, url=url, vkey=vkey)
    said = run([sys.executable, "-c", script], folder=tmp_path)
    assert "云岫栖筑建设有限公司" in said
    (tmp_path / "ask.graphql").write_text(composed.document, encoding="utf-8")
    command = asking.shell_snippet(values, usage=usage, url=url)
    program = Path(sys.executable).parent / "exchange"
    said = run(
        ["bash", "-c", command.replace("exchange call", f"{program} call", 1)], folder=tmp_path
    )
    assert "云岫栖筑建设有限公司" in said


@pytest.mark.proves("E5")
def test_the_javascript_snippet_signs_its_request(portal: Portal, tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node here to run the snippet with")
    key = portal.place.systems[SYSTEM]
    (tmp_path / "system.pem").write_bytes(private_pem(key.private))
    composed, values, usage = a_composed_query(portal)
    script = asking.javascript_snippet(
        composed, values, usage=usage, url=portal.standing.url, key_id=key.id
    )
    (tmp_path / "ask.mjs").write_text(script, encoding="utf-8")
    told = json.loads(run([node, "ask.mjs"], folder=tmp_path))
    assert told["data"]["enterprise"]["businessLicence"]["entName"] == "云岫栖筑建设有限公司"


def test_text_of_the_form_stays_text_in_every_snippet(portal: Portal) -> None:
    composed, values, usage = a_composed_query(portal, reason=NAUGHTY)
    told = json.loads(asking.body_of(composed, values, usage=usage))
    assert told["extensions"]["usage"]["reason"] == NAUGHTY
    script = asking.python_snippet(composed, values, usage=usage, url="http://x", vkey="v")
    call = next(
        node
        for node in ast.walk(ast.parse(script))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Usage"
    )
    reasons = [ast.literal_eval(word.value) for word in call.keywords if word.arg == "reason"]
    assert reasons == [NAUGHTY]
    shell = asking.shell_snippet(values, usage=usage, url="http://x")
    words = shlex.split(shell.replace("\\\n", ""))
    assert words[words.index("--reason") + 1] == NAUGHTY


def a_composed_query(
    portal: Portal, *, reason: str = "建筑工程施工许可核发"
) -> tuple[composing.Composed, dict[str, str], asking.Usage]:
    contract = portal.place.node.live.load().contract(SYSTEM)
    composed = composing.compose(composing.tick(contract, {"307/000001": ["entName", "status"]}))
    usage = asking.Usage(
        matter=district.MATTER,
        case=CASE,
        purpose="administrative-basis",
        reason=reason,
        operator="HALL-011",
    )
    return composed, {"enterprise": district.APPLICANT}, usage


def run(command: list[str], *, folder: Path) -> str:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
