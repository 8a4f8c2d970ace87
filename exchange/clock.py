"""The real clock, real randomness and fresh identifiers: only the exchange reads them."""

import os
import time
from datetime import UTC, datetime
from functools import partial
from threading import Lock

# Each call looks at them a dozen times: no function of ours stands in between.
now = partial(datetime.now, UTC)
"""Aware UTC."""

monotonic = time.monotonic

spent = time.thread_time
"""Processor time of the calling thread, in seconds."""


def random_bytes(count: int) -> bytes:
    return os.urandom(count)


_RANDOM_KEPT = 4_096


class _Pool:
    """Randomness of the operating system, fetched in blocks. A child of a fork fetches its own."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._block = b""
        self._at = 0
        os.register_at_fork(after_in_child=self._forget)

    def take(self, count: int) -> bytes:
        with self._lock:
            if self._at + count > len(self._block):
                self._block, self._at = os.urandom(_RANDOM_KEPT), 0
            taken = self._block[self._at : self._at + count]
            self._at += count
        return taken

    def _forget(self) -> None:
        self._lock = Lock()
        self._block, self._at = b"", 0


_pool = _Pool()

nonce_bytes = _pool.take
"""Randomness for what is told to others anyway, as nonces are. What stays secret is fetched by itself."""


def fresh_id(prefix: str) -> str:
    """A UUIDv7 (RFC 9562, 5.7) as text behind a kind prefix: `grt_0198…`. Sorts by time."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(_pool.take(10), "big")
    value = (milliseconds & ((1 << 48) - 1)) << 80
    value |= 0x7 << 76 | (random >> 68 & 0xFFF) << 64
    value |= 0b10 << 62 | (random & ((1 << 62) - 1))
    text = f"{value:032x}"
    return f"{prefix}_{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
