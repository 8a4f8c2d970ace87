"""A first, bounded look at whether a nonce was used; the log's own batch has the last word."""

import heapq

from audit.entry import Nonce


class RecentNonces:
    """Nonces that this process has seen. Used from one thread, the event loop's.

    It spares a replayed call its fetches. It may forget: the log keeps every nonce until it expires and
    refuses a second use by whichever gateway, also after a restart.
    """

    def __init__(self, *, most: int = 100_000) -> None:
        self._most = most
        self._held: set[tuple[str, str]] = set()
        self._ends: list[tuple[int, str, str]] = []

    def is_first_use(self, nonce: Nonce, *, at_ms: int) -> bool:
        """Remember the nonce; False if it was remembered already."""
        self._forget(at_ms)
        name = (nonce.key, nonce.nonce)
        if name in self._held:
            return False
        if len(self._ends) >= self._most:
            self._drop()
        self._held.add(name)
        heapq.heappush(self._ends, (nonce.expires, *name))
        return True

    def __len__(self) -> int:
        return len(self._ends)

    def _forget(self, at_ms: int) -> None:
        while self._ends and self._ends[0][0] < at_ms:
            self._drop()

    def _drop(self) -> None:
        _, key, nonce = heapq.heappop(self._ends)
        self._held.discard((key, nonce))
