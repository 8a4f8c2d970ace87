"""The three databases, registry, log and vault: opened, migrated, copied before a migration."""

import shutil
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, event

BRANCHES = ("registry", "log", "vault")
_MIGRATIONS = Path(__file__).parent / "migrations"
_text = partial(str, encoding="utf-8", errors="surrogateescape")


class StorageError(Exception):
    """A database cannot be used; says which and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Databases:
    registry: Engine
    log: Engine
    vault: Engine

    def close(self) -> None:
        for engine in (self.registry, self.log, self.vault):
            engine.dispose()


def open_databases(home: Path, *, at: datetime) -> Databases:
    """Open all three, each brought to the newest revision after a copy into `backups/`."""
    engines: dict[str, Engine] = {}
    for branch in BRANCHES:
        engine = sqlite_engine(home / f"{branch}.db")
        migrate(engine, branch, home=home, at=at)
        engines[branch] = engine
    return Databases(**engines)


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
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        reading = connection.get_execution_options().get("reading", False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


def migrate(engine: Engine, branch: str, *, home: Path, at: datetime) -> str | None:
    """Bring one database to its newest revision; returns the revision it had, None when new.

    Raises StorageError for a database of a newer program: a downgrade is refused.
    """
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS / branch))
    scripts = ScriptDirectory.from_config(config)
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
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return current


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
