"""Calls run in turns: nobody starves, who asks too much is told to wait, and that is counted."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from exchange.web.turns import Bounds, NewDocuments, TurnedAway, Turns
from gateway.errors import RateLimitedError

Enter = Callable[[str], Awaitable[None]]


async def settled() -> None:
    """Let every task go as far as it can."""
    for _ in range(10):
        await asyncio.sleep(0)


@asynccontextmanager
async def a_turn(turns: Turns, system: str) -> AsyncIterator[None]:
    await turns.begin(system)
    try:
        yield
    finally:
        turns.end(system)


class Callers:
    """Calls that each hold their turn until they are told to end."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self.order: list[str] = []
        self.ends: list[asyncio.Event] = []
        self.tasks: list[asyncio.Task[None]] = []

    def call(self, system: str) -> "asyncio.Task[None]":
        task = asyncio.create_task(self._hold(system))
        self.tasks.append(task)
        return task

    async def _hold(self, system: str) -> None:
        async with a_turn(self._turns, system):
            self.order.append(system)
            end = asyncio.Event()
            self.ends.append(end)
            await end.wait()

    async def finish(self) -> None:
        while not all(task.done() for task in self.tasks):
            for end in self.ends:
                end.set()
            await settled()


@pytest.mark.proves("O2")
async def test_a_noisy_system_never_holds_more_than_half_of_what_runs() -> None:
    callers = Callers(Turns(Bounds(at_once=4, of_one=100)))
    for _ in range(50):
        callers.call("noisy")
    await settled()
    assert callers.order == ["noisy"] * 2
    callers.call("quiet")
    await settled()
    assert callers.order == ["noisy", "noisy", "quiet"]
    await callers.finish()
    assert len(callers.order) == 51


@pytest.mark.proves("O2")
async def test_systems_that_wait_take_turns_however_many_calls_each_has() -> None:
    turns = Turns(Bounds(at_once=2, of_one=100))
    callers = Callers(turns)
    async with AsyncExitStack() as held:
        await held.enter_async_context(a_turn(turns, "first"))
        await held.enter_async_context(a_turn(turns, "second"))
        for _ in range(20):
            callers.call("noisy")
        for system in ("calm", "quiet"):
            callers.call(system)
        await settled()
        assert callers.order == []
    await settled()
    assert callers.order == ["noisy", "calm"]
    callers.ends[0].set()
    await settled()
    assert callers.order == ["noisy", "calm", "quiet"]
    await callers.finish()


@pytest.mark.proves("O2")
async def test_one_call_more_than_a_system_may_have_under_way_is_turned_away() -> None:
    turns = Turns(Bounds(at_once=2, of_one=3))
    callers = Callers(turns)
    for _ in range(3):
        callers.call("noisy")
    await settled()
    with pytest.raises(RateLimitedError) as caught:
        async with a_turn(turns, "noisy"):
            pass
    assert caught.value.facts == {"why": "in-progress", "allowed": 3}
    assert caught.value.status == 429
    async with a_turn(turns, "quiet"):
        pass
    await callers.finish()
    assert turns.under_way("noisy") == 0


async def test_a_call_that_waits_too_long_is_turned_away_and_leaves_no_trace() -> None:
    turns = Turns(Bounds(at_once=1, of_one=10, wait_s=0.01))
    async with a_turn(turns, "other"):
        with pytest.raises(RateLimitedError) as caught:
            async with a_turn(turns, "late"):
                pass
        assert caught.value.facts["why"] == "waited"
        assert turns.under_way("late") == 0
    async with a_turn(turns, "late"):
        pass


async def test_a_call_that_is_given_up_while_it_waits_hands_its_turn_on() -> None:
    turns = Turns(Bounds(at_once=1, of_one=10))
    callers = Callers(turns)
    async with a_turn(turns, "other"):
        gone = callers.call("first")
        callers.call("second")
        await settled()
        gone.cancel()
    await settled()
    assert callers.order == ["second"]
    assert gone.cancelled()
    await callers.finish()
    assert turns.under_way("first") == 0


def test_new_documents_are_bounded_and_known_ones_are_not() -> None:
    seconds = [0.0]
    documents = NewDocuments(monotonic=lambda: seconds[0], burst=3, a_second=1.0)
    for digest in "abc":
        documents.take("noisy", digest)
        documents.keep("noisy", digest)
    with pytest.raises(RateLimitedError):
        documents.take("noisy", "d")
    documents.take("noisy", "a")
    documents.take("quiet", "d")
    seconds[0] = 1.0
    documents.take("noisy", "d")
    with pytest.raises(RateLimitedError):
        documents.take("noisy", "e")


def test_what_is_known_of_documents_and_systems_is_bounded() -> None:
    documents = NewDocuments(monotonic=lambda: 0.0, burst=1, known=1, systems=1)
    documents.take("first", "a")
    documents.keep("first", "a")
    documents.keep("first", "b")
    # `a` was forgotten and there is no token left for it.
    with pytest.raises(RateLimitedError):
        documents.take("first", "a")
    documents.take("second", "a")
    # Another system's bucket took the place; a forgotten system begins with a full one.
    documents.take("first", "a")


def test_those_turned_away_are_counted_by_system_once() -> None:
    turned_away = TurnedAway()
    assert turned_away.summary() is None
    for system in ("b", "a", "b"):
        turned_away.saw(system)
    draft = turned_away.summary()
    assert draft is not None
    assert draft.clear == {"systems": {"a": 1, "b": 2}}
    assert turned_away.summary() is None
