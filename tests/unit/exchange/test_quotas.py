"""Quotas are foreseen from memory, corrected from the log, and never from another day."""

import pytest

from audit.entry import Quota
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
