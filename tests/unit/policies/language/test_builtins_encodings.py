"""Encodings of bytes and JSON with options: as strict, and as lenient, as OPA."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.language.errors import NotOfferedError
from tests.fakes.builtin_calls import FAILED, called
from tests.fakes.rego_values import OTHER_THAN_TEXTS

_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(_TEXTS)
def test_what_is_encoded_decodes_to_the_same(text: str) -> None:
    for family in ("base64", "base64url", "hex"):
        assert called(f"{family}.decode", called(f"{family}.encode", text)) == text
    assert called("base64url.decode", called("base64url.encode_no_pad", text)) == text
    assert called("base64.is_valid", called("base64.encode", text)) is True


@pytest.mark.parametrize(
    ("name", "text", "answer"),
    [
        ("base64.decode", "YQ==", "a"),
        ("base64.decode", "YQ=\n=", "a"),
        ("base64.decode", "YQ", FAILED),
        ("base64.decode", "YQ=", FAILED),
        ("base64.decode", "YQ==YQ==", FAILED),
        ("base64.decode", "YQ= =", FAILED),
        ("base64url.decode", "YQ", "a"),
        ("base64url.decode", "YQ==", "a"),
        ("base64url.decode", "YQ=", FAILED),
        ("base64url.decode", "Y", FAILED),
        ("base64url.decode", "Pj4+", FAILED),
        ("base64url.decode", "Pj4-", ">>>"),
        ("base64.decode", "Pj4-", FAILED),
        ("hex.decode", "6162", "ab"),
        ("hex.decode", "61 62", FAILED),
        ("hex.decode", "616", FAILED),
        ("base64.is_valid", "YQ==", True),
        ("base64.is_valid", "{'not':'base64'}", False),
    ],
)
def test_a_text_is_read_as_go_reads_it(name: str, text: str, answer: Any) -> None:
    assert called(name, text) == answer


@pytest.mark.parametrize(("name", "text"), [("base64.decode", "/w=="), ("hex.decode", "ff")])
def test_bytes_that_are_no_utf_8_are_not_offered(name: str, text: str) -> None:
    with pytest.raises(NotOfferedError):
        called(name, text)


@pytest.mark.parametrize("value", OTHER_THAN_TEXTS)
def test_only_texts_are_encoded(value: object) -> None:
    for name in ("base64.encode", "base64.decode", "base64url.decode", "hex.encode", "hex.decode"):
        assert called(name, value) == FAILED
    assert called("base64.is_valid", value) is False


@pytest.mark.parametrize(
    ("value", "options", "answer"),
    [
        ([1], {}, "[1]"),
        ([1], {"pretty": True}, "[\n\t1\n]"),
        ({"b": "<", "a": []}, {"indent": "  "}, '{\n  "a": [],\n  "b": "\\u003c"\n}'),
        (["\t"], {"prefix": "> "}, '> [\n> \t"\\t"\n> ]'),
        ([1], {"pretty": False, "prefix": "no", "indent": "no"}, "[1]"),
        ([1], {"pretty": 1}, FAILED),
        ([1], {"indent": 2}, FAILED),
        ([1], {"other": ""}, FAILED),
        ([1], [], FAILED),
    ],
)
def test_json_is_written_with_prefix_and_indent(
    value: object, options: object, answer: Any
) -> None:
    assert called("json.marshal_with_options", value, options) == answer


def test_a_number_too_large_is_json_and_not_offered() -> None:
    assert called("json.is_valid", "1e500") is True
    assert called("json.is_valid", "NaN") is False
    assert called("json.unmarshal", "NaN") == FAILED
    with pytest.raises(NotOfferedError):
        called("json.unmarshal", "1e500")


@pytest.mark.parametrize(
    ("text", "separator", "most", "parts"),
    [
        ("a,b,c", ",", 2, ["a", "b"]),
        ("a,b,c", ",", -2, ["b", "c"]),
        ("a,b,c", ",", 0, []),
        ("a,b,c", ",", 5, ["a", "b", "c"]),
        ("a,b,c", ",", -5, ["a", "b", "c"]),
        ("abc", "", 2, ["a", "b"]),
        ("", ",", -1, [""]),
        ("a", ",", True, FAILED),
        ("a", ",", 0.5, FAILED),
        ("a", 1, 1, FAILED),
    ],
)
def test_some_parts_of_a_text_from_either_end(
    text: object, separator: object, most: object, parts: Any
) -> None:
    assert called("strings.split_n", text, separator, most) == parts
