"""The auditors' rooms in a browser: the proof is checked there, and the pages read without scripts."""

import re
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from playwright.sync_api import Page, Route, expect

from audit.note import Signer
from exchange.demo.setup import CASE
from tests.browser.visiting import PHONE, Visiting
from tests.fakes.node import DEPARTMENTS, Standing

PATHS = (
    "/audit",
    "/audit?decision=refused",
    "/audit?kind=no-such-kind",
    "/audit/cases",
    f"/audit/cases?number={CASE}",
    "/audit/cases?number=nobody-has-this",
    "/audit/entries/{call}",
    "/audit/entries/0",
    "/receipts/{call}?format=html",
)
NO_ED25519 = """
const asked = SubtleCrypto.prototype.importKey;
SubtleCrypto.prototype.importKey = function (form, key, algorithm, ...rest) {
  const name = algorithm.name ?? algorithm;
  if (name === "Ed25519") {
    return Promise.reject(new DOMException("not here", "NotSupportedError"));
  }
  return asked.call(this, form, key, algorithm, ...rest);
};
"""


@pytest.fixture(scope="module")
def call(place: Standing) -> int:
    """The index of a call with several departments."""
    return int(place.ask(DEPARTMENTS).entry["index"])


def changed(pattern: str, substitute: str) -> Callable[[Route], None]:
    """Put something else into the page on its way, as whoever serves it could."""

    def put(route: Route) -> None:
        answer = route.fetch()
        text = answer.text()
        body = re.sub(pattern, substitute, text, count=1, flags=re.DOTALL)
        assert body != text
        route.fulfill(response=answer, body=body)

    return put


def verdict(page: Page) -> str:
    """Wait until the page's script has said something, and return it."""
    section = page.locator("[data-proof]")
    expect(section).to_have_attribute("data-checked", re.compile("."))
    return str(section.get_attribute("data-checked"))


@pytest.mark.proves("E6")
def test_from_a_case_number_to_a_proof_checked_in_the_browser_in_three_clicks(
    visiting: Visiting, call: int
) -> None:
    visit = visiting.as_officer("auditor")
    page = visit.go("/audit")
    page.get_by_role("searchbox").fill(CASE)
    page.get_by_role("button", name="查找").click()
    page.get_by_role("link", name=f"条目 {call} 及其证明").click()
    assert verdict(page) == "HOLDS"
    assert page.locator("[data-proof-inclusion]").inner_text() == "本机已验证：两者一致"
    assert visit.complaints == []


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_an_asked_department_proves_the_entry_from_its_hash_and_is_told_what_that_means(
    visiting: Visiting, call: int, lang: str
) -> None:
    visit = visiting.as_officer("market.operator", lang=lang, axe=True)
    page = visit.go(f"/audit/entries/{call}")
    assert verdict(page) == "HOLDS"
    said = page.locator("#proof").inner_text()
    for words in {
        "zh": (
            "具有该哈希值的条目在已签名的日志之中",
            "只有能看到完整条目的查询部门和审计人员才能核对",
        ),
        "en": (
            "an entry with this hash stands in the signed log",
            "only by those who see it whole",
        ),
    }[lang]:
        assert words in said
    assert page.locator("section.x-card").count() == 1
    assert page.locator("[data-proof-entry]").count() == 0
    assert visit.inaccessible() == ""
    visit.resize(PHONE)
    assert not visit.is_wider_than_its_window()


def test_a_hash_that_was_changed_on_its_way_is_found_out(visiting: Visiting, call: int) -> None:
    visit = visiting.as_officer("market.operator")
    visit.page.route(
        "**/audit/entries/*", changed(r'data-leaf="[^"]+"', f'data-leaf="{"A" * 43}="')
    )
    page = visit.go(f"/audit/entries/{call}")
    assert verdict(page) == "DOES_NOT_HOLD"


def test_an_entry_that_was_changed_on_its_way_is_found_out(visiting: Visiting, call: int) -> None:
    visit = visiting.as_officer("auditor")
    visit.page.route("**/audit/entries/*", changed(r"(data-proof-entry>.*?)gw1", r"\1gw2"))
    page = visit.go(f"/audit/entries/{call}")
    assert verdict(page) == "DOES_NOT_HOLD"
    assert page.locator("[data-proof-inclusion]").inner_text() == "本机已验证：两者不一致"


def test_a_checkpoint_that_was_changed_on_its_way_is_found_out(
    visiting: Visiting, call: int
) -> None:
    visit = visiting.as_officer("auditor")
    root = r"(data-proof-checkpoint>[^\n]+\n[0-9]+\n)[A-Za-z0-9+/]{43}="
    visit.page.route("**/audit/entries/*", changed(root, rf"\g<1>{'A' * 43}="))
    page = visit.go(f"/audit/entries/{call}")
    assert verdict(page) == "DOES_NOT_HOLD"
    assert page.locator("[data-proof-signature]").inner_text() == "本机已验证：签名不成立"


def test_the_key_that_the_auditor_holds_decides_and_not_the_servers(
    visiting: Visiting, call: int, place: Standing
) -> None:
    page = visiting.as_officer("auditor").go(f"/audit/entries/{call}")
    assert verdict(page) == "HOLDS"
    other = Signer(place.node.settings.origin, Ed25519PrivateKey.generate()).vkey
    again = page.get_by_role("button", name="重新验证")
    for key, said in ((other, "DOES_NOT_HOLD"), (place.node.vkey, "HOLDS"), ("x", "DOES_NOT_HOLD")):
        page.get_by_label("日志公钥").fill(key)
        again.click()
        expect(page.locator("[data-proof]")).to_have_attribute("data-checked", said)


def test_a_browser_without_ed25519_says_so_and_does_not_say_yes(
    visiting: Visiting, call: int
) -> None:
    visit = visiting.as_officer("auditor", lang="en")
    visit.page.add_init_script(NO_ED25519)
    page = visit.go(f"/audit/entries/{call}")
    assert verdict(page) == "HOLDS_UNSIGNED"
    assert "no Ed25519" in page.locator("[data-proof-signature]").inner_text()
    assert "cannot check the signature" in page.locator("[data-proof-verdict]").inner_text()


def test_a_browser_that_computes_no_hashes_leaves_the_servers_steps_and_says_so(
    visiting: Visiting, call: int
) -> None:
    visit = visiting.as_officer("auditor")
    visit.page.add_init_script(
        "Object.defineProperty(Crypto.prototype, 'subtle', { value: undefined });"
    )
    page = visit.go(f"/audit/entries/{call}")
    assert verdict(page) == "NO_WEBCRYPTO"
    assert page.get_by_text("以下各步由服务器计算").is_visible()
    assert visit.complaints == []


def test_without_scripts_the_steps_are_shown_and_marked_as_the_servers(
    visiting: Visiting, call: int
) -> None:
    page = visiting.as_officer("auditor", scripts=False).go(f"/audit/entries/{call}")
    assert "尚未在本浏览器中验证" in page.locator("[data-proof-verdict]").inner_text()
    assert page.get_by_text("以下各步由服务器计算").is_visible()
    assert not page.get_by_text("以下各步由本浏览器").is_visible()
    assert not page.get_by_role("button", name="重新验证").is_visible()
    assert page.locator("[data-proof-rung]").count() > 3
    assert page.get_by_role("link", name="下载证明文件（.tlog-proof）").is_visible()


def test_without_scripts_the_box_leads_to_the_case(visiting: Visiting) -> None:
    page = visiting.as_officer("auditor", scripts=False).go("/audit")
    page.get_by_role("searchbox").fill(CASE)
    with page.expect_navigation():
        page.get_by_role("button", name="查找").click()
    assert page.get_by_role("heading", level=1).inner_text() == f"办件 {CASE} 的日志"


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("path", PATHS)
def test_every_page_is_accessible_fits_a_phone_and_keeps_its_policy(
    visiting: Visiting, call: int, path: str, lang: str
) -> None:
    where = path.format(call=call)
    strict = visiting.as_officer("auditor", lang=lang)
    strict.go(where)
    assert strict.complaints == []
    strict.resize(PHONE)
    assert not strict.is_wider_than_its_window()
    examined = visiting.as_officer("auditor", lang=lang, axe=True)
    examined.go(where)
    assert examined.inaccessible() == ""


def test_a_receipt_for_the_file_is_one_sheet_of_paper(visiting: Visiting, call: int) -> None:
    page = visiting.as_officer("hall.operator").go(f"/receipts/{call}?format=html")
    printed = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1
