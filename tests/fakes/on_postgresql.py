"""Homes whose log and vault lie on a PostgreSQL of the tests instead of in files."""

from dataclasses import replace
from functools import cache
from pathlib import Path

from sqlalchemy import MetaData, insert, select

from exchange.settings import Settings
from exchange.storage import migrate, postgresql_engine, sqlite_engine
from tests.fakes.logs import NOON
from tests.fakes.node import copied, founded
from tests.fakes.postgres import postgresql

MOVED = ("log", "vault")


def copied_to(home: Path, kind: str) -> Settings:
    """Copy the founded home, its log and vault into databases of the kind, `sqlite` or `postgresql`."""
    settings = copied(home)
    if kind == "sqlite":
        return settings
    server, templates = postgresql(), _founded_there()
    for branch in MOVED:
        (home / f"{branch}.db").unlink()
    log, vault = (server.copy(templates[branch]) for branch in MOVED)
    return replace(settings, log_database_url=log, vault_database_url=vault)


@cache
def _founded_there() -> dict[str, str]:
    """The founded home's log and vault on PostgreSQL, once in a process; copied and never opened."""
    home, made = founded().settings.home, {}
    for branch in MOVED:
        made[branch] = postgresql().database()
        copy_tables(home / f"{branch}.db", made[branch], branch)
    return made


def copy_tables(path: Path, url: str, branch: str) -> None:
    """Put what a SQLite file holds into an empty PostgreSQL database of the same revision."""
    source, target = sqlite_engine(path), postgresql_engine(url, branch)
    migrate(target, branch, home=path.parent, at=NOON)
    metadata = MetaData()
    metadata.reflect(target)
    with source.connect() as old, target.begin() as new:
        for table in metadata.sorted_tables:
            if table.name == "alembic_version":
                continue
            rows = [dict(row) for row in old.execute(select(table)).mappings()]
            if rows:
                new.execute(insert(table), rows)
    source.dispose()
    target.dispose()
