"""How long what lies beside the tree is kept."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.errors import MalformedError
from audit.retention import (
    FLOOR,
    SESSION,
    STANDARD,
    TERMS,
    Term,
    class_of,
    classes,
    is_over,
    month_of,
    months_between,
    over_on,
    span_of,
    term_of,
)

TODAY = date(2026, 11, 24)


def a_term(**changes: object) -> Term:
    members: dict[str, object] = {
        "retention": STANDARD,
        "months": 6,
        "citation": "x",
        "first_day": date(2026, 1, 1),
    }
    return Term(**{**members, **changes})  # type: ignore[arg-type]  # members by name


def test_every_class_has_a_term_and_none_is_below_the_floor() -> None:
    for retention in classes():
        assert term_of(retention, on=TODAY).months >= FLOOR.months
    assert term_of(STANDARD, on=TODAY).months == 36
    assert {term.retention for term in TERMS} == set(classes())


def test_what_is_not_set_by_a_text_that_we_have_is_marked_as_provisional() -> None:
    assert [term.provisional for term in (*TERMS, FLOOR)] == [True, True, False]


def test_sign_ins_have_a_class_of_their_own_and_every_other_kind_the_standard() -> None:
    assert class_of("session.opened") == SESSION
    assert {class_of(kind) for kind in ("call", "intent", "never.heard-of")} == {STANDARD}


@pytest.mark.parametrize("terms", [(), (a_term(first_day=TODAY + timedelta(days=1)),)])
def test_without_a_term_nothing_is_over(terms: tuple[Term, ...]) -> None:
    with pytest.raises(MalformedError, match="no term"):
        is_over("2000-01", STANDARD, at=datetime(2026, 11, 24, tzinfo=UTC), terms=terms)


def test_a_term_below_the_floor_is_refused_and_not_followed() -> None:
    with pytest.raises(MalformedError, match="6 at least"):
        term_of(STANDARD, on=TODAY, terms=(a_term(months=5),))


def test_of_two_terms_the_one_that_began_last_holds() -> None:
    newer = a_term(months=60, first_day=TODAY)
    assert term_of(STANDARD, on=TODAY, terms=(newer, a_term())) == newer
    ended = a_term(
        months=60, first_day=TODAY - timedelta(days=9), last_day=TODAY - timedelta(days=1)
    )
    assert term_of(STANDARD, on=TODAY, terms=(ended, a_term())).months == 6


@pytest.mark.parametrize(
    ("month", "months", "day"),
    [("2026-11", 6, date(2027, 6, 1)), ("2026-12", 36, date(2030, 1, 1))],
)
def test_a_term_runs_from_the_end_of_the_month(month: str, months: int, day: date) -> None:
    term = a_term(months=months)
    assert over_on(month, term) == day
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    assert is_over(month, STANDARD, at=midnight, terms=(term,))
    assert not is_over(month, STANDARD, at=midnight - timedelta(seconds=1), terms=(term,))


@given(st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2090, 1, 1)))  # noqa: DTZ001
def test_a_moment_lies_in_its_month(moment: datetime) -> None:
    at = moment.replace(tzinfo=UTC)
    month = month_of(int(at.timestamp() * 1000))
    since, until = span_of([month])
    assert since <= at < until
    assert months_between(month, month) == [month]


def test_what_is_no_month_is_refused() -> None:
    for text in ("2026-13", "2026", "nov"):
        with pytest.raises(MalformedError):
            months_between(text, "2026-12")
