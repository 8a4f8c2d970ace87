"""Canonical JSON has one form, commitments bind, bitmaps and base64url have inverses."""

import base64
import json
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.canonical import (
    b64_decode,
    b64url,
    b64url_decode,
    b64url_each,
    bitmap,
    commit_bytes,
    commit_value,
    decode_strict,
    digest_each,
    encode,
    end_of,
    parse_bitmap,
)
from audit.errors import MalformedError
from tests.examples import examples

VECTORS = json.loads((Path(__file__).parents[2] / "data" / "rfc8785.json").read_bytes())

texts = st.text(max_size=12)
integers = st.integers(-(2**53) + 1, 2**53 - 1)
# Keys past U+D7FF are where code points and UTF-16 code units order differently.
keys = st.one_of(
    texts, st.text(st.sampled_from("\ud7ff\ue000\ufb33\uffff\U00010000\U0010ffff"), max_size=3)
)
values = st.recursive(
    st.none() | st.booleans() | integers | texts,
    lambda held: st.lists(held, max_size=4) | st.dictionaries(keys, held, max_size=4),
    max_leaves=12,
)
salts = st.binary(min_size=16, max_size=16).map(b64url)
SALT = b64url(bytes(16))


@settings(deadline=None)
@given(values)
def test_what_is_written_is_what_another_implementation_of_rfc_8785_writes(value: Any) -> None:
    assert encode(value) == rfc8785.dumps(value)


@settings(deadline=None)
@given(values)
def test_what_is_written_is_read_back(value: Any) -> None:
    assert decode_strict(encode(value)) == value


@settings(deadline=None)
@given(values, st.data())
def test_what_can_be_read_is_written_back_to_the_same_bytes(
    value: Any, data: st.DataObject
) -> None:
    written = encode(value)
    at = data.draw(st.integers(0, len(written) - 1))
    changed = written[:at] + data.draw(st.binary(max_size=2)) + written[at + 1 :]
    try:
        read = decode_strict(changed)
    except MalformedError:
        return
    assert encode(read) == changed


def test_the_vectors_of_the_standard_are_met() -> None:
    first, second = VECTORS["cases"]
    assert encode(first["value"]).hex() == first["hex"]
    assert list(json.loads(encode(second["value"])).values()) == second["order"]


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        float("nan"),
        2**53,
        -(2**53),
        {1: "a"},
        {None: "a"},
        {"a": {True: 1}},
        b"bytes",
        {"a", "b"},
        "\ud800",
        {"\udfff": 1},
        object(),
    ],
)
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(MalformedError):
        encode(value)


def test_a_value_nested_too_deep_is_refused_on_both_sides() -> None:
    value: Any = 0
    for _ in range(65):
        value = [value]
    with pytest.raises(MalformedError, match="deeper"):
        encode(value)
    with pytest.raises(MalformedError):
        decode_strict(b"[" * 100_000 + b"]" * 100_000)


def test_a_word_of_a_closed_list_is_written_as_its_text() -> None:
    class Word(StrEnum):
        GIVEN = "given"

    assert encode({"outcome": Word.GIVEN}) == b'{"outcome":"given"}'


@pytest.mark.proves("B5")
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b'{"a":1,"a":2}',
        b'{"b":1,"a":2}',
        b'{"a": 1}',
        b"1.0",
        b"1e2",
        b"-0",
        b"01",
        b"NaN",
        b"Infinity",
        b"9007199254740992",
        b"1" * 5000,
        b'"\\u0041"',
        b'"\\/"',
        b'"\\ud800"',
        b"\xef\xbb\xbf{}",
        b"\xff",
        b"{}\n",
        '{"a":1}'.encode("utf-16"),
    ],
)
def test_json_in_another_than_its_canonical_form_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedError):
        decode_strict(data)


@settings(deadline=None)
@given(st.binary(max_size=40))
def test_base64url_is_read_back(data: bytes) -> None:
    assert b64url_decode(b64url(data)) == data


@settings(deadline=None)
@given(st.text(max_size=8))
def test_base64url_has_one_spelling(text: str) -> None:
    try:
        data = b64url_decode(text)
    except MalformedError:
        return
    assert b64url(data) == text


@pytest.mark.parametrize("text", ["QQ==", "QR", "Q", "Q Q", "Q+8A", "\u0661AAA", "AA\n"])
def test_another_spelling_of_base64url_is_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        b64url_decode(text)


@pytest.mark.parametrize("text", ["QQ", "QR==", "QQ==\n", "Q-8A", "\u00e4AAA"])
def test_another_spelling_of_base64_is_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        b64_decode(text)


@settings(deadline=None)
@given(st.frozensets(st.integers(0, 300)))
def test_a_bitmap_is_read_back(ordinals: frozenset[int]) -> None:
    assert parse_bitmap(bitmap(ordinals)) == ordinals


@settings(deadline=None)
@given(st.binary(max_size=6).map(b64url))
def test_a_set_of_items_has_one_bitmap(text: str) -> None:
    try:
        ordinals = parse_bitmap(text)
    except MalformedError:
        return
    assert bitmap(ordinals) == text


def test_the_first_item_is_the_lowest_bit_of_the_first_byte() -> None:
    assert bitmap([]) == ""
    assert b64url_decode(bitmap([0])) == b"\x01"
    assert b64url_decode(bitmap([7, 8])) == b"\x80\x01"


@pytest.mark.parametrize("ordinals", [[-1], [65_536]])
def test_an_ordinal_that_no_item_has_is_refused(ordinals: list[int]) -> None:
    with pytest.raises(MalformedError):
        bitmap(ordinals)


def test_a_bitmap_with_a_trailing_zero_byte_is_refused() -> None:
    with pytest.raises(MalformedError, match="trailing zero"):
        parse_bitmap(b64url(b"\x01\x00"))


def test_a_bitmap_longer_than_any_resource_is_refused() -> None:
    with pytest.raises(MalformedError):
        parse_bitmap(b64url(b"\xff" * 8193))


def test_a_commitment_is_the_digest_that_the_format_page_computes() -> None:
    # SHA-256 of base64url of the JSON [salt, name, value], spelled out once by hand.
    written = base64.urlsafe_b64encode(f'["{SALT}","case","2026-0117"]'.encode()).rstrip(b"=")
    assert written == b"WyJBQUFBQUFBQUFBQUFBQUFBQUFBQUFBIiwiY2FzZSIsIjIwMjYtMDExNyJd"
    assert commit_value(SALT, "case", "2026-0117") == "5PCHaW2lVZDFlvKT21IPCGNsgeoJI-Xzwq2Awd---jQ"


@pytest.mark.proves("L10")
@settings(deadline=None)
@given(salts, salts, texts, texts, values, values)
def test_a_commitment_opens_with_its_own_salt_name_and_value_only(
    salt: str, other_salt: str, name: str, other_name: str, value: Any, other_value: Any
) -> None:
    digest = commit_value(salt, name, value)
    same = (salt, name, encode(value)) == (other_salt, other_name, encode(other_value))
    assert (commit_value(other_salt, other_name, other_value) == digest) is same
    assert (commit_value(other_salt, name, value) == digest) is (salt == other_salt)
    assert (commit_value(salt, other_name, value) == digest) is (name == other_name)


@pytest.mark.proves("L18")
@settings(max_examples=examples(50), deadline=None)
@given(
    st.dictionaries(texts, values, max_size=6),
    st.lists(salts, min_size=12, max_size=12, unique=True),
)
def test_two_calls_on_one_subject_share_no_digest(
    members: dict[str, Any], fresh: list[str]
) -> None:
    drawn = iter(fresh)
    first = {commit_value(next(drawn), name, value) for name, value in members.items()}
    second = {commit_value(next(drawn), name, value) for name, value in members.items()}
    assert len(first) == len(second) == len(members)
    assert not first & second


@pytest.mark.proves("L18")
@settings(deadline=None)
@given(st.binary(max_size=40), salts, salts)
def test_equal_answers_have_equal_digests_only_under_equal_salts(
    content: bytes, salt: str, other: str
) -> None:
    assert (commit_bytes(salt, content) == commit_bytes(other, content)) is (salt == other)


@settings(deadline=None)
@given(st.text("AQgwB-_=+ ", min_size=20, max_size=24))
def test_a_salt_has_one_spelling(salt: str) -> None:
    try:
        commit_value(salt, "case", 1)
    except MalformedError:
        with pytest.raises(MalformedError):
            commit_bytes(salt, b"")
        return
    assert len(b64url_decode(salt)) == 16


@pytest.mark.parametrize("length", [0, 15, 17, 32])
def test_a_salt_of_another_length_is_refused_since_bytes_could_move_between_it_and_the_content(
    length: int,
) -> None:
    with pytest.raises(MalformedError, match="16 bytes"):
        commit_bytes(b64url(bytes(length)), b"content")
    with pytest.raises(MalformedError, match="16 bytes"):
        commit_value(b64url(bytes(length)), "case", "content")


@given(st.integers(1, 40), st.data())
def test_values_written_together_are_written_as_each_alone(
    length: int, data: st.DataObject
) -> None:
    values = data.draw(st.lists(st.binary(min_size=length, max_size=length), max_size=5))
    assert b64url_each(values, length=length) == tuple(b64url(value).encode() for value in values)


@settings(deadline=None)
@given(salts, texts, values)
def test_an_end_that_is_known_already_gives_the_digest_by_definition(
    salt: str, name: str, value: Any
) -> None:
    written = encode(name)
    head, end = end_of(written, encode(value))
    (digest,) = digest_each([(b'["%b",%b,%b' % (salt.encode(), written, head), end)])
    assert b64url(digest) == commit_value(salt, name, value)


def test_a_value_is_no_deeper_for_standing_in_others() -> None:
    value: Any = 0
    for _ in range(63):
        value = [value]
    assert encode([value], inside=0) == b"[%b]" % encode(value, inside=1)
    with pytest.raises(MalformedError, match="deeper"):
        encode(value, inside=2)
