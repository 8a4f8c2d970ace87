"""What the indicators were: one record a day, never changed, and its series by day or by month."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from catalogue.indicators import INDICATORS, Measured, Value


class Span(StrEnum):
    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True, kw_only=True)
class IndicatorDay:
    """All indicators as they stood on a day, of each department and of all."""

    id: str
    """The day where the exchange stands, YYYY-MM-DD."""
    taken_at: datetime
    measured: tuple[Value, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """An indicator on a day; a month shows the last day of it that was kept."""

    day: str
    value: Value


def taken(measured: Measured, day: date, *, at: datetime) -> IndicatorDay:
    """Return the record of a day: of each department that an indicator knows anything of, and of all."""
    found: list[Value] = []
    for indicator in INDICATORS:
        codes = sorted({line.department for line in measured.lines[indicator]})
        found += [measured.value(indicator, code) for code in (None, *codes)]
    return IndicatorDay(id=day.isoformat(), taken_at=at, measured=tuple(found))


def series(
    days: Iterable[IndicatorDay], indicator: str, department: str | None, *, by: Span
) -> tuple[Point, ...]:
    """Return an indicator's values, the oldest first; days on which nothing was known of it are left out."""
    points: dict[str, Point] = {}
    for held in sorted(days, key=lambda one: one.id):
        for value in held.measured:
            if (value.indicator, value.department) == (indicator, department):
                place = held.id if by is Span.DAY else held.id[:7]
                points[place] = Point(day=held.id, value=value)
    return tuple(points[place] for place in sorted(points))
