"""The worked clients of docs/clients sign, ask the test zone and check the receipt."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

import audit.verify
from catalogue.model import SubjectType
from exchange.client.signing import encode_usage
from exchange.demo.setup import SYSTEM
from exchange.identity.keys import private_pem
from exchange.testzone.synthetic import MARK, Magic, subject
from tests.fakes.node import LICENCE, USAGE, Standing
from tests.stories.test_testzone import keys_of

CLIENTS = Path(__file__).parents[2] / "docs" / "clients"
VERIFY = Path(audit.verify.__file__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What a client is given."""

    url: str
    key: str
    key_id: str
    vkey: str
    request: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    needs: tuple[str, ...]
    command: Callable[[Asking], list[str]]


COMMANDS = {
    "python": Client(
        needs=(),
        command=lambda a: [
            *(sys.executable, str(CLIENTS / "client.py")),
            *(a.url, a.key, a.vkey, a.request),
        ],
    ),
    "node": Client(
        needs=("node",),
        command=lambda a: ["node", str(CLIENTS / "client.mjs"), a.url, a.key, a.vkey, a.request],
    ),
    "java": Client(
        needs=("java", "javac"),
        command=lambda a: [
            *("java", str(CLIENTS / "Client.java")),
            *(a.url, a.key, a.key_id, a.vkey, a.request),
        ],
    ),
    "curl": Client(
        needs=("curl", "openssl"),
        command=lambda a: [
            *("sh", str(CLIENTS / "client.sh")),
            *(a.url, a.key, a.key_id, a.vkey, a.request, str(VERIFY)),
        ],
    ),
}


def run(name: str, asking: Asking) -> subprocess.CompletedProcess[str]:
    client = COMMANDS[name]
    missing = [tool for tool in client.needs if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"{' and '.join(missing)} is missing: the {name} client cannot be run")
    environment = {**os.environ, "PYTHONPATH": str(VERIFY.parent), "PYTHON": sys.executable}
    return subprocess.run(
        client.command(asking),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def asking(here: Standing, folder: Path, magic: Magic = Magic.GIVEN) -> Asking:
    key, request = folder / "system.pem", folder / "request.json"
    system = here.place.systems[SYSTEM]
    key.write_bytes(private_pem(system.private))
    members = {
        "query": LICENCE,
        "variables": {"e": subject(SubjectType.ENTERPRISE, magic)},
        "extensions": {"usage": encode_usage(USAGE)},
    }
    request.write_text(json.dumps(members, ensure_ascii=False), encoding="utf-8")
    return Asking(
        url=f"{here.url}/test",
        key=str(key),
        key_id=system.id,
        vkey=keys_of(here)[0],
        request=str(request),
    )


@pytest.mark.proves("E9")
@pytest.mark.parametrize("name", COMMANDS)
def test_a_worked_client_asks_and_proves_its_receipt(
    here: Standing, tmp_path: Path, name: str
) -> None:
    done = run(name, asking(here, tmp_path))
    assert done.returncode == 0, done.stderr
    assert MARK in done.stdout


@pytest.mark.proves("E9")
@pytest.mark.parametrize("name", COMMANDS)
def test_a_worked_client_takes_no_receipt_of_another_log(
    here: Standing, tmp_path: Path, name: str
) -> None:
    asked = asking(here, tmp_path)
    foreign = Asking(
        url=asked.url,
        key=asked.key,
        key_id=asked.key_id,
        vkey=here.node.vkey,
        request=asked.request,
    )
    assert run(name, foreign).returncode != 0


def test_the_request_that_the_page_shows_is_one_that_is_answered() -> None:
    page = (CLIENTS / "README.md").read_text(encoding="utf-8")
    assert subject(SubjectType.ENTERPRISE, Magic.GIVEN) in page
