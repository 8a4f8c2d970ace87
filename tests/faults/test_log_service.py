"""Gateways that append through one sequencer's service, and a sequencer that takes over from a killed one."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import structs
from sqlalchemy import Connection

from audit import wire
from audit.entry import Commit, Nonce, Quota, Sequenced
from audit.errors import (
    LogBusyError,
    LogUnavailableError,
    MalformedError,
    StaleSnapshotError,
    StartRefusedError,
)
from audit.keys import create_fresh_keys, load_keys
from audit.leader import find_leader, leading
from audit.log import Log, check_stored
from audit.note import Signer, Verifier
from audit.receipt import make_receipt
from audit.remote import RemoteLog
from audit.rotation import followed, retirement_draft, rotation_draft
from audit.service import Service
from audit.sqlstore import SqlStore
from audit.verify import verify_receipt
from tests.fakes.logs import ORIGIN, LogHome, a_call, an_act, never_two_roots
from tests.fakes.postgres import postgresql
from tests.faults.kit import ROOT, broken, failing, urls


@pytest.fixture
def home(tmp_path: Path) -> Iterator[LogHome]:
    """The service itself needs no PostgreSQL, only who leads it does."""
    made = LogHome(tmp_path)
    yield made
    made.close()


def pass_by() -> None:
    """Nobody else leads."""


@contextmanager
def served(log: Log, path: Path, *, unanswered: int = 1_024) -> Iterator[Path]:
    """Serve a log on a socket, on a loop of its own."""
    ready = threading.Event()
    stops: list[Callable[[], object]] = []
    service = Service(log, unanswered=unanswered)

    async def run() -> None:
        serving = asyncio.create_task(service.serve(path, ready=ready.set, check=pass_by))
        stops.append(partial(asyncio.get_running_loop().call_soon_threadsafe, serving.cancel))
        with suppress(asyncio.CancelledError):
            await serving

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    assert ready.wait(30)
    try:
        yield path
    finally:
        stops[0]()
        thread.join(30)


def a_gateway(
    path: Path,
    *verifiers: Verifier,
    epoch: int = 1,
    name: str = "gw-7",
    origin: str = ORIGIN,
    renew: Callable[[Sequence[Verifier]], Sequence[Verifier]] | None = None,
) -> RemoteLog:
    return RemoteLog(
        origin=origin,
        gateway=name,
        verifiers=verifiers,
        find=lambda: (str(path), epoch),
        deadline_s=30,
        renew=renew,
    )


@pytest.fixture
def log(home: LogHome) -> Iterator[Log]:
    with home.opened() as opened:
        yield opened


@pytest.fixture
def gateway(home: LogHome, log: Log) -> Iterator[RemoteLog]:
    with served(log, home.home / "s") as path:
        made = a_gateway(path, home.keys.signer.verifier)
        yield made
        made.close()


def test_a_gateway_is_given_what_the_log_itself_would_give(
    home: LogHome, log: Log, gateway: RemoteLog
) -> None:
    gateway.ready()
    given = gateway.append(a_call())
    assert log.entry(given.index) == given.body
    assert b'"gateway":"gw-7"' in given.body
    assert set(given.openings) == {"request", "answer", "n.consumer:hall"}
    assert given.openings["n.consumer:hall"].value == 1
    receipt = make_receipt(given, paths={})
    assert verify_receipt(receipt, vkeys=[home.keys.signer.vkey]).fault is None
    assert gateway.append(an_act()).index == 1
    assert log.registry_rows() == {("grant", "grt_1"): (1, "d1")}
    assert gateway.epoch == log.epoch == 1


async def test_many_wait_at_once_and_go_in_batches(log: Log, gateway: RemoteLog) -> None:
    given = await asyncio.gather(*(gateway.append_async(a_call()) for _ in range(100)))
    assert sorted(sequenced.index for sequenced in given) == list(range(100))
    assert log.size == 100


def test_refusals_come_over_as_what_they_are(log: Log, gateway: RemoteLog) -> None:
    log.append(an_act(barrier=True))
    with pytest.raises(StaleSnapshotError, match="the barrier is at 0"):
        gateway.append(a_call(applied=-1))
    with pytest.raises(MalformedError, match="`voids` must be"):
        gateway.append(an_act(kind="act-void", rows=()))
    with pytest.raises(MalformedError, match="two commitments of one name"):
        gateway.append(a_call(commits=(Commit(name="a", value=1), Commit(name="a", value=2))))
    assert log.size == 1


def test_nonces_and_quotas_are_the_sequencers_to_count(gateway: RemoteLog) -> None:
    spent = a_call(kind="call.refused")
    draft = a_call(
        nonce=Nonce(key="k", nonce="n", expires=2**52),
        quotas=(Quota(key="q", day="2026-11-23", amount=1, most=1),),
        otherwise={"replayed": spent, "quota": spent},
    )
    assert gateway.append(draft).instead is None
    assert gateway.append(draft).instead == "replayed"
    other = structs.replace(draft, nonce=Nonce(key="k", nonce="m", expires=2**52))
    assert gateway.append(other).instead == "quota"


@pytest.mark.proves("W1")
def test_a_log_that_cannot_be_written_is_told_to_the_gateway(
    home: LogHome, gateway: RemoteLog
) -> None:
    gateway.append(a_call())
    with failing(home, "begin", broken), pytest.raises(LogUnavailableError, match="answer"):
        gateway.append(a_call())
    assert gateway.append(a_call()).index == 1


@pytest.mark.proves("W7")
def test_a_gateway_that_has_too_much_unanswered_is_refused(home: LogHome, log: Log) -> None:
    held = threading.Event()
    with served(log, home.home / "s", unanswered=2) as path:
        gateway = a_gateway(path, home.keys.signer.verifier)

        def hold(_: Connection) -> None:
            assert held.wait(30)

        with failing(home, "commit", hold):
            line = gateway._connected()
            futures = [line.ask(a_call()) for _ in range(2)]
            with pytest.raises(LogBusyError, match="2 appends"):
                line.ask(a_call())
            held.set()
            assert {future.result(30).index for future in futures} == {0, 1}
        gateway.close()
        with pytest.raises(LogUnavailableError, match="closed"):
            gateway.append(a_call())


def test_an_answer_that_does_not_hold_is_no_answer(home: LogHome, log: Log) -> None:
    stranger = Signer(ORIGIN, Ed25519PrivateKey.generate()).verifier
    with served(log, home.home / "s") as path:
        gateway = a_gateway(path, stranger)
        with pytest.raises(LogUnavailableError, match="does not hold"):
            gateway.append(a_call())
        gateway.close()


def test_a_sequencer_of_an_earlier_epoch_is_not_believed(home: LogHome, log: Log) -> None:
    with served(log, home.home / "s") as path:
        gateway = a_gateway(path, home.keys.signer.verifier, epoch=2)
        with pytest.raises(LogUnavailableError, match="epoch 1 after one of 2"):
            gateway.append(a_call())
    assert log.size == 0


def test_where_nobody_serves_nothing_is_appended(home: LogHome) -> None:
    gateway = a_gateway(home.home / "nobody", home.keys.signer.verifier)
    with pytest.raises(LogUnavailableError, match="not to be reached"):
        gateway.ready()
    gateway.close()


@pytest.mark.parametrize(
    "sent",
    [
        b"\0\0\0\0",
        b"\xff\xff\xff\xff",
        b"\0\0\0\1\xc1",
        wire.frame(wire.ask_of(0, a_call())),
        wire.frame(wire.Hello(version="sequencer/0", origin=ORIGIN, gateway="g")),
        wire.frame(wire.Hello(version=wire.VERSION, origin="another/log", gateway="g")),
        wire.frame(wire.Hello(version=wire.VERSION, origin=ORIGIN, gateway="g")) * 2,
    ],
)
def test_who_does_not_speak_the_language_is_cut_off(
    home: LogHome, log: Log, gateway: RemoteLog, sent: bytes
) -> None:
    gateway.append(a_call())
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.connect(str(home.home / "s"))
        stranger.sendall(sent)
        said = b"".join(iter(lambda: stranger.recv(65_536), b""))
    assert b"given" not in said
    assert gateway.append(a_call()).index == 1
    assert log.size == 2


def test_the_socket_is_the_owners_alone(home: LogHome, gateway: RemoteLog) -> None:
    gateway.ready()
    assert (home.home / "s").stat().st_mode & 0o077 == 0


def test_a_service_for_several_needs_a_database_that_knows_who_leads(home: LogHome) -> None:
    with (
        pytest.raises(StartRefusedError, match="needs PostgreSQL"),
        leading(home.log_engine, ORIGIN),
    ):
        pass


def test_one_session_leads_and_the_next_one_when_it_is_gone(tmp_path: Path) -> None:
    home = LogHome(tmp_path, urls=urls("postgresql"))
    with leading(home.log_engine, ORIGIN) as first:
        assert first is not None
        with leading(home.log_engine, ORIGIN) as second, leading(home.log_engine, "o/x") as other:
            assert second is None
            assert other is not None
        assert find_leader(home.log_engine, ORIGIN) is None
        first.announce(url="/b", epoch=7, since=1)
        first.announce(url="/a", epoch=6, since=2)
        assert find_leader(home.log_engine, ORIGIN) == ("/b", 7)
        first.check()
        postgresql().cut(home.urls["log"])
        with pytest.raises(LogUnavailableError):
            first.check()
        home.log_engine.dispose()
        with leading(home.log_engine, ORIGIN) as next_one:
            assert next_one is not None
    home.close()


def start_child(home: LogHome, seat: str, *, sabotage: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.faults.service_child", str(home.home), seat),
            *(f"--{branch}={url}" for branch, url in home.urls.items()),
            f"--sabotage={sabotage}",
        ],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


class Clerks:
    """Threads that append one call after the other, through whoever leads, and keep what they were given."""

    def __init__(self, gateway: RemoteLog, *, number: int) -> None:
        self.given: list[Sequenced] = []
        self.lost = 0
        self._gateway = gateway
        self._changed = threading.Condition()
        self._enough = False
        self._threads = [threading.Thread(target=self._ask) for _ in range(number)]
        for thread in self._threads:
            thread.start()

    def wait_for(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.given) >= count, timeout=60)

    def stop(self) -> None:
        self._enough = True
        for thread in self._threads:
            thread.join(60)

    def _ask(self) -> None:
        while not self._enough:
            try:
                sequenced = self._gateway.append(a_call())
            except LogUnavailableError:
                self.lost += 1
                continue
            with self._changed:
                self.given.append(sequenced)
                self._changed.notify_all()


@contextmanager
def two_sequencers(
    home: LogHome, *, sabotage: str
) -> Iterator[tuple[subprocess.Popen[str], subprocess.Popen[str]]]:
    with ExitStack() as stack:
        children = []
        for seat in "ab":
            child = stack.enter_context(start_child(home, seat, sabotage=sabotage))
            stack.callback(child.kill)
            assert child.stdout is not None
            assert child.stdout.readline() == "standing by\n"
            if seat == "a":
                assert child.stdout.readline() == "leading 1\n"
            children.append(child)
        yield children[0], children[1]


@pytest.mark.proves("W6", "L16")
@pytest.mark.parametrize("paused", [False, True], ids=["killed", "paused"])
def test_another_sequencer_takes_over_under_load_and_no_receipt_is_lost(
    tmp_path: Path, request: pytest.FixtureRequest, *, paused: bool
) -> None:
    home = LogHome(tmp_path, urls=urls("postgresql"))
    sabotage = str(request.config.getoption("--sabotage") or "")
    find = partial(find_leader, home.log_engine, home.keys.origin)
    gateway = RemoteLog(
        origin=ORIGIN,
        gateway="gw-1",
        verifiers=[home.keys.signer.verifier],
        find=find,
        deadline_s=2,
    )
    with two_sequencers(home, sabotage=sabotage) as (first, second):
        clerks = Clerks(gateway, number=4)
        clerks.wait_for(40)
        if paused:
            # It hangs with the lock in its hands; the server is told to give that session up.
            first.send_signal(signal.SIGSTOP)
            postgresql().cut(home.urls["log"])
        else:
            first.send_signal(signal.SIGKILL)
        assert second.stdout is not None
        assert second.stdout.readline() == "leading 2\n"
        before = len(clerks.given)
        # Whoever was paused wakes up, believes that it leads, and can give nobody anything.
        first.send_signal(signal.SIGCONT)
        clerks.wait_for(before + 40)
        clerks.stop()
        gateway.close()
    assert clerks.lost > 0
    given = {sequenced.index: sequenced.body for sequenced in clerks.given}
    assert len(given) == len(clerks.given) >= 80
    with home.opened() as log:
        assert log.epoch == 3
        for index, body in given.items():
            assert log.entry(index) == body
    assert check_stored(home.log_engine, home.keys, guard=home.guard) == []
    never_two_roots(home.home)
    home.close()


@pytest.mark.proves("L12")
@pytest.mark.parametrize("waiting", [False, True])
def test_a_gateway_follows_the_key_that_took_over_without_a_new_start(
    home: LogHome, tmp_path: Path, *, waiting: bool
) -> None:
    """The old key is retired: only who follows the change takes what the new one signs."""

    def append(gateway: RemoteLog) -> Sequenced:
        return asyncio.run(gateway.append_async(a_call())) if waiting else gateway.append(a_call())

    old = home.keys.signer.verifier
    store = SqlStore(home.log_engine)
    with home.opened() as log, served(log, tmp_path / "socket") as path:
        following = a_gateway(path, old, renew=partial(followed, store, origin=ORIGIN))
        staying = a_gateway(path, old)
        append(following)
        fresh = create_fresh_keys(home.home / "keys", log.keys, random=os.urandom)
        log.append(rotation_draft(log.keys, fresh))
        for draft in (None, retirement_draft):
            if draft is not None:
                log.append(draft(log.keys))
            log.renew_keys(replace(load_keys(home.home / "keys"), signer=home.keys.signer))
        assert append(following).index == log.size - 1
        with pytest.raises(LogUnavailableError, match="none by a known key"):
            append(staying)
        following.close()
        staying.close()


def test_a_change_that_the_known_key_did_not_sign_is_not_followed(home: LogHome) -> None:
    stranger = Signer(ORIGIN, Ed25519PrivateKey.generate())
    with home.opened() as log:
        fresh = create_fresh_keys(home.home / "keys", log.keys, random=os.urandom)
        log.append(rotation_draft(log.keys, fresh))
        store = SqlStore(home.log_engine)
        known = log.keys.signer.verifier
        assert followed(store, [known], origin=ORIGIN) == (known, fresh.signer.verifier)
        assert followed(store, [stranger.verifier], origin=ORIGIN) == (stranger.verifier,)
