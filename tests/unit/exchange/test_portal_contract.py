"""The page of a system's contract, and what the catalogue's page says that a revision breaks."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from exchange.demo.setup import SYSTEM
from tests.fakes.node import standing
from tests.unit.exchange.test_portal_rooms import Portal

pytestmark = pytest.mark.slow  # a served node; left to `make test`


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    with standing(tmp_path / "home") as served:
        yield Portal(standing=served)


def test_a_contract_is_shown_copied_and_downloaded_by_its_own_department(portal: Portal) -> None:
    place = f"/query/contracts/{SYSTEM}"
    sdl = str(portal.place.act("hall.operator", "contract.show", system=SYSTEM)["sdl"])
    for language, title in (("zh", "契约"), ("en", "Contract of")):
        with portal.browser("hall.operator", language) as browser:
            assert place in browser.get("/query", params={"system": SYSTEM}).text
            shown = browser.get(place)
            assert shown.status_code == 200
            assert title in shown.text
            assert "type BusinessLicence" in shown.text
            assert 'data-copy="sdl"' in shown.text
            file = browser.get(f"{place}/contract.graphql")
            assert file.text == sdl
            assert "contract.graphql" in file.headers["Content-Disposition"]
    with portal.browser("market.head") as browser:
        assert browser.get(place).status_code == 404
        assert browser.get(f"{place}/contract.graphql").status_code == 404
