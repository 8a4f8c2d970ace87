"""Finds in search rows what deserves a second look: bursts, many subjects, cases opened only to look.

Pure: each function takes rows of `audit/search.py` in any order and says what it found, newest first. Moments
are epoch milliseconds, as the rows have them.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from audit.store import StoredIndexRow

K = TypeVar("K", bound=Hashable)

CALL = "call"
OPENED = frozenset({"case.opened", "case.reopened"})
CLOSED = "case.closed"
PARTIES_ADDED = "case.parties-added"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """Entries that belong together, and how much of the thing there is."""

    consumer: str
    system: str
    entries: tuple[int, ...]
    """Indexes, ascending."""
    begun: int
    ended: int
    amount: int
    """Calls, or subjects where subjects are counted, or minutes that a case was open."""
    code: str = ""
    resource: str = ""


def bursts(rows: Iterable[StoredIndexRow], *, least: int, within: int) -> list[Pattern]:
    """Return where one system has at least so many of these entries within so many milliseconds."""
    return _newest(
        _pattern(part, amount=len({row.index for row in part}))
        for group in _groups(rows, _caller)
        for part in _dense(group, within=within, least=least, counted=lambda row: row.index)
    )


def enumerations(rows: Iterable[StoredIndexRow], *, least: int, within: int) -> list[Pattern]:
    """Return where one officer, or a system without one, asks about so many distinct subjects in a time."""
    about = [row for row in rows if row.kind == CALL and row.subject is not None]
    return _newest(
        _pattern(part, amount=len({row.subject for row in part}))
        for group in _groups(about, lambda row: (*_caller(row), row.officer))
        for part in _dense(group, within=within, least=least, counted=lambda row: row.subject)
    )


def grouped(
    rows: Iterable[StoredIndexRow], key: Callable[[StoredIndexRow], Hashable]
) -> list[Pattern]:
    """Return rows that share a key as one pattern each."""
    return _newest(
        _pattern(group, amount=len({row.index for row in group})) for group in _groups(rows, key)
    )


def brief_cases(rows: Iterable[StoredIndexRow], *, within: int) -> list[Pattern]:
    """Return cases that were opened, looked at and closed within so many milliseconds."""
    return _newest(found for group in _cases(rows) for found in _brief(group, within=within))


def parties_before_calls(rows: Iterable[StoredIndexRow], *, within: int) -> list[Pattern]:
    """Return where parties were added to a case, and a call under it followed within a time."""
    return _newest(found for group in _cases(rows) for found in _added(group, within=within))


def _brief(case: Sequence[StoredIndexRow], *, within: int) -> Iterator[Pattern]:
    opened: int | None = None
    for at, row in enumerate(case):
        if row.kind in OPENED:
            opened = at
        elif row.kind == CLOSED and opened is not None:
            part = case[opened : at + 1]
            took = row.ts - case[opened].ts
            if took < within and any(one.kind == CALL for one in part):
                yield _pattern(part, amount=took // 60_000)
            opened = None


def _added(case: Sequence[StoredIndexRow], *, within: int) -> Iterator[Pattern]:
    for at, row in enumerate(case):
        if row.kind != PARTIES_ADDED:
            continue
        calls = [one for one in case[at + 1 :] if one.kind == CALL and one.ts - row.ts <= within]
        if calls:
            amount = len({one.index for one in calls})
            yield _pattern([row, *calls], amount=amount)


def _dense(
    rows: Sequence[StoredIndexRow],
    *,
    within: int,
    least: int,
    counted: Callable[[StoredIndexRow], Hashable],
) -> Iterator[Sequence[StoredIndexRow]]:
    """Yield the longest runs of rows, ascending, each window of which holds so many counted values."""
    window: Counter[Hashable] = Counter()
    first, run = 0, (0, 0)
    for last, row in enumerate(rows):
        window[counted(row)] += 1
        while row.ts - rows[first].ts > within:
            gone = counted(rows[first])
            window[gone] -= 1
            if not window[gone]:
                del window[gone]
            first += 1
        if len(window) < least:
            continue
        if first >= run[1] and run[1] > run[0]:
            yield rows[run[0] : run[1]]
            run = (first, last + 1)
        else:
            run = (run[0] if run[1] > run[0] else first, last + 1)
    if run[1] > run[0]:
        yield rows[run[0] : run[1]]


def _cases(rows: Iterable[StoredIndexRow]) -> list[list[StoredIndexRow]]:
    return _groups((row for row in rows if row.case is not None), lambda row: row.case)


def _groups(
    rows: Iterable[StoredIndexRow], key: Callable[[StoredIndexRow], K]
) -> list[list[StoredIndexRow]]:
    found: dict[K, list[StoredIndexRow]] = {}
    for row in sorted(rows, key=lambda row: (row.index, row.n)):
        found.setdefault(key(row), []).append(row)
    return list(found.values())


def _caller(row: StoredIndexRow) -> tuple[str, str]:
    return row.consumer, row.system


def _pattern(rows: Sequence[StoredIndexRow], *, amount: int) -> Pattern:
    def shared(values: Iterable[str]) -> str:
        """Return what all rows have; empty where they differ."""
        held = {value for value in values if value}
        return held.pop() if len(held) == 1 else ""

    return Pattern(
        consumer=shared(row.consumer for row in rows),
        system=shared(row.system for row in rows),
        entries=tuple(sorted({row.index for row in rows})),
        begun=min(row.ts for row in rows),
        ended=max(row.ts for row in rows),
        amount=amount,
        code=shared(row.code for row in rows),
        resource=shared(row.resource for row in rows),
    )


def _newest(found: Iterable[Pattern]) -> list[Pattern]:
    return sorted(found, key=lambda one: one.entries[-1], reverse=True)
