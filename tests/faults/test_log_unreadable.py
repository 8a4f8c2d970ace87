"""A log that takes entries and cannot show them: the node is not ready, and is again by itself."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection, event

from tests.fakes.node import Standing, codes, standing

pytestmark = pytest.mark.slow  # a served node; left to `make test`


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Standing]:
    with standing(tmp_path / "home") as found:
        yield found


def _entries_refused(action: int, table: str | None, column: str | None, *_: object) -> int:
    if (action, table, column) == (sqlite3.SQLITE_READ, "audit_entry", "body"):
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK


@contextmanager
def reading_down(here: Standing) -> Iterator[None]:
    """Entries are taken and none is shown while this is entered."""
    held: list[Any] = []

    def refuse(connection: Connection) -> None:
        if connection.get_execution_options().get("reading"):
            held.append(connection.connection.driver_connection)
            held[-1].set_authorizer(_entries_refused)

    event.listen(here.node.databases.log, "begin", refuse)
    try:
        yield
    finally:
        event.remove(here.node.databases.log, "begin", refuse)
        for driver in held:
            driver.set_authorizer(None)


def readiness(here: Standing) -> httpx.Response:
    return httpx.get(f"{here.url}/health/ready", trust_env=False)


@pytest.mark.proves("H2")
def test_a_log_that_is_written_and_not_read_is_not_ready_and_is_again_alone(
    here: Standing,
) -> None:
    assert readiness(here).json()["status"] == "ready"
    with reading_down(here):
        size = here.node.log.size
        here.ask()
        assert here.node.log.size > size
        told = readiness(here)
        assert told.status_code == 503
        assert told.json()["broken"] == {"log-reading": "LOG_UNAVAILABLE"}
        assert httpx.get(f"{here.url}/health/live", trust_env=False).status_code == 200
    assert readiness(here).json()["status"] == "ready"
    assert codes(here.ask()) == {"businessLicence": None}


@pytest.mark.proves("H2")
def test_an_entry_that_is_not_the_one_that_was_signed_is_not_ready(here: Standing) -> None:
    connection = sqlite3.connect(here.node.settings.home / "log.db")
    with connection:
        connection.execute(
            "UPDATE audit_entry SET body = ? WHERE idx = ?", (b"{}", here.node.log.size - 1)
        )
    connection.close()
    told = readiness(here)
    assert (told.status_code, told.json()["broken"]) == (503, {"log-reading": "LOG_PROOF"})
