"""New databases: what the program's own migrations make, made once in a process and copied from then on."""

import tempfile
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from sqlalchemy import Engine

from exchange.storage import migrate, sqlite_engine

_MADE = datetime(2026, 11, 1, tzinfo=UTC)


def a_database(folder: Path, branch: str) -> Engine:
    """An engine on the branch's database in a folder, new unless there is one; the caller disposes of it."""
    path = folder / f"{branch}.db"
    if not path.exists():
        # Put there whole: tests kill processes at any moment, and another one goes on with what is there.
        half = path.with_suffix(".half")
        half.touch(mode=0o600)
        half.write_bytes(_new(branch))
        half.replace(path)
    return sqlite_engine(path)


@cache
def _new(branch: str) -> bytes:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        engine = sqlite_engine(folder / f"{branch}.db")
        migrate(engine, branch, home=folder, at=_MADE)
        engine.dispose()
        # Whoever closes a database last takes what stands beside it in: the file is the whole.
        assert [path.name for path in folder.iterdir()] == [f"{branch}.db"]
        return (folder / f"{branch}.db").read_bytes()
