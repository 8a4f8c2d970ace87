"""Holds a list of found entries against the gap-free numbers that they commit to: what is hidden, shows.

Each call draws a number from its system's counter and from each resource's (`audit/entry.py`). A list of one
system's or one resource's calls is complete where its numbers run without a gap from the newest given out
down to where the list ends.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbered:
    """A found entry with the number that it commits to; None: the number cannot be opened."""

    index: int
    number: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbering:
    """What the numbers of a list say about it."""

    counter: str
    first: int | None
    """The lowest number of the list; None where it has none."""
    last: int | None
    count: int
    gaps: tuple[tuple[int, int], ...]
    """Numbers, both ends counted, whose entries the list should have and has not; newest first."""
    unopened: tuple[int, ...] = ()
    """Indexes of entries whose number does not open, so that nobody can say which it is."""
    disordered: tuple[int, ...] = ()
    """Indexes of entries whose number is not below that of the entry after them."""

    @property
    def holds(self) -> bool:
        return not (self.gaps or self.unopened or self.disordered)


def check_numbers(
    counter: str, found: Sequence[Numbered], *, above: int | None, below: int | None
) -> Numbering:
    """Say which numbers are missing from a list, newest first.

    `above` is the number that follows the list's newest, `below` the one before its oldest; None where
    nobody can say, because the list is cut by a time.
    """
    numbers = [one.number for one in found if one.number is not None]
    return Numbering(
        counter=counter,
        first=min(numbers, default=None),
        last=max(numbers, default=None),
        count=len(set(numbers)),
        gaps=tuple(_gaps(set(numbers), above=above, below=below)),
        unopened=tuple(one.index for one in found if one.number is None),
        disordered=tuple(_disordered(found)),
    )


def _gaps(numbers: set[int], *, above: int | None, below: int | None) -> Iterable[tuple[int, int]]:
    ends = sorted(numbers | {one for one in (above, below) if one is not None}, reverse=True)
    for higher, lower in pairwise(ends):
        if higher - lower > 1:
            yield lower + 1, higher - 1


def _disordered(found: Sequence[Numbered]) -> Iterable[int]:
    newer: int | None = None
    for one in found:
        if one.number is None:
            continue
        if newer is not None and one.number >= newer:
            yield one.index
        newer = one.number
