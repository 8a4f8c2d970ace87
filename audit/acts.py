"""Which registry rows the log vouches for: the newest recorded digest of every row.

Entries that record rows form a chain: each names the one before it, the sealed head names the last. So
nobody can hide an act from the next start without changing an entry under the root.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from threading import Lock
from types import MappingProxyType
from typing import Any

from audit.compose import READABLE, VERSION, VOID
from audit.errors import MalformedError

Row = tuple[str, str]
"""Table and key."""

Recorded = tuple[int, str | None]
"""Index of the entry and the row's digest; None: the row is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedAct:
    """What an act's entry says about rows."""

    index: int
    previous: int
    """Index of the act before it; -1: it is the first."""
    rows: tuple[tuple[Row, str | None], ...]
    voids: int | None
    """Index of the act that this one takes back; None for an act of its own."""


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
        )
    except (KeyError, TypeError, ValueError) as error:
        raise MalformedError(f"entry {index} is no act") from error
    if not -1 <= act.previous < index:
        raise MalformedError(f"entry {index} names {act.previous} as the act before it")
    return act


class Acts:
    """The recorded digests, kept current. Read from any thread; written by the sequencer alone."""

    def __init__(self, acts: Iterable[RecordedAct] = ()) -> None:
        self._history: dict[Row, list[Recorded]] = {}
        self._rows_of: dict[int, tuple[Row, ...]] = {}
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
        for row, digest in act.rows:
            self._history.setdefault(row, []).append((act.index, digest))
            self._newest[row] = (act.index, digest)
        self._rows_of[act.index] = tuple(row for row, _ in act.rows)
        if act.voids is not None:
            self._void(act.voids)

    def _void(self, index: int) -> None:
        for row in self._rows_of.pop(index, ()):
            kept = [recorded for recorded in self._history[row] if recorded[0] != index]
            self._history[row] = kept
            if kept:
                self._newest[row] = kept[-1]
            else:
                self._newest.pop(row, None)
