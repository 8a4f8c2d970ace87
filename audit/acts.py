"""Which registry rows the log vouches for: the newest recorded digest of every row.

Entries that record rows form a chain: each names the one before it, the sealed head names the last. So
nobody can hide an act from the next start without changing an entry under the root.

Acts are numbered through all shards of a log: an act's number is its index and, before that, all entries of
earlier shards. So a registry row that was carried over into a new shard keeps the number it always had.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import repeat
from threading import Lock
from types import MappingProxyType
from typing import Any

from audit.compose import CARRIED, FROZEN, READABLE, VERSION, VOID
from audit.errors import MalformedError

Row = tuple[str, str]
"""Table and key."""

Recorded = tuple[int, str | None]
"""Number of the act and the row's digest; None: the row is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedAct:
    """What an act's entry says about rows."""

    index: int
    previous: int
    """Index of the act before it; -1: it is the first."""
    rows: tuple[tuple[Row, str | None], ...]
    voids: int | None
    """Index of the act that this one takes back, below zero in an earlier shard; None: none."""
    numbers: tuple[int, ...] | None = None
    """Of the acts that the rows come from, where they were carried over; None: from this one."""
    freezes: bool = False
    """Whether the shard ends here."""


def read_act(index: int, entry: Mapping[str, Any]) -> RecordedAct:
    """Read a decoded entry of the chain. Raises MalformedError for one that is none."""
    try:
        if entry["v"] not in READABLE:
            raise MalformedError(f"entry {index}: not {VERSION}")
        act = RecordedAct(
            index=index,
            previous=int(entry["previous"]),
            rows=tuple(
                ((row["table"], row["key"]), row["digest"]) for row in entry.get("rows", ())
            ),
            voids=int(entry["voids"]) if entry["kind"] == VOID else None,
            numbers=_numbers_in(entry) if entry["kind"] == CARRIED else None,
            freezes=entry["kind"] == FROZEN,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise MalformedError(f"entry {index} is no act") from error
    if not -1 <= act.previous < index:
        raise MalformedError(f"entry {index} names {act.previous} as the act before it")
    if act.numbers is not None and len(act.numbers) != len(act.rows):
        raise MalformedError(f"entry {index} carries rows over without saying whose they are")
    return act


def _numbers_in(entry: Mapping[str, Any]) -> tuple[int, ...]:
    return tuple(int(number) for number in entry["numbers"])


class Acts:
    """The recorded digests, kept current. Read from any thread; written by the sequencer alone."""

    def __init__(self, acts: Iterable[RecordedAct] = (), *, before: int = 0) -> None:
        """`before` is how many entries earlier shards of the log have."""
        self._before = before
        self.frozen_at: int | None = None
        """Index of the entry that ends the shard; None: it goes on."""
        self._history: dict[Row, list[Recorded]] = {}
        self._rows_of: dict[int, list[Row]] = {}
        self._newest: dict[Row, Recorded] = {}
        self._view: Mapping[Row, Recorded] | None = None
        self._lock = Lock()
        for act in acts:
            self._note(act)

    def record(self, act: RecordedAct) -> None:
        """Take the next act: its rows hold, or those of the act that it voids hold no more."""
        with self._lock:
            self._note(act)
            self._view = None

    def newest(self) -> Mapping[Row, Recorded]:
        """Return the newest digest of every row ever recorded, as an unchanging picture."""
        with self._lock:
            if self._view is None:
                # Copied once after each act and not at each call: calls are many, acts are few.
                self._view = MappingProxyType(dict(self._newest))
            return self._view

    def _note(self, act: RecordedAct) -> None:
        own = self._before + act.index
        numbers = repeat(own) if act.numbers is None else act.numbers
        for (row, digest), number in zip(act.rows, numbers, strict=False):
            self._history.setdefault(row, []).append((number, digest))
            self._newest[row] = (number, digest)
            self._rows_of.setdefault(number, []).append(row)
        if act.voids is not None:
            self._void(self._before + act.voids)
        if act.freezes:
            self.frozen_at = act.index

    def _void(self, number: int) -> None:
        for row in self._rows_of.pop(number, ()):
            kept = [recorded for recorded in self._history[row] if recorded[0] != number]
            self._history[row] = kept
            if kept:
                self._newest[row] = kept[-1]
            else:
                self._newest.pop(row, None)
