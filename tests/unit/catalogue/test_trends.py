"""What an indicator was is kept day by day, and told by day or by month."""

from datetime import date

import pytest

from catalogue.indicators import Value
from catalogue.trends import IndicatorDay, Span, series
from tests.fakes.catalogue import TODAY


def a_day(day: str, **numerators: int) -> IndicatorDay:
    date.fromisoformat(day)
    return IndicatorDay(
        id=day,
        taken_at=TODAY,
        measured=tuple(
            Value(
                indicator="speed-up",
                department=None if name == "all" else name,
                numerator=numerator,
                denominator=10,
                missing=0,
            )
            for name, numerator in numerators.items()
        ),
    )


DAYS = (
    a_day("2026-12-02", all=5, hall=2),
    a_day("2026-11-30", all=3),
    a_day("2026-11-01", all=1, hall=1),
)


@pytest.mark.parametrize(
    ("department", "by", "told"),
    [
        (None, Span.DAY, [("2026-11-01", 1), ("2026-11-30", 3), ("2026-12-02", 5)]),
        (None, Span.MONTH, [("2026-11-30", 3), ("2026-12-02", 5)]),
        ("hall", Span.DAY, [("2026-11-01", 1), ("2026-12-02", 2)]),
        ("hall", Span.MONTH, [("2026-11-01", 1), ("2026-12-02", 2)]),
        ("market", Span.DAY, []),
    ],
)
def test_a_series_is_in_the_order_of_its_days_and_a_month_shows_its_last_kept_one(
    department: str | None, by: Span, told: list[tuple[str, int]]
) -> None:
    points = series(DAYS, "speed-up", department, by=by)
    assert [(one.day, one.value.numerator) for one in points] == told


def test_an_indicator_that_was_not_kept_has_no_series() -> None:
    assert series(DAYS, "answers-on-time", None, by=Span.DAY) == ()
