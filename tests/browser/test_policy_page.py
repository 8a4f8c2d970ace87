"""The room of policy approvers in a browser: readable by all, with and without scripts."""

import re
from base64 import b64encode
from collections.abc import Callable
from datetime import timedelta

import pytest

from exchange.clock import now
from exchange.demo import district
from tests.browser.visiting import PHONE, Visiting
from tests.fakes.bundles import a_release, closing, signed
from tests.fakes.node import Standing

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def digest(place: Standing) -> str:
    """A bundle that waits; it stays waiting, so that the district goes on as it is."""
    expires = int((now() + timedelta(days=90)).timestamp())
    bundle = a_release(1, expires=expires, departments=closing(district.MARKET.code))
    archive = b64encode(signed(bundle)).decode()
    return str(place.act("approver", "policy.propose", archive=archive)["digest"])


Address = Callable[[str], str]
PAGES: tuple[tuple[str, str, Address], ...] = (
    ("overview", "approver", lambda _: "/policy"),
    ("auditor", "auditor", lambda _: "/policy"),
    ("bundle", "approver.second", lambda digest: f"/policy/{digest}"),
    ("activate", "approver.second", lambda digest: f"/policy/{digest}/activate"),
    ("withdraw", "approver", lambda digest: f"/policy/{digest}/withdraw"),
)
CASES = [pytest.param(officer, at, id=name) for name, officer, at in PAGES]


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize(("officer", "at"), CASES)
def test_axe_finds_nothing_and_a_phone_needs_no_scrolling(
    visiting: Visiting, digest: str, officer: str, at: Address, lang: str
) -> None:
    visit = visiting.as_officer(officer, lang=lang, axe=True)
    visit.go(at(digest))
    assert visit.inaccessible() == ""
    visit.resize(PHONE)
    assert not visit.is_wider_than_its_window()
    assert visit.inaccessible() == ""


@pytest.mark.parametrize(("officer", "at"), CASES)
def test_each_page_reads_the_same_without_scripts_and_none_complains(
    visiting: Visiting, digest: str, officer: str, at: Address
) -> None:
    visit = visiting.as_officer(officer)
    with_scripts = visit.go(at(digest)).inner_text("main")
    without = visiting.as_officer(officer, scripts=False).go(at(digest)).inner_text("main")
    assert re.sub(r"\s+", " ", without) == re.sub(r"\s+", " ", with_scripts)
    assert visit.complaints == []


def test_the_way_to_the_confirmation_is_walked_without_scripts(
    visiting: Visiting, digest: str
) -> None:
    visit = visiting.as_officer("approver.second", lang="en", scripts=False)
    page = visit.go("/")
    with page.expect_navigation():
        page.get_by_role("link", name="Policy", exact=True).first.click()
    with page.expect_navigation():
        page.get_by_role("link", name="Bundle 1").click()
    with page.expect_navigation():
        page.get_by_role("button", name="Put in force …").or_(
            page.get_by_role("link", name="Put in force …")
        ).click()
    assert page.url.endswith(f"/policy/{digest}/activate")
    assert page.get_by_role("heading", name="Put this bundle in force?").is_visible()
