"""The line before the committing thread: calls of one moment are committed together, and nobody is lost."""

import asyncio
from collections.abc import Callable, Sequence
from threading import Event

import pytest

from audit.errors import LogBusyError
from audit.waiting import ENDLESS, TOGETHER, WaitingLine


class Batches:
    """Commits by remembering; the first commit waits until it is let go."""

    def __init__(self) -> None:
        self.seen: list[list[int]] = []

    def __call__(self, asked: Sequence[int]) -> Sequence[int]:
        self.seen.append(list(asked))
        return [-one for one in asked]


def a_line(
    commit: Callable[[Sequence[int]], Sequence[int]], *, limit: int = 1_000
) -> WaitingLine[int, int]:
    return WaitingLine(commit, probe=lambda: None, limit=limit, most=1_000, patience=ENDLESS)


def test_calls_of_one_moment_are_committed_in_one_batch() -> None:
    batches = Batches()
    line = a_line(batches)

    async def call(number: int) -> int:
        for _ in range(number % 3):
            await asyncio.sleep(0)  # Some come a turn of the loop later, and are waited for.
        return await line.put_async(number)

    async def act() -> list[int]:
        return await asyncio.gather(*(call(number) for number in range(1, TOGETHER)))

    assert asyncio.run(act()) == [-number for number in range(1, TOGETHER)]
    line.close()
    assert len(batches.seen) == 1


def test_enough_calls_of_one_turn_are_committed_while_the_turn_goes_on() -> None:
    begun = Event()

    def commit(asked: Sequence[int]) -> Sequence[int]:
        begun.set()
        return [-one for one in asked]

    line = a_line(commit)

    async def act() -> list[int]:
        coming = [line.put_async(number) for number in range(1, TOGETHER + 1)]
        # The loop was never left meanwhile.
        assert begun.wait(timeout=30)
        return await asyncio.gather(*coming)

    assert asyncio.run(act()) == [-number for number in range(1, TOGETHER + 1)]
    line.close()


def test_a_lone_call_waits_for_nobody() -> None:
    batches = Batches()
    line = a_line(batches)

    async def act() -> int:
        return await asyncio.wait_for(line.put_async(7), timeout=30)

    assert asyncio.run(act()) == -7
    line.close()


def test_a_crowd_does_not_wait_for_more() -> None:
    batches = Batches()
    line = a_line(batches)

    async def act() -> list[int]:
        first = [line.put_async(number) for number in range(1, TOGETHER + 1)]
        return await asyncio.gather(*first)

    assert len(asyncio.run(act())) == TOGETHER
    line.close()
    assert sum(map(len, batches.seen)) == TOGETHER


def test_who_came_just_before_the_end_is_committed() -> None:
    batches = Batches()
    line = a_line(batches)

    async def act() -> int:
        coming = line.put_async(3)
        line.close()
        return await coming

    assert asyncio.run(act()) == -3
    assert batches.seen == [[3]]


def test_who_is_not_in_line_yet_counts_for_the_bound() -> None:
    line = a_line(Batches(), limit=2)

    async def act() -> None:
        coming = [line.put_async(1), line.put_async(2)]
        with pytest.raises(LogBusyError):
            line.put_async(3)
        await asyncio.gather(*coming)

    asyncio.run(act())
    line.close()
