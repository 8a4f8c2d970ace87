"""Row digests: the same for the same row, another for anything else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogue.protected import decode_bytes, encode_bytes, row_digest

SALT = bytes(range(16))
values = st.dictionaries(
    st.text(max_size=5),
    st.one_of(st.none(), st.integers(-(2**62), 2**62), st.text(max_size=5)),
    max_size=5,
).map(lambda row: {k: v for k, v in row.items() if k not in {"entry", "salt"}})


@given(values, values)
def test_two_rows_have_one_digest_only_where_they_are_equal(
    one: dict[str, object], other: dict[str, object]
) -> None:
    same = row_digest("t", "k", one, SALT) == row_digest("t", "k", other, SALT)
    assert same == (one == other)


@given(values)
def test_order_entry_and_salt_column_do_not_count(row: dict[str, object]) -> None:
    turned = dict(reversed(row.items())) | {"entry": 7, "salt": "x"}
    assert row_digest("t", "k", turned, SALT) == row_digest("t", "k", row, SALT)


def test_table_key_and_salt_count() -> None:
    digests = {
        row_digest("t", "k", {}, SALT),
        row_digest("u", "k", {}, SALT),
        row_digest("t", "l", {}, SALT),
        row_digest("t", "k", {}, bytes(16)),
    }
    assert len(digests) == 4


@pytest.mark.parametrize("foreign", [b"1", 1.0, "1", True, None, [1], {"foreign": "bytes"}])
def test_a_value_of_another_type_is_another_value(foreign: object) -> None:
    assert row_digest("t", "k", {"c": foreign}, SALT) != row_digest("t", "k", {"c": 1}, SALT)


@pytest.mark.parametrize("size", [0, 15, 17, 32])
def test_a_salt_has_sixteen_bytes(size: int) -> None:
    with pytest.raises(ValueError, match=f"a salt of {size} bytes"):
        row_digest("t", "k", {}, bytes(size))


@given(st.binary(max_size=40))
def test_bytes_come_back_as_they_were_written(content: bytes) -> None:
    assert decode_bytes(encode_bytes(content)) == content


@given(st.text(max_size=12))
def test_what_parses_as_bytes_is_what_we_write(text: str) -> None:
    try:
        content = decode_bytes(text)
    except ValueError:
        return
    assert encode_bytes(content) == text
