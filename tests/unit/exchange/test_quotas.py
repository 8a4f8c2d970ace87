"""Quotas are foreseen from memory, corrected from the log, and never from another day."""

import pytest

from audit.entry import Draft, Quota
from exchange.quotas import REREAD_S, ForeseenQuotas

DAY = "2026-11-23"
KEY = "grant:grt_1"


class Log:
    """Holds counts, and counts how often it is asked."""

    def __init__(self) -> None:
        self.used = {(KEY, DAY): 7}
        self.asked: list[tuple[str, str]] = []

    def read(self, key: str, day: str) -> int:
        self.asked.append((key, day))
        return self.used.get((key, day), 0)


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def seconds() -> list[float]:
    return [100.0]


@pytest.fixture
def quotas(log: Log, seconds: list[float]) -> ForeseenQuotas:
    return ForeseenQuotas(log.read, monotonic=lambda: seconds[0])


def used(amount: int = 1, *, day: str = DAY) -> tuple[Quota, ...]:
    return (Quota(key=KEY, day=day, amount=amount, most=100),)


async def test_the_log_is_asked_once_and_what_is_recorded_is_counted(
    quotas: ForeseenQuotas, log: Log
) -> None:
    assert await quotas.used_today(["grt_1", "grt_2"], DAY) == {"grt_1": 7, "grt_2": 0}
    quotas.counted(used(2))
    assert await quotas.used_today(["grt_1"], DAY) == {"grt_1": 9}
    assert log.asked == [(KEY, DAY), ("grant:grt_2", DAY)]


async def test_what_other_gateways_counted_is_seen_after_a_second(
    quotas: ForeseenQuotas, log: Log, seconds: list[float]
) -> None:
    await quotas.used_today(["grt_1"], DAY)
    log.used[KEY, DAY] = 40
    assert await quotas.used_today(["grt_1"], DAY) == {"grt_1": 7}
    seconds[0] += REREAD_S + 0.1
    assert await quotas.used_today(["grt_1"], DAY) == {"grt_1": 40}


async def test_each_day_is_counted_apart(quotas: ForeseenQuotas) -> None:
    await quotas.used_today(["grt_1"], DAY)
    assert await quotas.used_today(["grt_1"], "2026-11-24") == {"grt_1": 0}
    quotas.counted(used(5))
    assert await quotas.used_today(["grt_1"], "2026-11-24") == {"grt_1": 0}


def about(member: str, *, most: int = 2) -> Quota:
    return Quota(key="s:off_1", day=DAY, amount=1, most=most, member=member, spent="subjects")


async def test_a_member_that_was_counted_is_not_counted_again_and_nobody_is_asked(
    quotas: ForeseenQuotas, log: Log
) -> None:
    await quotas.used_today([], DAY)
    first, second = about("a"), about("b")
    assert (await quotas.foresee([first, second])).fresh == {first, second}
    quotas.counted([first])
    assert (await quotas.foresee([first, second])).fresh == {second}
    assert (await quotas.foresee([first, second])).over == frozenset()
    assert log.asked == []
    # Another day, another count.
    await quotas.used_today([], "2026-11-24")
    assert (await quotas.foresee([first])).fresh == {first}


async def test_what_the_batch_found_spent_is_refused_beforehand_as_the_log_has_it(
    quotas: ForeseenQuotas, log: Log
) -> None:
    await quotas.used_today([], DAY)
    log.used |= {("s:off_1", DAY): 2, ("s:off_1#a", DAY): 1}
    quotas.refused(Draft(kind="call", clear={}, quotas=(about("c"), *used())), spent="subjects")
    found = await quotas.foresee([about("a"), about("c"), *used()])
    assert found.over == {about("c")}
    assert found.fresh == {about("a"), about("c"), *used()}
    # Its bound was raised: the log is asked once more, and then no longer.
    raised = about("c", most=5)
    assert (await quotas.foresee([raised])).over == frozenset()
    asked = len(log.asked)
    assert (await quotas.foresee([raised])).over == frozenset()
    assert len(log.asked) == asked


async def test_records_that_are_not_counted_yet_are_refused_where_none_is_left(
    quotas: ForeseenQuotas, log: Log
) -> None:
    rows = Quota(key="rows", day=DAY, amount=0, most=3, spent="rows")
    log.used["rows", DAY] = 3
    quotas.refused(Draft(kind="call", clear={}, quotas=(rows,)), spent="rows")
    assert (await quotas.foresee([rows])).over == {rows}
