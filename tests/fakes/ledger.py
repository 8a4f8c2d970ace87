"""A ledger in memory that behaves as the log does, and complains of what the log would never see."""

import re
from collections.abc import Mapping

from catalogue.ports import Act, UnrecordableError


class LedgerDownError(UnrecordableError):
    """The log refuses."""


class FakeLedger:
    """Implements `catalogue.ports.Ledger`. Other entries can be put between with `skip`."""

    def __init__(self) -> None:
        self.entries: dict[int, Act] = {}
        self.voids: dict[int, int] = {}
        """Index of a void entry → index of the act that it voids."""
        self.down = False
        self._size = 0

    @property
    def acts(self) -> list[Act]:
        """Acts that stand, oldest first."""
        return [act for i, act in sorted(self.entries.items()) if i not in self.voids.values()]

    @property
    def kinds(self) -> list[str]:
        return [act.kind for act in self.acts]

    def append(self, act: Act) -> int:
        if self.down:
            raise LedgerDownError
        if not re.fullmatch(r"[a-z]+\.[a-z-]+", act.kind):
            raise AssertionError(f"{act.kind!r} is no kind of act")
        if not act.rows:
            raise AssertionError(f"{act.kind} vouches for no row")
        return self._put(act)

    def void(self, index: int, *, reason: str) -> int:
        if self.down:
            raise LedgerDownError
        if index not in self.entries or index in self.voids.values():
            raise AssertionError(f"entry {index} is no act that stands")
        if not reason:
            raise AssertionError("a void without a reason")
        at = self.skip()
        self.voids[at] = index
        return at

    def skip(self) -> int:
        """Append something that is no act, such as a call."""
        self._size += 1
        return self._size - 1

    def digest(self, table: str, key: str) -> tuple[int, str | None] | None:
        return self.rows().get((table, key))

    def rows(self) -> Mapping[tuple[str, str], tuple[int, str | None]]:
        voided = set(self.voids.values())
        return {
            (row.table, row.key): (index, row.digest)
            for index, act in sorted(self.entries.items())
            if index not in voided
            for row in act.rows
        }

    def _put(self, act: Act) -> int:
        index = self.skip()
        self.entries[index] = act
        return index
