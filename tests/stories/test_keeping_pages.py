"""Erasures and holds by hand: asked for and confirmed by two officers on pages, without scripts."""

import pytest

from audit.canonical import decode_strict
from exchange.demo import district
from tests.fakes.node import Standing
from tests.stories.test_emergency_pages import Browsing
from tests.stories.test_erasing import years_later

FIRM = {"type": "enterprise", "identifier": district.APPLICANT}
BASIS = {
    "legal_basis": "《中华人民共和国个人信息保护法》第四十七条",
    "document": "云数〔2026〕12号",
}


def signed_in(here: Standing, officer: str) -> Browsing:
    return Browsing(here, officer, two_factor=False)


def test_two_officers_erase_on_the_pages_and_nobody_is_named_there(here: Standing) -> None:
    index = int(here.ask().entry["index"])
    years_later(here)
    authority, auditor = signed_in(here, "authority"), signed_in(here, "auditor")
    asked = authority.send("/keeping/erase", {**FIRM, **BASIS, "step": "propose"})
    page = asked.url.path
    assert page.startswith("/keeping/erasures/")
    assert "须经审计员确认" in asked.text
    # Who asked is not shown what only another officer may do, nor is it taken from him.
    assert "/approve" not in authority.go(page)
    assert authority.send(page, {"known": "yes"}, to=f"{page}/approve").status_code == 400
    listed = auditor.go("/keeping")
    assert page in listed
    assert district.APPLICANT not in listed + auditor.go(page)
    unknown = auditor.send(page, {}, to=f"{page}/approve")
    assert unknown.status_code == 400
    assert 'href="#known"' in unknown.text
    assert [name for name in here.node.log.open_disclosures(index) if name.startswith("subject")]
    done = auditor.send(page, {"known": "yes"}, to=f"{page}/approve")
    assert "密钥已销毁" in done.text
    opened = here.node.log.open_disclosures(index)
    assert not [name for name in opened if name.startswith("subject")]
    assert decode_strict(here.node.log.entry(index))["kind"] == "call"


def test_what_would_be_erased_is_shown_and_nothing_is_asked_for(here: Standing) -> None:
    here.ask()
    years_later(here)
    looked = signed_in(here, "authority").send("/keeping/erase", {**FIRM, "step": "plan"})
    assert "保存期已满的密钥" in looked.text
    assert "保存期均未满" not in looked.text
    assert here.act("auditor", "erasure.list")["waiting"] == []


def test_a_term_that_runs_is_told_and_nothing_is_asked_for(here: Standing) -> None:
    here.ask()
    authority = signed_in(here, "authority")
    assert "保存期均未满" in authority.send("/keeping/erase", {**FIRM, "step": "plan"}).text
    refused = authority.send("/keeping/erase", {**FIRM, **BASIS, "step": "propose"})
    assert refused.status_code == 400
    assert "TERM_RUNNING" in refused.text
    assert "没有待确认的清除" in authority.go("/keeping")


def test_a_form_that_says_nobody_is_told_where_it_lacks_it(here: Standing) -> None:
    told = signed_in(here, "authority").send("/keeping/erase", {"type": "", "step": "plan"})
    assert told.status_code == 400
    assert 'href="#type"' in told.text
    assert 'href="#identifier"' in told.text


@pytest.mark.parametrize("about", [{"type": "everybody"}, FIRM])
def test_a_hold_is_set_and_lifted_by_another_officer(here: Standing, about: dict[str, str]) -> None:
    authority, auditor = signed_in(here, "authority"), signed_in(here, "auditor")
    told = authority.send("/keeping/hold", {**about, "reason": "诉讼保全", "document": "保1号"})
    assert "保全自此生效" in told.text
    assert district.APPLICANT not in told.text
    (hold,) = here.act("auditor", "erasure.list")["holds"]
    lift = f"/keeping/holds/{hold['id']}/lift"
    assert lift not in authority.go("/keeping")
    assert "须由另一名人员解除" in authority.go("/keeping")
    # The token of a form stands in the header of every page, so a form elsewhere gives one.
    assert authority.send("/keeping/hold", {}, to=lift).status_code == 400
    assert "保全已解除" in auditor.send("/keeping", {}, to=lift).text
    assert here.act("auditor", "erasure.list")["holds"] == []


def test_an_erasure_is_withdrawn_on_its_page(here: Standing) -> None:
    here.ask()
    years_later(here)
    authority = signed_in(here, "authority")
    page = authority.send("/keeping/erase", {**FIRM, **BASIS, "step": "propose"}).url.path
    told = authority.send(page, {}, to=f"{page}/withdraw")
    assert "清除申请已撤回" in told.text
    assert "/withdraw" not in authority.go(page)
    assert "清除申请已撤回" not in authority.go("/keeping")
