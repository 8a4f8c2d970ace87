"""File handles are shared out so that connections never take the last ones."""

from hypothesis import given
from hypothesis import strategies as st

from exchange.handles import room_in


@given(st.integers(16, 1 << 21))
def test_connections_and_those_taken_at_once_leave_some_handles(limit: int) -> None:
    room = room_in(limit)
    assert room.connections > 0
    assert room.backlog > 0
    assert room.connections + room.backlog <= limit - min(128, limit // 4)


def test_where_there_is_no_bound_as_many_may_wait_as_before() -> None:
    for endless in (-1, 1 << 40):
        assert room_in(endless).backlog == 2_048
        assert room_in(endless).connections > 1_000_000
