"""Over HTTP, without a browser: signing in, forms that are not ours, and what every page carries."""

from collections.abc import Iterator
from html import unescape
from urllib.parse import parse_qs, urlsplit

import httpx
import pyotp
import pytest

from exchange.clock import now
from exchange.portal.session import COOKIE
from tests.fakes.node import Standing

NAUGHTY = (
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "{{ 7 * 7 }} {% raw %} ${7*7} %(count)s %s",
    "'; DROP TABLE resource; --",
    "云岫\u202e岫云\u200b\ufeff",
    "田\u0000中 𠮷野家 ﷽ 👩‍💻",
    "../../etc/passwd",
    "\u202etest\u202d",
)


@pytest.fixture
def browser_like(place: Standing) -> Iterator[httpx.Client]:
    """A client that sends forms as a browser does on this site, and follows nothing."""
    with httpx.Client(
        base_url=place.url, headers={"sec-fetch-site": "same-origin"}, trust_env=False
    ) as client:
        yield client


def a_link(place: Standing, officer: str = "hall.operator") -> str:
    node = place.node
    held = node.live.load().officers[place.place.ids[officer]]
    return f"/sign-in/{node.sign_in.offer_link(held, by=None)}"


def signed_in(place: Standing, client: httpx.Client, officer: str = "hall.operator") -> None:
    assert client.post(a_link(place, officer), data={"to": "/"}).status_code == 303


def token(client: httpx.Client, place: Standing) -> str:
    return place.node.sealer.token("portal-form", client.cookies[COOKIE])


def test_looking_at_a_link_does_not_use_it_up(place: Standing, browser_like: httpx.Client) -> None:
    link = a_link(place)
    for _ in range(3):
        assert browser_like.get(link).status_code == 200
        assert browser_like.head(link).status_code == 200
    sent = browser_like.post(link, data={"to": "/matters"})
    assert (sent.status_code, sent.headers["location"]) == (303, "/matters")


def test_a_link_serves_once(place: Standing, browser_like: httpx.Client) -> None:
    link = a_link(place)
    browser_like.post(link, data={"to": "/"})
    again = browser_like.post(link, data={"to": "/"})
    assert again.status_code == 403
    assert "set-cookie" not in again.headers


def test_another_site_cannot_use_a_link_up(place: Standing, browser_like: httpx.Client) -> None:
    link = a_link(place)
    sent = browser_like.post(link, data={"to": "/"}, headers={"sec-fetch-site": "cross-site"})
    assert sent.status_code == 403
    assert browser_like.post(link, data={"to": "/"}).status_code == 303


def test_a_link_leads_to_no_other_site(place: Standing, browser_like: httpx.Client) -> None:
    sent = browser_like.post(a_link(place), data={"to": "//elsewhere.example/"})
    assert sent.headers["location"] == "/"


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(
    place: Standing, browser_like: httpx.Client
) -> None:
    sent = browser_like.post(a_link(place), data={"to": "/"})
    said = {part.strip().lower() for part in sent.headers["set-cookie"].split(";")[1:]}
    assert {"httponly", "samesite=lax", "path=/"} <= said


@pytest.mark.parametrize("path", ["/", "/catalogue", "/catalogue/307/000001", "/matters"])
def test_nobody_reads_a_page_without_signing_in(browser_like: httpx.Client, path: str) -> None:
    sent = browser_like.get(path)
    assert sent.status_code == 303
    assert sent.headers["location"].startswith("/sign-in")
    browser_like.cookies.set(COOKIE, "made-up")
    assert browser_like.get(path).status_code == 303


def test_signing_out_ends_the_session_itself(place: Standing, browser_like: httpx.Client) -> None:
    signed_in(place, browser_like)
    secret = browser_like.cookies[COOKIE]
    before = place.node.log.size
    sent = browser_like.post("/sign-out", data={"csrf": token(browser_like, place)})
    assert sent.status_code == 303
    assert place.kinds(since=before) == ["session.ended"]
    browser_like.cookies.set(COOKIE, secret)
    assert browser_like.get("/matters").status_code == 303


@pytest.mark.parametrize("csrf", ["", "made-up", "é"])
def test_a_form_without_its_token_does_nothing(
    place: Standing, browser_like: httpx.Client, csrf: str
) -> None:
    signed_in(place, browser_like)
    assert browser_like.post("/sign-out", data={"csrf": csrf}).status_code == 403
    assert browser_like.get("/matters").status_code == 200


def test_a_token_of_another_session_does_nothing(
    place: Standing, browser_like: httpx.Client
) -> None:
    signed_in(place, browser_like)
    before = token(browser_like, place)
    signed_in(place, browser_like)
    assert browser_like.post("/sign-out", data={"csrf": before}).status_code == 403


def test_password_and_code_sign_in_and_a_wrong_one_names_no_culprit(
    place: Standing, browser_like: httpx.Client
) -> None:
    officer = place.place.ids["housing.operator"]
    said = place.act(
        "administrator", "officer.password", officer=officer, password="corréct horse 梁筑"
    )
    generator = pyotp.TOTP(parse_qs(urlsplit(said["authenticator"]).query)["secret"][0])
    form = {
        "department": place.node.live.load().officers[officer].department,
        "staff_number": "HOUSING-011",
        "password": "corréct horse 梁筑",
        "code": "000000",
        "to": "/matters",
    }
    wrong = [
        browser_like.post("/sign-in", data=form | change)
        for change in ({}, {"staff_number": "HOUSING-099"}, {"password": "another password"})
    ]
    assert [sent.status_code for sent in wrong] == [400, 400, 400]
    assert len({_summary(sent.text) for sent in wrong}) == 1
    assert "corréct" not in wrong[0].text
    sent = browser_like.post("/sign-in", data=form | {"code": generator.at(now())})
    assert (sent.status_code, sent.headers["location"]) == (303, "/matters")
    assert browser_like.get("/matters").status_code == 200


def test_only_the_administrator_sets_another_officers_password(place: Standing) -> None:
    officer = place.place.ids["market.head"]
    with pytest.raises(Exception, match="administrator"):
        place.act("hall.head", "officer.password", officer=officer, password="long enough for it")
    assert place.act(
        "market.head", "officer.password", officer=officer, password="long enough for it"
    )["authenticator"].startswith("otpauth://totp/")


def test_an_empty_form_names_each_field_on_top(browser_like: httpx.Client) -> None:
    sent = browser_like.post("/sign-in", data={"department": ""})
    assert sent.status_code == 400
    for field in ("department", "staff_number", "password", "code"):
        assert f'href="#{field}"' in sent.text
        assert f'id="{field}-error"' in sent.text


def test_every_page_carries_the_strict_policy(place: Standing, browser_like: httpx.Client) -> None:
    signed_in(place, browser_like)
    for path in ("/", "/catalogue", "/sign-in", "/catalogue/none"):
        said = browser_like.get(path).headers
        assert said["content-security-policy"].startswith("default-src 'self'; object-src 'none'")
        assert "unsafe" not in said["content-security-policy"]
        assert said["cache-control"] == "no-store"
        assert said["x-content-type-options"] == "nosniff"


def test_what_is_not_there_is_a_page_of_its_own(
    place: Standing, browser_like: httpx.Client
) -> None:
    signed_in(place, browser_like)
    for path in ("/catalogue/none", "/matters/none"):
        sent = browser_like.get(path)
        assert sent.status_code == 404
        assert "NOT_FOUND" in sent.text


@pytest.mark.proves("B3")
@pytest.mark.parametrize("words", NAUGHTY)
def test_a_search_says_back_what_was_typed_and_runs_none_of_it(
    place: Standing, browser_like: httpx.Client, words: str
) -> None:
    signed_in(place, browser_like)
    for path in ("/catalogue", "/matters"):
        sent = browser_like.get(path, params={"q": words, "page": words, "class": words})
        assert sent.status_code == 200
        shown = sent.text.split('type="search" value="', 1)[1].split('"', 1)[0]
        assert unescape(shown).replace("\ufffd", "\0") == words
        assert "<script>alert" not in sent.text
        assert "<img src=x" not in sent.text


def test_files_of_the_portal_are_kept_by_their_contents(browser_like: httpx.Client) -> None:
    sheet = browser_like.get("/sign-in").text.split('rel="stylesheet" href="', 1)[1]
    sent = browser_like.get(sheet.split('"', 1)[0])
    assert "immutable" in sent.headers["cache-control"]
    assert sent.headers["content-type"].startswith("text/css")
    assert browser_like.get("/static/portal.css").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path", ["/static/../app.py", "/static/licences/x", "/static/%2e%2e/app.py"]
)
def test_nothing_but_the_portals_files_is_served(browser_like: httpx.Client, path: str) -> None:
    assert browser_like.get(path).status_code == 404


def _summary(text: str) -> str:
    return text.split('class="govuk-error-summary"', 1)[1].split("</ul>", 1)[0]
