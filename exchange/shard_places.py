"""Where the shards of a log lie: each in a file of the home, or each in a schema of one PostgreSQL database.

A shard's *place* is what `shards.json` names: `log-2027.db`, or `log_2027`. The first shard of a log in
PostgreSQL lies where its URL leads, and is named by that schema once it is frozen.
"""

from pathlib import Path
from typing import Protocol

from sqlalchemy import Engine

from exchange.home import HomeError
from exchange.settings import Settings
from exchange.storage import (
    has_schema,
    make_schema,
    may_fill_schema,
    postgresql_engine,
    schema_of,
    sqlite_engine,
)

FIRST_FILE = "log.db"
"""The place of a shard that no `shards.json` names: this file, or where the URL leads."""
_ENDING = ".db"


class Places(Protocol):
    """How shards are found, opened and begun."""

    def open(self, place: str) -> Engine:
        """Return an engine on a shard that is there. Raises HomeError, StorageError."""
        ...

    def make(self, place: str) -> Engine:
        """Return an engine on a shard that may be new. Raises HomeError, StorageError."""
        ...

    def has(self, place: str) -> bool:
        """Whether anything was begun there. Raises StorageError."""
        ...

    def of_shard(self, name: str) -> str:
        """Return the place of a shard that is yet to be, by its name."""
        ...

    def named(self, place: str, engine: Engine) -> str:
        """Return a place as it is told apart from those that follow. Raises StorageError."""
        ...

    def refused(self, place: str, engine: Engine) -> str | None:
        """Say why no shard could be begun there; None: it can. Raises StorageError."""
        ...


class Files:
    """Implements `Places`: SQLite files in the home."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def open(self, place: str) -> Engine:
        return sqlite_engine(self._path(place))

    def make(self, place: str) -> Engine:
        return self.open(place)

    def has(self, place: str) -> bool:
        return self._path(place).exists()

    def of_shard(self, name: str) -> str:
        return f"log-{name}{_ENDING}"

    def named(self, place: str, engine: Engine) -> str:
        del engine
        return place

    def refused(self, place: str, engine: Engine) -> str | None:
        del place, engine
        return None

    def _path(self, place: str) -> Path:
        if not place.endswith(_ENDING):
            raise HomeError(f"shard {place} lies in PostgreSQL, and log_database_url is not set")
        return self._home / place


class Schemas:
    """Implements `Places`: schemas of one PostgreSQL database."""

    def __init__(self, url: str) -> None:
        self._url = url

    def open(self, place: str) -> Engine:
        if place == FIRST_FILE:
            return postgresql_engine(self._url, "log")
        if place.endswith(_ENDING):
            raise HomeError(f"shard {place} is a file, and log_database_url names PostgreSQL")
        return postgresql_engine(self._url, "log", schema=place)

    def make(self, place: str) -> Engine:
        made = self.open(place)
        try:
            # Asked first: who was given a schema need not be allowed to make any.
            if place != FIRST_FILE and not has_schema(made, place):
                make_schema(made, place)
        except BaseException:
            made.dispose()
            raise
        return made

    def has(self, place: str) -> bool:
        engine = self.open(place)
        try:
            return has_schema(engine, place)
        finally:
            engine.dispose()

    def of_shard(self, name: str) -> str:
        return f"log_{name.replace('-', '_')}"

    def named(self, place: str, engine: Engine) -> str:
        return schema_of(engine) if place == FIRST_FILE else place

    def refused(self, place: str, engine: Engine) -> str | None:
        if may_fill_schema(engine, place):
            return None
        return (
            f"the log's role may not make {place}: GRANT CREATE ON DATABASE, or make it the schema"
        )


def places_of(settings: Settings) -> Places:
    """Return where the shards of a home's log lie, as its settings say."""
    return Schemas(settings.log_database_url) if settings.log_database_url else Files(settings.home)
