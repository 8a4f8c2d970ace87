"""A witness cosigns what extends what it cosigned before, and remembers it before it answers."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.canonical import b64, decode_strict
from audit.checkpoint import parse_checkpoint
from audit.errors import (
    AuditError,
    LogUnavailableError,
    MalformedError,
    ProofError,
    StartRefusedError,
)
from audit.note import Signer, add_signatures, open_note, parse_note
from audit.witness import (
    Fork,
    NotCosignedError,
    Request,
    Why,
    Witness,
    find_fork,
    format_request,
    origin_digest,
    parse_request,
    valid_lines,
)
from audit.witness_state import FileStates
from tests.examples import examples
from tests.fakes.logs import ORIGIN, TurnedClock
from tests.fakes.witnesses import (
    COSIGNERS,
    LOG_KEY,
    WITNESS_KEYS,
    a_note,
    a_proof,
    a_request,
    a_witness,
    leaves,
    some_states,
)

STRANGER = Signer(ORIGIN, Ed25519PrivateKey.from_private_bytes(b"s" * 32))


@pytest.fixture
def states(tmp_path: Path) -> Iterator[FileStates]:
    held = some_states(tmp_path)
    yield held
    held.close()


def refused(witness: Witness, body: bytes) -> NotCosignedError:
    with pytest.raises(NotCosignedError) as caught:
        witness.add_checkpoint(body)
    return caught.value


def size_of(witness: Witness) -> int:
    note = witness.newest(origin_digest(ORIGIN))
    return 0 if note is None else parse_checkpoint(parse_note(note).text).size


def test_what_extends_is_cosigned_under_both_keys(states: FileStates) -> None:
    witness = a_witness(states)
    for old, new in ((0, 5), (5, 5), (5, 300)):
        told = witness.add_checkpoint(a_request(old, leaves(new)))
        note = add_signatures(a_note(leaves(new)), told.splitlines(keepends=True))
        opened = open_note(note, WITNESS_KEYS)
        assert {held.verifier for held in opened.verified} == set(WITNESS_KEYS)
        assert size_of(witness) == new


@settings(deadline=None, max_examples=examples(40))
@given(st.data())
def test_any_honest_growth_is_cosigned(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    sizes = sorted(data.draw(st.lists(st.integers(1, 70), min_size=1, max_size=6)))
    states = some_states(tmp_path_factory.mktemp("witness"))
    witness = a_witness(states)
    for old, new in zip([0, *sizes], sizes, strict=False):
        witness.add_checkpoint(a_request(old, leaves(new)))
    assert size_of(witness) == sizes[-1]
    states.close()


def test_a_log_that_is_not_watched_is_unknown(states: FileStates) -> None:
    signer = Signer("other.example", Ed25519PrivateKey.from_private_bytes(b"o" * 32))
    note = a_note(leaves(3), signer=signer, origin="other.example")
    assert refused(a_witness(states), a_request(0, leaves(3), note=note)).why is Why.UNKNOWN_LOG


def test_a_stranger_does_not_sign_for_the_log(states: FileStates) -> None:
    body = a_request(0, leaves(3), note=a_note(leaves(3), signer=STRANGER))
    assert refused(a_witness(states), body).why is Why.UNSIGNED


def test_a_damaged_signature_is_not_taken(states: FileStates) -> None:
    line = a_note(leaves(4)).rpartition("\n\n")[2]
    note = f"{parse_note(a_note(leaves(3))).text}\n{line}"
    assert refused(a_witness(states), a_request(0, leaves(3), note=note)).why is Why.UNSIGNED


def test_an_old_size_above_the_new_one_is_malformed(states: FileStates) -> None:
    assert refused(a_witness(states), a_request(4, leaves(3))).why is Why.MALFORMED


def test_another_old_size_is_told_the_one_that_was_cosigned(states: FileStates) -> None:
    witness = a_witness(states)
    witness.add_checkpoint(a_request(0, leaves(7)))
    for old in (0, 6, 8):
        error = refused(witness, a_request(old, leaves(9)))
        assert (error.why, error.size) == (Why.OTHER_SIZE, 7)


def test_a_proof_from_nothing_must_be_empty(states: FileStates) -> None:
    body = format_request(Request(old=0, proof=(bytes(32),), note=a_note(leaves(3))))
    assert refused(a_witness(states), body).why is Why.INCONSISTENT


def test_a_tree_without_leaves_has_the_empty_root_only(states: FileStates) -> None:
    note = LOG_KEY.sign(f"{ORIGIN}\n0\n{b64(bytes(32))}\n")
    body = format_request(Request(old=0, proof=(), note=note))
    assert refused(a_witness(states), body).why is Why.INCONSISTENT


@pytest.mark.parametrize("drop", [slice(0, -1), slice(1, None)])
def test_a_proof_that_lacks_a_hash_proves_nothing(states: FileStates, drop: slice) -> None:
    witness = a_witness(states)
    witness.add_checkpoint(a_request(0, leaves(5)))
    proof = a_proof(5, leaves(9))[drop]
    body = format_request(Request(old=5, proof=proof, note=a_note(leaves(9))))
    assert refused(witness, body).why is Why.INCONSISTENT
    assert size_of(witness) == 5


@pytest.mark.proves("L5")
def test_two_signed_checkpoints_of_one_size_are_refused_and_kept_as_proof(
    states: FileStates,
) -> None:
    witness = a_witness(states)
    witness.add_checkpoint(a_request(0, leaves(6)))
    forged = a_note(leaves(6, history="another"))
    body = format_request(Request(old=6, proof=(), note=forged))
    assert refused(witness, body).why is Why.INCONSISTENT
    (line,) = states.forks.read_bytes().splitlines()
    fork = Fork(**decode_strict(line))
    assert (fork.origin, fork.size, fork.shown) == (ORIGIN, 6, forged)
    # Whoever has the log's key can check the proof without the witness.
    assert find_fork([fork.held, fork.shown], [LOG_KEY.verifier]) is not None
    assert size_of(witness) == 6


@pytest.mark.proves("L5")
def test_a_history_that_was_rewritten_below_is_refused(states: FileStates) -> None:
    witness = a_witness(states)
    witness.add_checkpoint(a_request(0, leaves(6)))
    rewritten = [*leaves(5), *leaves(4, history="another")]
    assert refused(witness, a_request(6, rewritten)).why is Why.INCONSISTENT
    assert size_of(witness) == 6


@pytest.mark.proves("L5")
def test_a_fork_is_found_among_notes() -> None:
    notes = [a_note(leaves(5)), a_note(leaves(6)), a_note(leaves(6, history="another"))]
    fork = find_fork(notes, [LOG_KEY.verifier])
    assert fork == Fork(origin=ORIGIN, size=6, held=notes[1], shown=notes[2])
    assert find_fork([*notes[:2], notes[1]], [LOG_KEY.verifier]) is None


def test_only_what_the_log_signed_is_a_fork() -> None:
    notes = [a_note(leaves(6)), a_note(leaves(6, history="another"), signer=STRANGER)]
    with pytest.raises(ProofError):
        find_fork(notes, [LOG_KEY.verifier])


class FailingStates(FileStates):
    """Cannot save any more; complains when something was cosigned all the same."""

    def save(self, notes: Mapping[str, str]) -> None:
        raise LogUnavailableError(f"the disk is full: {len(notes)} notes not kept")


def test_what_cannot_be_remembered_is_not_cosigned(tmp_path: Path) -> None:
    states = FailingStates(tmp_path / "state")
    witness = a_witness(states)
    with pytest.raises(LogUnavailableError):
        witness.add_checkpoint(a_request(0, leaves(3)))
    assert size_of(witness) == 0
    states.close()


def test_a_witness_remembers_over_a_restart(tmp_path: Path) -> None:
    first = some_states(tmp_path)
    a_witness(first).add_checkpoint(a_request(0, leaves(7)))
    first.close()
    again = some_states(tmp_path)
    witness = a_witness(again)
    assert refused(witness, a_request(0, leaves(3))).size == 7
    again.close()


def test_its_time_never_runs_backwards(states: FileStates) -> None:
    clock = TurnedClock()
    witness = a_witness(states, clock=clock)
    witness.add_checkpoint(a_request(0, leaves(3)))
    before = int(clock.at.timestamp())
    clock.turn(minutes=-10)
    told = witness.add_checkpoint(a_request(3, leaves(4)))
    opened = open_note(add_signatures(a_note(leaves(4)), [told]), WITNESS_KEYS)
    assert {held.time for held in opened.verified} == {before}


def test_two_witnesses_cannot_share_a_state(states: FileStates, tmp_path: Path) -> None:
    with pytest.raises(StartRefusedError, match="another witness"):
        some_states(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}\n",
        b'{"notes":{},"v":"witness-state/2"}\n',
        b'{"notes":[],"v":"witness-state/1"}\n',
        b'{"notes":{"a":1},"v":"witness-state/1"}\n',
        b'{"more":1,"notes":{},"v":"witness-state/1"}\n',
        b'{"notes": {}, "v":"witness-state/1"}\n',
    ],
)
def test_a_damaged_state_is_no_beginning(
    states: FileStates, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "witness" / "state").write_bytes(content)
    with pytest.raises(StartRefusedError):
        a_witness(states)


def test_a_state_that_somebody_else_wrote_is_not_taken(states: FileStates) -> None:
    states.save({ORIGIN: a_note(leaves(2))})
    with pytest.raises(ProofError):
        a_witness(states)


def test_lines_of_strangers_are_not_remembered(states: FileStates) -> None:
    witness = a_witness(states)
    note = add_signatures(a_note(leaves(3)), [STRANGER.line(parse_note(a_note(leaves(3))).text)])
    witness.add_checkpoint(a_request(0, leaves(3), note=note))
    newest = witness.newest(origin_digest(ORIGIN))
    assert newest is not None
    assert len(parse_note(newest).signatures) == 1 + len(COSIGNERS)
    assert witness.newest(origin_digest("other.example")) is None


def test_the_client_takes_lines_of_known_witnesses_only(states: FileStates) -> None:
    note = a_note(leaves(3))
    told = a_witness(states).add_checkpoint(a_request(0, leaves(3)))
    stranger = STRANGER.line(parse_note(note).text)
    assert "".join(valid_lines(told + stranger, note, WITNESS_KEYS)) == told
    assert valid_lines(told, note, WITNESS_KEYS[:1]) == (told.splitlines(keepends=True)[0],)
    with pytest.raises(ProofError, match="none by a key"):
        valid_lines(stranger, note, WITNESS_KEYS)
    with pytest.raises(ProofError, match="does not hold"):
        valid_lines(told, a_note(leaves(4)), WITNESS_KEYS)
    with pytest.raises(MalformedError):
        valid_lines("cosigned\n", note, WITNESS_KEYS)


requests = st.builds(
    Request,
    old=st.integers(0, 2**63 - 1),
    proof=st.lists(st.binary(min_size=32, max_size=32), max_size=63).map(tuple),
    note=st.integers(1, 5).map(lambda size: a_note(leaves(size))),
)


@pytest.mark.proves("B5")
@settings(deadline=None)
@given(requests)
def test_a_request_is_read_back(request_: Request) -> None:
    assert parse_request(format_request(request_)) == request_


@pytest.mark.proves("B5")
@settings(deadline=None)
@given(requests, st.data())
def test_what_is_read_as_a_request_is_spelled_as_we_spell_it(
    request_: Request, data: st.DataObject
) -> None:
    body = format_request(replace(request_, proof=request_.proof[:2]))
    at = data.draw(st.integers(0, len(body) - 1))
    changed = body[:at] + data.draw(st.binary(max_size=2)) + body[at + 1 :]
    try:
        read = parse_request(changed)
    except MalformedError:
        return
    assert format_request(read) == changed


@pytest.mark.proves("B5")
@pytest.mark.parametrize(
    ("above", "why"),
    [
        ("old 01\n\n", "not a tree size"),
        ("old ٣\n\n", "an old size"),
        ("old -1\n\n", "an old size"),
        ("old 9223372036854775808\n\n", "not a tree size"),
        ("Old 1\n\n", "an old size"),
        ("old 1\nAAAA\n\n", "no hash"),
        ("old 1\n!\n\n", "base64"),
        ("old 1\n" + f"{b64(bytes(32))}\n" * 64 + "\n", "63 allowed"),
        ("", "an old size"),
    ],
)
def test_a_malformed_request_is_refused_with_the_reason(
    states: FileStates, above: str, why: str
) -> None:
    error = refused(a_witness(states), (above + a_note(leaves(3))).encode())
    assert error.why is Why.MALFORMED
    assert why in str(error)


@given(st.binary(max_size=200))
def test_no_bytes_at_all_upset_a_reader(body: bytes) -> None:
    with pytest.raises(AuditError):
        parse_request(body)
