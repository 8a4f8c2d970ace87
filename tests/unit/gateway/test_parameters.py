"""Texts of a query string as the variables that a document declares."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import RefusedDocumentError, RefusedRequestError
from gateway.limits import Limits
from gateway.parameters import read_texts, typed

DOCUMENT = """query Q($e: ID!, $n: Int = 2, $yes: Boolean, $kinds: [String!]) {
  enterprise(uscc: $e) { licence(first: $n) { name } }
}"""


def read(query: str) -> object:
    return typed(DOCUMENT, read_texts(query.encode()), limits=Limits())


def test_a_text_becomes_what_its_variable_is() -> None:
    assert read("e=91&n=-3&yes=true&kinds=a&kinds=") == {
        "e": "91",
        "n": -3,
        "yes": True,
        "kinds": ["a", ""],
    }
    assert read("e=007") == {"e": "007"}


@pytest.mark.parametrize(
    "query",
    ["e=1&e=2", "n=1.0", "n=+1", "n=%D9%A4", "n=", "n=01", "yes=True", "yes=1", "other=1", "E=1"],
)
def test_what_is_not_so_spelt_is_refused_by_its_name_alone(query: str) -> None:
    with pytest.raises(RefusedDocumentError) as refused:
        read(query)
    assert refused.value.code == "VARIABLES_INVALID"
    assert refused.value.facts["variables"] == [query.partition("=")[0]]


@pytest.mark.parametrize("query", ["e", "e=%FF", "&".join(f"a{n}=1" for n in range(65))])
def test_a_query_string_that_is_none_is_refused(query: str) -> None:
    with pytest.raises(RefusedRequestError):
        read_texts(query.encode())


@given(st.integers(-(2**31), 2**31 - 1))
def test_every_integer_is_read_as_it_is_written(number: int) -> None:
    assert read(f"e=1&n={number}") == {"e": "1", "n": number}


def test_a_document_of_two_operations_is_no_resource() -> None:
    with pytest.raises(RefusedDocumentError) as refused:
        typed("query A { contract } query B { contract }", {}, limits=Limits())
    assert refused.value.code == "OPERATION_UNKNOWN"
