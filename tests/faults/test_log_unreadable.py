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


@contextmanager
def keys_locked(here: Standing) -> Iterator[None]:
    """Somebody holds the vault's writing lock, as a copy or a stuck process can."""
    connection = sqlite3.connect(here.node.settings.home / "vault.db", isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        connection.rollback()
        connection.close()


@pytest.mark.proves("H1")
def test_while_the_keys_are_locked_the_node_is_not_ready_within_two_seconds_and_again_alone(
    here: Standing,
) -> None:
    assert readiness(here).json()["status"] == "ready"
    with keys_locked(here):
        # Asked again and again it says so each time: what waits is waited for once.
        for _ in range(3):
            told = httpx.get(f"{here.url}/health/ready", trust_env=False, timeout=2.0)
            assert told.status_code == 503
            assert told.json()["broken"] == {"keys": "LOG_UNAVAILABLE"}
        assert httpx.get(f"{here.url}/health/live", trust_env=False).status_code == 200
    assert readiness(here).json() == readiness(here).json() | {"status": "ready", "broken": {}}


@pytest.mark.proves("H1")
def test_keys_that_do_not_open_any_more_are_named(here: Standing) -> None:
    connection = sqlite3.connect(here.node.settings.home / "vault.db")
    with connection:
        connection.execute("UPDATE vault_secret SET wrapped = zeroblob(60) WHERE name = 'token'")
    connection.close()
    told = readiness(here)
    assert (told.status_code, told.json()["broken"]) == (503, {"keys": "LOG_START_REFUSED"})
    examined = here.act("administrator", "node.examine")
    assert examined["broken"]["keys"] == "LOG_START_REFUSED"


@pytest.mark.proves("H5")
def test_that_the_process_lives_is_said_without_any_database(here: Standing) -> None:
    begun: list[str] = []

    def refuse(connection: Connection) -> None:
        begun.append(connection.dialect.name)
        raise sqlite3.OperationalError("gone")

    databases = here.node.databases
    engines = (databases.registry, databases.log, databases.vault)
    for engine in engines:
        event.listen(engine, "begin", refuse)
    try:
        assert readiness(here).status_code == 503
        told = httpx.get(f"{here.url}/health/live", trust_env=False, timeout=2.0)
        assert (told.status_code, told.json()) == (200, {"status": "live"})
    finally:
        for engine in engines:
            event.remove(engine, "begin", refuse)
    assert begun
    assert readiness(here).json()["status"] == "ready"
