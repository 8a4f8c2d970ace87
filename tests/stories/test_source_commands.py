"""Sources and loads from the command line: what a department's officer types, and what is said."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from exchange.clock import now
from exchange.demo import district
from exchange.home import OFFICERS, write_private
from exchange.identity.keys import private_pem
from tests.fakes.descriptions import OPENAPI, SUBGRAPH
from tests.fakes.files import CODE, FILE, LINES, NAME
from tests.fakes.node import Standing, standing
from tests.stories.test_command_line import Terminal

KEY = "统一社会信用代码"
WHO = "publisher"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    with standing(tmp_path_factory.mktemp("commands") / "home") as found:
        write_private(
            found.node.settings.home / OFFICERS / f"{WHO}.pem",
            private_pem(found.place.keys["market.operator"]),
        )
        yield found


@pytest.fixture
def terminal(here: Standing) -> Terminal:
    return Terminal(here.node.settings.home)


def test_a_newer_file_is_looked_over_loaded_and_taken_back(
    here: Standing, terminal: Terminal, tmp_path: Path
) -> None:
    file = tmp_path / "permits.csv"
    file.write_bytes(FILE)
    options = ("--name", NAME, "--code", CODE, "--as-of", "2024-05-01", "--conditions", "许可部门")
    terminal.said(
        "resource", "register-file", str(file), "--key-column", KEY, *options, officer=WHO
    )
    changed = LINES[1].replace("云岫建设", "云岫建设集团")
    file.write_bytes("\n".join((LINES[0], changed, LINES[2], "")).encode())
    load = ("resource", "load", CODE, str(file), "--as-of", "2024-06-01")
    seen = terminal.said(*load, "--preview", officer=WHO)
    assert "changed: 1" in seen
    assert "rule breaks: none" in seen
    assert len(terminal.told("resource", "loads", CODE, officer=WHO)) == 1
    made = terminal.told(*load, officer=WHO)
    assert (made["changed"], made["removed"]) == (1, 0)
    current, before = terminal.told("resource", "loads", CODE, officer=WHO)
    assert (current["load"], current["state"], before["state"]) == (
        made["load"],
        "current",
        "before",
    )
    assert "earlier day" in terminal.refused(*load[:-1], "2024-01-01", "--accept", officer=WHO)
    terminal.said("resource", "restore-load", CODE, before["load"], officer=WHO)
    states = {
        one["load"]: one["state"] for one in terminal.told("resource", "loads", CODE, officer=WHO)
    }
    assert states == {made["load"]: "before", before["load"]: "current"}
    assert list((here.node.files / "uploads").iterdir()) == []
    assert "due: none" in terminal.said("resource", "due", officer=WHO)


def test_a_service_is_described_registered_and_held_against_its_entry(
    here: Standing, terminal: Terminal, tmp_path: Path
) -> None:
    file = tmp_path / "licences.json"
    file.write_text(json.dumps(OPENAPI), encoding="utf-8")
    where = (
        "--department",
        district.MARKET.code,
        "--address",
        f"http://127.0.0.1:{here.labour.port}",
    )
    add = ("source", "add", "licences", "--kind", "http", *where)
    assert "not" in terminal.refused(*add, "--description", __file__, officer=WHO)
    said = terminal.told(*add, "--description", str(file), officer=WHO)
    assert said["offers"] == terminal.told("source", "tables", "licences", officer=WHO)
    told = terminal.told(
        "resource",
        "register",
        "licences",
        "GET /search",
        "--code",
        "307/000090",
        "--ask-by",
        "credit",
        "--key-column",
        "/uscc",
        "--fixed",
        "version=2",
        "--absent",
        "404:/code=NONE",
        "--update-days",
        "30",
        "--conditions",
        "许可部门",
        officer=WHO,
    )
    reading = told["resource"]["reading"]
    assert (reading["query"], reading["absent"]["status"]) == ({"version": "2"}, 404)
    assert told["state"] == "draft"
    assert "STATUS:POINTER=VALUE" in terminal.refused(
        "resource", "register", "licences", "licence", "--code", "x", "--absent", "404", officer=WHO
    )
    assert "NAME=VALUE" in terminal.refused(
        "resource", "register", "licences", "licence", "--code", "x", "--fixed", "a", officer=WHO
    )
    terminal.said("source", "check", "licences", officer=WHO)
    lesser = json.loads(json.dumps(OPENAPI))
    del lesser["components"]["schemas"]["Licence"]["properties"]["name"]
    file.write_text(json.dumps(lesser), encoding="utf-8")
    described = terminal.told("source", "describe", "licences", str(file), officer=WHO)
    assert described["resources"][0]["items"] == ["name"]
    assert "307/000090" in terminal.refused("source", "check", "licences", officer=WHO)


def test_a_subgraph_is_registered_by_a_compound_key_and_what_needs_a_router_is_refused(
    here: Standing, terminal: Terminal, tmp_path: Path
) -> None:
    file = tmp_path / "subgraph.graphql"
    file.write_text(SUBGRAPH, encoding="utf-8")
    where = (
        "--department",
        district.MARKET.code,
        "--address",
        f"http://127.0.0.1:{here.labour.port}/g",
    )
    add = ("source", "add", "graph", "--kind", "graphql", *where, "--description", str(file))
    assert "Licence" in terminal.told(*add, officer=WHO)["offers"]
    register = ("resource", "register", "graph")
    told = terminal.told(
        *register,
        "Licence",
        "--code",
        "307/000091",
        "--ask-by",
        "org { code } number",
        "--dry-run",
        officer=WHO,
    )
    assert told["resource"]["reading"]["separator"] == "|"
    (key,) = [item for item in told["resource"]["items"] if item["key"]]
    assert key["column"] == "/org/code|/number"
    fee = (*register, "Fee", "--code", "307/000092", "--dry-run")
    assert "@requires" in terminal.refused(*fee, officer=WHO)
    terminal.said(*fee, "--omit", "/amount", officer=WHO)


def test_a_source_rests_and_resumes_and_the_key_is_shown(
    here: Standing, terminal: Terminal
) -> None:
    until = (now().astimezone() + timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M")
    terminal.said("source", "rest", "market", "--until", until, "--reason", "升级", officer=WHO)
    assert terminal.told("source", "show", "market", officer=WHO)["rests_until"] is not None
    terminal.said("source", "resume", "market", "--reason", "完成", officer=WHO)
    assert terminal.told("source", "show", "market", officer=WHO)["rests_until"] is None
    assert terminal.told("source", "key", officer=WHO) == here.node.upstream.jwk
