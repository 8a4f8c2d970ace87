"""An older copy of the log is put back: the start refuses until somebody answers for it, on the record."""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from audit.canonical import decode_strict
from audit.checkpoint import Checkpoint, format_checkpoint, parse_checkpoint
from audit.entry import Draft
from audit.errors import MalformedError, StartRefusedError
from audit.given_up import GIVEN_UP, Lost, giving_up_draft, read_given_up
from audit.keys import create_keys, load_keys
from audit.log import Log
from audit.merkle import EMPTY_ROOT
from audit.note import parse_note
from audit.policy_file import LogLine, Policy, WitnessLine, format_policy
from audit.startup import read_guard
from exchange.backups import restore, take_backup
from exchange.cli.main import main
from exchange.clock import now
from exchange.demo.witness import DepartmentWitness
from exchange.home import HomeError
from exchange.node import open_node, opened
from exchange.rollbacks import ANSWERED, GUARD, Known, answer_for, known_of
from exchange.settings import Settings, write_settings
from exchange.witnessing import WITNESSED, WitnessMissingError
from tests.fakes.node import copied

REASON = "磁盘损坏,自备份恢复"
BY = "陈静 信息中心主任"


def silent(_what: str, _done: int, _total: int) -> None:
    """Stand in for a progress bar."""


def write(settings: Settings, count: int) -> None:
    with opened(settings) as node:
        for n in range(count):
            node.log.append(Draft(kind="test.written", clear={"facts": {"n": n}}))


def newest_of(log: Log) -> Checkpoint:
    return parse_checkpoint(parse_note(log.checkpoint).text)


def guarded(settings: Settings) -> Checkpoint:
    return parse_checkpoint(parse_note(read_guard(settings.home / GUARD)).text)


@pytest.fixture
def older(tmp_path: Path) -> Settings:
    """A home whose databases were put back to what they were three entries ago."""
    settings = copied(tmp_path / "home")
    folder, _ = take_backup(settings.home, at=now(), told=silent)
    write(settings, 3)
    restore(folder, settings.home, at=now())
    return settings


def answer(settings: Settings, *options: str) -> Result:
    words = ["audit", "acknowledge-rollback", "--home", str(settings.home), "--json"]
    return CliRunner().invoke(main, [*words, "--reason", REASON, "--by", BY, *options])


@pytest.mark.proves("L6")
def test_an_older_copy_is_refused_until_somebody_answers_for_it(older: Settings) -> None:
    lost = guarded(older)
    with pytest.raises(StartRefusedError, match="an older copy was put in its place"):
        open_node(older)
    with pytest.raises(StartRefusedError):
        open_node(older)
    assert guarded(older) == lost, "a start that was refused leaves the guard as it was"
    said = answer(older)
    assert said.exit_code == 0, said.output
    index = json.loads(said.output)["index"]
    with opened(older) as node:
        assert index == lost.size - 3
        entry = decode_strict(node.log.entry(index))
        assert entry["kind"] == GIVEN_UP
        assert read_given_up(index, entry, origin=node.log.origin) == {lost}
        assert entry["facts"]["kept"]["size"] == index
        openings = node.log.open_disclosures(index)
        assert (openings["reason"].value, openings["by"].value) == (REASON, BY)
        assert BY.split(maxsplit=1)[0] not in node.log.entry(index).decode()
        following = decode_strict(node.log.entry(index + 1))
        assert following["kind"] == "home.restored"


@pytest.mark.proves("L6")
def test_what_was_answered_for_excuses_no_other_rollback(older: Settings) -> None:
    assert answer(older).exit_code == 0
    folder, _ = take_backup(older.home, at=now() + timedelta(seconds=2), told=silent)
    write(older, 2)
    restore(folder, older.home, at=now() + timedelta(seconds=2))
    with pytest.raises(StartRefusedError, match="an older copy"):
        open_node(older)


@pytest.mark.proves("L6")
def test_a_log_that_leads_to_all_that_is_known_has_nothing_to_answer_for(tmp_path: Path) -> None:
    settings = copied(tmp_path / "home")
    write(settings, 1)
    with opened(settings) as node:
        size = node.log.size
    said = answer(settings)
    assert said.exit_code == 1
    assert "nothing to answer for" in said.output
    assert not (settings.home / ANSWERED).exists()
    with opened(settings) as node:
        assert node.log.size == size


@pytest.mark.parametrize(("reason", "by"), [(" ", BY), (REASON, "")])
def test_nobody_answers_without_a_name_and_a_reason(older: Settings, reason: str, by: str) -> None:
    with pytest.raises(HomeError, match="by a name and with a reason"):
        answer_for(older.home, known=(), reason=reason, by=by)


@pytest.mark.proves("L6")
def test_an_answer_that_was_cut_off_is_recorded_at_the_next_start_and_once(
    older: Settings,
) -> None:
    known, _ = known_of(older.home, Policy(), origin=older.origin)
    answer_for(older.home, known=known, reason=REASON, by=BY)
    kept = (older.home / ANSWERED).read_bytes()
    with opened(older) as node:
        kinds = [decode_strict(body)["kind"] for body in node.log.entries(0, node.log.size)]
        assert kinds.count(GIVEN_UP) == 1
    # Cut off between the entry and the removal of the mark.
    (older.home / ANSWERED).write_bytes(kept)
    with opened(older) as node:
        kinds = [decode_strict(body)["kind"] for body in node.log.entries(0, node.log.size)]
        assert kinds.count(GIVEN_UP) == 1
    assert not (older.home / ANSWERED).exists()


@pytest.mark.parametrize(
    "content", [b"", b"{}", b'{"v":"rolled-back/2","reason":"","by":"","known":[]}']
)
def test_an_answer_in_another_form_stops_the_start(older: Settings, content: bytes) -> None:
    (older.home / ANSWERED).write_bytes(content)
    with pytest.raises(HomeError, match="rolled-back/1"):
        open_node(older)


def test_a_log_whose_entry_of_it_was_hidden_is_not_excused(older: Settings) -> None:
    guard = read_guard(older.home / GUARD)
    assert answer(older).exit_code == 0
    (older.home / GUARD).write_text(guard, encoding="utf-8")
    with opened(older) as node:
        assert node.log.size
    (older.home / GUARD).write_text(guard, encoding="utf-8")
    connection = sqlite3.connect(older.home / "log.db")
    with connection:
        word = "SELECT id FROM audit_word WHERE facet = 'kind' AND value = ?"
        assert connection.execute(
            f"DELETE FROM audit_index WHERE kind = ({word})", (GIVEN_UP,)
        ).rowcount
    connection.close()
    with pytest.raises(StartRefusedError):
        open_node(older)


@pytest.mark.proves("L6")
def test_what_is_under_another_key_is_excused_for_nothing(older: Settings, tmp_path: Path) -> None:
    stranger = copied(tmp_path / "stranger")
    create_keys(tmp_path, origin=older.origin)
    (stranger.home / "keys" / "log.ed25519").write_text(
        (tmp_path / "log.ed25519").read_text(encoding="utf-8"), encoding="utf-8"
    )
    forged = load_keys(stranger.home / "keys").signer.sign(
        format_checkpoint(Checkpoint(older.origin, 9_999, b"r" * 32))
    )
    answer_for(older.home, known=[Known(note=forged, known_by="guard")], reason=REASON, by=BY)
    with pytest.raises(StartRefusedError, match="an older copy"):
        open_node(older)


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[DepartmentWitness]:
    found = DepartmentWitness(tmp_path / "witness", name="witness.market.example", now=now)
    yield found
    found.stop()


@pytest.mark.proves("L6")
def test_what_a_witness_knows_is_answered_for_too_and_it_cosigns_no_more(
    tmp_path: Path, witness: DepartmentWitness
) -> None:
    plain = copied(tmp_path / "home")
    with opened(plain) as node:
        key = node.keys.signer.verifier
    witness.start(origin=plain.origin, key=key)
    policy = Policy(
        logs=(LogLine(key=key),),
        witnesses=(WitnessLine(name="market", key=witness.keys[0], url=witness.url),),
        quorum="market",
    )
    (plain.home / "witnesses").write_text(format_policy(policy), encoding="utf-8")
    settings = replace(plain, witness_policy="witnesses", witness_stop_min=1)
    write_settings(settings)
    folder, backup = take_backup(settings.home, at=now(), told=silent)
    with opened(settings) as node:
        for _ in range(3):
            node.log.append(Draft(kind="test.written", clear={}))
        node.witnessing.round()
        assert node.witnessing.newest().count("witness.market.example") == 1
    restore(folder, settings.home, at=now())
    # The guard went with the old machine: only the witness knows.
    (settings.home / GUARD).unlink()
    (settings.home / WITNESSED).unlink()
    with pytest.raises(StartRefusedError, match=f"here are {backup.size}"):
        open_node(settings)
    said = answer(settings)
    assert said.exit_code == 0, said.output
    told = json.loads(said.output)
    assert (told["index"], told["not_asked"]) == (backup.size, [])
    with opened(settings) as node:
        entry = decode_strict(node.log.entry(backup.size))
        assert [each["known_by"] for each in entry["facts"]["lost"]] == [witness.url]
        for _ in range(5):
            node.log.append(Draft(kind="test.written", clear={}))
        node.witnessing.round()
        assert witness.url not in node.witnessing.newest()
        assert node.witnessing.trouble is None, "it was answered for: no alarm"
        node.witnessing._met_at = node.witnessing._met_at.replace(year=2020)
        with pytest.raises(WitnessMissingError):
            node.witnessing.ready()


@pytest.mark.proves("L6")
def test_a_checkpoint_that_was_given_up_is_shown_to_nobody(
    tmp_path: Path, witness: DepartmentWitness
) -> None:
    plain = copied(tmp_path / "home")
    with opened(plain) as node:
        key = node.keys.signer.verifier
    witness.start(origin=plain.origin, key=key)
    policy = Policy(
        logs=(LogLine(key=key),),
        witnesses=(WitnessLine(name="market", key=witness.keys[0], url=witness.url),),
        quorum="market",
    )
    (plain.home / "witnesses").write_text(format_policy(policy), encoding="utf-8")
    settings = replace(plain, witness_policy="witnesses")
    write_settings(settings)
    folder, backup = take_backup(settings.home, at=now(), told=silent)
    with opened(settings) as node:
        node.log.append(Draft(kind="test.written", clear={}))
        node.witnessing.round()
    witness.stop()
    restore(folder, settings.home, at=now())
    with pytest.raises(StartRefusedError):
        open_node(settings)
    said = answer(settings)
    assert said.exit_code == 0, said.output
    assert len(json.loads(said.output)["not_asked"]) == 1
    assert not (settings.home / WITNESSED).exists()
    with opened(settings) as node:
        shown = parse_checkpoint(parse_note(node.witnessing.newest()).text)
        assert shown == newest_of(node.log)
        assert shown.size > backup.size


def test_an_entry_that_does_not_say_what_was_given_up_is_refused() -> None:
    with pytest.raises(MalformedError, match="does not say"):
        read_given_up(1, {"facts": {}}, origin="o.example")
    lost = Checkpoint("o.example", 7, b"r" * 32)
    kept = Checkpoint("o.example", 0, EMPTY_ROOT)
    draft = giving_up_draft(
        [Lost(checkpoint=lost, known_by="guard")], kept=kept, reason=REASON, by=BY
    )
    assert read_given_up(0, draft.clear, origin="o.example") == {lost}
    assert format_checkpoint(lost).startswith("o.example\n7\n")
