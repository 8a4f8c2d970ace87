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
from catalogue.flaws import Flaw
from catalogue.lifecycle import require_decider
from catalogue.model import Actor, Role

ZONE = ZoneInfo("Asia/Shanghai")
"""Where the arrangement holds: a day begins and ends by China Standard Time."""

_DAY = timedelta(days=1)
_SATURDAY = 5
_MOST_DAYS = 1_000
_YEARS = range(2000, 2100)


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
        raise InvalidError(Flaw("{0} working days, 1 to {1} needed", days, _MOST_DAYS))
    provisional = False
    counted = 0
    for day in _after(_day_of(start)):
        worked = is_working_day(day, arrangements=arrangements)
        provisional = provisional or worked is None
        counted += day.weekday() < _SATURDAY if worked is None else worked
        if counted == days:
            return Deadline(day=day, provisional=provisional)
    raise InvalidError(Flaw("{0} working days after {1} lie past the last date", days, start))


def working_days_between(
    start: datetime | date,
    end: datetime | date,
    *,
    arrangements: Mapping[int, Arrangement] = ARRANGEMENTS,
) -> int:
    """Count the working days after one day and before another; neither of the two counts."""
    last = _day_of(end)
    counted = 0
    for day in _after(_day_of(start)):
        if day >= last:
            break
        worked = is_working_day(day, arrangements=arrangements)
        counted += day.weekday() < _SATURDAY if worked is None else worked
    return counted


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedYear:
    """A year's arrangement as the authority imported it from the State Council's notice."""

    id: str
    """The year, YYYY."""
    notice: str
    holidays: tuple[str, ...]
    """YYYY-MM-DD."""
    made_up: tuple[str, ...]
    imported_by: str
    imported_at: datetime

    @property
    def year(self) -> int:
        return int(self.id)


def arranged(
    imported: Iterable[ImportedYear], known: Mapping[int, Arrangement] = ARRANGEMENTS
) -> Mapping[int, Arrangement]:
    """Return the years that are known with those that were imported in their place.

    A notice may also arrange the last days of the year before its own: there its word is the later one.
    """
    years = sorted(imported, key=lambda one: one.year)
    found = {**known, **{one.year: _arrangement(one) for one in years}}
    for one in years:
        before = found.get(one.year - 1)
        if before is not None:
            own = _arrangement(one, of=one.year - 1)
            found[one.year - 1] = Arrangement(
                notice=before.notice,
                holidays=before.holidays - own.made_up | own.holidays,
                made_up=before.made_up - own.holidays | own.made_up,
            )
    return found


def _arrangement(one: ImportedYear, *, of: int | None = None) -> Arrangement:
    """What a notice says of a year; None: of its own."""

    def days(texts: tuple[str, ...]) -> frozenset[date]:
        read = map(date.fromisoformat, texts)
        return frozenset(day for day in read if day.year == (one.year if of is None else of))

    return Arrangement(notice=one.notice, holidays=days(one.holidays), made_up=days(one.made_up))


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticedDay:
    """A day that a notice speaks of."""

    date: str
    off: bool


def import_year(
    year: int, notice: str, days: Iterable[NoticedDay], *, by: Actor, at: datetime
) -> ImportedYear:
    """Return a year as the notice arranges it, in the authority's name. A corrected notice replaces it.

    Raises NotAllowedError, and InvalidError with everything that is wrong with the notice.
    """
    officer = require_decider(by, Role.AUTHORITY)
    given = tuple(days)
    findings = list(_notice_findings(year, notice, given))
    if findings:
        raise InvalidError(*findings)
    return ImportedYear(
        id=f"{year:04}",
        notice=notice.strip(),
        holidays=tuple(sorted({one.date for one in given if one.off})),
        made_up=tuple(sorted({one.date for one in given if not one.off})),
        imported_by=officer.id,
        imported_at=at,
    )


def _notice_findings(year: int, notice: str, days: tuple[NoticedDay, ...]) -> Iterator[Flaw]:
    if year not in _YEARS:
        yield Flaw("year {0}, {1} to {2} needed", year, _YEARS.start, _YEARS.stop - 1)
    if not notice.strip():
        yield Flaw("the notice that arranges the year is named")
    if not any(one.off for one in days):
        yield Flaw(
            "no day off in {0}: the notice has not appeared yet, or another file is needed", year
        )
    seen: dict[str, bool] = {}
    for one in days:
        try:
            day = date.fromisoformat(one.date)
        except ValueError:
            yield Flaw("{0!r} is no day, YYYY-MM-DD needed", one.date)
            continue
        if day.year not in {year - 1, year}:
            yield Flaw("{0} is no day of {1}", one.date, year)
        if not one.off and day.weekday() < _SATURDAY:
            yield Flaw("{0} is worked anyhow: only Saturdays and Sundays are made up", one.date)
        if seen.setdefault(one.date, one.off) != one.off:
            yield Flaw("{0} is named both as worked and as off", one.date)


def arranged_years(arrangements: Iterable[int] = ARRANGEMENTS) -> tuple[int, ...]:
    """Return the years whose arrangement is known, ascending."""
    return tuple(sorted(arrangements))


def _day_of(start: datetime | date) -> date:
    return start.astimezone(ZONE).date() if isinstance(start, datetime) else start


def _after(day: date) -> Iterator[date]:
    while day < date.max:
        day += _DAY
        yield day
