"""A survey is imported from the portal alone: accessible, without scripts, on a phone, in both languages."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visiting import PHONE, Visit, Visiting
from tests.fakes.surveys import AUDITS, PERMITS, a_survey


def uploaded(visit: Visit, content: bytes) -> Page:
    page = visit.go("/publish/import")
    page.set_input_files(
        "#file",
        {"name": "目录编制表.xlsx", "mimeType": "application/octet-stream", "buffer": content},
    )
    # A click does not wait for the page to which it leads.
    with page.expect_navigation():
        page.locator('form[enctype="multipart/form-data"] button').click()
    return page


def partly_wrong() -> bytes:
    audits = [list(line) for line in AUDITS]
    audits[0][21] = "偶尔"
    return a_survey(PERMITS, audits)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_axe_finds_nothing_on_the_pages_of_an_import_and_a_phone_needs_no_scrolling(
    visiting: Visiting, lang: str
) -> None:
    visit = visiting.as_officer("market.operator", lang=lang, axe=True)
    visit.go("/publish/import")
    assert visit.inaccessible() == ""
    uploaded(visit, partly_wrong())
    assert visit.inaccessible() == ""
    visit.resize(PHONE)
    assert not visit.is_wider_than_its_window()
    assert visit.inaccessible() == ""


def test_a_survey_is_looked_at_and_taken_with_nothing_but_the_pages(visiting: Visiting) -> None:
    visit = visiting.as_officer("market.operator", scripts=False)
    page = uploaded(visit, partly_wrong())
    expect(page.locator("table#not-taken")).to_contain_text("更新周期")
    expect(page.locator("table#differences")).to_contain_text("307001/000101")
    page.get_by_role("button", name="接受为草稿").click()
    expect(page.locator("h1")).to_have_text("目录条目已导入")
    page.get_by_role("link", name="返回本部门条目").click()
    expect(page.locator("table#entries")).to_contain_text("食品经营许可信息")
    assert visit.complaints == []
