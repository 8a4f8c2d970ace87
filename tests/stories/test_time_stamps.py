"""A time-stamping authority says when a checkpoint was there; nobody can date a log back after that."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from audit import verify
from audit.canonical import decode_strict
from audit.checkpoint import parse_checkpoint
from audit.entry import Draft
from audit.errors import MalformedError, ProofError
from audit.log import Log
from audit.note import parse_note
from audit.stamps import newest_stamp, stamped_checkpoints
from audit.timestamp import ANSWER_BOUND, ask, read_answer, read_roots
from exchange.cli.main import main
from exchange.node import open_node
from exchange.settings import SettingsError
from exchange.stamping import Stamping, StampMissingError, Stamps, read_stamps
from tests.fakes.logs import LogHome
from tests.fakes.node import Standing
from tests.fakes.tsa import Authority, StampingServer


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


class Stamped:
    """A log and the authority that it asks; the clock is turned by hand."""

    def __init__(self, folder: Path, authority: Authority) -> None:
        self.home = LogHome(folder)
        self.server = StampingServer(authority=authority, now=self.home.clock)
        self.server.start()
        self.stamps = Stamps(
            url=self.server.url,
            roots=authority.root_pem,
            warn=timedelta(hours=3),
            stop=timedelta(hours=8),
        )

    def stamping(self, log: Log) -> Stamping:
        return Stamping(
            log,
            self.home.log_engine,
            stamps=self.stamps,
            newest=log.published,
            now=self.home.clock,
        )

    def stamped_sizes(self) -> list[int]:
        kept = stamped_checkpoints(self.home.log_engine, most=1_000)
        return [parse_checkpoint(parse_note(each.note).text).size for each in kept]


@pytest.fixture
def stamped(tmp_path: Path, authority: Authority) -> Iterator[Stamped]:
    found = Stamped(tmp_path, authority)
    yield found
    found.server.stop()
    found.home.close()


def write(log: Log) -> None:
    log.append(Draft(kind="test.written", clear={}))


def kinds(log: Log) -> list[str]:
    return [str(decode_strict(body)["kind"]) for body in log.entries(0, log.size)]


def test_the_newest_checkpoint_is_stamped_hourly_and_the_verifier_reads_when(
    stamped: Stamped,
) -> None:
    with stamped.home.opened() as log:
        stamping = stamped.stamping(log)
        write(log)
        assert stamping.due()
        stamping.round()
        assert stamped.stamped_sizes() == [1]
        (kept,) = stamped_checkpoints(stamped.home.log_engine, most=1)
        text = parse_note(kept.note).text.encode()
        at = verify.stamped_at(kept.token, text, roots=stamped.stamps.roots)
        assert at == stamped.home.clock()
        write(log)
        stamped.home.clock.turn(minutes=59)
        assert not stamping.due(), "at most hourly"
        stamped.home.clock.turn(minutes=1)
        assert stamping.due()
        stamping.round()
        assert stamped.stamped_sizes() == [1, 2]
        stamped.home.clock.turn(days=3)
        assert not stamping.due(), "what nobody wrote to needs no new stamp"
        assert stamping.trouble is None
        assert stamped.server.asked == 2
        stamping.close()


def test_an_authority_that_is_away_is_waited_for_then_told_then_nothing_is_answered(
    stamped: Stamped,
) -> None:
    with stamped.home.opened() as log:
        stamping = stamped.stamping(log)
        stamped.server.answers = lambda _: (503, b"")
        write(log)
        assert stamping.due()
        stamping.round()
        assert not stamping.due(), "time for it to come back"
        stamped.home.clock.turn(minutes=5)
        assert stamping.due()
        stamping.round()
        assert stamping.trouble is None
        stamped.home.clock.turn(hours=3)
        stamping.round()
        assert stamping.trouble == "no time stamp for 185 minutes"
        assert kinds(log)[-1] == "stamp.away"
        stamping.ready()
        stamped.home.clock.turn(hours=5)
        stamping.round()
        assert kinds(log).count("stamp.away") == 1
        with pytest.raises(StampMissingError, match="more than 480 minutes"):
            stamping.ready()
        stamped.server.answers = None
        stamping.round()
        stamping.ready()
        assert (stamping.trouble, kinds(log)[-1]) == (None, "stamp.back")
        stamping.close()


def test_a_restart_renews_no_grace_and_asks_no_sooner(stamped: Stamped) -> None:
    with stamped.home.opened() as log:
        stamping = stamped.stamping(log)
        write(log)
        stamping.round()
        write(log)
        stamping.close()
    stamped.home.clock.turn(minutes=30)
    with stamped.home.opened() as log:
        stamping = stamped.stamping(log)
        assert not stamping.due()
        stamped.home.clock.turn(hours=4)
        assert stamping.due()
        assert stamping.trouble == "no time stamp for 270 minutes"
        stamping.close()


def test_a_restart_after_a_rest_owes_no_stamp(stamped: Stamped) -> None:
    with stamped.home.opened() as log:
        stamping = stamped.stamping(log)
        write(log)
        stamping.round()
        stamping.close()
    stamped.home.clock.turn(days=30)
    with stamped.home.opened() as log:
        stamping = stamped.stamping(log)
        write(log)
        assert stamping.trouble is None
        assert stamping.due()
        stamping.close()


@pytest.mark.parametrize(
    "answers",
    [
        lambda _: (200, b""),
        lambda _: (200, b"0" * (ANSWER_BOUND + 1)),
        lambda _: (404, b"nothing here"),
    ],
)
def test_what_is_no_stamp_is_not_kept(stamped: Stamped, answers: object) -> None:
    stamped.server.answers = answers  # type: ignore[assignment]
    with stamped.home.opened() as log:
        stamping = stamped.stamping(log)
        write(log)
        stamping.round()
        assert newest_stamp(stamped.home.log_engine) is None
        stamping.close()


def test_a_stamp_of_a_stranger_or_of_another_checkpoint_is_not_kept(
    stamped: Stamped, authority: Authority
) -> None:
    stranger, now = Authority("a stranger"), stamped.home.clock()
    with stamped.home.opened() as log:
        stamping = stamped.stamping(log)
        write(log)
        other = ask(log.published()).body
        write(log)
        stamped.home.clock.turn(seconds=2)
        for answers in (
            lambda body: (200, stranger.answer(body, at=now, serial=1)),
            lambda _: (200, authority.answer(other, at=now, serial=1)),
        ):
            stamped.server.answers = answers
            stamping.round()
            assert newest_stamp(stamped.home.log_engine) is None
        stamping.close()


def test_the_verifier_takes_no_stamp_that_was_changed(
    stamped: Stamped, authority: Authority
) -> None:
    with stamped.home.opened() as log:
        write(log)
        asked = ask(log.published())
    answer = authority.answer(asked.body, at=stamped.home.clock(), serial=1)
    token = read_answer(answer, asked=asked, roots=read_roots(authority.root_pem)).token
    roots = authority.root_pem
    assert verify.stamped_at(token, asked.content, roots=roots) == stamped.home.clock()
    with pytest.raises(verify.FaultError):
        verify.stamped_at(token, asked.content + b"x", roots=roots)
    with pytest.raises(verify.FaultError):
        verify.stamped_at(token, asked.content, roots=Authority().root_pem)
    later = f"{stamped.home.clock() - timedelta(days=9):%Y%m%d}".encode()
    back = token.replace(f"{stamped.home.clock():%Y%m%d}".encode(), later, 1)
    assert back != token
    with pytest.raises(verify.FaultError):
        verify.stamped_at(back, asked.content, roots=roots)
    with pytest.raises(ProofError):
        read_answer(answer[:-9], asked=asked, roots=read_roots(roots))
    with pytest.raises(MalformedError):
        read_roots(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")


def test_a_node_has_its_log_stamped_and_says_when_it_is_not(
    here: Standing,
    tmp_path: Path,
    authority: Authority,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server = StampingServer(authority=authority, now=lambda: datetime.now().astimezone())
    server.start()
    roots = tmp_path / "roots.pem"
    roots.write_bytes(authority.root_pem)
    here.serving.stop()
    here.serve(replace(here.node.settings, tsa_url=server.url, tsa_roots=str(roots)))
    try:
        here.node.stamping.round()
        engine = here.node.databases.log
        (kept,) = stamped_checkpoints(engine, most=here.node.log.size)
        assert here.ask().state == "signed"
        here.node.stamping._since = datetime.now().astimezone() - timedelta(hours=4)
        health = httpx.get(f"{here.url}/health/ready", trust_env=False)
        assert health.json()["broken"]["time-stamps"].startswith("no time stamp for 240")
        assert (health.status_code, health.json()["status"]) == (200, "degraded")
        folder = tmp_path / "export"
        home = str(here.node.settings.home)
        here.serving.stop()
        words = ["audit", "export", str(folder), "--home", home, "--as", "auditor", "--json"]
        exported = CliRunner().invoke(main, words)
        assert json.loads(exported.output)["stamps"] == 1, exported.output
        size = parse_checkpoint(parse_note(kept.note).text).size
        assert (folder / "checkpoints" / f"{size}.tst").read_bytes() == kept.token
        asked = ["--public", str(folder), "--vkey", here.node.vkey, "--tsa-root"]
        assert verify.main([*asked, str(roots)]) == 0
        said = capsys.readouterr().out
        assert verify.TEXTS["TIME_STAMPED"][1] in said
        assert verify.TEXTS["PAST_HELD"][1] in said
        strange = tmp_path / "strange.pem"
        strange.write_bytes(Authority("a stranger").root_pem)
        assert verify.main([*asked, str(strange)]) == 1
        here.serve(here.node.settings)
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("named", "why"),
    [
        ({"tsa_url": "ftp://tsa.example"}, "http"),
        ({"tsa_url": "https://tsa.example", "tsa_roots": "nowhere.pem"}, "nowhere"),
        ({"tsa_url": "https://tsa.example", "tsa_roots": "exchange.toml"}, "no PEM certificates"),
    ],
)
def test_a_node_does_not_start_with_an_authority_it_cannot_trust(
    here: Standing, named: dict[str, str], why: str
) -> None:
    settings = here.node.settings
    assert read_stamps(settings) is None
    here.serving.stop()
    with pytest.raises(SettingsError, match=why):
        open_node(replace(settings, **named))  # type: ignore[arg-type]
    here.serve(settings)
