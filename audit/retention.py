"""How long the disclosures of an entry are kept, by the kind of the entry: a table, and no number in code.

A term runs from the end of the month in which the entry was made, for keys are made by the month. While it
runs nothing of the entry can be erased; once it is over, a subject's part can.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from audit.errors import MalformedError

STANDARD = "standard"
"""Of every kind that the table does not name, and of everything kept before classes were told apart."""
SESSION = "session"

_MONTHS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One row of the table: how many months a class is kept, from which day on, by which text."""

    retention: str
    months: int
    citation: str
    first_day: date
    last_day: date | None = None
    """Last day on which it holds; None: it still does."""
    provisional: bool = False
    """Whether it is the exchange's own, or the text could not be confirmed: never printed as law."""


FLOOR = Term(
    retention="floor",
    months=6,
    citation="《中华人民共和国网络安全法》第二十一条第三项",
    first_day=date(2017, 6, 1),
)
"""No class is kept shorter."""

TERMS: tuple[Term, ...] = (
    Term(
        retention=STANDARD,
        months=36,
        citation="本平台自设规则（日志保存）",
        first_day=date(2025, 8, 1),
        provisional=True,
    ),
    Term(
        retention=SESSION,
        months=12,
        citation="本平台自设规则（登录记录保存）",
        first_day=date(2025, 8, 1),
        provisional=True,
    ),
)

_CLASSES: Mapping[str, str] = {
    "session.opened": SESSION,
    "factors.shown": SESSION,
    "session.ended": SESSION,
    "link.offered": SESSION,
}


def class_of(kind: str) -> str:
    """Return the retention class of an entry's kind."""
    return _CLASSES.get(kind, STANDARD)


def classes() -> tuple[str, ...]:
    return tuple(dict.fromkeys((STANDARD, *_CLASSES.values())))


def term_of(retention: str, *, on: date, terms: Iterable[Term] = TERMS) -> Term:
    """Return the term that holds on a day: of several the one that began last.

    Raises MalformedError where none holds, or one below the floor: nothing is erased by guess.
    """
    holding = [
        term
        for term in terms
        if term.retention == retention
        and term.first_day <= on
        and (term.last_day is None or on <= term.last_day)
    ]
    if not holding:
        raise MalformedError(f"no term of the class {retention} holds on {on.isoformat()}")
    term = max(holding, key=lambda one: one.first_day)
    if term.months < FLOOR.months:
        raise MalformedError(f"{retention}: {term.months} months, {FLOOR.months} at least needed")
    return term


def over_on(month: str, term: Term) -> date:
    """Return the first day on which the term of a month's entries is over (`month` is YYYY-MM)."""
    return _first_day(_number(month) + 1 + term.months)


def is_over(month: str, retention: str, *, at: datetime, terms: Iterable[Term] = TERMS) -> bool:
    """Whether what was kept in a month under a class may be erased at a moment."""
    today = at.astimezone(UTC).date()
    return over_on(month, term_of(retention, on=today, terms=terms)) <= today


def months_between(first: str, last: str) -> list[str]:
    """Return the months from the first to the last, both included."""
    return [f"{_first_day(n):%Y-%m}" for n in range(_number(first), _number(last) + 1)]


def month_of(at: int) -> str:
    """Return the month of a moment, epoch ms, as keys are made by it."""
    # Every batch asks for it: `strftime` takes three times as long.
    moment = datetime.fromtimestamp(at / 1000, tz=UTC)
    return f"{moment.year:04}-{moment.month:02}"


def span_of(months: Iterable[str]) -> tuple[datetime, datetime]:
    """Return the time [since, until) that a set of months lies in."""
    numbers = sorted(_number(month) for month in months)
    return _midnight(numbers[0]), _midnight(numbers[-1] + 1)


def _number(month: str) -> int:
    try:
        read = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    except ValueError as error:
        raise MalformedError(
            f"{len(month)} characters that are no month, YYYY-MM needed"
        ) from error
    return read.year * _MONTHS + read.month - 1


def _first_day(number: int) -> date:
    return date(number // _MONTHS, number % _MONTHS + 1, 1)


def _midnight(number: int) -> datetime:
    day = _first_day(number)
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
