"""The same by hand: announced, asked for, confirmed and reviewed on the portal's pages, without scripts."""

import re
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

import httpx
import pyotp
import pytest

from exchange.client.session import Answer
from exchange.clock import now
from exchange.demo import district
from exchange.demo.setup import LICENCE, SYSTEM
from exchange.portal.session import COOKIE
from tests.fakes.emergencies import licence, names
from tests.fakes.node import Standing

PASSWORD = "a long word that nobody guesses"


class Browsing:
    """An officer's browser: a session, and forms sent with what their page carried."""

    def __init__(self, here: Standing, handle: str, *, two_factor: bool) -> None:
        node = here.node
        officers = node.live.load().officers
        officer = officers[here.place.ids[handle]]
        if two_factor:
            address = node.sign_in.set_password(officer, PASSWORD, by=officer)
            secret = parse_qs(urlsplit(address).query)["secret"][0]
            code = pyotp.TOTP(secret).at(now())
            opened = node.sign_in.enter(officer.id, password=PASSWORD, code=code, officers=officers)
        else:
            link = node.sign_in.offer_link(officer, by=None)
            opened = node.sign_in.redeem_link(link, officers=officers)
        self._origin = here.url
        self._cookies = {COOKIE: opened.secret}

    def go(self, path: str) -> str:
        with self._client() as client:
            return client.get(path).raise_for_status().text

    def fetch(self, path: str) -> bytes:
        """Return a file that a page offers."""
        with self._client() as client:
            return client.get(path).raise_for_status().content

    def send(
        self, page: str, fields: Mapping[str, str | list[str]], *, to: str = ""
    ) -> httpx.Response:
        """Send the form of a page, to its own address or another of it."""
        token = re.search(r'name="csrf" value="([^"]+)"', self.go(page))
        assert token is not None
        given = {**fields, "csrf": token[1]}
        with self._client() as client:
            return client.post(to or page, data=given, headers={"origin": self._origin})

    def upload(self, page: str, content: bytes, name: str, *, to: str) -> httpx.Response:
        """Send the one file of a page's form."""
        token = re.search(r'name="csrf" value="([^"]+)"', self.go(page))
        assert token is not None
        with self._client() as client:
            return client.post(
                to,
                data={"csrf": token[1]},
                files={"file": (name, content)},
                headers={"origin": self._origin},
            )

    def _client(self) -> httpx.Client:
        return httpx.Client(
            base_url=self._origin, trust_env=False, follow_redirects=True, cookies=self._cookies
        )


def offered(here: Standing) -> str:
    """Announce name and status on the page of the head; returns the page that asks."""
    address = f"/emergency/offer?resource={LICENCE}"
    items = list(names(licence(here), "entName", "status"))
    told = Browsing(here, "market.head", two_factor=False).send(address, {"items": items})
    assert told.url.path == "/emergency"
    return f"/emergency/new?resource={LICENCE}"


def form(here: Standing) -> dict[str, str | list[str]]:
    return {
        "identifier": district.DESIGNER,
        "items": list(names(licence(here), "entName")),
        "system": SYSTEM,
        "matter": district.MATTER,
        "purpose": "administrative-basis",
        "reason": "工地坍塌，须即刻核实施工单位主体资格",
        "minutes": "20",
    }


def look(here: Standing, case: str) -> Answer:
    document = "query($e: ID!) { enterprise(uscc: $e) { businessLicence { entName } } }"
    return here.ask(document, district.DESIGNER, case=case)


def test_four_people_take_an_access_from_announcement_to_review(here: Standing) -> None:
    page = offered(here)
    first = Browsing(here, "hall.operator", two_factor=True)
    asked = first.send(page, form(here))
    card = asked.url.path
    number = card.rsplit("/", 1)[1]
    assert "企业名称" in asked.text
    assert "/confirm" not in asked.text  # whoever asked is shown no button to confirm

    second = Browsing(here, "hall.head", two_factor=True)
    opened = second.send(card, {}, to=f"{card}/confirm")
    assert number in opened.text
    data = look(here, number).data
    assert data is not None
    assert data["enterprise"]["businessLicence"]["entName"]

    assert first.send(card, {}, to=f"{card}/end").status_code == 200
    auditor = Browsing(here, "auditor", two_factor=False)
    assert "2026" in auditor.go("/emergency")
    verdict = {"verdict": "explained", "finding": "值班记录在案"}
    told = auditor.send(card, verdict, to=f"{card}/review")
    assert "说明后正常" in told.text
    assert district.DESIGNER not in told.text


@pytest.mark.proves("X1")
def test_a_link_is_not_enough_and_the_page_says_so(here: Standing) -> None:
    page = offered(here)
    by_link = Browsing(here, "hall.operator", two_factor=False)
    assert "口令和动态验证码" in by_link.go(page)
    refused = by_link.send(page, form(here))
    assert refused.status_code == 400
    assert "EMERGENCY_TWO_FACTOR" in refused.text
    assert "工地坍塌" in refused.text  # nothing that was typed is lost


def test_what_is_wrong_with_a_form_is_said_on_it(here: Standing) -> None:
    page = offered(here)
    first = Browsing(here, "hall.operator", two_factor=True)
    refused = first.send(page, {**form(here), "minutes": "600"})
    assert refused.status_code == 400
    assert "INVALID" in refused.text
    refused = first.send(page, {**form(here), "identifier": "not a code"})
    assert refused.status_code == 400
    assert "CODE_INVALID" in refused.text
