"""A registry and quotas that stand as the test set them."""

import hashlib
from collections.abc import Mapping, Sequence

from audit.entry import Quota
from catalogue.model import Case
from catalogue.snapshot import Snapshot
from gateway.ports import Foreseen


def token(kind: str, value: str) -> str:
    """The digest by which parties are compared, keyed with a key that everybody knows."""
    return hashlib.sha256(f"{kind}\n{value}".encode()).hexdigest()


class FixedRegistry:
    """Implements `gateway.ports.Registry`. Snapshots come one after the other, the last one stays."""

    def __init__(
        self, *snapshots: Snapshot, cases: Mapping[tuple[str, str], Case] | None = None
    ) -> None:
        self._snapshots: Sequence[Snapshot] = snapshots
        self._cases = cases or {}
        self.loaded = 0

    async def snapshot(self) -> Snapshot:
        self.loaded += 1
        return self._snapshots[min(self.loaded, len(self._snapshots)) - 1]

    async def case(self, system: str, number: str) -> Case | None:
        return self._cases.get((system, number))

    def token(self, kind: str, value: str) -> str:
        return token(kind, value)


class FixedQuotas:
    """Implements `gateway.ports.Quotas`."""

    def __init__(self, used: Mapping[str, int] | None = None) -> None:
        self._used = used or {}

    async def used_today(self, grants: Sequence[str], day: str) -> Mapping[str, int]:
        if len(day) != len("2026-11-23"):
            raise ValueError(f"a day is YYYY-MM-DD, found {day}")
        return {grant: self._used.get(grant, 0) for grant in grants}

    async def used(self, places: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
        if any(len(day) != len("2026-11-23") for _, day in places):
            raise ValueError("a day is YYYY-MM-DD")
        return {(key, day): self._used.get(key, 0) for key, day in places}

    async def foresee(self, quotas: Sequence[Quota]) -> Foreseen:
        over = {quota for quota in quotas if self._used.get(quota.key, 0) >= quota.most}
        return Foreseen(fresh=frozenset(quotas), over=frozenset(over))
