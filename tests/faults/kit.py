"""How tests have a log fail: at a point of its commit, at a moment of its database, by a killed process."""

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import OperationalError

from audit.entry import Sequenced
from audit.log import check_stored
from tests.conftest import chosen
from tests.fakes.logs import LogHome, never_two_roots
from tests.fakes.postgres import postgresql

ROOT = Path(__file__).parents[2]


def urls(kind: str) -> Mapping[str, str]:
    """Where the log and the vault lie: two fresh databases of a server, or files in the home."""
    if kind == "sqlite":
        return {}
    server = postgresql()
    return {"log": server.database(), "vault": server.database()}


class Trip:
    """Raises at one point of a commit, once it is armed."""

    def __init__(self, point: str) -> None:
        self.point = point
        self.armed = False

    def __call__(self, reached: str) -> None:
        if self.armed and reached == self.point:
            raise OSError(f"tripped at {reached}")


@contextmanager
def failing(home: LogHome, moment: str, fail: Callable[..., None]) -> Iterator[None]:
    """Have the log's database fail at a moment of every transaction."""
    event.listen(home.log_engine, moment, fail)
    try:
        yield
    finally:
        event.remove(home.log_engine, moment, fail)


def broken(*_: Any) -> None:
    raise OperationalError("COMMIT", {}, sqlite3.OperationalError("disk I/O error"))


def broken_after_committing(connection: Connection) -> None:
    driver: Any = connection.connection.driver_connection
    driver.commit()
    broken()


def check_kept(home: LogHome, given: list[Sequenced]) -> None:
    """Start again: all that was given is in the log, which is whole, and no size had two roots."""
    with home.opened() as log:
        for sequenced in given:
            assert log.entry(sequenced.index) == sequenced.body
    assert check_stored(home.log_engine, home.keys, guard=home.guard) == []
    never_two_roots(home.home)


@contextmanager
def hold_commits(engine: Engine) -> Iterator[threading.Event]:
    """No write transaction ends while this is entered; the event says that one is held."""
    waiting, free = threading.Event(), threading.Event()

    def hold(connection: Connection) -> None:
        if not connection.get_execution_options().get("reading"):
            waiting.set()
            assert free.wait(60)

    # It stays, and holds nobody any more: the commit that it holds is still going through it.
    event.listen(engine, "commit", hold)
    try:
        yield waiting
    finally:
        free.set()


@contextmanager
def sabotaged(claim: str) -> Iterator[None]:
    """Apply every sabotage of an id, as the tests' own process does; empty: none."""
    with ExitStack() as patches:
        for sabotage in chosen(claim) if claim else ():
            patches.enter_context(sabotage.apply())
        yield


def child_of(home: LogHome, *arguments: str, sabotage: object = None) -> list[str]:
    """The command that appends to a home in a process of its own."""
    return [
        *(sys.executable, "-m", "tests.faults.log_child", str(home.home), *arguments),
        *(f"--{branch}={url}" for branch, url in home.urls.items()),
        f"--sabotage={sabotage or ''}",
    ]


def run_child(
    home: LogHome, *arguments: str, sabotage: object = None
) -> subprocess.CompletedProcess[str]:
    """Run it until it ends, or ends itself."""
    return subprocess.run(
        child_of(home, *arguments, sabotage=sabotage),
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
