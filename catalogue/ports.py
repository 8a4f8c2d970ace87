"""What the catalogue's use cases need from the rest of the exchange, and no more."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

Clock = Callable[[], datetime]
"""Returns aware UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowMark:
    """The digest of one protected row as it will stand; None once the row is deleted."""

    table: str
    key: str
    digest: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One administrative act, as it goes into the log before it can take effect.

    `facts` stands in the leaf in the clear: codes, ids and states, never free text or personal data.
    `private` is committed to by salted digests and kept as encrypted disclosures.
    """

    kind: str
    """`grant.revoked`, `officer.imported`, `case.opened` …: noun, dot, past participle."""
    actor: str
    department: str
    auth: str
    rows: tuple[RowMark, ...]
    narrowing: bool = False
    """Whether the act takes something away: it raises the barrier (revocation holds at once)."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    private: Mapping[str, Any] = field(default_factory=dict)
    sealed: bool = False
    """Whether it belongs to a sealed review: others learn the number of its entry and no more."""
    case: str | None = None
    """Case number in the clear, for the keyed search index only; None where no case is touched."""


class UnrecordableError(Exception):
    """The log cannot be written now. What widens waits for it; what narrows need not."""


class Ledger(Protocol):
    def append(self, act: Act) -> int:
        """Return the act's index once it is durable and under a signed checkpoint, not before.

        Blocks the calling thread. Raises UnrecordableError where the log is down, another exception where it
        refuses this act.
        """
        ...

    def void(self, index: int, *, reason: str) -> int:
        """Record that the act at `index` never took effect (its registry commit failed)."""
        ...

    def digest(self, table: str, key: str) -> tuple[int, str | None] | None:
        """Return the newest recorded (index, digest) of a row; None if it was never recorded."""
        ...

    def rows(self) -> Mapping[tuple[str, str], tuple[int, str | None]]:
        """Return the newest recorded (index, digest) of every row ever recorded."""
        ...


class Sealer(Protocol):
    """Keeps personal columns out of the database in the clear."""

    def token(self, kind: str, value: str) -> str:
        """Return the keyed digest (HMAC-SHA-256, hex) of a normalised value."""
        ...

    def seal(self, text: str) -> bytes: ...

    def open(self, sealed: bytes) -> str: ...
