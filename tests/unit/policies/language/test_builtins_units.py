"""Amounts with a unit: exact, bounded, and refused as OPA refuses them."""

from decimal import Decimal
from typing import Any

import pytest

from policies.language.errors import NotOfferedError
from tests.fakes.builtin_calls import FAILED, called
from tests.fakes.rego_values import OTHER_THAN_TEXTS


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("0", 0),
        ("10K", 10_000),
        ("10Ki", 10_240),
        ("10KI", 10_240),
        ("-2k", -2_000),
        (".5K", 500),
        ("5.", 5),
        ("2.5e3K", 2_500_000),
        ("10e", 10 * 10**18),
        ("10E", 10 * 10**18),
        ("1e10", 10**10),
        ("1e-2", 0.01),
        ("100m", 0.1),
        ("100M", 100_000_000),
        ('"8Gi"', 8 << 30),
        ("5E", 5 * 10**18),
        ("", FAILED),
        ("foo", FAILED),
        (".5.2", FAILED),
        (".", FAILED),
        ("1e5e3", FAILED),
        ("1e+K", FAILED),
        ("100 k", FAILED),
        ("1kb", FAILED),
        ("1e1234567", FAILED),
        ("٤K", FAILED),
    ],
)
def test_an_amount_is_read_exactly(text: str, amount: Any) -> None:
    assert called("units.parse", text) == amount


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("100", 100),
        ("1.5KiB", 1536),
        ("100mib", 100 << 20),
        ("10eb", 10 * 10**18),
        ("10ei", 10 << 60),
        ("1e-2KB", 10),
        ("0.9999", 0),
        ("-1.9", -1),
        ("1.1KiB", 1126),
        ("5e", 5 * 10**18),
        # The mantissa has 64 bits: the last digits of a longer number are rounded.
        ("36893488147419103233", 36893488147419103232),
        ("1m", 1_000_000),
        ("1 kb", FAILED),
        ("kb", FAILED),
        ("1q", FAILED),
        ("1e1234567kb", FAILED),
    ],
)
def test_a_number_of_bytes_is_read_and_cut_off(text: str, size: Any) -> None:
    assert called("units.parse_bytes", text) == size


@pytest.mark.parametrize("text", ["1e999999", "1e-401", "1" * 401, "0.00000000001", "1e-8"])
def test_an_amount_that_cannot_be_given_with_certainty_is_not_offered(text: str) -> None:
    with pytest.raises(NotOfferedError):
        called("units.parse", text)


@pytest.mark.parametrize("text", ["1e56kb", "1e999999", "1" * 401])
def test_a_number_of_bytes_beyond_exact_scaling_is_not_offered(text: str) -> None:
    with pytest.raises(NotOfferedError):
        called("units.parse_bytes", text)


@pytest.mark.parametrize("value", OTHER_THAN_TEXTS)
@pytest.mark.parametrize("name", ["units.parse", "units.parse_bytes"])
def test_an_amount_is_a_text(name: str, value: object) -> None:
    assert called(name, value) == FAILED


def test_places_after_the_point_are_kept_where_a_number_becomes_a_text() -> None:
    assert called("sprintf", "%v", [[Decimal("0.1")]]) == "[0.1]"
    assert called("sprintf", "%v", [Decimal("0.10")]) == "0.1"
    assert called("abs", Decimal("-0.10")) == 0.1
