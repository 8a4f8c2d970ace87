"""The catalogue's search by page, management API and command: alike, and shown as the log vouches for it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalogue.rows import RESOURCE
from exchange.acts.register import ActError
from tests.fakes.node import standing
from tests.unit.exchange.test_api import ask
from tests.unit.exchange.test_portal_rooms import Portal, send

pytestmark = pytest.mark.slow  # a served node; left to `make test`


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    with standing(tmp_path / "home") as served:
        yield Portal(standing=served)


def shown(text: str) -> list[str]:
    return re.findall(r'<h2><a class="govuk-link" href="/catalogue/([^"]+)"', text)


def test_page_api_and_act_find_the_same(portal: Portal) -> None:
    told = portal.place.act("hall.operator", "catalogue.search", words="營業執照")
    codes = [row["code"] for row in told["rows"]]
    assert codes
    with portal.browser("hall.operator") as browser:
        assert shown(browser.get("/catalogue?q=營業執照").text) == codes
    query = (
        'query { catalogueSearch(words: "營業執照") { rows { code sharingClass } total loose } }'
    )
    answer = ask(portal.standing, query, by="hall.operator").json()["data"]["catalogueSearch"]
    assert [row["code"] for row in answer["rows"]] == codes
    assert answer["total"] == told["total"]


def test_a_row_edited_past_the_program_is_not_shown_whatever_the_index_says(
    portal: Portal,
) -> None:
    told = portal.place.act("hall.operator", "catalogue.search", words="营业执照")
    code = told["rows"][0]["code"]
    portal.standing.raw_sql("UPDATE resource SET name = '别的名称' WHERE code = ?", code)
    again = portal.place.act("hall.operator", "catalogue.search", words="营业执照")
    assert code not in [row["code"] for row in again["rows"]]
    assert again["total"] == told["total"] - 1


def test_an_index_edited_past_the_program_shows_nobody_anothers_draft(portal: Portal) -> None:
    code = portal.place.act("hall.operator", "catalogue.search", words="营业执照")["rows"][0][
        "code"
    ]
    portal.place.act("market.head", "resource.withdraw", code=code)
    portal.standing.raw_sql("UPDATE resource_search SET state = 'announced' WHERE code = ?", code)
    told = portal.place.act("hall.operator", "catalogue.search", words="营业执照")
    assert code not in [row["code"] for row in told["rows"]]


def test_what_is_not_found_is_filed_as_a_demand_and_the_authority_sees_it(portal: Portal) -> None:
    nothing = "/catalogue?q=船员适任证书"
    with portal.browser("hall.operator") as browser:
        page = browser.get(nothing)
        assert "没有您要找的内容" in page.text
        refused = send(browser, nothing, "/catalogue/demand", words="船员适任证书", need=" ")
        assert refused.status_code == 400
        assert "请填写需要用来做什么" in refused.text
        filed = send(
            browser, nothing, "/catalogue/demand", words="船员适任证书", need="<b>核验</b>"
        )
        assert "需求已提交" in filed.text
        assert "&lt;b&gt;核验&lt;/b&gt;" in filed.text
    with portal.browser("authority", "en") as browser:
        listed = browser.get("/catalogue/demands")
        assert "船员适任证书" in listed.text
        assert "File a demand" not in browser.get(nothing).text
    with portal.browser("market.head") as browser:
        assert "船员适任证书" not in browser.get("/catalogue/demands").text
    assert "demand.filed" in portal.standing.kinds()


def test_a_draft_is_found_by_its_own_department_and_leads_to_its_entry(portal: Portal) -> None:
    rows = portal.place.act("market.head", "catalogue.search", words="营业执照")["rows"]
    code = rows[0]["code"]
    portal.place.act("market.head", "resource.withdraw", code=code)
    held = portal.place.node.held(RESOURCE)[code].resource
    portal.place.act("market.operator", "resource.draft", resource=held)
    with portal.browser("market.operator") as browser:
        page = browser.get("/catalogue?q=营业执照").text
        assert f'href="/publish/entry/{code}"' in page
        assert browser.get(f"/publish/entry/{code}").status_code == 200
    with portal.browser("hall.operator") as browser:
        assert code not in browser.get("/catalogue?q=营业执照").text


def test_a_slip_and_a_loose_answer_are_said_on_the_page(portal: Portal) -> None:
    with portal.browser("hall.operator", "en") as browser:
        assert "Shown instead" not in browser.get("/catalogue?q=licence").text
        assert (
            "No entry has licemce. Shown instead: licence"
            in browser.get("/catalogue?q=licemce").text
        )
        assert "these hold some of them" in browser.get("/catalogue?q=营业执照飞船").text


@pytest.mark.parametrize("given", [{"first": 0}, {"page": 0}, {"first": 1_001}, {"page": 300}])
def test_a_page_that_there_cannot_be_is_refused(portal: Portal, given: dict[str, int]) -> None:
    with pytest.raises(ActError):
        portal.place.act("hall.operator", "catalogue.search", words="执照", **given)


def test_the_index_is_there_again_after_a_restart(portal: Portal) -> None:
    before = portal.place.act("hall.operator", "catalogue.search", words="营业执照")
    portal.standing.raw_sql("DELETE FROM resource_search")
    portal.standing.raw_sql("DROP TABLE resource_fts")
    portal.standing.restart()
    assert portal.place.act("hall.operator", "catalogue.search", words="营业执照") == before
