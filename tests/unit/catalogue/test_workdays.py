"""Working days: the vectors of the rules, the make-up days, and years that nobody has arranged yet."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from catalogue.errors import InvalidError, UnknownError
from catalogue.rules import Rule, rule
from catalogue.workdays import ARRANGEMENTS, Deadline, add_working_days, is_working_day

PUBLISHED = Path(__file__).parents[4] / "shared/data/d03-cn-holidays"

VECTORS = [
    ("2026-09-24", 1, "2026-09-28"),
    ("2026-09-24", 10, "2026-10-15"),
    ("2026-02-13", 1, "2026-02-14"),
    ("2026-02-13", 10, "2026-03-05"),
    ("2026-09-30", 1, "2026-10-08"),
    ("2026-04-30", 1, "2026-05-06"),
    ("2026-05-08", 1, "2026-05-09"),
    ("2026-10-09", 1, "2026-10-10"),
    ("2026-09-18", 1, "2026-09-20"),
    ("2025-09-26", 1, "2025-09-28"),
    ("2025-09-30", 10, "2025-10-21"),
]


@pytest.mark.proves("G5")
@pytest.mark.parametrize(("start", "days", "due"), VECTORS)
def test_a_deadline_counts_holidays_and_made_up_days(start: str, days: int, due: str) -> None:
    found = add_working_days(date.fromisoformat(start), days)
    assert found == Deadline(day=date.fromisoformat(due), provisional=False)


@pytest.mark.parametrize("year", sorted(ARRANGEMENTS))
def test_each_year_is_as_it_was_published(year: int) -> None:
    path = PUBLISHED / f"{year}.json"
    if not path.exists():
        pytest.skip(f"the published arrangement is not at {path}")
    days = json.loads(path.read_text(encoding="utf-8"))["days"]
    arrangement = ARRANGEMENTS[year]
    off = {date.fromisoformat(day["date"]) for day in days if day["isOffDay"]}
    worked = {date.fromisoformat(day["date"]) for day in days if not day["isOffDay"]}
    assert set(arrangement.holidays) == off
    assert set(arrangement.made_up) == worked


def test_a_deadline_past_the_table_is_provisional_and_counted_by_weekdays() -> None:
    # 2026-12-31 is a Thursday; 1 January 2027 a Friday that nobody has declared a holiday yet.
    assert is_working_day(date(2027, 1, 1)) is None
    assert add_working_days(date(2026, 12, 30), 1) == Deadline(
        day=date(2026, 12, 31), provisional=False
    )
    assert add_working_days(date(2026, 12, 31), 2) == Deadline(
        day=date(2027, 1, 4), provisional=True
    )


def test_a_moment_counts_as_its_day_in_china() -> None:
    late = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)  # Monday, one o'clock in the morning there
    assert add_working_days(late, 1).day == date(2026, 11, 24)


def test_a_deadline_has_passed_when_its_day_is_over() -> None:
    deadline = Deadline(day=date(2026, 11, 24), provisional=False)
    assert not deadline.passed(datetime(2026, 11, 24, 15, 59, tzinfo=UTC))
    assert deadline.passed(datetime(2026, 11, 24, 16, 0, tzinfo=UTC))


@pytest.mark.parametrize("days", [0, -1, 1_001])
def test_only_a_sensible_number_of_days_is_counted(days: int) -> None:
    with pytest.raises(InvalidError):
        add_working_days(date(2026, 1, 5), days)


def test_the_rule_that_began_last_holds_and_none_is_guessed() -> None:
    older = Rule(
        id="answer", value=10, unit="working day", citation="a", first_day=date(2025, 8, 1)
    )
    newer = Rule(id="answer", value=5, unit="working day", citation="b", first_day=date(2026, 1, 1))
    held = (newer, older)
    assert rule("answer", on=date(2025, 12, 31), rules=held) is older
    assert rule("answer", on=date(2026, 1, 1), rules=held) is newer
    with pytest.raises(UnknownError):
        rule("answer", on=date(2025, 7, 31), rules=held)
    with pytest.raises(UnknownError):
        rule("delivery", on=date(2026, 1, 1), rules=held)
