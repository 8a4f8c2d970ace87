"""Times: nanoseconds, zones and layouts, with every bound, and no clock."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.language.builtins.layouts import LAYOUTS, days_before
from policies.language.errors import NotOfferedError
from tests.fakes.builtin_calls import FAILED, called

AT = 1_670_006_453_141_828_752
SHANGHAI = "Asia/Shanghai"
FIRST, LAST = -(2**63), 2**63 - 1


@pytest.mark.parametrize(
    ("shown", "layout"),
    [
        ("2022-12-03T02:40:53.141828752+08:00", ""),
        ("2022-12-03T02:40:53+08:00", "RFC3339"),
        ("Sat, 03 Dec 2022 02:40:53 CST", "RFC1123"),
        ("Saturday, 03-Dec-22 02:40:53 CST", "RFC850"),
        ("2022年12月3日 2:40AM", "2006年1月2日 3:04PM"),
        ("337 .141 .14182875 +0800 +08 +08:00:00", "002 .000 .99999999 -0700 -07 -07:00:00"),
        ("Janu 337 _2022", "Janu __2 _2006"),
    ],
)
def test_a_time_is_shown_by_its_layout(shown: str, layout: str) -> None:
    assert called("time.format", [AT, SHANGHAI, layout]) == shown


def test_a_time_has_a_date_a_clock_and_a_weekday_in_its_zone() -> None:
    assert called("time.date", [AT, SHANGHAI]) == [2022, 12, 3]
    assert called("time.clock", [AT, SHANGHAI]) == [2, 40, 53]
    assert called("time.weekday", [AT, SHANGHAI]) == "Saturday"
    assert called("time.weekday", AT) == "Friday"
    assert called("time.date", -1) == [1969, 12, 31]


@pytest.mark.parametrize("at", [FIRST, LAST, 0, -1, AT])
@pytest.mark.parametrize("layout", ["RFC3339Nano", "2006-002 15:04:05.000000000 -0700"])
def test_what_is_shown_to_the_nanosecond_is_read_back(at: int, layout: str) -> None:
    assert called("time.parse_ns", layout, called("time.format", [at, "", layout])) == at


# Before 1901 the zone is off by seconds, which RFC 3339 cannot show.
@given(st.integers(0, LAST))
def test_every_nanosecond_is_shown_and_read_back(at: int) -> None:
    assert called("time.parse_rfc3339_ns", called("time.format", [at, SHANGHAI])) == at


@pytest.mark.parametrize(
    ("layout", "written"),
    [
        ("RFC3339", "2262-04-11T23:47:16.854775808Z"),
        ("RFC3339", "1677-09-21T00:12:43.145224191Z"),
        ("RFC3339", "2023-02-29T00:00:00Z"),
        ("RFC3339", "2023-02-28T24:00:00Z"),
        ("RFC3339", "2023-02-28T00:60:00Z"),
        ("RFC3339", "2023-02-28T00:00:00+25:00"),
        ("RFC3339", "2023-02-28 00:00:00Z"),
        ("RFC3339", "2023-02-28T00:00:00Z "),
        ("2006", "２０２３"),
        ("2006-002", "2023-366"),
        ("2006-002 Jan", "2023-032 Jan"),
        ("15:04", "12:00"),
        ("2006-01-02 .000", "2023-02-28 .12"),
        ("Jan 2006", "Foo 2023"),
        ("2006 3PM", "2023 3XM"),
        (1, "2023"),
        ("2006", None),
    ],
)
def test_a_time_of_another_form_or_beyond_its_bounds_fails(layout: Any, written: Any) -> None:
    assert called("time.parse_ns", layout, written) == FAILED


@pytest.mark.parametrize(
    ("layout", "written"), [("2006 MST", "2023 CST"), ("2006 MST", "2023 PST")]
)
def test_a_zone_by_a_short_name_is_not_offered(layout: str, written: str) -> None:
    with pytest.raises(NotOfferedError, match="depends on the machine"):
        called("time.parse_ns", layout, written)


def test_the_zone_of_the_machine_is_not_offered() -> None:
    with pytest.raises(NotOfferedError, match="zone of the machine"):
        called("time.date", [0, "Local"])


@pytest.mark.parametrize(
    "value",
    [
        LAST + 1,
        FIRST - 1,
        1.5,
        None,
        "0",
        True,
        [],
        ["0"],
        [0, 1],
        [0, "No/Where"],
        [0, "../x"],
        {},
    ],
)
def test_what_is_no_time_fails(value: Any) -> None:
    for name in ("time.date", "time.clock", "time.weekday", "time.format"):
        assert called(name, value) == FAILED
    assert called("time.diff", 0, value) == FAILED


@pytest.mark.parametrize(
    ("written", "nanoseconds"),
    [
        ("0", 0),
        ("100ms", 100_000_000),
        ("-1h30m", -5_400_000_000_000),
        ("1.5s", 1_500_000_000),
        (".5us", 500),
        ("1µs1μs", 2_000),
        ("9223372036854775807ns", LAST),
        ("-9223372036854775808ns", FIRST),
        ("2d1w", 9 * 86_400 * 10**9),
        ("9223372036854775808ns", FAILED),
        ("1", FAILED),
        ("", FAILED),
        ("-", FAILED),
        (".s", FAILED),
        ("1 s", FAILED),
        ("s", FAILED),
        ("٣s", FAILED),
        (5, FAILED),
    ],
)
def test_a_duration_is_read_exactly_or_fails(written: Any, nanoseconds: Any) -> None:
    assert called("time.parse_duration_ns", written) == nanoseconds


def test_a_fraction_of_a_day_is_not_offered() -> None:
    with pytest.raises(NotOfferedError, match="fraction"):
        called("time.parse_duration_ns", "1.5d")


def test_a_date_runs_over_where_a_month_ends() -> None:
    leap = called("time.parse_rfc3339_ns", "2024-02-29T12:00:00Z")
    assert called("time.date", called("time.add_date", leap, 1, 0, 0)) == [2025, 3, 1]
    assert called("time.date", called("time.add_date", leap, 0, 12, -1)) == [2025, 2, 28]
    assert called("time.date", called("time.add_date", leap, 0, -2, 0)) == [2023, 12, 29]


def test_a_day_is_added_on_the_clock_of_the_zone() -> None:
    before = called("time.parse_rfc3339_ns", "2023-03-11T12:00:00-08:00")
    after = called("time.add_date", [before, "America/Los_Angeles"], 0, 0, 1)
    assert after - before == 23 * 3600 * 10**9


@pytest.mark.parametrize("added", [(300, 0, 0), (0, 0, 2**40), (0, 1.5, 0), ("1", 0, 0)])
def test_a_date_that_is_out_of_reach_fails(added: tuple[Any, Any, Any]) -> None:
    assert called("time.add_date", AT, *added) == FAILED


def test_a_difference_is_the_same_from_both_sides() -> None:
    early = called("time.parse_rfc3339_ns", "2023-01-31T23:59:59Z")
    late = called("time.parse_rfc3339_ns", "2024-03-01T00:00:00Z")
    assert called("time.diff", early, late) == [1, 1, 0, 0, 0, 1]
    assert called("time.diff", late, early) == [1, 1, 0, 0, 0, 1]


def test_days_are_counted_over_months_that_do_not_exist() -> None:
    assert days_before(1970, 1, 1) == 0
    assert days_before(2024, 14, 1) == days_before(2025, 2, 1)
    assert days_before(2024, 2, 30) == days_before(2024, 3, 1)
    assert days_before(0, 2, 29) + 1 == days_before(0, 3, 1)


def test_every_named_layout_shows_an_hour_and_a_year() -> None:
    for layout in LAYOUTS:
        shown = called("time.format", [AT, "", layout])
        assert "18:40" in shown
        assert "22" in shown
