"""The law as the registry knows it: the rule table and the working days, with what the authority added."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from catalogue.errors import UnknownError
from catalogue.rules import RULES, EnactedRule, Rule, rule
from catalogue.workdays import (
    ARRANGEMENTS,
    ZONE,
    Arrangement,
    Deadline,
    ImportedYear,
    add_working_days,
    arranged,
    working_days_between,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """One legal clock: which rule, since when, and until which day something is in time."""

    rule: Rule
    since: datetime
    due: Deadline
    stood: datetime | None = None
    """Since when it stands still; `due` is then the day if it had gone on at once. None: it runs."""

    @property
    def paused(self) -> bool:
        return self.stood is not None

    def passed(self, at: datetime) -> bool:
        """Whether the time is over for certain: never while it stands still or its year is not arranged."""
        return not self.paused and not self.due.provisional and self.due.passed(at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statutes:
    """The rules and the working days by which clocks are computed. Nothing that is due is ever stored."""

    rules: tuple[Rule, ...] = RULES
    arrangements: Mapping[int, Arrangement] = field(default_factory=lambda: ARRANGEMENTS)

    def rule(self, rule_id: str, *, on: date | datetime) -> Rule:
        """Return the rule that holds on a day. Raises UnknownError."""
        return rule(rule_id, on=_day_of(on), rules=self.rules)

    def has(self, rule_id: str, *, on: date | datetime) -> bool:
        try:
            self.rule(rule_id, on=on)
        except UnknownError:
            return False
        return True

    def clock(
        self,
        rule_id: str,
        *,
        since: datetime,
        more: int = 0,
        pause: tuple[datetime, datetime | None] | None = None,
    ) -> Clock:
        """Return a clock that began with a moment, whose day does not count.

        `more` are days of an extension. Of a pause, the days from its first to its last do not count; one
        without an end still runs: the clock stands, and shows the day it would reach had it gone on at once.
        """
        held = self.rule(rule_id, on=since)
        days = held.value + more
        plain = add_working_days(since, days, arrangements=self.arrangements)
        if pause is None or plain.passed(pause[0]):
            return Clock(rule=held, since=since, due=plain)
        begun, ended = pause
        used = working_days_between(since, begun, arrangements=self.arrangements)
        due = add_working_days(ended or begun, days - used, arrangements=self.arrangements)
        return Clock(rule=held, since=since, due=due, stood=begun if ended is None else None)

    def left(self, clock: Clock, *, at: datetime) -> int:
        """Count the working days that are left after today, the last one with them; 0 once it is over."""
        end = clock.due.day + timedelta(days=1)
        since = at if clock.stood is None else clock.stood
        return working_days_between(since, end, arrangements=self.arrangements)


def statutes(enacted: Iterable[EnactedRule], imported: Iterable[ImportedYear]) -> Statutes:
    """Return the tables that come with the program, with what was enacted and imported on top of them."""
    rows = sorted(enacted, key=lambda one: one.enacted_at)
    return Statutes(
        rules=RULES + tuple(one.as_rule() for one in rows), arrangements=arranged(imported)
    )


def _day_of(on: date | datetime) -> date:
    return on.astimezone(ZONE).date() if isinstance(on, datetime) else on
