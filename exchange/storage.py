"""The three databases, registry, log and vault: opened, migrated, copied before a migration.

Each is a SQLite file in the home unless a URL names a database of a PostgreSQL server.
"""

import shutil
import sqlite3
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, Select, case, cast, create_engine, event, select
from sqlalchemy import func as sql
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.schema import CreateSchema

from exchange.home import StorageError

BRANCHES = ("registry", "log", "vault")
_DRIVER = "postgresql+psycopg"
_WRITING = 0x45584348
"""First half of the advisory locks that writers of one database hold; the second is the branch's."""
_REPEATABLE_READ = 3
"""The driver's number for it."""
_SESSION = "-c lock_timeout=10s -c idle_in_transaction_session_timeout=60s -c jit=off"
"""Nobody waits longer for a writer; a writer that says nothing so long has lost its transaction. What is
asked here is answered sooner than it would be compiled."""
_MIGRATIONS = Path(__file__).parent / "migrations"
_text = partial(str, encoding="utf-8", errors="surrogateescape")


@dataclass(frozen=True, slots=True, kw_only=True)
class Databases:
    registry: Engine
    log: Engine
    vault: Engine

    def close(self) -> None:
        for engine in (self.registry, self.log, self.vault):
            engine.dispose()


def open_databases(
    home: Path,
    *,
    at: datetime,
    urls: Mapping[str, str] = MappingProxyType({}),
    log: Callable[[], Engine] | None = None,
) -> Databases:
    """Open all three, each brought to the newest revision after a copy into `backups/`.

    `urls` names PostgreSQL databases by branch; a branch that it leaves out or empty is a file in the
    home. `log` opens the log's instead, for each shard has its own. Raises StorageError for a URL that is
    none, or a server that does not answer.
    """
    engines: dict[str, Engine] = {}
    try:
        for branch in BRANCHES:
            url = urls.get(branch)
            if branch == "log" and log is not None:
                engines[branch] = log()
            elif url:
                engines[branch] = postgresql_engine(url, branch)
            else:
                engines[branch] = sqlite_engine(home / f"{branch}.db")
            migrate(engines[branch], branch, home=home, at=at)
    except BaseException:
        for engine in engines.values():
            engine.dispose()
        raise
    return Databases(**engines)


_CACHE_KIB = 32 * 1024
"""Of a connection, at most. SQLite's own 2 MiB are less than the pages that the indexes of a busy log touch:
each batch would read most of them again from the file."""


def sqlite_engine(path: Path) -> Engine:
    """An engine on a SQLite file: WAL, every commit on the disk before it counts, BEGIN IMMEDIATE.

    `engine.execution_options(reading=True)` begins without taking the write lock.
    """
    # The file is made by us first: SQLite would create it readable to whoever the umask lets in.
    path.touch(mode=0o600)
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 10})

    @event.listens_for(engine, "connect")
    def _settings(connection: sqlite3.Connection, _record: Any) -> None:
        # The driver's own BEGIN is deferred; ours is immediate, so that two writers meet at the start.
        connection.isolation_level = None
        # A byte that is no UTF-8, put in past the program, must show as a changed row and not as an error.
        connection.text_factory = _text
        for pragma in (
            "page_size=8192",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "secure_delete=ON",
            f"cache_size=-{_CACHE_KIB}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        reading = connection.get_execution_options().get("reading", False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


def postgresql_engine(url: str, branch: str, *, schema: str = "") -> Engine:
    """An engine on a PostgreSQL database that behaves as a file does: one writer, readers see one moment.

    `schema` is the one whose tables are meant, and no other's; empty: whichever the URL leads to.

    A write transaction begins by taking the branch's advisory lock, as BEGIN IMMEDIATE takes SQLite's;
    `engine.execution_options(reading=True)` begins without it, read only, on one snapshot. A password
    belongs into the server's own places (PGPASSFILE, a service file), not into the URL. Raises
    StorageError for another URL, or where the driver is not installed.
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() != "postgresql" or not parsed.database:
            raise StorageError(f"{branch}: the URL names no PostgreSQL database")
        engine = create_engine(
            parsed.set(drivername=_DRIVER),
            connect_args={
                "connect_timeout": 10,
                "options": " ".join(
                    [str(parsed.query.get("options", "")), _SESSION, *_searching(schema)]
                ).strip(),
                "application_name": f"exchange {branch}",
            },
        )
    except ArgumentError as error:
        # What could not be read may hold a password, so it is not repeated.
        raise StorageError(f"{branch}: the URL of the database cannot be read") from error
    except ImportError as error:
        raise StorageError(
            f"{branch}: a PostgreSQL URL, and no driver: install the extra `postgresql`"
        ) from error
    # Each schema is a database to its writers, as each file is.
    held = zlib.crc32(schema.encode()) - 2**31 if schema else BRANCHES.index(branch)
    lock = f"SELECT pg_advisory_xact_lock({_WRITING}, {held})"

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        reading = connection.get_execution_options().get("reading", False)
        driver = connection.connection.dbapi_connection
        # Told to the driver before it sends BEGIN, so that it costs no round trip.
        # A writer says nothing of it: the server may have been put to read-only, and that word holds.
        driver.read_only = True if reading else None
        driver.isolation_level = _REPEATABLE_READ if reading else None
        if not reading:
            connection.exec_driver_sql(lock)

    return engine


def _searching(schema: str) -> list[str]:
    """The session's option by which one schema is searched, as libpq takes it: white space escaped."""
    if not schema:
        return []
    quoted = '"' + schema.replace('"', '""') + '"'
    escaped = "".join(f"\\{each}" if each in "\\ " else each for each in quoted)
    return [f"-c search_path={escaped}"]


def schema_of(engine: Engine) -> str:
    """Return the PostgreSQL schema in which an engine makes its tables. Raises StorageError."""
    found = _asked(engine, select(sql.current_schema()))
    if found is None:
        raise StorageError("log: the URL leads to no schema of its database")
    return str(found)


def has_schema(engine: Engine, schema: str) -> bool:
    """Whether a schema is there. Raises StorageError."""
    return _asked(engine, select(sql.to_regnamespace(sql.quote_ident(schema)))) is not None


def may_fill_schema(engine: Engine, schema: str) -> bool:
    """Whether the engine's role may make tables in a schema, or the schema itself. Raises StorageError."""
    there = sql.to_regnamespace(sql.quote_ident(schema))
    allowed = case(
        (there.is_(None), sql.has_database_privilege(sql.current_database(), "CREATE")),
        else_=sql.has_schema_privilege(cast(there, postgresql.OID), "CREATE"),
    )
    return bool(_asked(engine, select(allowed)))


def make_schema(engine: Engine, schema: str) -> None:
    """Make a schema unless it is there. Raises StorageError."""
    try:
        with engine.begin() as connection:
            connection.execute(CreateSchema(schema, if_not_exists=True))
    except SQLAlchemyError as error:
        raise StorageError(f"log: no schema {schema} ({type(error).__name__})") from error


def _asked(engine: Engine, query: Select[Any]) -> Any:
    try:
        with engine.execution_options(reading=True).connect() as connection:
            return connection.execute(query).scalar_one()
    except SQLAlchemyError as error:
        raise StorageError(
            f"log: the database does not answer as it should ({type(error).__name__})"
        ) from error


def migrate(engine: Engine, branch: str, *, home: Path, at: datetime) -> str | None:
    """Bring one database to its newest revision; returns the revision it had, None when new.

    Two processes may start at once: the second finds the work done. Raises StorageError for a database
    of a newer program, for a downgrade is refused, and for one that does not answer.
    """
    try:
        return _migrate(engine, branch, home=home, at=at)
    except SQLAlchemyError as error:
        # A driver's message may hold more than the kind of failure: where it was, and as whom.
        raise StorageError(
            f"{branch}: the database does not answer as it should ({type(error).__name__})"
        ) from error


def _migrate(engine: Engine, branch: str, *, home: Path, at: datetime) -> str | None:
    scripts = _scripts(branch)
    head = scripts.get_current_head()
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
        connection.rollback()
    if current == head:
        return current
    if current is not None:
        known = {script.revision for script in scripts.walk_revisions()}
        if current not in known:
            raise StorageError(
                f"{branch}: revision {current} is of a newer program; this one knows up to {head}"
            )
        _copy(engine, home / "backups" / f"{branch}-{current}-{at:%Y%m%dT%H%M%SZ}.db")
    with engine.begin() as connection:
        # Looks itself which revision it finds, now that nobody else is at it.
        config = _config(branch)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return current


@cache
def _scripts(branch: str) -> ScriptDirectory:
    return ScriptDirectory.from_config(_config(branch))


def _config(branch: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS / branch))
    return config


def _copy(engine: Engine, target: Path) -> None:
    """Copy a SQLite database consistently, also while others write (SQLite backup API)."""
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        if not isinstance(driver, sqlite3.Connection):
            return
        copy = sqlite3.connect(target)
        try:
            driver.backup(copy)
        finally:
            copy.close()
        shutil.copymode(str(engine.url.database), target)
