"""The log when its database is slow, away for an hour, or its clock is turned."""

import json
from collections.abc import Iterator
from concurrent.futures import Future
from datetime import timedelta
from pathlib import Path

import pytest

from audit.checkpoint import parse_checkpoint
from audit.entry import Sequenced
from audit.errors import LogBusyError, LogUnavailableError
from audit.log import Log, check_stored
from audit.note import parse_note
from audit.sequencer import Asked
from audit.waiting import Patience
from tests.fakes.logs import NOON, LogHome, a_call, never_two_roots
from tests.faults.kit import broken, check_kept, failing, hold_commits, urls


@pytest.fixture(params=["sqlite", "postgresql"])
def home(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[LogHome]:
    made = LogHome(tmp_path, urls=urls(request.param))
    yield made
    made.close()


def enter(log: Log) -> Future[Sequenced]:
    return log.enter(Asked(draft=a_call(), gateway="gw-1"))


@pytest.mark.proves("W7")
def test_a_slow_log_takes_so_many_and_refuses_the_rest_at_once(home: LogHome) -> None:
    with home.opened(limit=8) as log:
        with hold_commits(home.log_engine) as waiting:
            first = enter(log)
            assert waiting.wait(30)
            line = [enter(log) for _ in range(8)]
            for _ in range(1_000):
                with pytest.raises(LogBusyError, match="8 appends are waiting"):
                    enter(log)
            # Who asks beforehand is told, before any source was asked for him.
            with pytest.raises(LogBusyError):
                log.ready()
        given = [future.result(60) for future in (first, *line)]
        # Those that waited went together: slow is a longer batch and not a longer queue.
        assert [sequenced.size for sequenced in given] == [1, *[9] * 8]
        log.ready()
        given.append(log.append(a_call()))
    check_kept(home, given)


@pytest.mark.proves("W7")
def test_who_would_wait_too_long_is_refused_before_he_asks(home: LogHome) -> None:
    moments = Moments()
    with home.opened(patience=Patience(monotonic=moments, seconds=5.0)) as log:
        with hold_commits(home.log_engine) as waiting:
            first = enter(log)
            assert waiting.wait(30)
            second = enter(log)
            log.ready()
            moments.at += 4.9
            log.ready()
            moments.at += 0.2
            with pytest.raises(LogBusyError, match="has waited"):
                log.ready()
        assert [first.result(60).index, second.result(60).index] == [0, 1]
        log.ready()


class Moments:
    """A monotonic clock that stands still until it is set."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


@pytest.mark.proves("W8")
def test_an_hour_without_its_database_is_over_by_itself(home: LogHome) -> None:
    with home.opened() as log:
        given = [log.append(a_call())]
        with failing(home, "begin", broken):
            for _ in range(60):
                home.clock.turn(minutes=1)
                with pytest.raises(LogUnavailableError):
                    log.append(a_call())
                with pytest.raises(LogUnavailableError):
                    log.ready()
            assert log.size == 1
        given.append(log.append(a_call()))
        log.ready()
        assert [time_of(sequenced) for sequenced in given] == [
            NOON.timestamp() * 1000,
            (NOON + timedelta(hours=1)).timestamp() * 1000,
        ]
    check_kept(home, given)


def time_of(sequenced: Sequenced) -> int:
    return int(json.loads(sequenced.body)["ts"])


@pytest.mark.proves("T2")
@pytest.mark.parametrize("minutes", [-10, 10])
def test_a_clock_that_is_turned_never_takes_the_log_back(home: LogHome, minutes: int) -> None:
    with home.opened() as log:
        given = [log.append(a_call()), log.append(a_call())]
        home.clock.turn(minutes=minutes)
        given.append(log.append(a_call()))
        published = log.published()
        home.clock.turn(minutes=-minutes)
        given.append(log.append(a_call()))
        home.clock.turn(seconds=-5)
    with home.opened() as log:
        given.append(log.append(a_call()))
        times = [time_of(sequenced) for sequenced in given]
        assert times == sorted(times)
        assert times[2] == (NOON + timedelta(minutes=max(minutes, 0))).timestamp() * 1000
        assert parse_checkpoint(parse_note(published).text).size == 3
        assert parse_checkpoint(parse_note(log.published()).text).size == 5
    assert check_stored(home.log_engine, home.keys, guard=home.guard) == []
    never_two_roots(home.home)
