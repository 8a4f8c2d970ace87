"""The commands of a system's own operators: export, fetch, pull."""

import csv
import hashlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from exchange.cli.main import main
from exchange.demo.setup import SYSTEM
from exchange.identity.keys import private_pem
from tests.fakes.node import USAGE, Standing
from tests.fakes.outlets import LICENCES, grant_bulk

ITEMS = ("uscc", "entName", "phone")


@pytest.fixture
def key(here: Standing, tmp_path: Path) -> Path:
    path = tmp_path / "hall.pem"
    path.write_bytes(private_pem(here.place.systems[SYSTEM].private))
    return path


def run(here: Standing, key: Path, *words: str, usage: bool = False) -> Result:
    given = ["--url", here.url, "--key", str(key), "--vkey", here.node.vkey, "--json"]
    if usage:
        for name in ("matter", "case", "reason", "operator"):
            given += [f"--{name}", getattr(USAGE, name)]
    return CliRunner().invoke(main, [*words, *given], catch_exceptions=False)


def told(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def items() -> list[str]:
    return [word for name in ITEMS for word in ("--item", name)]


def test_an_export_is_begun_waited_for_and_fetched_with_each_receipt_checked(
    here: Standing, key: Path, tmp_path: Path
) -> None:
    grant_bulk(here, items=ITEMS)
    begun = told(run(here, key, "export", "begin", LICENCES, *items(), "--wait", usage=True))
    assert (begun["state"], begun["rows"]) == ("ready", 63)
    into = tmp_path / "files"
    (file,) = told(run(here, key, "export", "fetch", begun["id"], "--into", str(into)))
    assert file["receipt"] in {"signed", "witnessed"}
    content = (into / file["file"]).read_bytes()
    manifest = json.loads((into / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["parts"][0]["sha256"] == hashlib.sha256(content).hexdigest()
    assert manifest["why"]["reason"] == USAGE.reason
    assert len(manifest["pages"]) == begun["pages"]
    assert len(list(csv.DictReader(content.decode("utf-8-sig").splitlines()))) == 63
    ended = told(run(here, key, "export", "cancel", begun["id"]))
    assert ended["state"] == "cancelled"
    assert told(run(here, key, "export", "show", begun["id"]))["parts"] == []


def test_a_pull_makes_the_table_and_says_why_it_cannot(
    here: Standing, key: Path, tmp_path: Path
) -> None:
    own = tmp_path / "own.db"
    words = ("pull", LICENCES, *items(), "--into", f"sqlite:///{own}")
    refused = run(here, key, *words, usage=True)
    assert refused.exit_code == 1
    assert "GRANT_CHANNEL" in refused.output
    grant_bulk(here, items=ITEMS)
    done = told(run(here, key, *words, usage=True))
    assert (done["table"], done["rows"]) == ("r_307_000001", 63)
    with sqlite3.connect(own) as connection:
        (count,) = connection.execute("SELECT count(*) FROM r_307_000001").fetchone()
    assert count == 63
