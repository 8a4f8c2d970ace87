"""A whole node under failure: its log refuses, or the process is killed while clients are being answered."""

import asyncio
import itertools
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection, event
from sqlalchemy.exc import OperationalError

from audit.errors import LogUnavailableError
from audit.log import check_stored
from audit.verify import verify_receipt
from exchange.client.errors import ClientError
from exchange.client.session import Exchange
from exchange.demo import district
from exchange.demo.setup import SYSTEM
from exchange.node import open_node
from exchange.unfinished import unfinished
from tests.fakes.node import (
    DEPARTMENTS,
    LICENCE,
    USAGE,
    Founded,
    Standing,
    codes,
    copied,
    founded,
    standing,
)


@pytest.fixture(scope="module")
def origin() -> Founded:
    """Founded before any sabotage is applied, so that only what a test does meets it."""
    return founded()


@pytest.fixture
def here(origin: Founded, tmp_path: Path) -> Iterator[Standing]:
    with standing(tmp_path / "home") as found:
        yield found


def broken(connection: Connection) -> None:
    if connection.get_execution_options().get("reading"):
        return
    raise OperationalError("BEGIN", {}, sqlite3.OperationalError("disk I/O error"))


@contextmanager
def log_down(here: Standing) -> Iterator[None]:
    """The log's disk takes nothing while this is entered."""
    event.listen(here.node.databases.log, "begin", broken)
    try:
        yield
    finally:
        event.remove(here.node.databases.log, "begin", broken)


def ask_raw(here: Standing, document: str = LICENCE, **changes: Any) -> httpx.Response:
    return here.send(here.signed(here.write(document, **changes)))


def check_nothing_told(response: httpx.Response) -> None:
    """503, with when to come again, and nothing but that."""
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0
    assert [error["extensions"]["code"] for error in response.json()["errors"]] == [
        "LOG_UNAVAILABLE"
    ]
    assert "data" not in response.json()
    assert "extensions" not in response.json()


@pytest.mark.proves("W1")
def test_while_the_log_refuses_no_source_is_asked_and_nothing_leaves(here: Standing) -> None:
    size = here.node.log.size
    with log_down(here):
        # The first call is the one that finds out: what was read for it is dropped.
        check_nothing_told(ask_raw(here))
        reads = len(here.sources.reads)
        for _ in range(3):
            check_nothing_told(ask_raw(here, DEPARTMENTS))
        assert len(here.sources.reads) == reads
        assert here.node.log.size == size
        ready = httpx.get(f"{here.url}/health/ready", trust_env=False)
        assert ready.status_code == 503
        assert httpx.get(f"{here.url}/health/live", trust_env=False).status_code == 200


@pytest.mark.proves("W1")
def test_an_answer_is_given_again_once_the_log_is_well_without_a_restart(here: Standing) -> None:
    with log_down(here):
        check_nothing_told(ask_raw(here))
        check_nothing_told(ask_raw(here))
    # Asking is what finds it well again; the committing thread needs a moment for it.
    last = next(r for r in (ask_raw(here) for _ in itertools.count()) if r.status_code == 200)
    assert last.json()["data"]["enterprise"]["businessLicence"]["status"] == "存续"
    assert codes(here.ask()) == {"businessLicence": None}


@pytest.mark.proves("W16")
@pytest.mark.parametrize(
    "refused",
    [
        {"e": district.STRANGER},
        {"document": "query D($e: ID!) { enterprise(uscc: $e) { wageDeposit { amount } } }"},
        {"document": "query N($e: ID!) { enterprise(uscc: $e) { nothingSuch { amount } } }"},
        {"usage": None},
    ],
)
def test_a_call_that_would_be_refused_learns_nothing_while_the_log_is_down(
    here: Standing, refused: dict[str, Any]
) -> None:
    with log_down(here):
        # Also the first one, which finds out, is told no code of a refusal.
        for _ in range(3):
            check_nothing_told(ask_raw(here, **refused))
    assert here.sources.reads == []


@pytest.mark.proves("W1")
def test_no_act_that_widens_takes_effect_while_the_log_is_down(here: Standing) -> None:
    grant = here.grants["307/000001"]
    here.act("market.head", "grant.suspend", grant=grant)
    with log_down(here), pytest.raises(LogUnavailableError, match="does not answer"):
        here.act("market.head", "grant.resume", grant=grant)
    assert here.row("sharing_grant", "id = ?", grant)["state"] == "suspended"


@pytest.mark.proves("W14")
def test_a_revoke_with_the_log_down_holds_at_once_and_is_recorded_before_the_next_call(
    here: Standing,
) -> None:
    grant = here.grants["307/000001"]
    size = here.node.log.size
    assert codes(here.ask()) == {"businessLicence": None}
    with log_down(here):
        here.act("market.head", "grant.revoke", grant=grant, reason="数据停用")
        assert here.row("sharing_grant", "id = ?", grant)["state"] == "revoked"
        check_nothing_told(ask_raw(here))
    last = next(r for r in (ask_raw(here) for _ in itertools.count()) if r.status_code == 200)
    told = last.json()
    assert told["data"]["enterprise"]["businessLicence"] is None
    assert told["errors"][0]["extensions"]["code"] == "GRANT_REVOKED"
    kinds = here.kinds(since=size)
    assert kinds[-2:] == ["grant.revoked", "call"]
    assert "registry.alarm" not in kinds


@pytest.mark.proves("W14")
def test_a_revoke_with_the_log_down_outlives_a_restart(here: Standing) -> None:
    grant = here.grants["307/000001"]
    with log_down(here):
        here.act("market.head", "grant.revoke", grant=grant)
    here.restart()
    assert "grant.revoked" in here.kinds()
    assert here.node.live.load().absent == ()
    assert codes(here.ask())["businessLicence"] == "GRANT_REVOKED"


class Clients:
    """A few clerks who ask one question after the other, and keep every receipt that they were given."""

    def __init__(self, url: str, *, origin: Founded, vkey: str) -> None:
        self._url = url
        self._origin = origin
        self._vkey = vkey
        self.held: list[dict[str, Any]] = []
        self.enough = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(3)]

    def start(self, *, enough: int) -> None:
        self._enough = enough
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join(timeout=60)

    def _ask(self) -> None:
        with Exchange(self._url, key=self._origin.systems[SYSTEM], vkey=self._vkey) as clerk:
            while True:
                try:
                    answer = clerk.query(LICENCE, {"e": district.APPLICANT}, usage=USAGE)
                except ClientError:
                    # The node is gone; what was held by then is what counts.
                    self.enough.set()
                    return
                assert answer.receipt is not None
                self.held.append(dict(answer.receipt))
                if len(self.held) >= self._enough:
                    self.enough.set()


@pytest.mark.proves("W4")
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_receipt_held_when_the_process_was_killed_is_in_the_log_that_opens_again(
    origin: Founded, tmp_path: Path, seed: int, request: pytest.FixtureRequest
) -> None:
    settings = copied(tmp_path / "home")
    sabotage = request.config.getoption("--sabotage")
    arguments = [str(settings.home), str(settings.port), *([sabotage] if sabotage else [])]
    vkey = (settings.home / "log.vkey").read_text(encoding="utf-8").strip()
    clients = Clients(settings.base_url, origin=origin, vkey=vkey)
    with subprocess.Popen(
        [sys.executable, "-m", "tests.faults.node_child", *arguments],
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "serving\n"
        # Killed after a random number of answers: wherever three calls happen to be just then.
        clients.start(enough=random.Random(seed).randint(3, 40))  # noqa: S311 - a moment, no secret
        assert clients.enough.wait(timeout=60)
        child.send_signal(signal.SIGKILL)
    clients.join()
    assert child.returncode == -signal.SIGKILL
    assert len(clients.held) >= 3
    node = open_node(settings)
    try:
        for receipt in clients.held:
            assert node.log.entry(receipt["index"]) == receipt["entry"].encode()
            assert verify_receipt(receipt, vkeys=[vkey]).fault is None
        guard = settings.home / "run" / "guard"
        assert check_stored(node.databases.log, node.keys, guard=guard) == []
        assert node.live.load().absent == ()
    finally:
        asyncio.run(node.close())


@pytest.mark.proves("W15")
def test_who_was_asked_when_the_process_was_killed_is_listed_as_unfinished(
    origin: Founded, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    settings = copied(tmp_path / "home")
    vkey = (settings.home / "log.vkey").read_text(encoding="utf-8").strip()
    sabotage = request.config.getoption("--sabotage") or ""
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.faults.node_child"),
            *(str(settings.home), str(settings.port), sabotage, "hold"),
        ],
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "serving\n"
        clerk = Exchange(settings.base_url, key=origin.systems[SYSTEM], vkey=vkey)
        asking = threading.Thread(target=ask_in_vain, args=(clerk,))
        asking.start()
        assert child.stdout.readline() == "asked\n"
        child.send_signal(signal.SIGKILL)
    asking.join(timeout=60)
    clerk.close()
    node = open_node(settings)
    try:
        (only,) = unfinished(node.log, 0, node.log.size)
        assert (only.consumer, only.system) == (district.HALL.code, SYSTEM)
        assert only.index == node.log.size - 1
    finally:
        asyncio.run(node.close())


def ask_in_vain(clerk: Exchange) -> None:
    with pytest.raises(ClientError):
        clerk.query(LICENCE, {"e": district.APPLICANT}, usage=USAGE)


@pytest.mark.proves("W15")
def test_a_call_that_was_answered_leaves_no_intent_open(here: Standing) -> None:
    answer = here.ask(DEPARTMENTS)
    size = here.node.log.size
    assert unfinished(here.node.log, 0, size) == []
    index = int(answer.entry["index"])
    # Seen before its outcome, the same intent is open; the entries after the end are read all the same.
    assert unfinished(here.node.log, 0, index) == []
    assert here.kinds(since=index - 1) == ["intent", "call"]
