"""The portal over a real district: an officer of a real department, 1,135 matters, both languages."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.visiting import PHONE, SCREEN, Visiting
from tests.fakes.node import Standing
from tests.stories.test_real_district import (
    FOLDER,
    HALL,
    MATTER,
    TABLES,
    RealDistrict,
    read,
    served,
)

PICTURES = Path(__file__).parents[2] / ".cache" / "screenshots" / "district"
"""Beside the other pictures and never kept: the directory is not ours to hand on."""
ON_A_PAGE = 50
PATHS = {
    "catalogue": "/catalogue",
    "matters": "/matters",
    "matter": f"/matters/{MATTER}",
    "requests": "/requests",
    "grants": "/grants",
    "query": "/query",
    "home": "/",
}

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(
        not FOLDER.is_dir(), reason=f"the real district's files are not in {FOLDER}"
    ),
]


class RealPlace(Standing):
    """The real district as visits need it: it serves already, under officers of its own."""

    def __init__(self, place: RealDistrict) -> None:
        self.place = place


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealDistrict]:
    folder = tmp_path_factory.mktemp("district")
    with served(folder / "home") as place:
        place.act(
            "administrator",
            "system.add",
            id="hall.permit",
            department=place.codes[HALL],
            name="工程建设审批系统",
        )
        for number, short in enumerate(TABLES, 1):
            place.announce(short, f"511602/{number:06d}", folder=folder)
        yield place


@pytest.fixture
def visits(browser: Browser, district: RealDistrict) -> Iterator[Visiting]:
    opened = Visiting(browser, RealPlace(district))
    yield opened
    opened.end()


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("name", PATHS)
def test_a_page_of_the_real_district_is_accessible_and_fits_a_phone(
    visits: Visiting, name: str, lang: str
) -> None:
    visit = visits.as_officer("hall.operator", lang=lang, axe=True)
    page = visit.go(PATHS[name])
    assert page.locator("h1").count() == 1
    assert visit.inaccessible() == ""
    _picture(page, f"{name}-{lang}-{SCREEN}")
    visit.resize(PHONE)
    assert not visit.is_wider_than_its_window()
    _picture(page, f"{name}-{lang}-{PHONE}")
    assert visit.complaints == []


def test_every_matter_is_on_one_of_the_pages(visits: Visiting) -> None:
    page = visits.as_officer("hall.operator", scripts=False).go("/matters")
    expect(page.get_by_role("status")).to_contain_text("1,135")
    names: list[str] = []
    while True:
        names += page.locator("table#matters tbody .x-mono").all_inner_texts()
        following = page.locator('a[rel="next"]')
        if following.count() == 0:
            break
        with page.expect_navigation():
            following.click()
    assert sorted(names) == sorted(matter.code for matter in read()[1])
    assert len(names) == len(set(names))


def test_matters_are_searched_and_narrowed_to_a_department(visits: Visiting) -> None:
    matters = read()[1]
    (permit,) = [matter for matter in matters if matter.code == MATTER]
    page = visits.as_officer("hall.operator", scripts=False).go("/matters")
    page.get_by_label("部门").select_option(permit.department)
    with page.expect_navigation():
        page.get_by_role("button", name="筛选").click()
    mine = [matter for matter in matters if matter.department == permit.department]
    expect(page.get_by_role("status")).to_contain_text(f"{len(mine):,}")
    page.get_by_role("searchbox").fill("施工许可")
    with page.expect_navigation():
        page.get_by_role("button", name="搜索").click()
    found = [matter.code for matter in mine if "施工许可" in matter.name]
    shown = page.locator("table#matters tbody .x-mono").all_inner_texts()
    assert sorted(shown) == sorted(found)[:ON_A_PAGE]


def test_a_real_departments_officer_finds_requests_and_puts_a_query_together(
    visits: Visiting,
) -> None:
    page = visits.as_officer("hall.operator", scripts=False).go("/requests")
    expect(page.locator("table#requests tbody tr")).to_have_count(len(TABLES))
    expect(page.get_by_text("区市监局").first).to_be_attached()
    page.goto(f"{visits.place.url}/query?system=hall.permit")
    assert page.locator("fieldset.x-item-card").count() == len(TABLES)
    page.locator('input[name="tick"]').first.check()
    with page.expect_navigation():
        page.get_by_role("button", name="生成查询").click()
    expect(page.locator("#composed")).to_be_visible()


def _picture(page: Page, name: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png", full_page=True)
