"""The pages of trusted documents and of the test zone, in both languages."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from catalogue.model import SubjectType
from exchange.testzone.synthetic import Magic, subject
from tests.fakes.node import LICENCE, standing
from tests.unit.exchange.test_portal_rooms import Portal

pytestmark = pytest.mark.slow  # a served node; left to `make test`


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    with standing(tmp_path / "home") as served:
        yield Portal(standing=served)


def test_documents_are_listed_and_shown_to_who_registers_and_who_grants(portal: Portal) -> None:
    with portal.browser("hall.operator") as browser:
        assert "尚无已登记的文档" in browser.get("/documents").text
    told = portal.place.act(
        "hall.operator", "document.register", text=LICENCE, name="<b>营业执照</b>查询"
    )
    for officer, language, title in (
        ("hall.operator", "zh", "已登记查询文档"),
        ("market.head", "en", "Trusted documents"),
    ):
        with portal.browser(officer, language) as browser:
            listed = browser.get("/documents")
            assert title in listed.text
            assert "&lt;b&gt;营业执照&lt;/b&gt;查询" in listed.text
            shown = browser.get(f"/documents/{told['digest']}")
            assert told["digest"] in shown.text
            assert "enterprise(uscc: $e)" in shown.text
            assert browser.get(f"/documents/{'0' * 64}").status_code == 404


def test_the_page_of_the_test_zone_names_its_address_and_each_subject(portal: Portal) -> None:
    for language, title in (("zh", "测试区"), ("en", "Test zone")):
        with portal.browser("hall.operator", language) as browser:
            page = browser.get("/testzone")
            assert page.status_code == 200
            assert title in page.text
            assert f"{portal.standing.url}/test/graphql" in page.text
            for magic in Magic:
                assert subject(SubjectType.PERSON, magic) in page.text
