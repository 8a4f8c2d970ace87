"""Signed notes open under known keys only, and nothing but their exact bytes opens."""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.canonical import b64, b64_decode
from audit.checkpoint import Checkpoint, format_checkpoint
from audit.errors import AuditError, MalformedError, ProofError
from audit.note import (
    NOTE_BOUND,
    Cosigner,
    Kind,
    Signer,
    SubtreeSigner,
    Verifier,
    add_signatures,
    open_note,
    parse_note,
    parse_vkey,
    replace_signatures,
)
from tests.examples import examples

VECTORS = json.loads((Path(__file__).parents[2] / "data" / "signed-notes.json").read_bytes())
ORIGIN = "audit.example.gov.cn/log"
TEXT = format_checkpoint(Checkpoint(ORIGIN, 7, bytes(range(32))))

LOG = Signer(ORIGIN, Ed25519PrivateKey.from_private_bytes(b"l" * 32))
WITNESS = Cosigner("witness.example", Ed25519PrivateKey.from_private_bytes(b"w" * 32))
LATTICE = SubtreeSigner(ORIGIN, MLDSA44PrivateKey.from_seed_bytes(b"m" * 32))
STRANGER = Signer("stranger.example", Ed25519PrivateKey.from_private_bytes(b"s" * 32))

NOTE = LOG.sign(TEXT)
PUBLISHED = add_signatures(
    NOTE, [LATTICE.line(TEXT, time=0), WITNESS.line(TEXT, time=1_764_000_000)]
)

note_texts = st.text(st.characters(codec="utf-8", min_codepoint=32), max_size=30).map(
    lambda text: text + "\n"
)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["source"])[:30])
def test_notes_signed_by_others_open(vector: dict[str, Any]) -> None:
    opened = open_note(vector["note"], [parse_vkey(vkey) for vkey in vector["vkeys"]])
    assert list(opened.names) == vector["names"]
    assert [held.time for held in opened.verified] == vector["times"]
    assert [held.verifier.vkey for held in opened.verified] == vector["vkeys"]


def test_another_implementations_signature_is_ours_to_the_byte() -> None:
    # golang.org/x/mod, sumdb/note/note_test.go: PRIVATE+KEY+PeterNeumann+c74f20a3+AYEK…
    seed = b64_decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
    signer = Signer("PeterNeumann", Ed25519PrivateKey.from_private_bytes(seed))
    parsed = parse_note(VECTORS[0]["note"])
    assert signer.vkey == VECTORS[0]["vkeys"][0]
    assert parse_note(signer.sign(parsed.text)).signatures == parsed.signatures[:1]


@settings(deadline=None)
@given(note_texts)
def test_a_signed_text_opens_under_its_key(text: str) -> None:
    assert open_note(LOG.sign(text), [LOG.verifier]).text == text


def test_a_published_checkpoint_opens_under_all_three_kinds_of_key() -> None:
    opened = open_note(PUBLISHED, [LOG.verifier, LATTICE.verifier, WITNESS.verifier])
    assert [(held.verifier.kind, held.time) for held in opened.verified] == [
        (Kind.ED25519, None),
        (Kind.SUBTREE, 0),
        (Kind.COSIGNATURE, 1_764_000_000),
    ]


@pytest.mark.parametrize("verifier", [LOG.verifier, LATTICE.verifier, WITNESS.verifier])
def test_signatures_of_unknown_keys_are_ignored(verifier: Verifier) -> None:
    assert open_note(PUBLISHED, [verifier]).names == (verifier.name,)


@pytest.mark.proves("B5")
def test_a_note_without_a_known_signature_is_refused() -> None:
    with pytest.raises(ProofError, match="none by a known key"):
        open_note(PUBLISHED, [STRANGER.verifier])


@pytest.mark.proves("B5")
@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_known_signature_that_fails_refuses_the_note_whatever_else_holds(number: int) -> None:
    parsed = parse_note(PUBLISHED)
    lines = PUBLISHED[len(parsed.text) + 1 :].splitlines(keepends=True)
    broken = parsed.signatures[number]
    damaged = broken.signature[:-1] + bytes([broken.signature[-1] ^ 1])
    lines[number] = f"\u2014 {broken.name} {b64(broken.key_id + damaged)}\n"
    verifiers = [LOG.verifier, LATTICE.verifier, WITNESS.verifier]
    with pytest.raises(ProofError, match="does not hold"):
        open_note(f"{parsed.text}\n{''.join(lines)}", verifiers)


@pytest.mark.proves("B5")
@pytest.mark.parametrize("verifier", [LOG.verifier, LATTICE.verifier, WITNESS.verifier])
def test_a_signature_over_another_checkpoint_is_refused(verifier: Verifier) -> None:
    moved = PUBLISHED.replace("\n7\n", "\n8\n")
    with pytest.raises(ProofError):
        open_note(moved, [verifier])


@pytest.mark.proves("B5")
@settings(max_examples=examples(100), deadline=None)
@given(st.data())
def test_a_note_with_one_byte_changed_is_refused(data: st.DataObject) -> None:
    raw = NOTE.encode()
    at = data.draw(st.integers(0, len(raw) - 1))
    changed = bytearray(raw)
    changed[at] ^= data.draw(st.integers(1, 255))
    try:
        text = changed.decode()
    except UnicodeDecodeError:
        return
    with pytest.raises(AuditError):
        open_note(text, [LOG.verifier])


@pytest.mark.proves("B5")
@pytest.mark.parametrize(
    "note",
    [
        "",
        TEXT,
        TEXT + "\n",
        NOTE[:-1],
        NOTE + "\n",
        NOTE + "— no signature\n",
        NOTE.replace("—", "-"),
        NOTE.replace("— ", "—  "),
        NOTE.replace("\n", "\r\n"),
        NOTE.replace(ORIGIN, "a\tb"),
        NOTE.replace(f"— {ORIGIN}", "— a+b"),
        NOTE.replace(f"— {ORIGIN}", "— a\u3000b"),
        NOTE + "— name AAAA\n",
        NOTE + "— name AAAAAAB=\n",
        NOTE + f"— name {'A' * 262_144}\n",
        NOTE.replace(ORIGIN, "\ud800"),
    ],
)
def test_a_malformed_note_is_refused(note: str) -> None:
    with pytest.raises(MalformedError):
        parse_note(note)


def test_a_note_may_bear_more_than_sixteen_post_quantum_signatures() -> None:
    line = LATTICE.line(TEXT, time=0)
    assert len(parse_note(add_signatures(NOTE, [line] * 17)).signatures) == 18


def test_a_key_that_signs_twice_counts_once() -> None:
    twice = add_signatures(NOTE, [LOG.line(TEXT)])
    assert open_note(twice, [LOG.verifier]).names == (ORIGIN,)


@pytest.mark.parametrize("verifier", [LOG.verifier, LATTICE.verifier, WITNESS.verifier])
def test_a_key_is_read_back(verifier: Verifier) -> None:
    assert parse_vkey(verifier.vkey) == verifier


@pytest.mark.proves("B5")
def test_every_part_of_a_key_is_refused() -> None:
    vkey = LOG.vkey
    for first in range(len(vkey)):
        for end in range(first, len(vkey) + 1):
            if vkey[first:end] != vkey:
                with pytest.raises(MalformedError):
                    parse_vkey(vkey[first:end])


@pytest.mark.proves("B5")
@settings(max_examples=examples(100), deadline=None)
@given(st.integers(0, len(LOG.vkey) - 1), st.characters(codec="utf-8"))
def test_a_key_with_one_character_changed_is_refused(at: int, character: str) -> None:
    vkey = LOG.vkey
    if character == vkey[at]:
        return
    with pytest.raises(MalformedError):
        parse_vkey(vkey[:at] + character + vkey[at + 1 :])


@pytest.mark.proves("B5")
@pytest.mark.parametrize("kind", [0, 2, 3, 5, 255])
def test_a_key_of_a_kind_that_we_do_not_verify_is_refused(kind: int) -> None:
    with pytest.raises(MalformedError, match="unknown kind"):
        parse_vkey(f"name+00000000+{b64(bytes([kind]) + bytes(32))}")


@pytest.mark.proves("B5")
def test_a_key_without_any_byte_or_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(MalformedError):
        parse_vkey("name+00000000+")
    with pytest.raises(MalformedError, match="1312 needed"):
        parse_vkey("name+00000000+" + b64(b"\x06" + bytes(32)))


def test_one_key_has_another_id_under_each_kind_so_that_no_signature_passes_for_another() -> None:
    public = LOG.verifier.public_key
    ids = {Verifier(ORIGIN, kind, public).key_id for kind in (Kind.ED25519, Kind.COSIGNATURE)}
    assert len(ids) == 2


@pytest.mark.proves("B5")
@pytest.mark.parametrize("length", [1, 63, 65, 2428])
def test_a_signature_of_another_length_is_refused(length: int) -> None:
    line = f"\u2014 {ORIGIN} {b64(LOG.key_id + bytes(length))}\n"
    with pytest.raises(ProofError, match="64 needed"):
        open_note(f"{TEXT}\n{line}", [LOG.verifier])


def test_a_cosignature_from_beyond_time_is_refused() -> None:
    line = f"\u2014 witness.example {b64(WITNESS.verifier.key_id + b'x' * 72)}\n"
    late = f"\u2014 witness.example {b64(WITNESS.verifier.key_id + bytes([255]) * 72)}\n"
    with pytest.raises(ProofError):
        open_note(f"{TEXT}\n{line}", [WITNESS.verifier])
    with pytest.raises(ProofError, match="2\\^63"):
        open_note(f"{TEXT}\n{late}", [WITNESS.verifier])
    for signer in (WITNESS, LATTICE):
        with pytest.raises(MalformedError):
            signer.line(TEXT, time=2**63)


def test_only_checkpoints_are_cosigned() -> None:
    for signer in (WITNESS, LATTICE):
        with pytest.raises(MalformedError):
            signer.line("This is an example message.\n", time=0)


@pytest.mark.parametrize(
    "text",
    ["no last line end", "tab\there\n", "\r\n", "\0\n", "", "\ud800\n", "x" * NOTE_BOUND + "\n"],
)
def test_a_text_that_could_not_be_read_back_is_not_signed(text: str) -> None:
    with pytest.raises((MalformedError, UnicodeEncodeError)):
        LOG.sign(text)


def test_a_later_line_of_a_key_takes_the_place_of_the_earlier_one() -> None:
    later = WITNESS.line(TEXT, time=1_764_000_060)
    again = replace_signatures(PUBLISHED, [later])
    assert len(parse_note(again).signatures) == len(parse_note(PUBLISHED).signatures)
    opened = open_note(again, [LOG.verifier, LATTICE.verifier, WITNESS.verifier])
    assert {held.time for held in opened.verified} == {None, 0, 1_764_000_060}
    assert replace_signatures(NOTE, [later]) == add_signatures(NOTE, [later])
