"""Receipts and `tlog-proof` files are read back, and nothing else is read as one."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.canonical import b64, decode_strict, encode
from audit.checkpoint import parse_checkpoint
from audit.entry import Opening
from audit.errors import MalformedError
from audit.merkle import check_inclusion, leaf_hash
from audit.note import open_note
from audit.receipt import (
    InclusionProof,
    Receipt,
    format_proof,
    format_receipt,
    make_receipt,
    parse_proof,
    parse_receipt,
)
from tests.fakes.receipts import LOG, PATHS, a_given, a_sequenced

GOLDEN = Path(__file__).parents[2] / "data" / "receipt-1.answer.json"
OLDER = GOLDEN.with_name("receipt-0.answer.json")
RECEIPT = a_given().receipt
SEQUENCED = a_sequenced()
PROOF = InclusionProof(
    index=SEQUENCED.index, proof=SEQUENCED.proof, checkpoint=SEQUENCED.checkpoint
)

json_values = st.recursive(
    st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=5),
    lambda held: (
        st.lists(held, max_size=3) | st.dictionaries(st.text(max_size=3), held, max_size=3)
    ),
    max_leaves=5,
)


def test_a_receipt_holds_the_entry_its_place_and_what_opens_it() -> None:
    receipt = parse_receipt(make_receipt(SEQUENCED, paths=PATHS))
    assert receipt == Receipt(
        entry=SEQUENCED.body,
        index=SEQUENCED.index,
        size=SEQUENCED.size,
        proof=SEQUENCED.proof,
        checkpoint=SEQUENCED.checkpoint,
        openings=SEQUENCED.openings,
        paths=PATHS,
    )


@settings(deadline=None)
@given(
    st.integers(1, 40),
    st.data(),
    st.dictionaries(st.text(min_size=1, max_size=6), json_values, max_size=3),
    st.dictionaries(st.text(min_size=7, max_size=9), st.binary(max_size=9), max_size=3),
)
def test_a_receipt_is_read_back(
    size: int, data: st.DataObject, values: dict[str, Any], contents: dict[str, bytes]
) -> None:
    index = data.draw(st.integers(0, size - 1))
    sequenced = a_sequenced(index=index, size=size, values=values, contents=contents)
    paths = {name: data.draw(st.lists(st.text(max_size=3), max_size=3)) for name in contents}
    written = make_receipt(sequenced, paths=paths)
    receipt = parse_receipt(json.dumps(written, indent=1).encode())
    assert format_receipt(receipt) == written
    assert parse_receipt(written) == receipt
    assert receipt.openings == sequenced.openings


def test_the_receipt_that_was_once_given_is_still_read_and_still_written_so() -> None:
    answer = json.loads(GOLDEN.read_bytes())
    stored = answer["extensions"]["receipt"]
    assert format_receipt(parse_receipt(stored)) == stored
    assert a_given().answer == GOLDEN.read_bytes()


def test_a_receipt_of_before_the_freeze_is_still_read() -> None:
    older = json.loads(OLDER.read_bytes())["extensions"]["receipt"]
    assert parse_receipt(older).index == older["index"]


def changed(**members: Any) -> dict[str, Any]:
    return {**copy.deepcopy(RECEIPT), **members}


def entry_with(**members: Any) -> str:
    return encode({**decode_strict(SEQUENCED.body), **members}).decode()


@pytest.mark.proves("B5")
@pytest.mark.parametrize("member", sorted(RECEIPT))
@pytest.mark.parametrize("value", [None, 1.5, True, "x", [1], {"x": 1}])
def test_a_member_of_another_kind_is_refused(member: str, value: object) -> None:
    with pytest.raises(MalformedError):
        parse_receipt(changed(**{member: value}))


@pytest.mark.proves("B5")
@pytest.mark.parametrize("member", sorted(RECEIPT))
def test_a_receipt_without_one_of_its_members_is_refused(member: str) -> None:
    members = dict(RECEIPT)
    del members[member]
    with pytest.raises(MalformedError, match="eight members"):
        parse_receipt(members)


@pytest.mark.proves("B5")
@pytest.mark.parametrize(
    "members",
    [
        {"another": 1},
        {"v": "receipt/2"},
        {"index": 11},
        {"index": -1},
        {"size": 12},
        {"entry": entry_with(v="entry/9")},
        {"entry": entry_with(digests=None)},
        {"entry": entry_with(digests={"case": "AAAA"})},
        {"entry": SEQUENCED.body.decode() + " "},
        {"entry": SEQUENCED.body.decode().replace('{"consumer"', '{"consumer":1,"consumer"')},
        {"entry": "\ud800"},
        {"proof": [b64(bytes(31))]},
        {"proof": ["A"]},
        {"proof": [b64(bytes(32))] * 64},
        {"checkpoint": RECEIPT["checkpoint"][:-1]},
        {"openings": {"unknown": {"salt": "AA"}}},
        {"openings": {"case": {}}},
        {"openings": {"case": {"salt": "AA", "value": None}}},
        {"openings": {"case": {"salt": "AA=="}}},
        {"openings": {"case": {"salt": "AA", "value": 1.5}}},
        {"openings": {"case": {"salt": "AA", "other": 1}}},
        {"paths": {"unknown": []}},
        {"paths": {"answer": "data"}},
        {"paths": {"answer": [1]}},
    ],
)
def test_a_malformed_receipt_is_refused(members: dict[str, Any]) -> None:
    with pytest.raises(MalformedError):
        parse_receipt(changed(**members))


@pytest.mark.proves("B5")
@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{", b"\xff", b'{"v":1,"v":1}', b"[" * 100_000, "{}".encode("utf-16")],
)
def test_bytes_that_are_no_receipt_are_refused(data: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_receipt(data)


def test_an_opening_of_bytes_has_no_value() -> None:
    receipt = parse_receipt(RECEIPT)
    assert receipt.openings["request"] == Opening(salt=SEQUENCED.openings["request"].salt)
    assert RECEIPT["openings"]["request"].keys() == {"salt"}


def test_a_proof_file_lets_other_tools_check_the_leaf() -> None:
    proof = parse_proof(format_proof(PROOF))
    text = open_note(proof.checkpoint, [LOG.verifier]).text
    check_inclusion(
        leaf_hash(SEQUENCED.body),
        index=proof.index,
        size=SEQUENCED.size,
        proof=proof.proof,
        root=parse_checkpoint(text).root,
    )


@settings(deadline=None)
@given(
    st.one_of(st.none(), st.binary(max_size=20)),
    st.lists(st.binary(min_size=32, max_size=32), max_size=5),
)
def test_a_proof_file_is_read_back(extra: bytes | None, hashes: list[bytes]) -> None:
    proof = InclusionProof(index=3, proof=tuple(hashes), checkpoint=PROOF.checkpoint, extra=extra)
    text = format_proof(proof)
    assert parse_proof(text) == proof
    assert text.startswith("c2sp.org/tlog-proof@v1\n")
    assert format_proof(parse_proof(text)) == text


TEXT = format_proof(PROOF)


@pytest.mark.proves("B5")
@pytest.mark.parametrize(
    "text",
    [
        "",
        TEXT[:-1],
        TEXT.replace("@v1", "@v2"),
        TEXT.replace("index 4", "index 04"),
        TEXT.replace("index 4", "index 11"),
        TEXT.replace("index 4\n", ""),
        TEXT.replace("index 4", "extra AA==\nextra AA==\nindex 4"),
        TEXT.replace("index 4", "extra A\nindex 4"),
        TEXT.replace("index 4\n", "index 4\nAAAA\n"),
        TEXT.replace("index 4\n", "index 4\n" + f"{'A' * 43}=\n" * 64),
        "c2sp.org/tlog-proof@v1\n\n" + PROOF.checkpoint,
        TEXT.replace("\n", "\r\n"),
    ],
)
def test_a_malformed_proof_file_is_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        parse_proof(text)
