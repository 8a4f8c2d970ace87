"""A log of many entries for `bench/loads/log.py --full`: made once, then copied for each run.

It lies under `.cache/bench`, named by the digest of all that shapes it: the log's code, its tables and the
drafts. What PostgreSQL is measured on is the same log, its tables copied over.
"""

import shutil
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select

from audit import tables

ROOT = Path(__file__).parents[2]
KEPT = ROOT / ".cache" / "bench"
_SHAPING = ("audit/*.py", "exchange/migrations/log/versions/*.py", "bench/loads/log*.py")
_COPIED = 4_096
"""Rows that are copied to PostgreSQL at once."""


def digest(*, entries: int) -> str:
    """Name a log by what it was made from."""
    found = sha256(b"%d" % entries)
    for pattern in _SHAPING:
        for path in sorted(ROOT.glob(pattern)):
            found.update(path.read_bytes())
    return found.hexdigest()[:16]


def kept(*, entries: int) -> Path:
    """Where such a log is kept, whether or not it was made yet. Logs of older code are removed."""
    KEPT.mkdir(parents=True, exist_ok=True)
    wanted = KEPT / f"log-{entries}-{digest(entries=entries)}"
    for other in KEPT.glob(f"log-{entries}-*"):
        if other != wanted:
            shutil.rmtree(other)
    return wanted


def copy_tables(source: Engine, target: Engine) -> None:
    """Copy every table of the log; the target's are empty."""
    driver: Any
    with source.execution_options(reading=True).connect() as reading, target.begin() as writing:
        driver = writing.connection.driver_connection
        for table in tables.log_metadata.sorted_tables:
            names = ", ".join(table.columns.keys())
            found = reading.execution_options(yield_per=_COPIED).execute(select(table))
            with (
                driver.cursor() as cursor,
                cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy,
            ):
                for row in _rows(found):
                    copy.write_row(row)
    with target.execution_options(
        isolation_level="AUTOCOMMIT", reading=True
    ).connect() as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")


def _rows(found: Any) -> Iterator[tuple[Any, ...]]:
    for partition in found.partitions():
        yield from partition
