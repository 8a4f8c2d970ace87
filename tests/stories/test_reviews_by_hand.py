"""The same by hand: a review ordered, carried out and answered on the portal's pages, without scripts."""

import re
from pathlib import Path

import httpx
import pytest

from audit import verify
from exchange.clock import now
from exchange.demo import district
from exchange.demo.setup import INTAKE, LICENCE, SYSTEM
from tests.fakes.node import PARTIES, Standing
from tests.fakes.reviews import DOCUMENT, HALL, a_review
from tests.stories.test_emergency_pages import Browsing
from tests.stories.test_searching import in_log, index_of


def as_(here: Standing, handle: str) -> Browsing:
    return Browsing(here, handle, two_factor=False)


def done(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    return answer.text


def words(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


class TestReview:
    def test_it_goes_from_the_order_to_the_report(  # noqa: PLR0915 - one story, told whole
        self, here: Standing, tmp_path: Path
    ) -> None:
        asked = index_of(here.ask())
        authority, auditor = as_(here, "authority"), as_(here, "auditor")
        first, second = as_(here, "supervisor"), as_(here, "supervisor.second")
        day = here.node.ports.now().astimezone(here.node.zone).date().isoformat()
        ordered = authority.send(
            "/reviews/new",
            {
                "document": DOCUMENT,
                "reason": "例行抽查",
                "since": day,
                "until": day,
                "expires": day,
                "officers": [here.place.ids[one] for one in ("supervisor", "supervisor.second")],
                "departments": [HALL],
            },
        )
        address = ordered.url.path
        assert DOCUMENT in done(ordered)
        assert "待确认的核查" in auditor.go("/")
        assert "确认核查" in auditor.go(address)
        done(auditor.send(address, {}, to=f"{address}/confirm"))
        done(first.send(address, {"count": "5", "seed": "骰子 3 5 1"}, to=f"{address}/sample"))
        shown = first.go(address)
        assert "骰子 3 5 1" in shown
        entry = f"{address}/entries/{asked}"
        assert entry in shown
        asked_for = first.send(
            entry, {"names": ["operator", "case"], "reason": "须约谈"}, to=f"{entry}/ask-identity"
        )
        assert "待另一名核查人员同意" in done(asked_for)
        assert "待同意的身份开启" in second.go("/")
        agree = re.search(r'action="([^"]+/confirm)"', second.go(address))
        assert agree is not None
        done(second.send(address, {}, to=agree[1]))
        look = first.send(address, {}, to=agree[1].replace("/confirm", "/open"))
        assert "HALL-011" in done(look)
        assert look.headers["cache-control"] == "no-store"
        question = {"department": HALL, "text": "请说明用途", "days": "3"}
        done(first.send(entry, question, to=f"{entry}/ask"))
        head = as_(here, "hall.head")
        assert "待答复的核查询问" in head.go("/")
        card = re.search(r'href="(/questions/qst_[^"]+)"', head.go("/questions"))
        assert card is not None
        assert "请填写" in head.send(card[1], {"text": " "}, to=f"{card[1]}/answer").text
        done(head.send(card[1], {"text": "系核发所需"}, to=f"{card[1]}/answer"))
        assert "系核发所需" in first.go(address)
        refused = first.send(address, {"conclusion": "已核"}, to=f"{address}/close")
        assert refused.status_code == 400
        assert "REVIEW_STATE" in refused.text
        assert "请选择结论" in first.send(entry, {"finding": "x"}, to=f"{entry}/judge").text
        done(first.send(entry, {"verdict": "explained", "finding": "已说明"}, to=f"{entry}/judge"))
        done(first.send(address, {"conclusion": "未发现违规"}, to=f"{address}/close"))
        report = words(first.go(f"{address}/report"))
        for word in (DOCUMENT, "骰子 3 5 1", "说明后正常", "系核发所需", "未发现违规"):
            assert word in report
        assert "HALL-011" not in report
        packed = first.fetch(f"{address}/report.zip")
        bundle = tmp_path / "report.zip"
        bundle.write_bytes(packed)
        assert verify.main([str(bundle), "--vkey", here.node.vkey]) == 0
        with pytest.raises(httpx.HTTPStatusError, match="404"):
            as_(here, "hall.head").go(address)

    def test_what_is_missing_is_said_at_its_field(self, here: Standing) -> None:
        told = as_(here, "supervisor").send("/reviews/new", {"document": "", "since": "x"})
        assert told.status_code == 400
        for field in ("document", "reason", "since", "until", "expires", "officers"):
            assert f'href="#{field}"' in told.text

    def test_a_sealed_entry_is_a_number_on_every_page(self, here: Standing) -> None:
        asked = index_of(here.ask())
        a_review(here, sealed=True)
        here.act("supervisor", "audit.show", index=asked)
        sealed = here.node.log.size - 1
        auditor = as_(here, "auditor")
        shown = auditor.go("/audit")
        assert f'href="/audit/entries/{sealed}"' in shown
        assert "保密核查条目" in shown
        card = words(auditor.go(f"/audit/entries/{sealed}"))
        assert "保密核查条目" in card
        assert "云岫区审计局" not in card
        assert re.search(r"此时段有 [0-9]+ 条条目属保密核查", shown)


class TestSearchPages:
    def test_a_list_counts_and_narrows(self, here: Standing) -> None:
        here.ask()
        here.ask(e=district.STRANGER)
        page = as_(here, "auditor").go("/audit?kind=call")
        assert 'href="/audit?kind=call&amp;decision=refused"' in page
        narrowed = as_(here, "auditor").go("/audit?kind=call&decision=refused")
        assert "SUBJECT_NOT_PARTY" in narrowed

    @pytest.mark.proves("L14")
    def test_a_list_says_whether_something_is_missing(self, here: Standing) -> None:
        calls = [index_of(here.ask()) for _ in range(3)]
        page = f"/audit?system={SYSTEM}"
        assert "此列表没有缺漏" in as_(here, "auditor").go(page)
        in_log(here, "DELETE FROM audit_index WHERE idx = ?", calls[1])
        assert "编号有缺" in as_(here, "auditor").go(page)
        found = words(as_(here, "auditor").go("/audit/find/number-gaps"))
        assert "工程建设审批系统" in found

    @pytest.mark.proves("G3")
    def test_a_subject_is_looked_for_without_its_number_in_any_address(
        self, here: Standing
    ) -> None:
        asked = index_of(here.ask())
        browser = as_(here, "auditor")
        wanted = {"type": "enterprise", "identifier": district.APPLICANT}
        told = browser.send("/audit/subject", wanted)
        assert f'href="/audit/entries/{asked}"' in done(told)
        assert told.url.query == b""
        assert here.kinds()[-1] == "log.searched"
        wrong = browser.send("/audit/subject", wanted | {"identifier": "123"})
        assert wrong.status_code == 400
        assert "CODE_INVALID" in wrong.text

    def test_every_preset_is_described_and_carried_out(self, here: Standing) -> None:
        browser = as_(here, "auditor")
        listed = browser.go("/audit/find")
        names = set(re.findall(r'href="/audit/find/([a-z-]+)"', listed))
        assert len(names) == 8
        before = here.node.log.size
        for name in sorted(names):
            browser.go(f"/audit/find/{name}?since=2026-01-01")
        assert here.kinds(since=before).count("log.searched") == 8
        with pytest.raises(httpx.HTTPStatusError, match="404"):
            browser.go("/audit/find/no-such-preset")

    @pytest.mark.proves("C3")
    def test_a_case_opened_only_to_look_is_found(self, here: Standing) -> None:
        number = "SG-2026-0777"
        hall = here.as_system()
        hall.put_case(number, matter=district.MATTER, parties=PARTIES, accepted_at=now())
        here.as_system(INTAKE).case_action(number, "attest", system=SYSTEM)
        here.ask(case=number)
        assert "没有查询后很快办结" in as_(here, "auditor").go("/audit/find/closed-cases")
        hall.case_action(number, "close", result="已办结")
        assert "工程建设审批系统" in as_(here, "auditor").go("/audit/find/closed-cases")

    def test_an_item_needs_its_resource_and_is_found_with_it(self, here: Standing) -> None:
        asked = index_of(here.ask())
        browser = as_(here, "auditor")
        found = browser.go(f"/audit?resource={LICENCE}&item=phone")
        assert f'href="/audit/entries/{asked}"' in found
        with pytest.raises(httpx.HTTPStatusError, match="400"):
            browser.go("/audit?item=phone")

    def test_a_supervisor_sees_these_pages_within_his_review(self, here: Standing) -> None:
        asked = index_of(here.ask())
        browser = as_(here, "supervisor")
        assert f'href="/audit/entries/{asked}"' not in browser.go("/audit?kind=call")
        review = a_review(here)
        assert f'href="/audit/entries/{asked}"' in browser.go(f"/audit?kind=call&review={review}")
        assert "仅限该核查范围" in browser.go(f"/audit/find?review={review}")
        assert f"/audit/entries/{asked}" in browser.go(f"/audit/cases?of={asked}&review={review}")
