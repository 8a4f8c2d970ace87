"""The auditors' rooms over a real node: who sees what, in both languages, and each look is an entry."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from typing import Any

import httpx
import pytest

from audit.canonical import b64, decode_strict
from audit.entry import Draft, IndexRow
from audit.merkle import leaf_hash
from audit.receipt import parse_proof
from catalogue.rows import OFFICER
from exchange.client.session import Answer
from exchange.demo import district
from exchange.demo.setup import CASE, DEPOSIT
from exchange.portal.session import COOKIE
from tests.fakes.node import Standing, founded, standing

pytestmark = pytest.mark.slow  # a served node; left to `make test`

QUESTION = """query Permit($e: ID!) {
  enterprise(uscc: $e) {
    businessLicence { entName phone status }
    planningPermit { permitNo }
    wageDeposit { amount }
  }
}"""
NAUGHTY = (
    "<script>alert(1)</script>",
    "' OR '1'='1",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}",
    "%00%ff",
    "\u202eabc\u0000",
    "１２３",
    "😀" * 40,
    "../../etc/passwd",
)


@dataclass(slots=True)
class Visitor:
    """An officer at a browser without scripts."""

    client: httpx.Client

    def get(self, path: str, **query: str) -> httpx.Response:
        return self.client.get(path, params=query or None)


@dataclass(slots=True)
class Rooms:
    """A district in which one question was asked, and one about a stranger."""

    here: Standing
    answer: Answer
    refused: Answer
    visitors: dict[str, Visitor]

    @property
    def index(self) -> int:
        return int(self.answer.entry["index"])

    def as_(self, handle: str) -> Visitor:
        """Sign an officer in, once, by a link of the demo."""
        if handle not in self.visitors:
            node = self.here.node
            officers = node.held(OFFICER)
            officer = officers[self.here.place.ids[handle]]
            secret = node.sign_in.offer_link(officer, by=None)
            opened = node.sign_in.redeem_link(secret, officers=officers)
            client = httpx.Client(
                base_url=self.here.url, cookies={COOKIE: opened.secret}, trust_env=False
            )
            self.visitors[handle] = Visitor(client)
        return self.visitors[handle]

    def last(self) -> dict[str, Any]:
        """The newest entry of the log."""
        log = self.here.node.log
        return dict(decode_strict(log.entry(log.size - 1)))


@pytest.fixture(scope="module")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rooms]:
    founded()
    with standing(tmp_path_factory.mktemp("rooms") / "home") as here:
        answer = here.ask(QUESTION)
        refused = here.ask(QUESTION, e=district.STRANGER)
        found = Rooms(here=here, answer=answer, refused=refused, visitors={})
        yield found
        for visitor in found.visitors.values():
            visitor.client.close()


def links(page: httpx.Response) -> list[str]:
    return [unescape(found) for found in re.findall(r'href="([^"]+)"', page.text)]


def entries_on(story: httpx.Response) -> list[int]:
    """The entries that a case's story links to, in its order."""
    return [int(found) for found in re.findall(r"/audit/entries/(\d+)#proof", story.text)]


def text_of(page: httpx.Response) -> str:
    """What a page says, without its tags."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page.text)))


@pytest.mark.proves("E6")
def test_an_auditor_gets_from_a_case_number_to_a_proof_in_three_clicks(rooms: Rooms) -> None:
    auditor = rooms.as_("auditor")
    story = auditor.get("/audit/cases", number=CASE)  # typed, and the button clicked
    way = [href for href in links(story) if href.startswith(f"/audit/entries/{rooms.index}")]
    proof = auditor.get(way[0].partition("#")[0])  # the second click
    assert proof.status_code == 200
    said = text_of(proof)
    assert "本条目在日志中的证明" in said
    assert "服务器称：两者一致" in said


def test_the_story_of_a_case_is_told_in_the_order_in_which_it_happened(rooms: Rooms) -> None:
    story = rooms.as_("auditor").get("/audit/cases", number=CASE)
    shown = entries_on(story)
    assert shown == sorted(shown)
    kinds = [decode_strict(rooms.here.node.log.entry(one))["kind"] for one in shown]
    assert kinds == ["case.opened", "case.attested", "intent", "call", "intent", "call"]
    said = text_of(story)
    for words in ("企业法人营业执照", "市场监督管理", "已提供", "SUBJECT_NOT_PARTY"):
        assert words in said


@pytest.mark.proves("G3")
@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/audit", "log.searched"),
        ("/audit?decision=refused", "log.searched"),
        ("/audit.json?kind=call", "log.searched"),
        (f"/audit/cases?number={CASE}", "log.case-read"),
        ("/audit/cases?number=nobody-has-this", "log.case-read"),
        ("/audit/entries/1", "log.entry-read"),
        ("/audit/entries/1/file", "log.entry-read"),
        ("/audit/entries/1/proof", "log.entry-proven"),
        ("/audit/entries/999999", "log.entry-refused"),
    ],
)
def test_whatever_an_auditor_looks_at_becomes_an_entry(rooms: Rooms, path: str, kind: str) -> None:
    before = rooms.here.node.log.size
    rooms.as_("auditor").get(path)
    log = rooms.here.node.log
    kinds = [decode_strict(body)["kind"] for body in log.entries(before, log.size)]
    assert kinds.count(kind) == 1
    assert CASE.encode() not in b"".join(log.entries(before, log.size))


def test_the_list_has_a_first_look_at_refusals(rooms: Rooms) -> None:
    page = rooms.as_("auditor").get("/audit", decision="refused")
    said = text_of(page)
    assert "SUBJECT_NOT_PARTY" in said
    assert f"/audit/entries/{rooms.refused.entry['index']}" in links(page)
    assert f"/audit/entries/{rooms.index}" in links(page)  # its wage deposit was refused


def test_the_twin_of_the_list_says_the_same_as_json(rooms: Rooms) -> None:
    auditor = rooms.as_("auditor")
    told = auditor.get("/audit.json", decision="refused").json()
    assert {row["index"] for row in told["entries"]} == {
        rooms.index,
        rooms.refused.entry["index"],
    }
    assert auditor.get("/audit.json", decision="maybe").status_code == 400


def test_pages_of_the_list_follow_each_other_without_gap_or_repetition(rooms: Rooms) -> None:
    auditor = rooms.as_("auditor")
    size = rooms.here.node.log.size
    seen: list[tuple[int, str]] = []
    after = ""
    while True:
        told = auditor.get("/audit.json", until="2999-01-01", **({"after": after} if after else {}))
        seen += [(row["index"], row["step"]) for row in told.json()["entries"]]
        after = told.json()["next"]
        if not after:
            break
    assert len(seen) == len(set(seen))
    assert {index for index, _ in seen} >= set(range(size))


def test_a_case_with_more_than_a_page_of_rows_is_told_whole_entry_by_entry(rooms: Rooms) -> None:
    number = "SG-2026-0400"
    added = [
        rooms.here.node.log.append(
            Draft(
                kind="call",
                clear={"consumer": district.HALL.code},
                index=tuple(IndexRow(case=number, step=f"s{step}") for step in range(400)),
            )
        ).index
        for _ in range(3)
    ]
    auditor = rooms.as_("auditor")
    newest = auditor.get("/audit/cases", number=number)
    before = [href for href in links(newest) if "after=" in href and "lang=" not in href]
    oldest = auditor.get(before[0])
    assert [entries_on(page) for page in (oldest, newest)] == [added[:1], added[1:]]


@pytest.mark.parametrize(
    ("typed", "leads"),
    [
        ("3", "/audit/entries/3"),
        (CASE, f"/audit/cases?number={CASE}"),
        ("307/000001", "/audit?resource=307%2F000001"),
        ("GRANT_MISSING", "/audit?code=GRANT_MISSING"),
    ],
)
def test_one_box_leads_to_an_entry_a_case_or_a_facet(rooms: Rooms, typed: str, leads: str) -> None:
    assert rooms.as_("auditor").get("/audit", q=typed).headers["location"] == leads


@pytest.mark.proves("B3")
@pytest.mark.parametrize("typed", NAUGHTY)
@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/audit", "q"),
        ("/audit", "department"),
        ("/audit", "since"),
        ("/audit", "after"),
        ("/audit/cases", "number"),
        ("/audit/cases", "after"),
    ],
)
def test_nothing_that_is_typed_breaks_a_page_or_runs_in_it(
    rooms: Rooms, path: str, name: str, typed: str
) -> None:
    page = rooms.as_("auditor").get(path, **{name: typed})
    assert page.status_code in {200, 303, 400}
    assert "<script>alert" not in page.text
    assert "<img src=x" not in page.text


@pytest.mark.proves("B3")
def test_a_naughty_case_number_comes_back_as_it_was_typed(rooms: Rooms) -> None:
    typed = "<b>&amp;\"' 案件😀"
    page = rooms.as_("auditor").get("/audit/cases", number=typed)
    found = re.search(r'name="number"[^>]*value="([^"]*)"', page.text)
    assert found
    assert unescape(found[1]) == typed


def test_an_entry_names_items_in_chinese_and_keeps_identities_closed(rooms: Rooms) -> None:
    page = rooms.as_("auditor").get(f"/audit/entries/{rooms.index}")
    said = text_of(page)
    for words in ("企业名称", "脱敏提供", "GRANT_MISSING", "办件编号", "经办人", "封存"):
        assert words in said
    assert CASE not in page.text
    assert district.APPLICANT not in page.text


def test_the_entry_on_the_page_is_the_recorded_one_byte_for_byte(rooms: Rooms) -> None:
    auditor = rooms.as_("auditor")
    body = rooms.here.node.log.entry(rooms.index)
    page = auditor.get(f"/audit/entries/{rooms.index}")
    shown = re.search(r"<pre[^>]*data-proof-entry>(.*?)</pre>", page.text, re.DOTALL)
    assert shown
    assert unescape(shown[1]).encode() == body
    assert auditor.get(f"/audit/entries/{rooms.index}/file").content == body


def test_the_proof_file_is_one_that_other_tools_read(rooms: Rooms) -> None:
    file = rooms.as_("auditor").get(f"/audit/entries/{rooms.index}/proof")
    assert parse_proof(file.text).index == rooms.index
    assert "attachment" in file.headers["content-disposition"]


@pytest.mark.parametrize(
    "path", ["/audit/entries/{}", "/audit/entries/{}/proof", "/audit/entries/{}/file"]
)
def test_a_department_sees_its_own_entries_and_no_others(rooms: Rooms, path: str) -> None:
    here = path.format(rooms.index)
    assert rooms.as_("hall.operator").get(here).status_code == 200
    # It was asked: the bytes of the whole entry are for the caller's department alone.
    asked = rooms.as_("market.operator").get(here)
    assert asked.status_code == (404 if path.endswith("/file") else 200)
    strange = rooms.as_("ecology.operator").get(here)
    absent = rooms.as_("ecology.operator").get(path.format(10**9))
    assert strange.status_code == absent.status_code == 404
    assert text_of(strange) == text_of(absent)


def test_of_another_departments_call_a_provider_is_told_its_own_steps(rooms: Rooms) -> None:
    said = text_of(rooms.as_("market.operator").get("/audit/cases", number=CASE))
    assert "企业法人营业执照" in said
    assert "建设工程规划许可证" not in said
    assert "建设工程规划许可证" in text_of(
        rooms.as_("hall.operator").get("/audit/cases", number=CASE)
    )


OTHERS = (
    "308/000001",
    DEPOSIT,
    "建设工程规划许可证",
    "农民工工资保证金缴存证明",
    "permitNo",
    "规划许可证编号",
    "amount",
    "保证金金额",
    "GRANT_MISSING",
)
"""What the other steps of QUESTION say: their resources, items and codes."""


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_an_asked_department_sees_its_own_step_of_an_entry_and_of_others_the_number(
    rooms: Rooms, lang: str
) -> None:
    path = f"/audit/entries/{rooms.index}?lang={lang}"
    market = rooms.as_("market.operator")
    page = market.client.get(path)
    market.client.cookies.delete("exchange_language")
    said = text_of(page)
    for mine in ("307/000001", {"zh": "企业名称", "en": "entName"}[lang], "HOLDS"):
        assert mine in said or f'data-proof-text="{mine}"' in page.text
    assert {"zh": "另有其他部门的 2 个步骤", "en": "2 steps of other departments"}[lang] in said
    for other in (*OTHERS, *_departments_but(rooms, "market")):
        assert other not in page.text
    whole = rooms.as_("hall.operator").get(f"/audit/entries/{rooms.index}")
    assert [other for other in OTHERS[:4] if other not in whole.text] == []
    assert "另有其他部门" not in whole.text


def test_no_road_tells_an_asked_department_another_ones_step(rooms: Rooms) -> None:
    act = rooms.here.act
    shown = act("market.operator", "audit.show", index=rooms.index)
    assert (shown["entry"], shown["raw"], shown["told"]["others"]) == (None, None, 2)
    assert [one["resource"]["code"] for one in shown["told"]["steps"]] == ["307/000001"]
    told = [
        shown,
        act("market.operator", "audit.prove", index=rooms.index),
        act("market.operator", "audit.case", number=CASE),
        act("market.operator", "audit.search", case=CASE),
        rooms.as_("market.operator").get("/audit.json", kind="call").json(),
    ]
    text = json.dumps(told, ensure_ascii=False)
    for other in (*OTHERS, *_departments_but(rooms, "market")):
        assert other not in text
    everything = json.dumps(act("auditor", "audit.show", index=rooms.index), ensure_ascii=False)
    assert "GRANT_MISSING" in everything
    assert "308/000001" in everything


def test_the_proof_of_a_part_begins_at_the_hash_of_the_whole_entry(rooms: Rooms) -> None:
    body = rooms.here.node.log.entry(rooms.index)
    part = rooms.here.act("market.operator", "audit.show", index=rooms.index)
    assert part["leaf"] == b64(leaf_hash(body))
    page = rooms.as_("market.operator").get(f"/audit/entries/{rooms.index}")
    assert f'data-leaf="{part["leaf"]}"' in page.text
    assert "data-proof-entry" not in page.text
    assert "服务器称：两者一致" in text_of(page)


def _departments_but(rooms: Rooms, asked: str) -> list[str]:
    """Codes and names of the departments that were asked too."""
    officers = rooms.here.node.held(OFFICER)
    mine = officers[rooms.here.place.ids[f"{asked}.operator"]].department
    held = rooms.here.node.live.load()
    members = decode_strict(rooms.here.node.log.entry(rooms.index))
    codes = {step["provider"] for step in members["steps"]} - {mine}
    return [*codes, *(held.departments[code].name for code in codes)]


def test_a_department_finds_only_its_own_in_the_list(rooms: Rooms) -> None:
    told = rooms.as_("ecology.operator").get("/audit.json").json()
    code = rooms.here.node.held(OFFICER)[rooms.here.place.ids["ecology.operator"]].department
    assert told["entries"]
    assert all(code in {row["consumer"], row["provider"]} for row in told["entries"])
    other = rooms.as_("ecology.operator").get("/audit", department=district.HALL.code)
    assert "/audit/entries/" not in other.text


def test_a_receipt_for_the_file_is_for_the_callers_department_and_auditors(rooms: Rooms) -> None:
    path = f"/receipts/{rooms.index}?format=html"
    for handle in ("hall.operator", "auditor"):
        page = rooms.as_(handle).client.get(path)
        assert page.status_code == 200
        assert rooms.last()["kind"] == "log.receipt-read"
    for handle in ("market.operator", "ecology.operator", "administrator"):
        assert rooms.as_(handle).client.get(path).status_code == 404


def test_a_receipt_for_the_file_holds_no_value(rooms: Rooms) -> None:
    mine = rooms.as_("hall.operator").client.get(f"/receipts/{rooms.index}?format=html")
    assert "企业法人营业执照" in mine.text
    assert CASE in mine.text
    values = [district.APPLICANT, *_values(rooms.answer.data)]
    assert len(values) > 3
    assert not [value for value in values if value in mine.text]
    assert CASE not in rooms.as_("auditor").client.get(f"/receipts/{rooms.index}?format=html").text


def test_an_act_has_no_receipt_of_a_call(rooms: Rooms) -> None:
    assert rooms.as_("auditor").client.get("/receipts/1?format=html").status_code == 404


def test_systems_still_get_their_receipt_as_json(rooms: Rooms) -> None:
    bare = httpx.get(f"{rooms.here.url}/receipts/{rooms.index}", trust_env=False)
    assert bare.status_code == 401
    assert bare.headers["content-type"].startswith("application/problem+json")


@pytest.mark.parametrize(
    "path", ["/audit", "/audit.json", "/audit/cases", "/audit/entries/1", "/receipts/1?format=html"]
)
def test_whoever_is_not_signed_in_is_led_to_the_sign_in_page(rooms: Rooms, path: str) -> None:
    size = rooms.here.node.log.size
    answer = httpx.get(f"{rooms.here.url}{path}", trust_env=False)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in")
    assert rooms.here.node.log.size == size


@pytest.mark.parametrize(
    "path", ["/audit", "/audit/cases?number=X", "/audit/entries/{}", "/receipts/{}?format=html"]
)
def test_every_page_is_complete_in_english(rooms: Rooms, path: str) -> None:
    where = path.format(rooms.index)
    where += ("&" if "?" in where else "?") + "lang=en"
    page = rooms.as_("auditor").client.get(where)
    rooms.as_("auditor").client.cookies.delete("exchange_language")
    assert page.status_code == 200
    # What is registered in Chinese only stays Chinese: matters, systems, officers; and the other language.
    left = text_of(page)
    for name in ("中文", "严察", *registered(rooms)):
        left = left.replace(name, "")
    assert re.findall(r"[\u4e00-\u9fff]+", left) == []


def registered(rooms: Rooms) -> list[str]:
    """Names that departments gave in Chinese alone, the longest first."""
    snapshot = rooms.here.node.live.load()
    names = [held.name for held in snapshot.systems.values()]
    names += [held.name for held in snapshot.matters.values()]
    return sorted(names, key=len, reverse=True)


def _values(held: Any) -> list[str]:
    if isinstance(held, dict):
        return [value for one in held.values() for value in _values(one)]
    if isinstance(held, list):
        return [value for one in held for value in _values(one)]
    return [held] if isinstance(held, str) and len(held) > 3 else []
