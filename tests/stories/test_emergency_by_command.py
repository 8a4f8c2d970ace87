"""Emergency access from the command line: two officers, each with key, password and one-time code."""

from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest

from catalogue.model import Resource
from exchange.clock import now
from exchange.demo import district
from exchange.demo.setup import SYSTEM
from tests.fakes.emergencies import ITEMS, licence, names
from tests.fakes.node import Standing
from tests.stories.test_command_line import Terminal

PASSWORD = "tea-horse-road-1726"


@pytest.fixture
def terminal(here: Standing) -> Terminal:
    return Terminal(here.node.settings.home)


def generator(here: Standing, terminal: Terminal, officer: str) -> pyotp.TOTP:
    told = terminal.told(
        "officer", "password", here.place.ids[officer], "--password", PASSWORD,
        officer="administrator",
    )  # fmt: skip
    return pyotp.TOTP(parse_qs(urlsplit(told["authenticator"]).query)["secret"][0])


def factors(made: pyotp.TOTP, *, steps: int = 0) -> tuple[str, ...]:
    return ("--password", PASSWORD, "--code", made.at(now(), counter_offset=steps))


def wanted(resource: Resource) -> list[str]:
    items = [part for name in names(resource, "entName", "status") for part in ("--item", name)]
    return [
        resource.code, district.DESIGNER, "--system", SYSTEM, "--matter", district.MATTER,
        "--reason", "工地坍塌，须即刻核实施工单位主体资格", "--minutes", "30", *items,
    ]  # fmt: skip


def offered(here: Standing, terminal: Terminal) -> Resource:
    """Announce the items; from now on only the terminal's process writes the home."""
    resource = licence(here)
    items = [part for name in names(resource, *ITEMS) for part in ("--item", name)]
    terminal.said("emergency", "offer", resource.code, *items, officer="market.head")
    return resource


def test_two_officers_open_and_end_an_access_at_the_terminal(
    here: Standing, terminal: Terminal
) -> None:
    resource = offered(here, terminal)
    first = generator(here, terminal, "hall.operator")
    second = generator(here, terminal, "hall.head")
    asked = terminal.told(
        "emergency", "ask", *wanted(resource), *factors(first), officer="hall.operator"
    )
    assert asked["state"] == "asked"
    alone = ("emergency", "confirm", asked["id"], *factors(first, steps=1))
    assert "SECOND_OFFICER" in terminal.refused(*alone, officer="hall.operator")
    opened = terminal.told(
        "emergency", "confirm", asked["id"], *factors(second), officer="hall.head"
    )
    assert opened["state"] == "open"
    assert opened["case"] == asked["id"]
    assert asked["id"] in terminal.said("emergency", "list", officer="market.head")
    ended = terminal.told("emergency", "end", asked["id"], officer="hall.head")
    assert ended["state"] == "ended"
    reviewed = terminal.told(
        "emergency", "review", asked["id"], "--verdict", "normal", officer="auditor"
    )
    assert reviewed["verdict"] == "normal"
    proved = terminal.told("audit", "search", "--kind", "factors.shown", officer="auditor")
    # The colleague who may not confirm their own access proved themself all the same.
    assert len(proved["entries"]) == 3


@pytest.mark.proves("X1")
def test_a_key_without_the_right_code_asks_for_nothing(here: Standing, terminal: Terminal) -> None:
    resource = offered(here, terminal)
    made = generator(here, terminal, "hall.operator")
    code = made.at(now())
    wrong = str((int(code) + 1) % 10**6).zfill(6)
    ask = ("emergency", "ask", *wanted(resource), "--password", PASSWORD, "--code")
    said = terminal.refused(*ask, wrong, officer="hall.operator")
    assert "SIGN_IN_REFUSED" in said
    assert PASSWORD not in said
    refused = terminal.told("audit", "search", "--kind", "session.refused", officer="auditor")
    assert len(refused["entries"]) == 1
    terminal.said(*ask, code, officer="hall.operator")
    # The code was used up with the act.
    assert "SIGN_IN_REFUSED" in terminal.refused(*ask, code, officer="hall.operator")
    listed = terminal.told("emergency", "list", officer="hall.operator")
    assert len(listed["accesses"]) == 1
