"""The public audit suite of GraphQL over HTTP passes, through a proxy that signs (npm `graphql-http`)."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from exchange.client.signing import SignatureAuth
from exchange.demo.setup import SYSTEM
from tests.fakes.node import USAGE, Standing, copied, founded
from tests.fakes.signing_proxy import signing_proxy

SUITE = Path(__file__).with_name("graphql_http")
INSTALLED = Path(__file__).parents[2] / ".cache" / "graphql_http"
AUDITS = 61


def installed() -> Path:
    """Install the suite by its lock into the cache, once; skips with the reason where that cannot be done."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("npm is missing: the public audit suite `graphql-http` cannot be installed")
    lock = (SUITE / "package-lock.json").read_bytes()
    kept = INSTALLED / "package-lock.json"
    if kept.exists() and kept.read_bytes() == lock and (INSTALLED / "node_modules").is_dir():
        return INSTALLED
    INSTALLED.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(SUITE / name, INSTALLED / name)
    done = subprocess.run(
        [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"],
        cwd=INSTALLED,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if done.returncode:
        shutil.rmtree(INSTALLED, ignore_errors=True)
        pytest.skip(f"npm could not install the audit suite: {done.stderr.strip()[:200]}")
    return INSTALLED


@pytest.fixture
def developing(tmp_path: Path) -> Iterator[Standing]:
    """A district in the profile *development*: GET and introspection, and all the rest as ever."""
    settings = replace(copied(tmp_path / "home"), profile="development")
    found = Standing(settings, origin=founded())
    try:
        yield found
    finally:
        found.stop()


def test_the_lock_of_the_suite_names_no_registry() -> None:
    assert "resolved" not in (SUITE / "package-lock.json").read_text(encoding="utf-8")


def test_all_audits_of_graphql_over_http_pass(developing: Standing) -> None:
    folder = installed()
    auth = SignatureAuth(developing.place.systems[SYSTEM], usage=USAGE)
    size = developing.node.log.size
    with signing_proxy(developing.url, auth) as url:
        done = subprocess.run(
            ["node", str(SUITE / "audit.mjs"), str(folder), f"{url}/graphql"],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    assert done.returncode == 0, done.stderr
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert [result for result in results if result["status"] != "ok"] == []
    assert len(results) == AUDITS
    # The profile relaxes GET and introspection and nothing else: whoever signed is in the log.
    assert developing.node.log.size >= size + AUDITS - 2
