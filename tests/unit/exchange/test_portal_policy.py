"""The room of policy approvers: what decides, what waits, how it differs, and two buttons that ask first."""

import html
import re
from base64 import b64encode
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from catalogue.rows import OFFICER
from exchange.clock import now
from exchange.demo import district
from exchange.portal.render import COOKIE as LANGUAGE_COOKIE
from exchange.portal.session import COOKIE
from tests.fakes.bundles import a_release, closing, signed
from tests.fakes.node import Standing, standing

pytestmark = pytest.mark.slow  # a served node; left to `make test`


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Standing]:
    with standing(tmp_path / "home") as served:
        yield served


def browser(place: Standing, officer: str, language: str = "zh") -> httpx.Client:
    node = place.node
    officers = node.held(OFFICER)
    link = node.sign_in.offer_link(officers[place.place.ids[officer]], by=None)
    secret = node.sign_in.redeem_link(link, officers=officers).secret
    return httpx.Client(
        base_url=place.url,
        cookies={COOKIE: secret, LANGUAGE_COOKIE: language},
        headers={"sec-fetch-site": "same-origin"},
        follow_redirects=True,
        trust_env=False,
    )


def text_of(visitor: httpx.Client, path: str) -> str:
    answer = visitor.get(path)
    assert answer.status_code == 200, path
    return html.unescape(answer.text)


def send(visitor: httpx.Client, path: str, **fields: str) -> httpx.Response:
    """Confirm on the page that asks first."""
    found = re.search(r'name="csrf" value="([^"]+)"', visitor.get(path).text)
    assert found is not None, path
    return visitor.post(path, data={"csrf": found[1], **fields})


def proposed(place: Standing, serial: int = 1) -> str:
    expires = int((now() + timedelta(days=90)).timestamp())
    bundle = a_release(serial, expires=expires, departments=closing(district.MARKET.code))
    archive = b64encode(signed(bundle)).decode()
    return str(place.act("approver", "policy.propose", archive=archive)["digest"])


def test_before_the_first_bundle_the_room_says_so_in_both_languages(place: Standing) -> None:
    with browser(place, "approver") as visitor:
        assert "随本程序提供并自动续期" in text_of(visitor, "/policy")
        assert "没有待复核的策略包" in text_of(visitor, "/policy")
    with browser(place, "auditor", "en") as visitor:
        assert "Shipped with this program" in text_of(visitor, "/policy")
        assert "No bundle waits" in text_of(visitor, "/policy")


def test_a_second_approver_reads_what_differs_confirms_and_it_is_in_force(place: Standing) -> None:
    digest = proposed(place)
    with browser(place, "approver.second", "en") as visitor:
        assert "Bundle 1" in text_of(visitor, "/policy")
        shown = text_of(visitor, f"/policy/{digest}")
        assert "MARKET_CLOSED" in shown
        assert f"departments/{district.MARKET.code}/rules.rego" in shown
        assert 'method="post"' not in re.split("<main", shown)[1]
        said = html.unescape(send(visitor, f"/policy/{digest}/activate").text)
    entry = place.node.log.size - 1
    assert "Bundle 1 is in force" in said
    assert place.act("auditor", "policy.show")["decides"]["digest"] == digest
    assert place.act("auditor", "policy.show")["in_force"]["activation"] <= entry


def test_who_proposed_it_is_told_to_wait_for_another(place: Standing) -> None:
    digest = proposed(place)
    with browser(place, "approver", "en") as visitor:
        shown = text_of(visitor, f"/policy/{digest}")
        assert "another approver puts it in force" in shown
        assert f"/policy/{digest}/activate" not in shown
        refused = send(visitor, f"/policy/{digest}/activate")
        assert refused.status_code == 400
        assert "SECOND_OFFICER" in refused.text
    assert place.act("auditor", "policy.show")["decides"]["packaged"]


def test_a_proposal_is_withdrawn_with_a_reason_that_stays_sealed(place: Standing) -> None:
    digest = proposed(place)
    with browser(place, "approver.second", "en") as visitor:
        said = send(visitor, f"/policy/{digest}/withdraw", reason="张三的意见")
        assert "The proposal was withdrawn" in said.text
        assert "Withdrawn by" in text_of(visitor, f"/policy/{digest}")
    assert "张三".encode() not in place.node.log.entry(place.node.log.size - 1)


def test_an_auditor_reads_and_has_no_button(place: Standing) -> None:
    digest = proposed(place)
    with browser(place, "auditor", "en") as visitor:
        shown = text_of(visitor, f"/policy/{digest}")
        assert "MARKET_CLOSED" in shown
        assert f"/policy/{digest}/activate" not in shown
        assert "<form" not in re.split("<main", text_of(visitor, f"/policy/{digest}/activate"))[1]


def test_a_department_has_no_such_room(place: Standing) -> None:
    with browser(place, "market.operator") as visitor:
        assert 'href="/policy"' not in visitor.get("/").text
        assert "ROLE_MISSING" in visitor.get("/policy").text


@pytest.mark.parametrize("path", ["0" * 64, "nothing", f"{'0' * 64}/abolish"])
def test_a_bundle_or_an_act_that_is_not_there_is_told_as_such(place: Standing, path: str) -> None:
    with browser(place, "approver") as visitor:
        assert visitor.get(f"/policy/{path}").status_code in {404, 409}
