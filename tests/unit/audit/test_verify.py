"""The stand-alone verifier says yes to what was given, no to all else, and names what differs."""

import ast
import copy
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from audit import checkpoint, merkle, note, tiles, verify
from audit.canonical import b64, b64url, b64url_decode, commit_value, decode_strict, encode
from audit.entry import Sequenced
from audit.errors import AuditError, ProofError
from audit.receipt import make_receipt
from tests.examples import examples
from tests.fakes.receipts import (
    DATA,
    LICENCE,
    LOG,
    PATHS,
    PERMITS,
    REQUEST,
    WITNESS,
    Given,
    a_body,
    a_given,
    a_salt,
    a_sequenced,
    bodies_of,
)

GOLDEN = Path(__file__).parents[2] / "data" / "receipt-1.answer.json"
NOTES = json.loads((GOLDEN.parent / "signed-notes.json").read_bytes())
GIVEN = a_given()
STRANGER = note.Signer("stranger.example", LOG._private_key)


def check(given: Given, **asked: Any) -> verify.Report:
    return verify.verify_receipt(
        given.receipt,
        **{"vkeys": [LOG.vkey], "answer": given.answer, "request": given.request} | asked,
    )


def receipt_with(**members: Any) -> Given:
    return Given(receipt={**copy.deepcopy(GIVEN.receipt), **members}, answer=GIVEN.answer)


def faults(report: verify.Report) -> list[tuple[str, str]]:
    return [(finding.code, finding.name) for finding in report.findings if not finding.holds]


def test_what_was_given_is_confirmed_step_by_step() -> None:
    report = check(GIVEN)
    assert report.holds
    assert report.fault is None
    assert [(finding.code, finding.name) for finding in report.findings] == [
        ("CHECKPOINT_SIGNED", LOG.name),
        ("LEAF_INCLUDED", ""),
        ("OPENING_HOLDS", "case"),
        ("OPENING_HOLDS", "n.consumer:hall"),
        ("REQUEST_MATCHES", ""),
        ("ANSWER_MATCHES", ""),
        *(("STEP_MATCHES", step) for step in PATHS),
    ]


def test_the_receipt_that_was_once_given_still_holds() -> None:
    for kept in (GOLDEN, GOLDEN.with_name("receipt-0.answer.json")):
        answer = kept.read_bytes()
        assert verify.verify_receipt(answer, vkeys=[LOG.vkey], answer=answer).state == verify.SIGNED


@settings(max_examples=examples(30), deadline=None)
@given(st.integers(1, 40), st.data())
def test_every_receipt_of_a_log_holds(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    assert check(a_given(index=index, size=size)).state == verify.SIGNED


# A leaf outside the tree, an entry that never was


def never_sequenced() -> Sequenced:
    """A well-formed entry with honest openings, under the proof and checkpoint of another."""
    real, forged = a_sequenced(), a_sequenced(values={"case": "2026-9999"})
    return Sequenced(
        index=real.index,
        size=real.size,
        body=forged.body,
        proof=real.proof,
        checkpoint=real.checkpoint,
        openings=forged.openings,
    )


@pytest.mark.proves("L9")
def test_a_receipt_for_an_entry_that_was_never_sequenced_is_refused() -> None:
    receipt = make_receipt(never_sequenced(), paths=PATHS)
    report = check(Given(receipt=receipt, answer=GIVEN.answer))
    assert faults(report) == [("LEAF_OUTSIDE", "")]
    assert report.state == ""


@pytest.mark.proves("I12")
@pytest.mark.parametrize(
    "members",
    [
        {"index": 5},
        {"index": 11},
        {"index": -1},
        {"proof": []},
        {"proof": GIVEN.receipt["proof"][:-1]},
        {"proof": [*GIVEN.receipt["proof"], b64(bytes(32))]},
        {"proof": [b64(bytes(32)), *GIVEN.receipt["proof"][1:]]},
        {"proof": [b64(bytes(31)), *GIVEN.receipt["proof"][1:]]},
        {"proof": list(reversed(GIVEN.receipt["proof"]))},
    ],
)
def test_a_leaf_outside_the_tree_is_refused(members: dict[str, Any]) -> None:
    assert faults(check(receipt_with(**members))) == [("LEAF_OUTSIDE", "")]


@settings(max_examples=examples(100), deadline=None)
@given(st.integers(1, 70), st.data())
def test_two_roads_to_a_root_agree_on_every_proof(size: int, data: st.DataObject) -> None:
    leaves = [merkle.leaf_hash(bytes([number])) for number in range(size)]
    index = data.draw(st.integers(0, size - 1))
    root = merkle.root_of(leaves)
    proof = merkle.inclusion_proof(
        index, size, lambda level, n: merkle.root_of(leaves[n << level : (n + 1) << level])
    )
    claimed_index = data.draw(st.one_of(st.just(index), st.integers(-1, size)))
    claimed_size = data.draw(st.one_of(st.just(size), st.integers(0, size + 2)))
    kept = data.draw(st.lists(st.sampled_from([*proof, root, bytes(31)]), max_size=8))
    for claimed in (proof, kept):
        included = verify.inclusion_root(
            leaves[index], index=claimed_index, size=claimed_size, proof=claimed
        )
        try:
            merkle.check_inclusion(
                leaves[index], index=claimed_index, size=claimed_size, proof=claimed, root=root
            )
        except ProofError:
            assert included != root
        else:
            assert included == root


# Openings


@pytest.mark.proves("L10")
@pytest.mark.parametrize(
    ("name", "opening"),
    [
        ("case", {"salt": a_salt(9), "value": "2026-0117"}),
        ("case", {"salt": a_salt(0), "value": "2026-0118"}),
        ("case", {"salt": a_salt(0), "value": None}),
        ("case", {"salt": a_salt(1), "value": 12}),
        ("n.consumer:hall", {"salt": a_salt(1), "value": 13}),
        ("n.consumer:hall", {"salt": a_salt(1), "value": "12"}),
        ("n.consumer:hall", {"salt": a_salt(1), "value": True}),
        ("answer", {"salt": a_salt(3), "value": DATA}),
    ],
)
def test_a_commitment_opened_with_the_wrong_salt_or_field_is_refused(
    name: str, opening: dict[str, Any]
) -> None:
    openings = {**GIVEN.receipt["openings"], name: opening}
    assert ("OPENING_DIFFERS", name) in faults(check(receipt_with(openings=openings)))


@pytest.mark.proves("L10")
def test_the_salt_of_one_step_does_not_open_another() -> None:
    openings = copy.deepcopy(GIVEN.receipt["openings"])
    openings["answer.s1"] = openings["answer.s3"]
    assert faults(check(receipt_with(openings=openings))) == [("STEP_DIFFERS", "answer.s1")]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=5),
    lambda held: (
        st.lists(held, max_size=3) | st.dictionaries(st.text(max_size=3), held, max_size=3)
    ),
    max_leaves=6,
)


@settings(deadline=None)
@given(st.binary(min_size=16, max_size=16).map(b64url), st.text(max_size=6), json_values)
def test_two_roads_to_a_commitment_agree(salt: str, name: str, value: Any) -> None:
    assert verify.commitment(salt, name, value) == commit_value(salt, name, value)


@pytest.mark.parametrize("value", [1.5, 2**53, [1e3], "\ud800", {"a": 0.1}])
def test_an_opened_value_without_a_canonical_form_is_refused(value: Any) -> None:
    openings = {**GIVEN.receipt["openings"], "case": {"salt": a_salt(0), "value": value}}
    assert faults(check(receipt_with(openings=openings))) == [("RECEIPT_MALFORMED", "case")]


# The answer and the request


@pytest.mark.parametrize(
    ("old", "new", "step"),
    [
        ("营-1", "营-2", "answer.s1"),
        ("valid", "valid ", "answer.s1"),
        ("规-3", "规-1", "answer.s2"),
        (PERMITS[0], "null", "answer.s2"),
        (',{"planningPermit":null}', "", "answer.s2"),
        ('"match"', '"mismatch"', "answer.s3"),
        ('"match"', '"\\u006datch"', "answer.s3"),
        ('"match"', '{"match":1}', "answer.s3"),
        ('"refused":null', '"refused":{"number":1}', "answer.s4"),
        ('"result"', '"outcome"', "answer.s3"),
        (LICENCE, f"[{LICENCE}]", "answer.s1"),
    ],
)
def test_the_step_whose_data_differs_is_named(old: str, new: str, step: str) -> None:
    answer = GIVEN.answer.replace(old.encode(), new.encode(), 1)
    assert answer != GIVEN.answer
    report = check(Given(receipt=GIVEN.receipt, answer=answer))
    assert faults(report)[:2] == [("ANSWER_DIFFERS", ""), ("STEP_DIFFERS", step)]


def test_a_difference_outside_every_step_is_found_too() -> None:
    answer = GIVEN.answer.replace("甲".encode(), "乙".encode())
    assert faults(check(Given(receipt=GIVEN.receipt, answer=answer))) == [("ANSWER_DIFFERS", "")]


def test_what_stands_around_the_data_is_not_part_of_it() -> None:
    answer = b' {"errors" : [ {"data":"]}"} ] ,\n "data" :\t' + DATA.encode() + b' , "z":{}}\n'
    assert check(Given(receipt=GIVEN.receipt, answer=answer)).holds


@pytest.mark.proves("B4")
@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"[]",
        b'"data"',
        b"{}",
        b'{"errors":[]}',
        b'{"data":' + DATA.encode() + b',"data":{}}',
        b'{"data":{"enterprise":{},"enterprise":{}}}',
        b'{"data":NaN}',
        b"\xef\xbb\xbf" + GIVEN.answer,
        b"\xff",
        GIVEN.answer[:-1],
        b'{"data":' + b"[" * 100_000,
        GIVEN.answer.decode().encode("utf-16"),
    ],
)
def test_an_answer_that_could_be_read_in_two_ways_is_refused(answer: bytes) -> None:
    assert faults(check(Given(receipt=GIVEN.receipt, answer=answer))) == [("ANSWER_MALFORMED", "")]


def test_another_request_is_refused() -> None:
    report = check(GIVEN, request=REQUEST + b" ")
    assert faults(report) == [("REQUEST_DIFFERS", "")]


@pytest.mark.parametrize("name", ["answer", "request"])
def test_what_the_receipt_does_not_open_is_not_confirmed(name: str) -> None:
    openings = {**GIVEN.receipt["openings"]}
    del openings[name]
    report = check(receipt_with(openings=openings))
    assert faults(report) == [(f"{name.upper()}_NOT_OPENED", "")]


def test_a_step_whose_salt_is_kept_back_is_covered_by_the_whole_answer() -> None:
    openings = {**GIVEN.receipt["openings"]}
    del openings["answer.s1"]
    withheld = receipt_with(openings=openings)
    assert check(withheld).holds
    changed = Given(
        receipt=withheld.receipt, answer=GIVEN.answer.replace("营-1".encode(), b"B-1", 1)
    )
    assert faults(check(changed)) == [("ANSWER_DIFFERS", "")]


def test_answer_and_request_may_be_left_out_of_the_question() -> None:
    assert check(GIVEN, answer=None, request=None).state == verify.SIGNED


indents = st.sampled_from([None, 1, "\t"])


@settings(max_examples=examples(100), deadline=None)
@given(json_values, indents, st.booleans(), st.data())
def test_the_bytes_found_at_a_path_are_those_of_its_values(
    value: Any, indent: Any, ascii_only: bool, data: st.DataObject
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    path: list[str] = []
    held: list[Any] = [value]
    while data.draw(st.booleans()) and held:
        if all(isinstance(one, list) for one in held):
            path.append("*")
            held = [element for one in held for element in one]
        elif len(held) == 1 and isinstance(held[0], dict) and held[0]:
            path.append(data.draw(st.sampled_from(sorted(held[0]))))
            held = [held[0][path[-1]]]
        else:
            break
    spans = [text[first:end] for first, end in verify._spans(text, 0, path)]
    assert [json.loads(span) for span in spans] == held
    assert all(span == span.strip() for span in spans)


# Signatures


def test_a_cosignature_by_a_trusted_witness_makes_it_witnessed() -> None:
    text = note.parse_note(GIVEN.receipt["checkpoint"]).text
    line = WITNESS.line(text, time=1_764_000_000)
    cosigned = receipt_with(checkpoint=note.add_signatures(GIVEN.receipt["checkpoint"], [line]))
    assert check(cosigned).state == verify.SIGNED
    assert check(cosigned, witnesses=[WITNESS.vkey]).state == verify.WITNESSED
    assert check(GIVEN, witnesses=[WITNESS.vkey]).state == verify.SIGNED


def test_the_log_is_no_witness_of_itself() -> None:
    text = note.parse_note(GIVEN.receipt["checkpoint"]).text
    own = note.Cosigner(LOG.name, WITNESS._private_key)
    line = own.line(text, time=1)
    cosigned = receipt_with(checkpoint=note.add_signatures(GIVEN.receipt["checkpoint"], [line]))
    assert check(cosigned, witnesses=[own.vkey, LOG.vkey]).state == verify.SIGNED


def test_a_checkpoint_signed_with_a_post_quantum_key_holds_under_it() -> None:
    seed = MLDSA44PrivateKey.from_seed_bytes(b"m" * 32)
    signer = note.SubtreeSigner(LOG.name, seed)
    text = note.parse_note(GIVEN.receipt["checkpoint"]).text
    published = receipt_with(checkpoint=f"{text}\n{signer.line(text, time=0)}")
    assert check(published, vkeys=[signer.vkey]).state == verify.SIGNED
    moved = published.receipt["checkpoint"].replace("\n11\n", "\n12\n")
    assert faults(check(receipt_with(checkpoint=moved), vkeys=[signer.vkey])) == [
        ("SIGNATURE_FAILS", LOG.name)
    ]


@pytest.mark.parametrize("vector", NOTES, ids=lambda vector: str(vector["source"])[:30])
def test_notes_signed_by_others_open(vector: dict[str, Any]) -> None:
    keys = [verify._parse_vkey(vkey) for vkey in vector["vkeys"]]
    text, signers = verify._open_note(vector["note"], keys)
    assert text == note.parse_note(vector["note"]).text
    assert signers == set(keys)


@pytest.mark.proves("B5")
def test_a_signature_of_another_length_is_refused() -> None:
    text = note.parse_note(GIVEN.receipt["checkpoint"]).text
    line = f"\u2014 {LOG.name} {b64(LOG.key_id + bytes(63))}\n"
    report = check(receipt_with(checkpoint=f"{text}\n{line}"))
    assert faults(report) == [("SIGNATURE_FAILS", LOG.name)]


@pytest.mark.proves("B5")
@pytest.mark.parametrize(
    "text",
    [
        "one line\n",
        f"{LOG.name}\n011\n{b64(bytes(32))}\n",
        f"{LOG.name}\n11\n{b64(bytes(31))}\n",
        f"{LOG.name}\n11\n{b64(bytes(32))}\nextension\n",
    ],
)
def test_a_signed_text_that_is_no_checkpoint_is_refused(text: str) -> None:
    report = check(receipt_with(checkpoint=LOG.sign(text)))
    assert [code for code, _ in faults(report)] == ["RECEIPT_MALFORMED"]


@pytest.mark.proves("B5")
def test_a_receipt_of_another_size_than_its_checkpoint_is_refused() -> None:
    assert faults(check(receipt_with(size=12))) == [("RECEIPT_MALFORMED", "")]


@pytest.mark.parametrize("vkeys", [[], [WITNESS.vkey], [STRANGER.vkey]])
def test_a_checkpoint_without_the_logs_signature_is_refused(vkeys: list[str]) -> None:
    assert faults(check(GIVEN, vkeys=vkeys)) == [("CHECKPOINT_UNSIGNED", LOG.name)]


def test_a_log_key_does_not_sign_for_another_origin() -> None:
    text = note.parse_note(GIVEN.receipt["checkpoint"]).text
    foreign = receipt_with(checkpoint=STRANGER.sign(text))
    report = check(foreign, vkeys=[STRANGER.vkey])
    assert faults(report) == [("CHECKPOINT_UNSIGNED", LOG.name)]


def test_a_witness_signature_that_fails_refuses_the_checkpoint() -> None:
    line = WITNESS.line(note.parse_note(GIVEN.receipt["checkpoint"]).text, time=7)
    broken = line[:-8] + ("A" if line[-8] != "A" else "B") + line[-7:]
    cosigned = receipt_with(checkpoint=GIVEN.receipt["checkpoint"] + broken)
    report = check(cosigned, witnesses=[WITNESS.vkey])
    assert faults(report) == [("SIGNATURE_FAILS", "witness.example")]


@pytest.mark.proves("B5")
@settings(max_examples=examples(100), deadline=None)
@given(st.data())
def test_no_note_holds_here_that_is_refused_there(data: st.DataObject) -> None:
    signed = GIVEN.receipt["checkpoint"]
    at = data.draw(st.integers(0, len(signed) - 1))
    character = data.draw(st.characters(codec="utf-8"))
    changed = signed[:at] + character + signed[at + 1 :]
    report = check(receipt_with(checkpoint=changed))
    try:
        checkpoint.parse_checkpoint(note.open_note(changed, [LOG.verifier]).text)
    except AuditError:
        assert not report.holds
    else:
        assert report.holds


@pytest.mark.proves("B5")
@pytest.mark.parametrize(
    "vkey", ["", "a", "a+b", "a+00000000+AAAA", LOG.vkey[:-1], LOG.vkey + "=", " " + LOG.vkey]
)
def test_a_malformed_key_is_refused(vkey: str) -> None:
    assert [code for code, _ in faults(check(GIVEN, vkeys=[vkey]))] == ["KEY_MALFORMED"]


@pytest.mark.proves("B5")
@pytest.mark.parametrize("member", sorted(GIVEN.receipt))
@pytest.mark.parametrize("value", [None, 1.5, True, "x", [1], {"x": 1}])
def test_a_receipt_with_a_member_of_another_kind_is_refused(member: str, value: object) -> None:
    report = check(receipt_with(**{member: value}))
    assert [code for code, _ in faults(report)] == ["RECEIPT_MALFORMED"]


@pytest.mark.proves("B5")
@settings(max_examples=examples(100), deadline=None)
@given(st.data())
def test_a_receipt_with_anything_changed_is_answered_and_holds_only_in_what_is_signed(
    data: st.DataObject,
) -> None:
    members = copy.deepcopy(GIVEN.receipt)
    place: Any = members
    key: Any = data.draw(st.sampled_from(sorted(members)))
    while isinstance(place[key], dict | list) and place[key] and data.draw(st.booleans()):
        place = place[key]
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else [0]))
    place[key] = data.draw(st.one_of(json_values, st.lists(st.text(max_size=3), max_size=80)))
    report = check(Given(receipt=members, answer=GIVEN.answer))
    if report.holds:
        # What is not signed may be left out or lead to the same bytes; all else must be as it was.
        signed = ("v", "entry", "index", "size", "proof", "checkpoint")
        assert [members[name] for name in signed] == [GIVEN.receipt[name] for name in signed]


@pytest.mark.proves("B5")
@pytest.mark.parametrize(
    "receipt", [b"", b"[]", b"\xff", b"{}", b"[" * 100_000, b'{"extensions":{"receipt":1}}']
)
def test_bytes_that_are_no_receipt_are_refused(receipt: bytes) -> None:
    report = verify.verify_receipt(receipt, vkeys=[LOG.vkey])
    assert [code for code, _ in faults(report)] == ["RECEIPT_MALFORMED"]


def test_a_report_without_any_finding_is_no_yes() -> None:
    assert not verify.Report(findings=()).holds


# A whole log


BODIES = bodies_of(600)
LEAVES = [merkle.leaf_hash(body) for body in BODIES]
ROOT = merkle.root_of(LEAVES)


def stored_tiles() -> Iterator[tuple[int, int, bytes]]:
    edge = merkle.RightEdge()
    for tile in edge.append(LEAVES).tiles:
        yield tile.level, tile.n, tile.hashes
    for level, hashes in enumerate(edge.edges):
        yield level, len(LEAVES) >> 8 * (level + 1), b"".join(hashes)


def flipped(data: bytes, at: int, bit: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]


def check_log(
    bodies: Sequence[bytes | None], leaves: Sequence[bytes] = LEAVES
) -> list[tuple[str, int | None]]:
    found = verify.check_entries(bodies, leaves, size=len(LEAVES), root=ROOT)
    return [(finding.code, finding.index) for finding in found]


def test_a_log_as_it_was_signed_has_no_finding() -> None:
    assert check_log(BODIES) == []
    assert verify.check_tiles(LEAVES, stored_tiles()) == []
    assert verify.check_entries([], [], size=0, root=merkle.EMPTY_ROOT) == []


@settings(deadline=None)
@given(st.integers(0, 40))
def test_two_roads_to_the_root_of_a_log_agree(size: int) -> None:
    root = merkle.root_of(LEAVES[:size])
    assert verify.check_entries(BODIES[:size], LEAVES[:size], size=size, root=root) == []


@pytest.mark.proves("L1")
@settings(max_examples=examples(40), deadline=None)
@given(st.integers(0, 599), st.data())
def test_one_bit_flipped_in_any_stored_entry_is_named_by_its_index(
    index: int, data: st.DataObject
) -> None:
    body = BODIES[index]
    changed = flipped(body, data.draw(st.integers(0, len(body) - 1)), data.draw(st.integers(0, 7)))
    assert check_log([*BODIES[:index], changed, *BODIES[index + 1 :]]) == [("ENTRY_DIFFERS", index)]


@pytest.mark.proves("L1")
@settings(max_examples=examples(40), deadline=None)
@given(st.integers(0, 599), st.integers(0, 31), st.integers(0, 7))
def test_one_bit_flipped_in_any_stored_leaf_is_named_by_its_index(
    index: int, at: int, bit: int
) -> None:
    leaves = [*LEAVES[:index], flipped(LEAVES[index], at, bit), *LEAVES[index + 1 :]]
    assert check_log(BODIES, leaves) == [("ENTRY_DIFFERS", index), ("ROOT_DIFFERS", None)]


@pytest.mark.proves("L1")
@settings(max_examples=examples(40), deadline=None)
@given(st.data())
def test_one_bit_flipped_in_any_stored_tile_is_named_by_the_leaf_under_it(
    data: st.DataObject,
) -> None:
    level, n, hashes = data.draw(st.sampled_from(list(stored_tiles())))
    at = data.draw(st.integers(0, len(hashes) - 1))
    changed = flipped(hashes, at, data.draw(st.integers(0, 7)))
    (finding,) = verify.check_tiles(LEAVES, [(level, n, changed)])
    assert (finding.code, finding.index) == ("TILE_DIFFERS", (n * 256 + at // 32) * 256**level)


@pytest.mark.proves("L1")
@pytest.mark.parametrize("index", [0, 255, 256, 599])
def test_an_entry_edited_together_with_its_leaf_is_named_by_the_tile_that_still_holds_it(
    index: int,
) -> None:
    forged = a_body(index, values={"case": "another"})[0]
    leaves = [*LEAVES[:index], merkle.leaf_hash(forged), *LEAVES[index + 1 :]]
    bodies = [*BODIES[:index], forged, *BODIES[index + 1 :]]
    assert check_log(bodies, leaves) == [("ROOT_DIFFERS", None)]
    named = verify.check_tiles(leaves, stored_tiles())
    assert (named[0].code, named[0].index) == ("TILE_DIFFERS", index)


@pytest.mark.proves("L8")
@pytest.mark.parametrize(("copied", "at"), [(0, 599), (254, 255), (3, 4)])
def test_a_leaf_that_stands_twice_is_named_even_where_the_root_was_made_to_fit(
    copied: int, at: int
) -> None:
    bodies = [*BODIES[:at], BODIES[copied], *BODIES[at + 1 :]]
    leaves = [merkle.leaf_hash(body) for body in bodies]
    found = verify.check_entries(bodies, leaves, size=600, root=merkle.root_of(leaves))
    assert [(finding.code, finding.index) for finding in found] == [("LEAF_TWICE", at)]


def test_missing_and_surplus_entries_are_named() -> None:
    assert check_log([*BODIES[:7], None, *BODIES[8:]]) == [("ENTRY_MISSING", 7)]
    assert check_log(BODIES[:-1]) == [("ENTRY_MISSING", 599)]
    assert check_log(BODIES[:-1], LEAVES[:-1]) == [("SIZE_DIFFERS", None), ("ROOT_DIFFERS", None)]
    assert check_log([*BODIES, b"{}"]) == [("LEAF_MISSING", 600), ("SIZE_DIFFERS", None)]


def test_a_tile_beyond_the_leaves_is_named() -> None:
    (finding,) = verify.check_tiles(LEAVES[:3], [(0, 0, b"".join(LEAVES[:4]))])
    assert (finding.code, finding.index) == ("TILE_DIFFERS", 3)
    assert tiles.tile_path(0, 0) == "tile/0/000"


# Alone, and as a command


def test_the_verifier_imports_the_standard_library_and_cryptography_only() -> None:
    tree = ast.parse(Path(verify.__file__).read_text())
    imported = {
        name.split(".")[0]
        for found in ast.walk(tree)
        if isinstance(found, ast.Import | ast.ImportFrom)
        for name in (
            [found.module or "."]
            if isinstance(found, ast.ImportFrom)
            else [alias.name for alias in found.names]
        )
    }
    assert imported - sys.stdlib_module_names == {"cryptography"}


def run_alone(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a copy of the one file where nothing of the exchange can be imported."""
    shutil.copy(verify.__file__, folder / "check.py")
    return subprocess.run(
        [sys.executable, "-I", "-X", "utf8", "check.py", *arguments],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def test_one_file_alone_confirms_an_answer_that_carries_its_receipt(tmp_path: Path) -> None:
    (tmp_path / "answer.json").write_bytes(GIVEN.answer)
    done = run_alone(tmp_path, "answer.json", "--vkey", LOG.vkey)
    assert (done.returncode, done.stderr) == (0, "")
    assert "这就是当时给出的内容 · This is what was given" in done.stdout
    assert done.stdout.endswith("Yes: signed, not witnessed\n")


def test_one_file_alone_names_the_step_that_was_changed(tmp_path: Path) -> None:
    (tmp_path / "answer.json").write_bytes(GIVEN.answer.replace("规-3".encode(), b"P-9"))
    done = run_alone(tmp_path, "answer.json", "--vkey", LOG.vkey)
    assert (done.returncode, done.stderr) == (1, "")
    assert "✗ 此步骤的数据与记录不一致" in done.stdout
    assert "[answer.s2]" in done.stdout
    assert done.stdout.endswith("否 · No\n")


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).write_bytes(content)


def test_the_command_prints_json_on_request(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {"receipt": encode(GIVEN.receipt), "answer": GIVEN.answer, "request": REQUEST}
    write_files(tmp_path, files)
    status = verify.main(
        [
            str(tmp_path / "receipt"),
            f"--answer={tmp_path / 'answer'}",
            f"--request={tmp_path / 'request'}",
            f"--vkey={LOG.vkey}",
            f"--witness={WITNESS.vkey}",
            "--json",
        ]
    )
    printed = json.loads(capsys.readouterr().out)
    assert (status, printed["holds"], printed["state"]) == (0, True, "signed")
    assert {finding["code"] for finding in printed["findings"]} >= {
        "REQUEST_MATCHES",
        "ANSWER_MATCHES",
    }


def test_the_command_refuses_the_receipt_of_another_call(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = make_receipt(
        a_sequenced(index=2, contents={"answer": b'{"other":1}', "request": b"{}"}), paths={}
    )
    write_files(tmp_path, {"receipt": encode(other), "answer": GIVEN.answer})
    status = verify.main(
        [str(tmp_path / "receipt"), f"--answer={tmp_path / 'answer'}", f"--vkey={LOG.vkey}"]
    )
    assert status == 1
    assert "This is not what was given" in capsys.readouterr().out


def test_every_finding_is_said_in_chinese_and_english() -> None:
    assert verify.TEXTS.keys() >= verify.GOOD
    source = Path(verify.__file__).read_text()
    for code, (zh, en) in verify.TEXTS.items():
        assert source.count(f'"{code}"') >= 2, f"{code} is found by nothing"
        assert zh
        assert en
    assert str(verify.Finding(code="ENTRY_DIFFERS", index=7)).endswith("[#7]")


def test_a_digest_in_the_entry_is_what_the_openings_are_held_against() -> None:
    digests = decode_strict(a_sequenced().body)["digests"]
    assert all(len(b64url_decode(digest)) == 32 for digest in digests.values())
