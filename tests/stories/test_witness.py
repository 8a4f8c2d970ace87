"""A department's witness beside a log: what it lets pass, what it refuses, and what the node does then."""

import logging
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from audit.canonical import decode_strict
from audit.checkpoint import Checkpoint, format_checkpoint, parse_checkpoint
from audit.entry import Draft
from audit.errors import ProofError, StartRefusedError
from audit.log import Log
from audit.merkle import leaf_hash, root_of
from audit.note import Verifier, open_note, parse_note
from audit.policy_file import LogLine, Policy, WitnessLine, check_witnessed, format_policy
from audit.witness import SIZE_TYPE, origin_digest
from exchange.demo.witness import DepartmentWitness
from exchange.node import open_node
from exchange.settings import SettingsError
from exchange.witnessing import (
    WITNESSED,
    Grace,
    WitnessClient,
    Witnessing,
    WitnessMissingError,
    WitnessRefusedError,
)
from tests.fakes.logs import ORIGIN, LogHome
from tests.fakes.node import Standing
from tests.fakes.witnesses import a_note, a_request, leaves

NAME = "witness.market.example"


def a_policy(key: Verifier, witness: DepartmentWitness) -> Policy:
    """The witness's Ed25519 cosignature is needed; its ML-DSA-44 one is taken along."""
    classical, lattice = witness.keys
    return Policy(
        logs=(LogLine(key=key),),
        witnesses=(
            WitnessLine(name="market", key=classical, url=witness.url),
            WitnessLine(name="market-pq", key=lattice, url=witness.url),
        ),
        quorum="market",
    )


class Watched:
    """A log, its witness, and what the node does about the two; the clock is turned by hand."""

    def __init__(self, folder: Path) -> None:
        (folder / "run").mkdir(parents=True)
        self.home = LogHome(folder)
        self.witness = DepartmentWitness(folder / "witness", name=NAME, now=self.home.clock)
        self.start_witness()

    @property
    def key(self) -> Verifier:
        return self.home.keys.signer.verifier

    @property
    def policy(self) -> Policy:
        return a_policy(self.key, self.witness)

    def start_witness(self) -> None:
        self.witness.start(origin=ORIGIN, key=self.key)

    def witnessing(self, log: Log, *, stop: timedelta | None = None) -> Witnessing:
        return Witnessing(
            log,
            policy=self.policy,
            own=(self.key,),
            grace=Grace(warn=timedelta(minutes=10), stop=stop),
            home=self.home.home,
            now=self.home.clock,
        )

    def cosigned_size(self) -> int:
        with httpx.Client(trust_env=False) as http:
            note = http.get(f"{self.witness.url}/{origin_digest(ORIGIN)}/checkpoint").text
        opened = open_note(note, self.witness.keys)
        return parse_checkpoint(opened.text).size


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    found = Watched(tmp_path / "home")
    yield found
    found.witness.stop()


def fill(log: Log, count: int) -> None:
    for n in range(count):
        log.append(Draft(kind="test.written", clear={"facts": {"n": n}}))


def kinds(log: Log) -> list[str]:
    return [str(decode_strict(body)["kind"]) for body in log.entries(0, log.size)]


def test_what_is_published_bears_every_line(watched: Watched) -> None:
    with watched.home.opened() as log:
        witnessing = watched.witnessing(log)
        fill(log, 3)
        watched.home.clock.turn(seconds=2)
        witnessing.round()
        note = witnessing.newest()
        assert check_witnessed(note, watched.policy).size == 3
        own = watched.home.keys.published_signer
        assert own is not None
        opened = open_note(note, [watched.key, own.verifier, *watched.witness.keys])
        assert len(opened.verified) == 4
        assert not witnessing.due()
        fill(log, 300)
        watched.home.clock.turn(seconds=2)
        assert witnessing.due()
        witnessing.round()
        assert check_witnessed(witnessing.newest(), watched.policy).size == 303
        witnessing.close()


def test_a_restarted_node_asks_from_where_the_witness_stands(watched: Watched) -> None:
    for size in (4, 9):
        with watched.home.opened() as log:
            witnessing = watched.witnessing(log)
            fill(log, size - log.size)
            watched.home.clock.turn(seconds=2)
            witnessing.round()
            witnessing.close()
            assert watched.cosigned_size() == size


@pytest.mark.proves("T3")
def test_a_first_start_with_the_witness_down_is_made_good_when_it_comes_up(
    watched: Watched,
) -> None:
    watched.witness.stop()
    with watched.home.opened() as log:
        witnessing = watched.witnessing(log, stop=timedelta(hours=4))
        fill(log, 2)
        watched.home.clock.turn(seconds=2)
        witnessing.round()
        witnessing.ready()
        with pytest.raises(ProofError, match="cosigned by nobody"):
            check_witnessed(witnessing.newest(), watched.policy)
        watched.start_witness()
        watched.home.clock.turn(seconds=6)
        assert witnessing.due()
        witnessing.round()
        assert check_witnessed(witnessing.newest(), watched.policy).size == 2
        witnessing.close()


@pytest.mark.proves("T1")
def test_a_witness_that_is_away_is_waited_for_then_told_then_nothing_is_answered(
    watched: Watched,
) -> None:
    with watched.home.opened() as log:
        witnessing = watched.witnessing(log, stop=timedelta(hours=4))
        fill(log, 2)
        witnessing.round()
        watched.witness.stop()
        watched.home.clock.turn(minutes=9)
        witnessing.round()
        assert witnessing.trouble is None
        watched.home.clock.turn(minutes=2)
        witnessing.round()
        assert witnessing.trouble == "no quorum for 11 minutes"
        assert kinds(log)[-1] == "witness.away"
        witnessing.ready()
        watched.home.clock.turn(hours=4)
        witnessing.round()
        assert kinds(log).count("witness.away") == 1
        with pytest.raises(WitnessMissingError, match="no quorum for more than 240 minutes"):
            witnessing.ready()
        watched.start_witness()
        witnessing.round()
        witnessing.ready()
        assert (witnessing.trouble, kinds(log)[-1]) == (None, "witness.back")
        witnessing.close()


@pytest.mark.proves("T1")
def test_without_a_stop_calls_are_answered_however_long_the_witness_is_away(
    watched: Watched,
) -> None:
    watched.witness.stop()
    with watched.home.opened() as log:
        witnessing = watched.witnessing(log)
        watched.home.clock.turn(days=30)
        witnessing.ready()
        assert witnessing.trouble is not None
        witnessing.close()


@pytest.mark.proves("T1")
def test_a_restart_does_not_renew_the_grace(watched: Watched) -> None:
    with watched.home.opened() as log:
        witnessing = watched.witnessing(log, stop=timedelta(hours=4))
        fill(log, 2)
        witnessing.round()
        witnessing.close()
    watched.witness.stop()
    watched.home.clock.turn(hours=5)
    with watched.home.opened() as log:
        witnessing = watched.witnessing(log, stop=timedelta(hours=4))
        with pytest.raises(WitnessMissingError):
            witnessing.ready()
        witnessing.close()


def put_back(home: LogHome, kept: Path) -> None:
    """Put an older copy of the log in place, with the guard that the attacker found beside it."""
    home.log_engine.dispose()
    for path in home.home.glob("log.db*"):
        path.unlink()
    shutil.copy(kept / "log.db", home.home / "log.db")
    home.guard.unlink()
    (home.home / WITNESSED).unlink()


def keep(home: LogHome, folder: Path) -> Path:
    """Copy the log as it stands, at rest."""
    home.log_engine.dispose()
    folder.mkdir()
    shutil.copy(home.home / "log.db", folder / "log.db")
    return folder


def test_an_older_copy_is_refused_at_the_start_by_what_the_witness_knows(
    watched: Watched, tmp_path: Path
) -> None:
    with watched.home.opened() as log:
        fill(log, 3)
    kept = keep(watched.home, tmp_path / "kept")
    with watched.home.opened() as log:
        witnessing = watched.witnessing(log)
        fill(log, 4)
        witnessing.round()
        witnessing.close()
    put_back(watched.home, kept)
    with (
        watched.home.opened() as log,
        pytest.raises(StartRefusedError, match="with 7 entries, here are 3"),
    ):
        watched.witnessing(log)


def test_an_older_copy_is_refused_by_what_the_home_knows_though_the_witness_is_away(
    watched: Watched, tmp_path: Path
) -> None:
    with watched.home.opened() as log:
        fill(log, 3)
    kept = keep(watched.home, tmp_path / "kept")
    with watched.home.opened() as log:
        witnessing = watched.witnessing(log)
        fill(log, 4)
        witnessing.round()
        witnessing.close()
    witnessed = (watched.home.home / WITNESSED).read_text(encoding="utf-8")
    put_back(watched.home, kept)
    (watched.home.home / WITNESSED).write_text(witnessed, encoding="utf-8")
    watched.witness.stop()
    with (
        watched.home.opened() as log,
        pytest.raises(StartRefusedError, match="cosigned last"),
    ):
        watched.witnessing(log)


@pytest.mark.proves("L5")
def test_a_second_history_that_the_witness_knows_is_alarmed_recorded_and_ends_the_answers(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    with watched.home.opened() as log:
        witnessing = watched.witnessing(log)
        fill(log, 5)
        # Somebody with the log's key had the witness cosign another history of five.
        forged = a_note(leaves(5), signer=watched.home.keys.signer)
        post(watched.witness, a_request(0, leaves(5), note=forged))
        with caplog.at_level(logging.CRITICAL, logger="exchange"):
            witnessing.round()
        assert "disagree" in caplog.text
        assert kinds(log)[-1] == "witness.alarm"
        assert "with 5 entries" in str(witnessing.trouble)
        with pytest.raises(WitnessMissingError):
            witnessing.ready()
        assert not witnessing.due()
        witnessing.close()


@pytest.mark.proves("L7")
def test_a_history_signed_again_with_the_stolen_key_gets_no_cosignature(watched: Watched) -> None:
    with watched.home.opened() as log:
        witnessing = watched.witnessing(log)
        fill(log, 6)
        witnessing.round()
        bodies = log.entries(0, log.size)
        hashes = [leaf_hash(body) for at, body in enumerate(bodies) if at != 2]
        forged = watched.home.keys.signer.sign(
            format_checkpoint(Checkpoint(ORIGIN, len(hashes), root_of(hashes)))
        )
        with httpx.Client(trust_env=False) as http:
            thief = WitnessClient(watched.witness.url, watched.witness.keys, http=http)
            with pytest.raises(WitnessRefusedError, match="cosigned 6, asked for 5"):
                thief.cosign(forged, prove=lambda _old, _size: [])
        with pytest.raises(ProofError, match="the quorum market needed"):
            check_witnessed(forged, watched.policy)
        assert watched.cosigned_size() == 6
        witnessing.close()


def post(witness: DepartmentWitness, body: bytes) -> httpx.Response:
    with httpx.Client(trust_env=False) as http:
        return http.post(f"{witness.url}/add-checkpoint", content=body)


def test_the_witness_answers_in_the_words_of_its_protocol(watched: Watched) -> None:
    signer = watched.home.keys.signer
    note = a_note(leaves(4), signer=signer)
    other = a_note(leaves(4, history="another"), signer=signer)
    assert post(watched.witness, a_request(0, leaves(4), note=note)).status_code == 200
    conflict = post(watched.witness, a_request(0, leaves(4), note=note))
    assert (conflict.status_code, conflict.text) == (409, "4\n")
    assert conflict.headers["content-type"] == SIZE_TYPE
    answers = {
        400: b"old 1\n",
        403: a_request(4, leaves(4)),
        404: a_request(
            0,
            leaves(4),
            note=parse_note(note).text.replace(ORIGIN, "o.example")
            + "\n"
            + note.rpartition("\n\n")[2],
        ),
        413: bytes(1 << 19),
        422: a_request(4, leaves(4), note=other),
    }
    for status, body in answers.items():
        assert post(watched.witness, body).status_code == status
    with httpx.Client(trust_env=False) as http:
        keys = http.get(f"{watched.witness.url}/vkeys").text.splitlines()
        unknown = http.get(f"{watched.witness.url}/{origin_digest('o.example')}/checkpoint")
    assert keys == [key.vkey for key in watched.witness.keys]
    assert unknown.status_code == 404


@pytest.mark.proves("T1")
def test_a_call_is_refused_before_a_source_is_asked(here: Standing, tmp_path: Path) -> None:
    node = here.node
    witness = DepartmentWitness(tmp_path / "witness", name=NAME, now=node.ports.now)
    witness.start(origin=node.log.origin, key=node.keys.signer.verifier)
    policy = format_policy(a_policy(node.keys.signer.verifier, witness))
    (node.settings.home / "witnesses").write_text(policy, encoding="utf-8")
    here.serving.stop()
    here.serve(replace(node.settings, witness_policy="witnesses", witness_stop_min=1))
    try:
        here.node.witnessing.round()
        assert here.ask().state == "signed"
        assert httpx.get(f"{here.url}/log/checkpoint", trust_env=False).text.count(NAME) == 2
        # The quorum was last there longer ago than the settings allow.
        here.node.witnessing._met_at -= timedelta(minutes=2)
        witness.stop()
        read = len(here.sources.reads)
        answer = here.send(here.signed(here.write()))
        assert answer.status_code == 503
        assert "LOG_UNAVAILABLE" in answer.text
        assert len(here.sources.reads) == read
    finally:
        witness.stop()


@pytest.mark.parametrize(
    ("text", "why"),
    [("quorum nobody\n", "line 1"), ("quorum none\n", "no line of log")],
)
def test_a_node_does_not_start_under_a_policy_that_is_not_its_own(
    here: Standing, text: str, why: str
) -> None:
    settings = replace(here.node.settings, witness_policy="witnesses")
    (settings.home / "witnesses").write_text(text, encoding="utf-8")
    here.serving.stop()
    with pytest.raises(SettingsError, match=why):
        open_node(settings)
    here.serve(here.node.settings)
