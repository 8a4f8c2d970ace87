"""The sample: the same for all who have the entries and the seed, and nobody's choice."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.canonical import encode
from audit.errors import MalformedError
from audit.sampling import SAMPLE_MOST, Drawn, Frame, draw

HALL, MARKET, HOUSING = "HALL", "MARKET", "HOUSING"
ALL = Frame(since=0, until=1_000_000)


def a_call(number: int = 0, **changes: Any) -> dict[str, Any]:
    return {
        "v": "entry/1",
        "id": f"{number:032x}",
        "kind": "call",
        "ts": 1_000 + number,
        "consumer": HALL,
        "system": "hall.permit",
        "matter": "001",
        "steps": [
            {"provider": MARKET, "resource": "307/1"},
            {"provider": HOUSING, "resource": "317/1"},
        ],
    } | changes


def numbered(members: Sequence[dict[str, Any]], first: int = 0) -> list[tuple[int, bytes]]:
    return [(index, encode(one)) for index, one in enumerate(members, first)]


CALLS = numbered([a_call(n) for n in range(40)])
GOLDEN = (1, 7, 24, 25, 29, 37)


def test_the_draw_is_what_the_documentation_says_step_by_step() -> None:
    """Written a second time without the module: what another language would do."""
    leaves = {index: sha256(b"\x00" + body).digest() for index, body in CALLS}
    ranks = {
        index: sha256(b"exchange sample/1\n" + "七月".encode() + b"\n" + leaf).digest()
        for index, leaf in leaves.items()
    }
    expected = sorted(sorted(ranks, key=lambda index: ranks[index])[:5])
    drawn = draw(CALLS, ALL, seed="七月", count=5)
    assert drawn == Drawn(
        population=40,
        digest=sha256(b"".join(leaves[index] for index in sorted(leaves))).hexdigest(),
        indexes=tuple(expected),
    )


def test_a_draw_never_changes() -> None:
    """Frozen: a sample that was recorded is drawn again in ten years."""
    drawn = draw(CALLS, ALL, seed="seed", count=6)
    assert drawn.indexes == GOLDEN


@given(st.integers(1, 60), st.text("ab1-", min_size=1, max_size=8), st.integers(1, 40))
def test_a_smaller_sample_is_a_part_of_a_larger_one(size: int, seed: str, count: int) -> None:
    entries = numbered([a_call(n) for n in range(size)])
    smaller = draw(entries, ALL, seed=seed, count=count)
    larger = draw(entries, ALL, seed=seed, count=count + 1)
    assert set(smaller.indexes) <= set(larger.indexes)
    assert len(smaller.indexes) == min(size, count)


@given(st.integers(0, 39))
def test_another_entry_anywhere_changes_what_was_drawn_from(place: int) -> None:
    changed = [
        (index, encode(a_call(index, matter="002")) if index == place else body)
        for index, body in CALLS
    ]
    assert (
        draw(changed, ALL, seed="s", count=3).digest != draw(CALLS, ALL, seed="s", count=3).digest
    )


@pytest.mark.slow
def test_every_call_is_drawn_about_as_often_as_any_other() -> None:
    drawn = [0] * 40
    for n in range(2_000):
        for index in draw(CALLS, ALL, seed=str(n), count=10).indexes:
            drawn[index] += 1
    # 500 expected each, standard deviation 19.
    assert min(drawn) > 400
    assert max(drawn) < 600


@pytest.mark.parametrize(
    ("frame", "holds"),
    [
        ({}, True),
        ({"departments": [HALL]}, True),
        ({"departments": [HOUSING]}, True),
        ({"departments": ["ECOLOGY"]}, False),
        ({"resources": ["317/1"], "departments": [HOUSING]}, True),
        ({"resources": ["317/1"], "departments": [HALL]}, True),
        ({"resources": ["317/1"], "departments": [MARKET]}, False),
        ({"systems": ["hall.permit"]}, True),
        ({"systems": ["hall.intake"]}, False),
        ({"matters": ["002"]}, False),
        ({"systems": ["hall.permit"], "matters": ["002"]}, False),
        ({"since": 1_001}, False),
        ({"until": 1_000}, False),
        ({"until": 1_001}, True),
    ],
    ids=str,
)
def test_a_call_is_in_the_frame_where_every_bound_holds_for_one_step(
    frame: dict[str, Any], holds: bool
) -> None:
    bounds: dict[str, Any] = {
        name: frozenset(held) if isinstance(held, list) else held for name, held in frame.items()
    }
    whole = Frame(**({"since": 0, "until": 1_000_000} | bounds))
    assert whole.covers(a_call()) is holds


def test_acts_are_covered_by_what_their_facts_name_and_never_drawn() -> None:
    act = {
        "kind": "grant.revoked",
        "ts": 5,
        "department": MARKET,
        "facts": {"provider": MARKET, "resource": "307/1"},
    }
    frame = Frame(departments=frozenset([MARKET]), since=0, until=10)
    assert frame.covers(act)
    assert not Frame(departments=frozenset([HALL]), since=0, until=10).covers(act)
    assert draw(numbered([act]), frame, seed="s", count=1).population == 0


@pytest.mark.parametrize("seed", ["", " a", "a ", "a\nb", "a" * 129, "\x00"])
def test_a_seed_is_one_line(seed: str) -> None:
    with pytest.raises(MalformedError, match="seed"):
        draw(CALLS, ALL, seed=seed, count=1)


@pytest.mark.parametrize("count", [-1, 0, SAMPLE_MOST + 1])
def test_a_sample_has_a_size(count: int) -> None:
    with pytest.raises(MalformedError, match="sample"):
        draw(CALLS, ALL, seed="s", count=count)
