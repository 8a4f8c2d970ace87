"""Pages of an errand add up to what one page over all would have said."""

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from exchange.jobs.errands import LISTED, Said, archived, kept, replayed

COUNTS = ("calls", "equal", "unanswered", "different", "unreadable")


def a_page(first: int, after: int, end: int) -> dict[str, Any]:
    entries = list(range(first, after))
    differing = [{"index": one} for one in entries if one % 5 == 0]
    lost = [{"index": one} for one in entries if one % 7 == 0]
    return {
        "first": first,
        "next": after if after < end else None,
        "end": end,
        "calls": len(entries),
        "equal": len(entries) - len(differing) - len(lost),
        "unanswered": 0,
        "different": len(differing),
        "unreadable": len(lost),
        "without_bundle": {"r": 1} if 3 in entries else {},
        "holds": not (differing or lost or 3 in entries),
        "differing": differing,
        "lost": lost,
        "seconds": 0.0,
    }


@given(st.sets(st.integers(1, 40), max_size=6))
def test_a_replay_in_pages_says_what_one_page_would(cuts: set[int]) -> None:
    ends = sorted({0, 41, *cuts})
    said: Said | None = None
    for first, after in pairwise(ends):
        turn = replayed(said, a_page(first, after, 41))
        said = turn.said
        assert (turn.done, turn.total) == (after, 41)
        assert (turn.place is None) == (after == 41)
    assert said == replayed(None, a_page(0, 41, 41)).said


@given(st.lists(st.integers(0, 9), min_size=1, max_size=8), st.data())
def test_an_archive_counts_what_was_moved_though_pages_were_lost(
    moved: list[int], data: st.DataObject
) -> None:
    total = sum(moved)
    said: Said | None = {"bundles": 0, "entries": 0, "of": total}
    left = total
    for number, page in enumerate(moved):
        left -= page
        # A process may die once a page is done and before that is kept; the last page is told.
        if number + 1 < len(moved) and data.draw(st.booleans()):
            continue
        said = archived(said, {"bundles": page, "left": left}).said
    assert said == {"bundles": total, "entries": 256 * total, "of": total}


def test_of_long_lists_so_much_is_kept_as_people_read() -> None:
    whole = {"differing": list(range(LISTED + 1)), "different": LISTED + 1}
    assert kept(whole) == {"differing": list(range(LISTED)), "different": LISTED + 1}
