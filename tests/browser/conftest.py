"""A district that serves, and a browser that visits it as any of its officers."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from exchange.demo import district
from exchange.demo.setup import DEPOSIT, ask_for
from tests.browser.visiting import ARGUMENTS, Visiting
from tests.fakes.node import DEPARTMENTS, Standing, standing

WAITING = {
    "name": "market.archive",
    "department": district.MARKET.code,
    "kind": "http",
    "address": "https://data.example.org/resource",
    "state": "waiting",
}
"""A source as a catalogue that was taken over lists it: nobody has said yet how it is read."""


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's path; tests are skipped without one, unless it is required."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        if os.environ.get("EXCHANGE_REQUIRE_BROWSER") == "1":
            pytest.fail("EXCHANGE_REQUIRE_BROWSER=1, and there is no chromium")
        pytest.skip("no chromium here: apt-get install chromium")
    return found


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    """The demonstration's district with a day behind it: calls given and refused, a request to decide."""
    with standing(tmp_path_factory.mktemp("browser") / "home") as found:
        found.ask(DEPARTMENTS)
        found.ask(e=district.STRANGER)
        ask_for(found.place, DEPOSIT)
        found.act("authority", "source.import", rows=[WAITING])
        yield found


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    # Of the module: while playwright runs, no asynchronous test can, and those stand in other modules.
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        yield opened
        opened.close()


@pytest.fixture
def visiting(browser: Browser, place: Standing) -> Iterator[Visiting]:
    """Visits of one test: `visiting.as_officer("hall.operator").go("/catalogue")`."""
    visits = Visiting(browser, place)
    yield visits
    visits.end()
