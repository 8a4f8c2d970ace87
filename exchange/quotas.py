"""How many calls are counted against each grant today, foreseen from memory: the log's batch decides."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from audit.entry import Draft, Quota
from gateway.ports import Foreseen
from gateway.record import quota_key

REREAD_S = 1.0
"""What other gateways have counted is seen after so many seconds."""

MEMBERS_KEPT = 200_000
"""Subjects of which it is remembered that they were counted; then all are looked for in the log again."""

Read = Callable[[str, str], int]
"""(quota key, day) → what the log holds. Blocks."""


@dataclass(slots=True)
class _Count:
    used: int
    read_at: float


class ForeseenQuotas:
    """Implements `gateway.ports.Quotas`. Used on the loop alone.

    It may lag behind the log by what is under way and by what other gateways counted within a second.
    Then the question foresees a call that the batch refuses: nothing is ever given beyond a quota.
    """

    def __init__(self, read: Read, *, monotonic: Callable[[], float]) -> None:
        self._read = read
        self._monotonic = monotonic
        self._day = ""
        self._counts: dict[str, _Count] = {}
        self._members: set[tuple[str, str]] = set()
        self._spent: set[tuple[str, str]] = set()

    async def used_today(self, grants: Sequence[str], day: str) -> Mapping[str, int]:
        if day != self._day:
            self._day, self._counts = day, {}
            self._members, self._spent = set(), set()
        at = self._monotonic()
        counts = self._counts
        used: dict[str, int] = {}
        unknown: list[str] = []
        for grant in grants:
            count = counts.get(quota_key(grant))
            if count is None or at - count.read_at > REREAD_S:
                unknown.append(grant)
            else:
                used[grant] = count.used
        if unknown:
            await self._look(unknown, day, at=at, counts=counts)
            return {grant: counts[quota_key(grant)].used for grant in grants}
        return used

    async def used(self, places: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], int]:
        """Return what the log holds now: whoever guesses is few, and never let off by what is remembered."""
        found = await asyncio.to_thread(lambda: [self._read(*place) for place in places])
        return dict(zip(places, found, strict=True))

    async def foresee(self, quotas: Sequence[Quota]) -> Foreseen:
        """Let through what was counted, and look into the log only where the batch found a budget spent.

        So the first call beyond a budget is refused by the batch, and the next ones before anybody is asked.
        """
        fresh = [quota for quota in quotas if not (quota.member and quota.mark in self._members)]
        doubted = [quota for quota in fresh if self._spent and quota.place in self._spent]
        if not doubted:
            return Foreseen(fresh=frozenset(fresh))
        used = await self.used([place for one in doubted for place in (one.place, one.mark)])
        over = frozenset(quota for quota in doubted if _over(quota, used))
        self._spent -= {quota.place for quota in doubted if used[quota.place] < quota.most}
        return Foreseen(fresh=frozenset(fresh), over=over)

    def refused(self, draft: Draft, *, spent: str) -> None:
        """Take note of which budget the batch found spent."""
        self._spent |= {quota.place for quota in draft.quotas if quota.spent == spent}

    def counted(self, quotas: Iterable[Quota]) -> None:
        """Take note of what an entry has just been counted against."""
        if len(self._members) > MEMBERS_KEPT:
            self._members = set()
        for quota in quotas:
            if quota.member:
                self._members.add(quota.mark)
                continue
            held = self._counts.get(quota.key) if quota.day == self._day else None
            if held is not None:
                held.used += quota.amount

    async def _look(
        self, grants: Sequence[str], day: str, *, at: float, counts: dict[str, _Count]
    ) -> None:
        keys = [quota_key(grant) for grant in grants]
        for key in keys:
            if key in counts:
                # Whoever comes meanwhile goes by what is known.
                counts[key].read_at = at
        found = await asyncio.to_thread(lambda: [self._read(key, day) for key in keys])
        for key, used in zip(keys, found, strict=True):
            counts[key] = _Count(used, at)


def _over(quota: Quota, used: Mapping[tuple[str, str], int]) -> bool:
    if quota.member and used[quota.mark]:
        return False
    # What is not known yet, as the records of a list, is something.
    return used[quota.place] + max(quota.amount, 1) > quota.most
