"""An open register is published from the command line, listed over HTTP, and revised under warning."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from exchange.client.errors import RefusedError
from exchange.clock import now
from exchange.demo import district
from exchange.demo import setup as demo
from exchange.demo.setup import SYSTEM
from exchange.home import locked
from tests.fakes.files import CODE, NAME
from tests.fakes.files import register as register_file
from tests.fakes.node import Standing
from tests.stories.test_command_line import Terminal
from tests.unit.exchange.test_portal_rooms import Portal

FILE = (
    "\n".join(
        (
            "统一社会信用代码,企业名称,证书编号,状态",
            f"{district.APPLICANT},云岫建设,甲-003,存续",
            f"{district.DESIGNER},云岫设计,甲-001,存续",
            f"{district.STRANGER},远山贸易,甲-002,注销",
        )
    )
    + "\n"
).encode()
CERTIFICATE = {
    "type_code": "1120200",
    "type_name": "许可证",
    "roles": {"number": "zhengShuBianHao", "holderName": "qiYeMingCheng", "status": "zhuangTai"},
    "statuses": {"存续": "valid", "注销": "revoked"},
}


@pytest.fixture
def terminal(here: Standing) -> Iterator[Terminal]:
    home = here.node.settings.home
    # A served home is locked: commands go over the admin socket.
    with locked(home):
        yield Terminal(home)


def published(terminal: Terminal, here: Standing, *options: str) -> Any:
    """Register the file's table with these options and announce it; returns the draft."""
    told = register_file(here, FILE)
    command = ("resource", "register", NAME, str(told["table"]), "--code", CODE)
    stated = ("--name", "许可名单", *options)
    drafted = terminal.told(*command, *stated, officer="market.operator")["resource"]
    demo.examine(here.place, "market", CODE)
    terminal.said("resource", "submit", CODE, officer="market.head")
    terminal.said("resource", "announce", CODE, officer="authority")
    return drafted


def asked(here: Standing, drafted: Any) -> None:
    """The hall asks for everything; the law grants at once what is open."""
    names = [item["name"] for item in drafted["items"]]
    matched = [item["name"] for item in drafted["items"] if item["match"]]
    wanted = {
        "resource": CODE,
        "systems": [SYSTEM],
        "items": names,
        "match": matched,
        "matters": [district.MATTER],
        "purposes": ["administrative-basis"],
        "channels": ["query"],
        "legal_basis": "《建筑法》第八条",
        "scenario": "核验许可",
        "not_before": (now() - timedelta(minutes=1)).isoformat(),
        "not_after": (now() + timedelta(days=365)).isoformat(),
    }
    request = here.act("hall.operator", "request.create", wanted=wanted)
    here.act("hall.head", "request.sign", request=request["id"])


def test_an_open_register_is_listed_page_by_page_over_http(
    terminal: Terminal, here: Standing
) -> None:
    drafted = published(terminal, here, "--filter", "qiYeMingCheng", "--filter", "zhengShuBianHao")
    assert drafted["sharing_class"] == "unconditional"
    asked(here, drafted)
    field = "list" + drafted["type_name"]
    query = f"""query L($n: Int!, $after: String) {{
      {field}(first: $n, after: $after, orderBy: [zhengShuBianHao_ASC],
        where: {{qiYeMingCheng: {{prefix: "云岫"}}}})
      {{ nodes {{ qiYeMingCheng zhengShuBianHao }} pageInfo {{ hasNextPage endCursor }} }} }}"""
    seen: list[str] = []
    after: str | None = None
    for more in (True, False):
        answer = here.ask(query, variables={"n": 1, "after": after})
        assert (answer.state, answer.errors) == ("signed", ())
        page = (answer.data or {})[field]
        seen += [one["qiYeMingCheng"] for one in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        assert page["pageInfo"]["hasNextPage"] is more
        (step,) = here.entry(answer)["steps"]
        assert (step["resource"], step["outcome"], step["rows"]) == (CODE, "given", 1)
    assert seen == ["云岫设计", "云岫建设"]
    asked_before = len(here.sources.reads)
    with pytest.raises(RefusedError, match="CURSOR_INVALID"):
        here.ask(query, variables={"n": 1, "after": "x" + str(after)})
    assert len(here.sources.reads) == asked_before


def test_what_a_revision_breaks_is_said_at_the_terminal_and_on_its_page(
    terminal: Terminal, here: Standing
) -> None:
    drafted = published(terminal, here, "--filter", "qiYeMingCheng")
    asked(here, drafted)
    assert "nothing that was announced before breaks" in terminal.said(
        "resource", "check", CODE, officer="market.operator"
    )
    terminal.said("resource", "withdraw", CODE, "--yes", officer="market.head")
    revised = {**drafted, "listing": None}
    revised["items"] = [one for one in drafted["items"] if one["name"] != "zhuangTai"]
    here.act("market.operator", "resource.draft", resource=revised)
    result = terminal.run("resource", "check", CODE, "--json", officer="market.operator")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert {one["code"] for one in told["breaks"]} == {"FILTER_GONE", "ITEM_GONE"}
    (grant,) = told["grants"]
    assert grant["grant"]
    for language, title in (("zh", "本次修订影响的内容"), ("en", "What the revision breaks")):
        with Portal(standing=here).browser("market.operator", language) as browser:
            page = browser.get(f"/publish/entry/{CODE}").text
            assert title in page
            assert "状态" in page
            assert grant["grant"] in page


def test_a_certificate_is_mapped_from_its_file_and_one_that_maps_nothing_is_refused(
    terminal: Terminal, here: Standing, tmp_path: Path
) -> None:
    file = tmp_path / "certificate.json"
    file.write_text("{}", encoding="utf-8")
    told = register_file(here, FILE)
    command = ("resource", "register", NAME, str(told["table"]), "--code", CODE, "--certificate")
    assert "no mapping of a certificate" in terminal.refused(
        *command, str(file), officer="market.operator"
    )
    file.write_text(json.dumps(CERTIFICATE), encoding="utf-8")
    drafted = terminal.told(*command, str(file), officer="market.operator")["resource"]
    assert drafted["certificate"]["type_name"] == "许可证"
    assert drafted["validity"]["valid_words"] == ["存续"]
    demo.examine(here.place, "market", CODE)
    terminal.said("resource", "submit", CODE, officer="market.head")
    terminal.said("resource", "announce", CODE, officer="authority")
    asked(here, drafted)
    answer = here.ask(
        """query C($e: ID!) { certificates(holder: {scheme: USCC, code: $e}, typeCode: "1120200")
           { number holderName status } }"""
    )
    assert not answer.errors, answer.errors
    assert (answer.data or {})["certificates"] == [
        {"number": "甲-003", "holderName": "云岫建设", "status": "VALID"}
    ]
