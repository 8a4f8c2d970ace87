"""An entry's life from the command line: what its department, its head and the authority type."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.node import Standing, standing
from tests.stories.test_command_line import Terminal

CODE = "307/000077"
OPERATOR, HEAD, AUTHORITY = "market.operator", "market.head", "authority"
METADATA = {
    "abstract": "云岫区企业登记信息",
    "openness": "conditional",
    "open_conditions": "登录后可查",
    "data_class": "organisation",
    "contact": {"unit": "登记注册科", "telephone": "0571-88880000"},
    "items": {
        "status": {
            "title_en": "Status",
            "length": 2,
            "code_list": "登记状态代码",
            "codes": [{"value": "存续", "title": "存续"}, {"value": "注销", "title": "注销"}],
        }
    },
}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    with standing(tmp_path_factory.mktemp("entry-commands") / "home") as found:
        yield found


@pytest.fixture
def terminal(here: Standing) -> Terminal:
    return Terminal(here.node.settings.home)


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    file = tmp_path / "审查表.pdf"
    file.write_bytes("通过".encode())
    return file


def register(terminal: Terminal, folder: Path, **changed: object) -> None:
    metadata = folder / "metadata.json"
    metadata.write_text(json.dumps(METADATA | changed), encoding="utf-8")
    said = ("--name", "企业登记信息", "--conditions", "行政许可办理部门")
    told = ("--keyword", "企业", "--keyword", "登记", "--method", "interface", "--method", "file")
    terminal.said(
        "resource", "register", "market", "business_licence", "--code", CODE, "--key-column", "uscc",
        *said, *told, "--update-cycle", "monthly", "--metadata", str(metadata), officer=OPERATOR,
    )  # fmt: skip


def examine(terminal: Terminal, paper: Path) -> list[str]:
    told: list[str] = []
    for kind in ("secrecy", "personal"):
        command = ("resource", "examine", CODE, "--kind", kind, "--conclusion", "clear")
        told = terminal.told(*command, "--file", str(paper), officer=OPERATOR)["missing"]
    return told


def test_an_entry_is_described_examined_given_back_and_announced(
    terminal: Terminal, tmp_path: Path, paper: Path
) -> None:
    register(terminal, tmp_path)
    shown = terminal.told("resource", "show", CODE, officer=OPERATOR)
    assert (shown["update_cycle"], shown["update_days"]) == ("monthly", 31)
    assert (shown["keywords"], shown["methods"]) == (["企业", "登记"], ["interface", "file"])
    assert shown["classification"] == ["3", "307"]
    assert shown["gaps"] == ["item_titles_en", "item_lengths"]
    (status,) = [item for item in shown["items"] if item["name"] == "status"]
    assert [code["value"] for code in status["codes"]] == ["存续", "注销"]
    refused = terminal.run("resource", "submit", CODE, officer=HEAD)
    assert refused.exit_code != 0
    assert "the check for secrets is missing" in refused.output
    assert examine(terminal, paper) == []
    terminal.said("resource", "submit", CODE, officer=HEAD)
    bad = terminal.run("resource", "return", CODE, "--reason", "unkind=x", officer=AUTHORITY)
    assert bad.exit_code != 0
    assert "CODE one of incomplete" in bad.output
    reasons = ("--reason", "incomplete=摘要过短", "--reason", "wrong:status=状态代码不全")
    assert terminal.told("resource", "return", CODE, *reasons, officer=AUTHORITY) == {
        "code": CODE,
        "state": "returned",
    }
    back = terminal.told("resource", "show", CODE, officer=OPERATOR)["returns"]
    assert [one["about"] for one in back[0]["reasons"]] == ["", "status"]
    register(terminal, tmp_path, abstract="云岫区企业登记信息，含登记状态")
    examine(terminal, paper)
    terminal.said("resource", "submit", CODE, officer=HEAD)
    terminal.said("resource", "announce", CODE, officer=AUTHORITY)


def test_a_withdrawal_shows_its_list_and_a_revision_is_compared_and_restored(
    terminal: Terminal, tmp_path: Path, paper: Path
) -> None:
    hit = terminal.told("resource", "impact", "307/000001", officer=HEAD)
    assert "建筑工程施工许可核发" in {one["name"] for one in hit["matters"]}
    assert len(hit["grants"]) == 1
    terminal.said("resource", "withdraw", CODE, "--yes", "--reason", "修订", officer=HEAD)
    register(terminal, tmp_path, abstract="第二版", openness="not-open", open_conditions="")
    changed = terminal.run("resource", "diff", CODE, "--json", officer=OPERATOR)
    assert changed.exit_code == 1
    told = {one["member"]: one for one in json.loads(changed.output)["changes"]}
    assert told["openness"]["words"] == {"zh": "社会开放属性", "en": "Open to the public"}
    assert (told["openness"]["was"], told["openness"]["becomes"]) == ("conditional", "not-open")
    assert "社会开放属性" in terminal.run("resource", "diff", CODE, officer=OPERATOR).output
    examine(terminal, paper)
    terminal.said("resource", "submit", CODE, officer=HEAD)
    terminal.said("resource", "announce", CODE, officer=AUTHORITY)
    rows = terminal.told("resource", "history", CODE, officer="hall.operator")["rows"]
    assert [(row["revision"], row["changes"] is None) for row in rows] == [(2, False), (1, True)]
    terminal.said("resource", "withdraw", CODE, "--yes", officer=HEAD)
    restored = terminal.told("resource", "restore", CODE, "1", officer=OPERATOR)
    assert (restored["revision"], restored["state"]) == (3, "draft")
    kinds = [row["kind"] for row in terminal.told("catalogue", "feed", officer="hall.operator")]
    assert kinds[:4] == ["withdrawn", "revised", "withdrawn", "announced"]


def test_what_is_held_above_and_what_collides_are_told(terminal: Terminal, paper: Path) -> None:
    code = "310/000077"
    command = ("resource", "register-upstream", code, "--name", "省级企业名录")
    told = (
        "--holder",
        "省市场监管局",
        "--way",
        "发函",
        "--item",
        "统一社会信用代码",
        "--item",
        "企业名称",
    )
    terminal.said(*command, *told, officer="housing.operator")
    check = ("resource", "examine", code, "--kind", "secrecy", "--conclusion", "clear")
    terminal.said(*check, "--file", str(paper), officer="housing.operator")
    terminal.said("resource", "submit", code, officer="housing.head")
    (one,) = terminal.told("resource", "collisions", officer=AUTHORITY)
    assert one["meaning"] == "enterprise/企业名称"
    refused = terminal.run("resource", "announce", code, officer=AUTHORITY)
    assert refused.exit_code != 0
    assert "ITEM_SOURCE_OPEN" in refused.output
    source = next(h["department"] for h in one["holders"] if h["resource"] == "307/000001")
    word = ("--department", source, "--reason", "登记机关")
    terminal.said("resource", "designate", one["meaning"], *word, officer=AUTHORITY)
    assert terminal.told("resource", "collisions", officer=AUTHORITY) == []
    terminal.said("resource", "announce", code, officer=AUTHORITY)
    sources = terminal.told("resource", "sources", officer="hall.operator")
    assert "enterprise/企业名称" in {row["meaning"] for row in sources}
