"""Queries of URLs: what is encoded decodes to the same."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.language.errors import NotOfferedError
from tests.fakes.builtin_calls import FAILED, called
from tests.fakes.rego_values import OTHER_THAN_TEXTS

_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(_TEXTS)
def test_a_text_survives_a_query(text: str) -> None:
    assert called("urlquery.decode", called("urlquery.encode", text)) == text


@given(st.dictionaries(_TEXTS, st.lists(_TEXTS, min_size=1, max_size=3), max_size=4))
def test_an_object_survives_a_query(values: dict[str, list[str]]) -> None:
    assert called("urlquery.decode_object", called("urlquery.encode_object", values)) == values


@pytest.mark.parametrize(
    ("text", "encoded"),
    [("a=b+1", "a%3Db%2B1"), ("", ""), ("aZ9-_.~ ", "aZ9-_.~+"), ("市", "%E5%B8%82")],
)
def test_all_but_unreserved_characters_is_encoded(text: str, encoded: str) -> None:
    assert called("urlquery.encode", text) == encoded


@pytest.mark.parametrize(
    ("values", "query"),
    [
        ({}, ""),
        ({"b": "x", "a": ["1", "2"]}, "a=1&a=2&b=x"),
        ({"a": {"2", "1"}}, "a=1&a=2"),
        ({"a": []}, ""),
        ({"a": 1}, FAILED),
        ({"a": [1]}, FAILED),
        ({"a": None}, FAILED),
        ([], FAILED),
    ],
)
def test_an_object_of_texts_becomes_a_query(values: object, query: Any) -> None:
    assert called("urlquery.encode_object", values) == query


@pytest.mark.parametrize(
    ("query", "values"),
    [
        ("", {}),
        ("a=1&b=2&a=3", {"a": ["1", "3"], "b": ["2"]}),
        ("&&a&=b", {"a": [""], "": ["b"]}),
        ("a=b=c", {"a": ["b=c"]}),
        ("a;b", FAILED),
        ("a=%4", FAILED),
        ("%zz=1", FAILED),
    ],
)
def test_a_query_becomes_an_object(query: str, values: Any) -> None:
    assert called("urlquery.decode_object", query) == values


def test_what_is_no_utf_8_or_has_no_end_is_not_offered() -> None:
    with pytest.raises(NotOfferedError):
        called("urlquery.decode", "%ff")
    with pytest.raises(NotOfferedError):
        called("urlquery.decode_object", "a&" * 10_001)


@pytest.mark.parametrize("value", OTHER_THAN_TEXTS)
def test_a_query_is_a_text(value: object) -> None:
    for name in ("urlquery.encode", "urlquery.decode", "urlquery.decode_object"):
        assert called(name, value) == FAILED
