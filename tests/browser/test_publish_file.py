"""A file is published from the portal alone: accessible, without scripts, on a phone, in both languages."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visiting import PHONE, Visit, Visiting
from tests.fakes.files import FILE
from tests.fakes.workbooks import Formula, a_workbook

PROBLEMS = a_workbook(
    [["编号", "名称", ""], ["00123", "甲", 1], [2, Formula("1+1", "2"), 3]], others=["说明"]
)


def uploaded(visit: Visit, content: bytes = FILE, *, called: str = "许可名单.csv") -> Page:
    """Upload a file on its page; returns the page that says what is seen in it."""
    page = visit.go("/publish/file")
    page.set_input_files(
        "#file", {"name": called, "mimeType": "application/octet-stream", "buffer": content}
    )
    # A click does not wait for the page to which it leads.
    with page.expect_navigation():
        page.locator('form[enctype="multipart/form-data"] button').click()
    return page


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_axe_finds_nothing_on_the_pages_of_a_file_and_a_phone_needs_no_scrolling(
    visiting: Visiting, lang: str
) -> None:
    visit = visiting.as_officer("market.operator", lang=lang, axe=True)
    visit.go("/publish/file")
    assert visit.inaccessible() == ""
    for content in (FILE, PROBLEMS):
        visit.resize(1280)
        uploaded(visit, content)
        assert visit.inaccessible() == ""
        visit.resize(PHONE)
        assert not visit.is_wider_than_its_window()
        assert visit.inaccessible() == ""
    visit.go("/publish/file")
    assert not visit.is_wider_than_its_window()
    assert visit.inaccessible() == ""


@pytest.mark.parametrize("scripts", [True, False])
def test_a_file_that_has_to_be_corrected_says_where(visiting: Visiting, *, scripts: bool) -> None:
    visit = visiting.as_officer("market.operator", scripts=scripts)
    page = uploaded(visit, PROBLEMS, called="名单.xlsx")
    found = page.locator("table#findings")
    expect(found).to_contain_text("列“C”，第 2、3 行")
    expect(found).to_contain_text("须更正")
    expect(page.get_by_role("button", name="保存并继续")).to_have_count(0)
    page.get_by_role("button", name="放弃上传").click()
    expect(page.get_by_text("上传的文件已删除")).to_be_visible()
    assert visit.complaints == []


@pytest.mark.proves("E2")
def test_a_file_becomes_a_draft_with_nothing_but_the_pages(visiting: Visiting) -> None:
    visit = visiting.as_officer("market.operator", scripts=False)
    page = visit.go("/publish/new")
    page.get_by_role("link", name=re.compile("改为上传文件")).click()
    page.set_input_files("#file", {"name": "许可.csv", "mimeType": "text/csv", "buffer": FILE})
    page.get_by_role("button", name="上传并查看").click()
    expect(page.get_by_text("GB18030").first).to_be_visible()
    expect(page.locator("table#rows")).to_contain_text("云岫建设")
    page.locator('input[name="key"]').first.check()
    page.get_by_role("button", name="重新识别").click()
    expect(page.locator('input[name="key"]').first).to_be_checked()
    page.get_by_label("数据表名称").fill("market.browser")
    page.get_by_label("数据截至").fill("2024-05-01")
    page.get_by_label("资源代码").fill("307/000079")
    page.get_by_role("button", name="保存并继续").click()
    page.get_by_label("名称", exact=True).first.fill("许可名单（文件）")
    page.get_by_label("共享条件").fill("行政许可办理部门")
    page.get_by_role("button", name="预览").click()
    expect(page.get_by_text("2024-05-01").first).to_be_visible()
    page.get_by_role("button", name="存为草稿").click()
    expect(page.get_by_text("已存为草稿")).to_be_visible()
    expect(page.get_by_text("数据截至").first).to_be_visible()
    assert visit.complaints == []
