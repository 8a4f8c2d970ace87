"""Erases a subject from beside the tree: which keys are due, what lies under them, what else forgets them.

The entry that names the keys is recorded before any of this is done, and each step can be done again. The
tree is left as it is: no proof changes.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, select, update
from sqlalchemy.exc import SQLAlchemyError

from audit import tables
from audit.errors import LogUnavailableError
from audit.retention import TERMS, Term, is_over
from audit.vault import HeldKey

KEYS_MOST = 400
"""Keys that one entry can name in its 16 KiB; who has more is erased in several acts."""

_CHUNK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What of a subject may be erased at a moment."""

    keys: tuple[HeldKey, ...]
    running: int
    """Keys that stay: their term is not over, or they are more than one entry can name."""


def due_keys(held: Sequence[HeldKey], *, at: datetime, terms: Iterable[Term] = TERMS) -> Due:
    """Return whose terms are over, oldest first. Raises MalformedError for a class without a term."""
    table = tuple(terms)
    over = [key for key in held if is_over(key.month, key.retention, at=at, terms=table)]
    keys = tuple(over[:KEYS_MOST])
    return Due(keys=keys, running=len(held) - len(keys))


def affected(engine: Engine, key_ids: Collection[str], *, first: int, end: int) -> list[int]:
    """Return the indices in [first, end) of the entries that have a disclosure under one of these keys."""
    table, found = tables.disclosure.c, set[int]()
    try:
        with engine.execution_options(reading=True).connect() as connection:
            for chunk in _chunks(sorted(key_ids)):
                query = select(table.idx).where(
                    table.idx >= first, table.idx < end, table.key_id.in_(chunk)
                )
                found.update(connection.execute(query).scalars())
    except SQLAlchemyError as error:
        raise _unavailable(error) from error
    return sorted(found)


def forget(
    engine: Engine, key_ids: Collection[str], *, token: str, indices: Sequence[int]
) -> tuple[int, int]:
    """Empty what lies encrypted under destroyed keys, and take the subject out of the search rows beside it.

    Returns how many disclosures and how many rows were touched. A disclosure keeps its place, so that it can
    be told from one that somebody deleted.
    """
    parts, rows = tables.disclosure, tables.index
    emptied = freed = 0
    try:
        for chunk in _chunks(indices):
            with engine.begin() as connection:
                for keys in _chunks(sorted(key_ids)):
                    emptied += connection.execute(
                        update(parts)
                        .where(parts.c.idx.in_(chunk), parts.c.key_id.in_(keys))
                        .values(sealed=b"")
                    ).rowcount
                freed += connection.execute(
                    update(rows)
                    .where(rows.c.idx.in_(chunk), rows.c.subject == bytes.fromhex(token))
                    .values(subject=None)
                ).rowcount
    except SQLAlchemyError as error:
        raise _unavailable(error) from error
    return emptied, freed


def names_any(value: Any, wanted: Collection[str]) -> bool:
    """Whether one of the texts stands anywhere in a value, whole."""
    match value:
        case str():
            return value in wanted
        case dict():
            return any(names_any(held, wanted) for held in value.values())
        case list() | tuple():
            return any(names_any(held, wanted) for held in value)
        case _:
            return False


def _chunks(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for first in range(0, len(values), _CHUNK):
        yield values[first : first + _CHUNK]


def _unavailable(error: Exception) -> LogUnavailableError:
    return LogUnavailableError(f"the log's database does not answer ({type(error).__name__})")
