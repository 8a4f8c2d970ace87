"""A node set up and looked at from the command line, alone and while a process serves it."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from exchange.cli.main import NOUNS, main
from exchange.demo import district
from exchange.identity.keys import private_pem
from tests.fakes.node import Standing

HALL, MARKET = district.HALL, district.MARKET


class Terminal:
    """Runs commands on one home, as somebody at a terminal does."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def run(self, *arguments: str, officer: str | None = None) -> Result:
        acting = ["--as", officer] if officer else []
        told = {"EXCHANGE_HOME": str(self.home)}
        return CliRunner().invoke(main, [*arguments, *acting], env=told)

    def said(self, *arguments: str, officer: str | None = None) -> str:
        """What a command printed; it has to come out well."""
        result = self.run(*arguments, officer=officer)
        assert result.exit_code == 0, result.output
        return str(result.stdout)

    def told(self, *arguments: str, officer: str | None = None) -> Any:
        """What a command prints with --json."""
        return json.loads(self.said(*arguments, "--json", officer=officer))

    def refused(self, *arguments: str, officer: str | None = None) -> str:
        """What a command says when the answer is no."""
        result = self.run(*arguments, officer=officer)
        assert result.exit_code != 0
        assert "Traceback" not in result.output
        return str(result.output)


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A terminal at a home that was just made."""
    found = Terminal(tmp_path / "home")
    found.said(
        "init",
        "--department-code",
        HALL.code,
        "--department-name",
        HALL.name,
        "--staff-number",
        "HALL-000",
        "--name",
        "顾行之",
    )
    return found


def written(path: Path, *lines: str) -> str:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def licences(path: Path) -> str:
    with sqlite3.connect(path) as connection:
        connection.execute(
            "CREATE TABLE business_licence (uscc TEXT PRIMARY KEY, ent_name TEXT, phone TEXT)"
        )
    connection.close()
    return f"sqlite:///{path}"


def enrol(terminal: Terminal, folder: Path) -> Mapping[str, str]:
    """Import departments and officers from CSV files and make every officer's key; returns ids."""
    departments = written(
        folder / "departments.csv",
        "code,name,name_en,level,region,superior",
        f"{HALL.code},{HALL.name},,county,990106,",
        f"{MARKET.code},{MARKET.name},,county,990106,",
    )
    terminal.said("department", "import", departments, officer="administrator")
    officers = written(
        folder / "officers.csv",
        "department,staff_number,name,post,roles,clearance",
        f"{HALL.code},HALL-009,沈知微,,authority,2",
        f"{HALL.code},HALL-010,严察,,auditor,2",
        f"{MARKET.code},M-011,程以安,,operator,2",
        f"{MARKET.code},M-001,秦正衡,,head,2",
    )
    terminal.said("officer", "import", officers, officer="administrator")
    ids = {
        row["staff_number"]: row["id"]
        for row in terminal.told("officer", "list", officer="administrator")
    }
    for staff_number, name in (
        ("HALL-009", "authority"),
        ("HALL-010", "auditor"),
        ("M-011", "market.operator"),
        ("M-001", "market.head"),
    ):
        made = ("officer", "key", ids[staff_number], "--name", name)
        assert Path(terminal.told(*made, officer="administrator")["file"]).exists()
    return ids


def test_a_node_is_set_up_and_asked_from_the_command_line_alone(
    terminal: Terminal, tmp_path: Path
) -> None:
    assert (terminal.home / "log.vkey").exists()
    assert (terminal.home.stat().st_mode & 0o777) == 0o700
    enrol(terminal, tmp_path)
    matters = written(
        tmp_path / "matters.csv", "code,name,department", f"SG-1,施工许可,{HALL.code}"
    )
    assert terminal.told("matter", "import", matters, officer="authority")["added"] == ["SG-1"]
    assert terminal.told("matter", "import", matters, officer="authority")["unchanged"] == ["SG-1"]
    assert "施工许可" in terminal.said("matter", "list", officer="authority")

    added = terminal.told(
        "source",
        "add",
        "market",
        "--department",
        MARKET.code,
        "--address",
        licences(tmp_path / "market.db"),
        officer="market.head",
    )
    assert added == {"name": "market", "tested": True, "can_write": [], "offers": []}
    assert "market" in terminal.said("source", "list", officer="market.head")

    register = ("resource", "register", "market", "business_licence", "--code", "307/000001")
    shown = terminal.said(*register, "--dry-run", officer="market.operator")
    assert "nothing was drafted" in shown
    assert "entName" in shown
    suggested = terminal.told(*register, "--dry-run", officer="market.operator")["resource"]
    assert [item["name"] for item in suggested["items"] if item["key"]] == ["uscc"]
    assert terminal.told("resource", "list", officer="market.operator")["rows"] == []
    stated = ("--name", "营业执照", "--conditions", "行政许可办理部门")
    drafted = terminal.told(*register, *stated, officer="market.operator")
    assert drafted["state"] == "draft"

    searched = terminal.told("audit", "search", "--kind", "resource.drafted", officer="auditor")
    assert [row["resource"] for row in searched["entries"]] == ["307/000001"]
    assert "resource.drafted" in terminal.said("audit", "search", officer="auditor")
    assert terminal.told("audit", "verify", "--log", officer="auditor")["holds"] is True
    assert "holds" in terminal.said("audit", "fsck", "--registry", officer="auditor")
    key = terminal.told("audit", "key")["vkey"]
    assert key == (terminal.home / "log.vkey").read_text(encoding="utf-8").strip()
    assert terminal.told("doctor", officer="administrator")["rows_left_out"] == []


def test_a_command_whose_answer_is_no_says_so_in_both_languages_and_exits_non_zero(
    terminal: Terminal, tmp_path: Path
) -> None:
    enrol(terminal, tmp_path)
    said = terminal.refused("audit", "verify", "--log", officer="market.head")
    assert "ROLE_MISSING" in said
    assert "auditor needed" in said
    again = ("init", "--department-code", HALL.code, "--department-name", HALL.name)
    said = terminal.refused(*again, "--staff-number", "1", "--name", "甲")
    assert "is an exchange home already" in said
    assert "say who acts" in terminal.refused("matter", "list")
    assert "no officer's key" in terminal.refused("matter", "list", officer="nobody")
    broken = written(tmp_path / "broken.csv", "department,title", "12345,甲")
    assert "broken.csv" in terminal.refused("department", "import", broken, officer="administrator")
    unset = ("source", "add", "x", "--department", MARKET.code, "--address", "sqlite:///x")
    secret = ("--secret-env", "NOT_SET_ANYWHERE")
    assert "NOT_SET_ANYWHERE" in terminal.refused(*unset, *secret, officer="market.head")
    assert "SOURCE_UNAVAILABLE" in terminal.refused(*unset, officer="market.head")
    assert "needs PostgreSQL" in terminal.refused("serve", "--workers", "2")


def test_a_source_secret_is_never_printed(here: Standing, tmp_path: Path) -> None:
    terminal = Terminal(here.node.settings.home)
    secret = written(tmp_path / "secret", "s3cret-of-the-bureau")
    said = terminal.said(
        "source",
        "add",
        "wages",
        "--department",
        district.LABOUR.code,
        "--kind",
        "http",
        "--address",
        f"http://127.0.0.1:{here.labour.port}",
        "--secret-file",
        secret,
        officer="labour.head",
    )
    said += terminal.said("source", "list", "--json", officer="labour.head")
    assert '"secret": true' in said
    assert "s3cret" not in said
    here.serving.stop()
    for path in terminal.home.glob("*.db*"):
        assert b"s3cret" not in path.read_bytes()
    here.serve(here.node.settings)


def test_commands_reach_a_serving_process_over_its_admin_socket(
    here: Standing, tmp_path: Path
) -> None:
    home = here.node.settings.home
    socket = home / "run" / "admin.sock"
    assert socket.stat().st_mode & 0o777 == 0o600
    # The founded home holds these officers' keys already, as the demonstration leaves them.
    assert (home / "files" / "officers" / "auditor.pem").read_bytes() == private_pem(
        here.place.keys["auditor"]
    )
    terminal = Terminal(home)
    here.ask()
    first = terminal.told("audit", "search", "--first", "1", "--kind", "call", officer="auditor")
    assert first["entries"][0]["resource"] == "307/000001"
    paged = terminal.said("audit", "search", "--first", "1", officer="auditor")
    assert "more: --after" in paged
    index = first["entries"][0]["index"]
    assert terminal.told("audit", "show", str(index), officer="auditor")["index"] == index
    # The department that asked, and the one that was asked, see the entry; others do not.
    for officer in ("hall.head", "market.head"):
        assert terminal.told("audit", "show", str(index), officer=officer)["index"] == index
    assert "NOT_FOUND" in terminal.refused("audit", "show", str(index), officer="ecology.head")
    grant = here.grants["307/000001"]
    revoked = terminal.told("grant", "revoke", grant, "--reason", "终止", officer="market.head")
    assert revoked["state"] == "revoked"
    assert "ROLE_MISSING" in terminal.refused("grant", "revoke", grant, officer="hall.head")
    proof = tmp_path / "entry.tlog-proof"
    terminal.said("audit", "prove", str(index), "--out", str(proof), officer="auditor")
    assert proof.read_text(encoding="utf-8").startswith("c2sp.org/tlog-proof@v1")
    assert terminal.told("doctor", officer="administrator")["rows_left_out"] == []


def test_one_governed_query_is_sent_and_its_receipt_verified_from_the_command_line(
    here: Standing, tmp_path: Path
) -> None:
    home = here.node.settings.home
    key = home / "files" / "demo" / "keys" / "hall.permit.pem"
    query = written(
        tmp_path / "licence.graphql",
        "query L($e: ID!) { enterprise(uscc: $e) { businessLicence { entName phone } } }",
    )
    terminal = Terminal(home)
    call = (
        "call",
        query,
        "--var",
        f"e={district.APPLICANT}",
        "--matter",
        district.MATTER,
        "--case",
        "SG-2026-0117",
        "--reason",
        "施工许可核发",
        "--operator",
        "HALL-011",
        "--key",
        str(key),
        "--url",
        here.url,
        "--vkey",
        here.node.vkey,
        "--save",
        str(tmp_path),
    )
    told = terminal.told(*call)
    assert told["data"]["enterprise"]["businessLicence"]["entName"] == "云岫栖筑建设有限公司"
    assert "receipt: signed, entry" in terminal.said(*call)
    receipt, answer = str(tmp_path / "receipt.json"), tmp_path / "answer.json"
    verify = ("audit", "verify", receipt, "--answer", str(answer))
    assert terminal.run(*verify).exit_code == 0
    changed = answer.read_bytes().replace("云岫栖筑".encode(), "云岫别人".encode(), 1)
    answer.write_bytes(changed)
    assert terminal.run(*verify).exit_code == 1


def test_a_refused_query_says_where_in_the_language_asked_for(
    here: Standing, tmp_path: Path
) -> None:
    home = here.node.settings.home
    query = written(
        tmp_path / "unknown.graphql", "query L($e: ID!) { enterprise(uscc: $e) { nosuch } }"
    )
    told = ("--matter", district.MATTER, "--case", "SG-2026-0117", "--reason", "施工许可核发")
    key = str(home / "files" / "demo" / "keys" / "hall.permit.pem")
    call = ("call", query, *told, "--operator", "HALL-011", "--key", key)
    terminal = Terminal(home)
    asked = (*call, "--url", here.url, "--var", f"e={district.APPLICANT}")
    assert "NAME_UNKNOWN: 此处的名称" in terminal.refused(*asked)
    assert "NAME_UNKNOWN: The name at this place" in (
        said := terminal.refused(*asked, "--lang", "en")
    )
    assert "(line 1, column 43)" in said
    nowhere = terminal.refused(*call, "--url", "http://127.0.0.1:9")
    assert "no answer from http://127.0.0.1:" in nowhere
    assert "--url names another" in nowhere
    assert "answers 404" in terminal.refused(*call, "--url", f"{here.url}/elsewhere")


def test_what_cannot_be_asked_or_opened_is_one_line_and_no_traceback(here: Standing) -> None:
    home = here.node.settings.home
    key = str(home / "files" / "demo" / "keys" / "hall.permit.pem")
    signed = ("--key", key, "--url", here.url, "--vkey", here.node.vkey)
    used = ("--matter", district.MATTER, "--case", "SG-2026-0117", "--reason", "x")
    terminal = Terminal(home)
    for act in ("show", "cancel"):
        said = terminal.refused("export", act, "nosuch", *signed)
        assert said == "Error: the id of an export needed, exp_ and letters, digits, hyphens\n"
    pull = ("pull", "307/000001", "--item", "entName", *used, "--operator", "HALL-011", *signed)
    said = terminal.refused(*pull, "--into", "nosuch://user:secret@somewhere/db")
    assert "Invalid value for --into: no database can be opened by this URL" in said
    assert "secret" not in said
    said = terminal.refused(*pull, "--into", f"sqlite:///{home}/no/such/folder/copy.db")
    assert said.startswith("Error: the database to pull into failed (OperationalError)")


def test_a_source_that_does_not_answer_is_no_success_while_a_process_serves(
    here: Standing, tmp_path: Path
) -> None:
    said = Terminal(here.node.settings.home).refused(
        *("source", "add", "gone", "--department", MARKET.code),
        *("--address", f"sqlite:///{tmp_path}/nosuch.db"),
        officer="market.head",
    )
    assert "SOURCE_UNAVAILABLE" in said
    assert "the database cannot be reached" in said


def loaded_by(*arguments: str) -> tuple[list[str], str]:
    """Which libraries of a node a command loads, and what it prints."""
    code = (
        "import sys\n"
        "from click.testing import CliRunner\n"
        "from exchange.cli.main import main\n"
        "said = CliRunner().invoke(main, sys.argv[1:])\n"
        "heavy = {'aiohttp', 'alembic', 'cryptography', 'graphql', 'httpx', 'sqlalchemy', 'starlette'}\n"
        "print(*sorted(heavy & set(sys.modules)))\n"
        "print(said.output)\n"
    )
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded, _, said = done.stdout.partition("\n")
    return loaded.split(), said


def test_help_lists_every_noun_and_loads_no_database_library() -> None:
    loaded, said = loaded_by("--help")
    assert loaded == []
    for noun in NOUNS:
        assert f"  {noun} " in said


def test_a_check_of_the_policy_loads_nothing_of_a_node() -> None:
    loaded, said = loaded_by("policy", "check")
    assert loaded == ["cryptography"]  # policies.bundle checks signatures
    assert "policy coverage: 100.0 %" in said


@pytest.mark.parametrize("noun", NOUNS)
def test_every_noun_explains_itself(noun: str) -> None:
    said = CliRunner().invoke(main, [noun, "--help"])
    assert said.exit_code == 0
    assert "Usage:" in said.output
    unknown = CliRunner().invoke(main, [f"{noun}-nosuch"])
    assert unknown.exit_code == 2
