"""What is broken is said to be broken: to whoever balances load, and to the administrator at a terminal."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import httpx
import pytest

from tests.fakes.node import Founded, Standing, founded, standing
from tests.faults.test_log_unreadable import reading_down
from tests.faults.test_node_faults import ask_raw, log_down

Fault = Callable[[Standing], AbstractContextManager[None]]


@pytest.fixture(scope="module")
def origin() -> Founded:
    return founded()


@pytest.fixture
def here(origin: Founded, tmp_path: Path) -> Iterator[Standing]:
    with standing(tmp_path / "home") as found:
        yield found


@contextmanager
def full_disk(here: Standing) -> Iterator[None]:
    with log_down(here):
        ask_raw(here)
        yield


@contextmanager
def an_entry_changed(here: Standing) -> Iterator[None]:
    last = here.node.log.size - 1
    with sqlite3.connect(here.node.settings.home / "log.db") as connection:
        connection.execute("UPDATE audit_entry SET body = ? WHERE idx = ?", (b"{}", last))
    connection.close()
    yield


@contextmanager
def a_grant_changed(here: Standing) -> Iterator[None]:
    assert here.raw_sql("UPDATE sharing_grant SET state = 'suspended'") > 0
    yield


@contextmanager
def a_witness_away(here: Standing) -> Iterator[None]:
    here.node.witnessing._alarm = "another history"
    yield


def found_broken(here: Standing) -> tuple[str, dict[str, str]]:
    """Return what `/health/ready` and `exchange doctor` say, which must be the same."""
    told = httpx.get(f"{here.url}/health/ready", trust_env=False).json()
    said = here.act("administrator", "node.examine")
    assert (told["status"], told["broken"]) == (said["status"], said["broken"])
    return told["status"], told["broken"]


@pytest.mark.proves("T4")
@pytest.mark.parametrize(
    ("fault", "status", "part", "why"),
    [
        pytest.param(full_disk, "not ready", "log", "LOG_UNAVAILABLE", id="full-disk"),
        pytest.param(reading_down, "not ready", "log-reading", "LOG_UNAVAILABLE", id="unread"),
        pytest.param(an_entry_changed, "not ready", "log-reading", "LOG_PROOF", id="entry"),
        pytest.param(a_grant_changed, "degraded", "registry", "rows left out", id="grant"),
        pytest.param(a_witness_away, "not ready", "witnesses", "another history", id="witness"),
    ],
)
def test_what_is_broken_is_told_by_part_and_by_both(
    here: Standing, fault: Fault, status: str, part: str, why: str
) -> None:
    assert found_broken(here) == ("ready", {})
    with fault(here):
        said, broken = found_broken(here)
        assert said == status
        assert why in broken[part]
