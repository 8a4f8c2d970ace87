"""Working days as the State Council arranges them: holidays on weekdays, work on some weekends.

The table ends with the last year whose arrangement was published. A deadline that reaches past it is counted
Monday to Friday and says that it is provisional; it is computed anew once the next year is known.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

from catalogue.errors import InvalidError

ZONE = ZoneInfo("Asia/Shanghai")
"""Where the arrangement holds: a day begins and ends by China Standard Time."""

_DAY = timedelta(days=1)
_SATURDAY = 5
_MOST_DAYS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """One year's notice of the General Office of the State Council on holidays."""

    notice: str
    holidays: frozenset[date]
    """Days off, weekends among them or not."""
    made_up: frozenset[date]
    """Saturdays and Sundays that are worked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """The last day on which something is still in time."""

    day: date
    provisional: bool
    """Whether a day was counted of a year whose arrangement is not known."""

    def passed(self, at: datetime) -> bool:
        """Whether the day is over. `at` is aware."""
        return at.astimezone(ZONE).date() > self.day


def _days(*spans: tuple[date, int]) -> frozenset[date]:
    """So many days each, from a first one on."""
    return frozenset(first + n * _DAY for first, length in spans for n in range(length))


ARRANGEMENTS: Mapping[int, Arrangement] = MappingProxyType(
    {
        2025: Arrangement(
            notice="国务院办公厅关于2025年部分节假日安排的通知",
            holidays=_days(
                (date(2025, 1, 1), 1),
                (date(2025, 1, 28), 8),
                (date(2025, 4, 4), 3),
                (date(2025, 5, 1), 5),
                (date(2025, 5, 31), 3),
                (date(2025, 10, 1), 8),
            ),
            made_up=frozenset(
                {
                    date(2025, 1, 26),
                    date(2025, 2, 8),
                    date(2025, 4, 27),
                    date(2025, 9, 28),
                    date(2025, 10, 11),
                }
            ),
        ),
        2026: Arrangement(
            notice="国务院办公厅关于2026年部分节假日安排的通知",
            holidays=_days(
                (date(2026, 1, 1), 3),
                (date(2026, 2, 15), 9),
                (date(2026, 4, 4), 3),
                (date(2026, 5, 1), 5),
                (date(2026, 6, 19), 3),
                (date(2026, 9, 25), 3),
                (date(2026, 10, 1), 7),
            ),
            made_up=frozenset(
                {
                    date(2026, 1, 4),
                    date(2026, 2, 14),
                    date(2026, 2, 28),
                    date(2026, 5, 9),
                    date(2026, 9, 20),
                    date(2026, 10, 10),
                }
            ),
        ),
    }
)


def is_working_day(
    day: date, *, arrangements: Mapping[int, Arrangement] = ARRANGEMENTS
) -> bool | None:
    """Whether a day is worked; None where its year's arrangement is not known."""
    arrangement = arrangements.get(day.year)
    if arrangement is None:
        return None
    if day in arrangement.holidays:
        return False
    return day in arrangement.made_up or day.weekday() < _SATURDAY


def add_working_days(
    start: datetime | date, days: int, *, arrangements: Mapping[int, Arrangement] = ARRANGEMENTS
) -> Deadline:
    """Return the deadline so many working days after a day; the day itself does not count.

    A moment counts as its day in ZONE. Raises InvalidError for less than 1 or more than 1,000 days.
    """
    if not 1 <= days <= _MOST_DAYS:
        raise InvalidError(f"{days} working days, 1 to {_MOST_DAYS} needed")
    provisional = False
    counted = 0
    for day in _after(_day_of(start)):
        worked = is_working_day(day, arrangements=arrangements)
        provisional = provisional or worked is None
        counted += day.weekday() < _SATURDAY if worked is None else worked
        if counted == days:
            return Deadline(day=day, provisional=provisional)
    raise InvalidError(f"{days} working days after {start} lie past the last date")


def arranged_years(arrangements: Iterable[int] = ARRANGEMENTS) -> tuple[int, ...]:
    """Return the years whose arrangement is known, ascending."""
    return tuple(sorted(arrangements))


def _day_of(start: datetime | date) -> date:
    return start.astimezone(ZONE).date() if isinstance(start, datetime) else start


def _after(day: date) -> Iterator[date]:
    while day < date.max:
        day += _DAY
        yield day
