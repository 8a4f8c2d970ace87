"""Cuts lists into pages by the keys of their rows: what is added meanwhile moves nothing to another page."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from exchange.acts.register import ActError

T = TypeVar("T")

FIRST = 20
"""Rows on a page where nobody says otherwise."""
MOST = 1_000
"""Rows on the longest page."""

Told = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Which rows are wanted: so many, after one key or before another; None: from the first on."""

    first: int = FIRST
    after: str | None = None
    before: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut(Generic[T]):
    """A page of rows in their order."""

    rows: tuple[T, ...]
    total: int
    """Rows of the whole list."""
    next: str | None
    """What the following page is asked with as `after`; None: this is the last."""
    previous: str | None
    """What the page before is asked with as `before`; None: this is the first."""


def cut(held: Mapping[str, T], span: Span, *, newest: bool = False) -> Cut[T]:
    """Return a page of what is held by key, in the order of the keys, or `newest` first for ids.

    A key that is not there any more still says where a page ended. Raises ActError ACT_ARGUMENTS for more
    rows than a page has, and for a page both after and before.
    """
    if not 1 <= span.first <= MOST:
        raise ActError("ACT_ARGUMENTS", f"a page of {span.first} rows, 1 to {MOST} needed")
    if span.after is not None and span.before is not None:
        raise ActError("ACT_ARGUMENTS", "a page after one row or before another, not both")
    keys = sorted(held, reverse=newest)
    begin, end = _place(keys, span, newest=newest)
    shown = keys[begin:end]
    return Cut(
        rows=tuple(held[key] for key in shown),
        total=len(keys),
        next=shown[-1] if shown and end < len(keys) else None,
        previous=shown[0] if shown and begin > 0 else None,
    )


def paged(page: Cut[T], tell: Callable[[T], Told], **more: Any) -> Told:
    """Return what an act says of a page."""
    return {
        "rows": [tell(row) for row in page.rows],
        "total": page.total,
        "next": page.next,
        "previous": page.previous,
        **more,
    }


def counted(states: Iterable[str]) -> dict[str, int]:
    """Return how many rows are in each state, for the filters of a list."""
    return dict(sorted(Counter(states).items()))


def _place(keys: list[str], span: Span, *, newest: bool) -> tuple[int, int]:
    def passed(key: str) -> int:
        """Return how many rows stand before the place of a key, itself not counted."""
        return sum(other > key if newest else other < key for other in keys)

    if span.before is not None:
        end = passed(span.before)
        return max(end - span.first, 0), end
    begin = 0
    if span.after is not None:
        begin = passed(span.after) + (span.after in keys)
    return begin, min(begin + span.first, len(keys))
