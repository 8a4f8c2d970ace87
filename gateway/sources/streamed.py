"""Answers of databases that cannot be asked what an answer weighs: fetched a few records at a time.

PostgreSQL weighs an answer before it sends any of it (`gateway/sources/postgres.py`). There is no function
by which every other dialect says how many bytes a value is: the values are weighed as they come, and what
lies beyond the bound is neither fetched nor given.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select

from catalogue.model import Item
from gateway.errors import SourceInvalidError
from gateway.sources.needs import allowed_bytes

MOST_AT_A_TIME = 64
"""Records of one fetch. The first one is of one record, each further one of twice as many."""

Rows = list[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Streamed:
    """What came of an answer up to its bound."""

    rows: Rows
    """In the order of the answer; beyond `fit` at most one more, which has no room."""
    fit: int
    """How many of them have room."""
    allowed: int
    """What they may weigh together, in bytes."""


def fetch_within(
    connection: Connection,
    statement: Select[Any],
    values: Mapping[str, Any],
    *,
    items: Sequence[Item],
    plain: int,
) -> Streamed:
    """Run a statement and fetch until the values of its items weigh more than they may.

    `plain` is the bound where no contents of files are among them. A connection whose answer goes on is
    closed, not used again: drivers read what is left when a cursor is closed, however much it is. Raises
    SQLAlchemyError.
    """
    # Where a driver would else fetch all at once, this has it leave the answer at the server.
    streaming = connection.execution_options(stream_results=True)
    result = streaming.execute(statement, values)
    found = take_within(result.fetchmany, items=items, plain=plain)
    if found.fit < len(found.rows):
        connection.invalidate()
    return found


def take_within(
    fetchmany: Callable[[int], Sequence[Sequence[Any]]], *, items: Sequence[Item], plain: int
) -> Streamed:
    """Fetch records until the values of these items weigh more than they may; `plain` as above."""
    allowed = allowed_bytes([item.type for item in items], plain=plain)
    rows: Rows = []
    weight, at_a_time = 0, 1
    while some := fetchmany(at_a_time):
        for row in some:
            rows.append(row)
            # What stands behind the items (a rank) is ours.
            weight += sum(map(weigh, row[: len(items)]))
            if weight > allowed:
                return Streamed(rows, len(rows) - 1, allowed)
        at_a_time = min(2 * at_a_time, MOST_AT_A_TIME)
    return Streamed(rows, len(rows), allowed)


def fetch_whole(
    connection: Connection,
    statement: Select[Any],
    values: Mapping[str, Any],
    *,
    items: Sequence[Item],
    plain: int,
) -> Rows:
    """Return an answer that has room for all of its records. Raises SourceInvalidError, SQLAlchemyError."""
    return all_of(fetch_within(connection, statement, values, items=items, plain=plain))


def all_of(found: Streamed) -> Rows:
    """Return all records of an answer. Raises SourceInvalidError where they have no room."""
    if found.fit < len(found.rows):
        raise SourceInvalidError(allowed_bytes=found.allowed)
    return found.rows


def weigh(value: Any) -> int:
    """Return how many bytes a value is, as text where it is none itself."""
    if value is None:
        return 0
    if isinstance(value, str):
        # What is no text at all is told when it is converted.
        return len(value) if value.isascii() else len(value.encode(errors="surrogatepass"))
    if isinstance(value, (bytes, bytearray)):
        return len(value)
    if isinstance(value, memoryview):
        return value.nbytes
    return len(str(value))
