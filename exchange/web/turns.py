"""Whose turn it is: so many calls run at once, systems take turns, and who asks too much is told to wait.

All of it is used from one thread, the event loop's. What is turned away here was authenticated, but reaches
neither the plan nor the log's queue: it is counted, and the counts are recorded once a minute.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass

from audit.entry import Draft
from gateway.errors import RateLimitedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How many calls may be under way, and how long one may wait for its turn."""

    at_once: int = 128
    """Calls that run; half of them at most are one system's, so that the others are never shut out."""
    of_one: int = 1_024
    """Calls of one system that run or wait; one more is turned away."""
    wait_s: float = 5.0
    """How long a call waits for its turn before it is turned away."""

    @property
    def share(self) -> int:
        return max(1, self.at_once // 2)


class Turns:
    """Lets calls run in turns: the next one is of the system that has waited for a turn the longest."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._share = bounds.share
        self._running: dict[str, int] = {}
        self._total = 0
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    async def begin(self, system: str) -> None:
        """Wait for a turn of a system, which is held until its `end`.

        Raises RateLimitedError where the system has too many calls under way.
        """
        if self.under_way(system) >= self._bounds.of_one:
            raise RateLimitedError("in-progress", allowed=self._bounds.of_one)
        if self._may_run(system) and system not in self._waiting:
            self._begin(system)
        else:
            await self._wait(system)

    def under_way(self, system: str) -> int:
        """Return how many calls of a system run or wait."""
        return self._running.get(system, 0) + len(self._waiting.get(system, ()))

    def _may_run(self, system: str) -> bool:
        free = self._total < self._bounds.at_once
        return free and self._running.get(system, 0) < self._share

    def _begin(self, system: str) -> None:
        self._total += 1
        self._running[system] = self._running.get(system, 0) + 1

    def end(self, system: str) -> None:
        """Give a turn back to whoever waits for one."""
        self._total -= 1
        self._running[system] -= 1
        if not self._running[system]:
            del self._running[system]
        self._hand_on()

    async def _wait(self, system: str) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(system, deque()).append(turn)
        try:
            async with asyncio.timeout(self._bounds.wait_s):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                # It was its turn at the very moment that it gave up.
                self.end(system)
            else:
                self._forget(system, turn)
            if isinstance(error, TimeoutError):
                raise RateLimitedError("waited", allowed=self._bounds.of_one) from error
            raise

    def _forget(self, system: str, turn: "asyncio.Future[None]") -> None:
        queue = self._waiting.get(system)
        if queue is None:
            return
        if turn in queue:
            queue.remove(turn)
        if not queue:
            del self._waiting[system]

    def _hand_on(self) -> None:
        """Give free places to those who wait: one call a system, then the next system."""
        for system in list(self._waiting):
            if not self._may_run(system):
                continue
            queue = self._waiting[system]
            # A turn that was given up stays in the queue until its task takes it out.
            turn = next((one for one in queue if not one.done()), None)
            if turn is None:
                continue
            queue.remove(turn)
            self._waiting.move_to_end(system)
            if not queue:
                del self._waiting[system]
            self._begin(system)
            turn.set_result(None)


class NewDocuments:
    """Bounds how often a system may send a document that has to be read anew: reading costs a hundred plans.

    A bucket of tokens for each system; a document that was answered once is known and costs none.
    """

    def __init__(
        self,
        *,
        monotonic: Callable[[], float],
        burst: int = 120,
        a_second: float = 10.0,
        known: int = 4_096,
        systems: int = 1_024,
    ) -> None:
        self._monotonic = monotonic
        self._burst = burst
        self._rate = a_second
        self._most_known = known
        self._most_systems = systems
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, system: str, digest: str) -> None:
        """Take a token where the document is new. Raises RateLimitedError where none is left."""
        if (system, digest) in self._known:
            self._known.move_to_end((system, digest))
            return
        at = self._monotonic()
        left, since = self._buckets.pop(system, (float(self._burst), at))
        left = min(self._burst, left + (at - since) * self._rate)
        enough = left >= 1
        self._buckets[system] = (left - enough, at)
        while len(self._buckets) > self._most_systems:
            self._buckets.popitem(last=False)
        if not enough:
            raise RateLimitedError("new-documents", allowed=self._burst)

    def keep(self, system: str, digest: str) -> None:
        """Remember a document that was answered."""
        self._known[system, digest] = None
        self._known.move_to_end((system, digest))
        while len(self._known) > self._most_known:
            self._known.popitem(last=False)


class TurnedAway:
    """Counts calls that were turned away, for one summary entry a minute: no flood may fill the log."""

    def __init__(self) -> None:
        self._systems: dict[str, int] = {}

    def saw(self, system: str) -> None:
        self._systems[system] = self._systems.get(system, 0) + 1

    def summary(self) -> Draft | None:
        """Return the entry for those turned away since the last one; None where there were none."""
        systems, self._systems = self._systems, {}
        if not systems:
            return None
        return Draft(kind="calls.turned-away", clear={"systems": dict(sorted(systems.items()))})
