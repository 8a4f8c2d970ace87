"""The log's key is changed: the old one hands over, both sign for a while, then the old one is destroyed."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from audit import verify
from audit.canonical import decode_strict
from audit.entry import Draft
from audit.errors import AuditError, MalformedError, ProofError, StartRefusedError
from audit.key_spans import format_span, parse_spans
from audit.keys import LogKeys, create_fresh_keys, load_keys, settle_keys
from audit.log import Log
from audit.note import Kind, open_note
from audit.policy_file import LogLine, Policy, format_policy
from audit.receipt import make_receipt
from audit.rotation import (
    read_retirement,
    read_rotation,
    retirement_draft,
    rotation_draft,
)
from exchange.acts.register import ActError
from exchange.keylist import told_keys
from tests.fakes.logs import ORIGIN, LogHome
from tests.fakes.node import Standing


@pytest.fixture
def home(tmp_path: Path) -> Iterator[LogHome]:
    found = LogHome(tmp_path)
    yield found
    found.close()


def held(home: LogHome) -> LogKeys:
    """What the files hold by now, the first key as one that remembers what it signed."""
    loaded = load_keys(home.home / "keys")
    if loaded.signer.verifier == home.keys.signer.verifier:
        loaded = replace(loaded, signer=home.keys.signer)
    return loaded


def rotate(home: LogHome, log: Log) -> int:
    fresh = create_fresh_keys(home.home / "keys", log.keys, random=home_random)
    index = log.append(rotation_draft(log.keys, fresh)).index
    log.renew_keys(held(home))
    return index


def retire(home: LogHome, log: Log) -> int:
    index = log.append(retirement_draft(log.keys)).index
    log.renew_keys(held(home))
    settle_keys(home.home / "keys", log.keys)
    return index


_drawn = iter(range(1, 250))


def home_random(length: int) -> bytes:
    return bytes([next(_drawn)]) * length


def write(log: Log) -> str:
    return log.append(Draft(kind="test.written", clear={})).checkpoint


def reopen(home: LogHome) -> Log:
    home.keys = held(home)
    return home.open()


@pytest.mark.proves("L12")
def test_old_checkpoints_hold_under_the_old_key_and_new_ones_under_the_new(home: LogHome) -> None:
    with home.opened() as log:
        old = log.keys.signer.verifier
        before = write(log)
        rotated = rotate(home, log)
        new = log.keys.signer.verifier
        overlapping = write(log)
        retired = retire(home, log)
        after = write(log)
        spans = log.keys.spans
    assert new != old
    assert open_note(before, [old]).names == (ORIGIN,)
    for key in (old, new):
        assert open_note(overlapping, [key]).names == (ORIGIN,)
    assert open_note(after, [new]).names == (ORIGIN,)
    for note, key in ((before, new), (after, old)):
        with pytest.raises(ProofError, match="none by a known key"):
            open_note(note, [key])
    of_text = [(s.first, s.last) for s in spans if s.key.kind is Kind.ED25519]
    assert of_text == [(rotated + 1, None), (0, retired + 1)]
    trust = verify.Trust(vkeys=[format_span(span) for span in spans])
    for note in (before, overlapping, after):
        assert verify._open_checkpoint(note, trust).findings[0].holds


@pytest.mark.proves("L12")
def test_a_restart_at_any_point_signs_as_the_entries_say(home: LogHome) -> None:
    with home.opened() as log:
        write(log)
        first = log.keys.signer.verifier
        rotate(home, log)
    log = reopen(home)
    second = log.keys.signer.verifier
    assert [each.verifier for each in log.keys.beside] == [first]
    note = write(log)
    assert {found.verifier for found in open_note(note, [first, second]).verified} == {
        first,
        second,
    }
    assert len(open_note(log.published(), [s.key for s in log.keys.spans]).verified) == 4
    # The entry is there; the program stops before the old key's file is gone.
    log.append(retirement_draft(log.keys))
    log.close()
    log = reopen(home)
    assert log.keys.beside == ()
    settle_keys(home.home / "keys", log.keys)
    note = write(log)
    log.close()
    assert open_note(note, log.keys.verifiers).verified[0].verifier == second
    assert {path.name for path in (home.home / "keys").glob("log.*")} == {
        "log.ed25519",
        "log.mldsa44",
    }
    reopen(home).close()


@pytest.mark.proves("L12")
def test_a_key_that_no_entry_names_signs_nothing(home: LogHome) -> None:
    with home.opened() as log:
        write(log)
        first = log.keys.signer.verifier
        create_fresh_keys(home.home / "keys", log.keys, random=home_random)
    log = reopen(home)
    assert log.keys.verifiers == (first,)
    assert len(open_note(write(log), log.keys.verifiers).verified) == 1
    log.close()


@pytest.mark.proves("L12")
def test_a_key_that_was_put_in_without_an_entry_stops_the_start(home: LogHome) -> None:
    with home.opened() as log:
        write(log)
        create_fresh_keys(home.home / "keys", log.keys, random=home_random)
    folder = home.home / "keys"
    next(folder.glob("log.*.ed25519")).replace(folder / "log.ed25519")
    with pytest.raises(StartRefusedError, match="none by a known key"):
        reopen(home)


@pytest.mark.proves("L12")
@pytest.mark.parametrize("pattern", ["log.ed25519", "log.*.ed25519", "log.*.mldsa44"])
def test_a_key_that_signs_and_that_no_file_holds_stops_the_start(
    home: LogHome, pattern: str
) -> None:
    with home.opened() as log:
        rotate(home, log)
        write(log)
    folder = home.home / "keys"
    path = next(folder.glob(pattern))
    if pattern == "log.ed25519":
        next(folder.glob("log.*.ed25519")).replace(path)
    else:
        path.unlink()
    with pytest.raises(StartRefusedError, match="no key file holds it"):
        reopen(home)


@pytest.mark.proves("L12")
def test_a_change_that_does_not_go_on_from_the_key_before_is_a_gap(home: LogHome) -> None:
    with home.opened() as log:
        first = log.keys
        rotate(home, log)
        retire(home, log)
        # The first key, kept by a thief, hands over once more.
        stray = create_fresh_keys(home.home / "keys", log.keys, random=home_random)
        log.append(rotation_draft(first, stray))
        with pytest.raises(StartRefusedError, match="changes a key that did not sign"):
            log.renew_keys(held(home))
    with pytest.raises(StartRefusedError, match="changes a key that did not sign"):
        reopen(home)


@pytest.mark.proves("L12")
def test_a_change_that_only_one_key_signed_is_refused(home: LogHome) -> None:
    with home.opened() as log:
        fresh = create_fresh_keys(home.home / "keys", log.keys, random=home_random)
        draft = rotation_draft(log.keys, fresh)
    statement = str(draft.clear["facts"]["statement"])
    text, _, lines = statement.rpartition("\n\n")
    for line in lines.removesuffix("\n").split("\n"):
        alone = {"facts": {"statement": f"{text}\n\n{line}\n"}}
        with pytest.raises(ProofError, match="none by a known key"):
            read_rotation(3, alone, origin=ORIGIN)
    assert read_rotation(3, draft.clear, origin=ORIGIN).new[0] == fresh.signer.verifier


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({}, "names no keys"),
        ({"statement": "x\n\n— a AAAAAAAA\n"}, "without an old and a new"),
    ],
)
def test_an_entry_that_names_no_change_is_refused(facts: dict[str, object], why: str) -> None:
    with pytest.raises(MalformedError, match=why):
        read_rotation(3, {"facts": facts}, origin=ORIGIN)
    with pytest.raises(MalformedError, match="names no keys"):
        read_retirement(3, {"facts": facts})


def test_a_change_of_another_log_is_refused(home: LogHome) -> None:
    with home.opened() as log:
        fresh = create_fresh_keys(home.home / "keys", log.keys, random=home_random)
        draft = rotation_draft(log.keys, fresh)
    with pytest.raises(MalformedError, match="of another log"):
        read_rotation(3, draft.clear, origin="o.example")


@pytest.mark.proves("L12")
def test_a_rotation_is_an_entry_of_both_keys_and_old_receipts_still_verify(
    here: Standing, tmp_path: Path
) -> None:
    given = here.ask()
    assert given.receipt is not None
    old = here.node.vkey
    said = here.act("administrator", "audit.rotate-key")
    assert (said["vkey"], said["beside"]) == (here.node.vkey, [old])
    entry = decode_strict(here.node.log.entry(said["index"]))
    assert entry["kind"] == "key-rotation"
    named = read_rotation(said["index"], entry, origin=here.node.log.origin)
    assert named.new[0].vkey == said["vkey"]
    with pytest.raises(ActError, match="retire it first"):
        here.act("administrator", "audit.rotate-key")
    assert here.ask().state == "signed", "who knows the old key only still verifies"
    retired = here.act("administrator", "audit.retire-key")
    listed = httpx.get(f"{here.url}/log/key", trust_env=False).text
    spans = parse_spans(listed)
    assert spans == here.node.keys.spans
    assert told_keys(here.node.settings.home) == tuple(listed.splitlines())
    assert (here.node.settings.home / "log.vkey").read_text(
        encoding="utf-8"
    ) == f"{retired['vkey']}\n"
    report = verify.verify_receipt(
        given.receipt, vkeys=listed.splitlines(), answer=given.raw, request=given.request
    )
    assert report.state == "signed"
    fresh = make_receipt(here.node.log.receipt_of(given.receipt["index"]), paths={})
    assert verify.verify_receipt(fresh, vkeys=listed.splitlines()).holds
    assert not verify.verify_receipt(fresh, vkeys=[old]).holds
    keys = tmp_path / "keys"
    keys.write_text(listed, encoding="utf-8")
    answer = tmp_path / "answer.json"
    answer.write_bytes(given.raw)
    assert verify.main([str(answer), "--keys", str(keys)]) == 0
    here.serving.stop()
    here.serve(here.node.settings)
    assert here.node.keys.spans == spans


def test_only_an_administrator_changes_keys(here: Standing) -> None:
    for name in ("audit.rotate-key", "audit.retire-key"):
        with pytest.raises(ActError, match="administrator needed"):
            here.act("auditor", name)
    with pytest.raises(ActError, match="rotate first"):
        here.act("administrator", "audit.retire-key")


def test_the_old_key_stays_until_the_policy_of_witnesses_names_the_new_one(here: Standing) -> None:
    settings = replace(here.node.settings, witness_policy="witnesses")
    path = settings.home / "witnesses"
    lines = [LogLine(key=here.node.keys.signer.verifier)]
    path.write_text(format_policy(Policy(logs=tuple(lines))), encoding="utf-8")
    here.serving.stop()
    here.serve(settings)
    here.act("administrator", "audit.rotate-key")
    with pytest.raises(ActError, match="does not name the new key"):
        here.act("administrator", "audit.retire-key")
    lines.append(LogLine(key=here.node.keys.signer.verifier))
    path.write_text(format_policy(Policy(logs=tuple(lines))), encoding="utf-8")
    here.serving.stop()
    here.serve(settings)
    here.act("administrator", "audit.retire-key")
    here.serving.stop()
    here.serve(settings)
    assert here.node.keys.beside == ()


def test_an_entry_that_was_taken_out_of_the_search_is_missed_at_the_start(home: LogHome) -> None:
    with home.opened() as log:
        rotate(home, log)
        retire(home, log)
    with home.log_engine.begin() as connection:
        word = "SELECT id FROM audit_word WHERE facet = 'kind' AND value = 'key-rotation'"
        hidden = connection.exec_driver_sql(f"DELETE FROM audit_index WHERE kind = ({word})")
        assert hidden.rowcount
    with pytest.raises(AuditError):
        reopen(home)
