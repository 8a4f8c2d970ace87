"""Whether the search leads to every entry and every disclosure still opens: what lies beside the tree."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from sqlalchemy import Engine, RowMapping, Select, func, select
from sqlalchemy.exc import SQLAlchemyError

from audit import tables
from audit.compose import open_payload
from audit.errors import LogUnavailableError, ProofError
from audit.fsck import Finding, FoundPart, FoundRow, Sides, What
from audit.merkle import TILE_WIDTH
from audit.vault import place_of
from audit.words import read_places, read_words, rows_with

_CHUNK = 512
"""Entries looked at together."""


class Opener(Protocol):
    """The part of the vault that is needed."""

    def open_disclosure(self, key_id: str, sealed: bytes, *, place: bytes) -> bytes | None: ...


def check_sides(
    engine: Engine,
    vault: Opener,
    *,
    origin: str,
    entries: Callable[[int, int], list[bytes]],
    size: int,
    destroyed: Iterable[str] = (),
) -> list[Finding]:
    """Hold search rows, disclosures and gap-free numbers against the entries below `size`.

    `destroyed` are keys that later shards say were destroyed. `entries` gives the bodies of [first, end);
    whoever lacks some is told by `check_log`, not here. Raises LogUnavailableError.
    """
    findings: list[Finding] = []
    sides = Sides(destroyed=destroyed)
    for first in range(0, size, _CHUNK):
        end = min(first + _CHUNK, size)
        bodies = entries(first, end)
        if len(bodies) != end - first:
            # Which entry is which cannot be said any more; the tree's own check names the missing.
            break
        rows, parts = _rows(engine, first, end), _parts(engine, first, end)
        for index, body in enumerate(bodies, first):
            opened = [_opened(vault, part, origin=origin) for part in parts.get(index, ())]
            findings += sides.look(index, body, rows=rows.get(index, ()), parts=opened)
    else:
        findings += sides.end()
    findings += _beyond(engine)
    return findings


def _opened(vault: Opener, part: RowMapping, *, origin: str) -> FoundPart:
    place = place_of(origin, index=part["idx"], part=part["part"])
    made: dict[str, Any] = {"part": part["part"], "key_id": part["key_id"]}
    try:
        payload = vault.open_disclosure(part["key_id"], part["sealed"], place=place)
    except ProofError as error:
        return FoundPart(**made, openings={}, fault=str(error))
    return FoundPart(**made, openings=None if payload is None else open_payload(payload))


_NAMES = ("step", "consumer", "system", "provider", "resource", "decision")


def _rows(engine: Engine, first: int, end: int) -> Mapping[int, list[FoundRow]]:
    """Return what the search says of entries, and to whom it does not lead by one of their words."""
    columns = tables.index.c
    query = select(tables.index).where(columns.idx >= first, columns.idx < end)
    found: dict[int, list[FoundRow]] = {}
    with _answering(), engine.execution_options(reading=True).connect() as connection:
        rows = connection.execute(query).mappings().all()
        numbers = {row[name] for row in rows for name in tables.WORDS}
        spelled = read_words(connection, numbers)
        places = read_places(connection, numbers, first // TILE_WIDTH, -(-end // TILE_WIDTH))
    for row in rows:
        n = row["idx"] // TILE_WIDTH
        lost = [
            name
            for name in tables.FOUND_BY
            if row[name] is not None and ((row[name], n) not in places or row[name] not in spelled)
        ]
        made = {name: spelled.get(row[name], "") for name in _NAMES}
        found.setdefault(row["idx"], []).append(FoundRow(**made, lost=tuple(lost)))
    return found


def _parts(engine: Engine, first: int, end: int) -> Mapping[int, list[RowMapping]]:
    table = tables.disclosure
    query = (
        select(table)
        .where(table.c.idx >= first, table.c.idx < end)
        .order_by(table.c.idx, table.c.part)
    )
    found: dict[int, list[RowMapping]] = {}
    for row in _read(engine, query):
        found.setdefault(row["idx"], []).append(row)
    return found


def _beyond(engine: Engine) -> Iterator[Finding]:
    """Name search rows that lead to entries which the log never had."""
    # One statement: rows and entries of a batch are written together, so it sees both or neither.
    last = select(func.coalesce(func.max(tables.entry.c.idx), -1)).scalar_subquery()
    query = select(func.min(tables.index.c.idx).label("idx")).where(tables.index.c.idx > last)
    for row in _read(engine, query):
        if row["idx"] is not None:
            where, detail = f"entry {row['idx']}", "the search leads to it, and there is none"
            yield Finding(what=What.INSERTED, where=where, index=row["idx"], detail=detail)


def _read(engine: Engine, query: Select[Any]) -> list[RowMapping]:
    with _answering(), engine.execution_options(reading=True).connect() as connection:
        return list(connection.execute(query).mappings().all())


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise LogUnavailableError(
            f"the log's database does not answer ({type(error).__name__})"
        ) from error


def case_rows(engine: Engine, consumer: str) -> Iterator[tuple[int, str, str]]:
    """Yield index, kind and keyed case number of a department's entries, oldest first."""
    columns = tables.index.c
    query = rows_with(
        {"consumer": consumer},
        columns.idx,
        columns.kind,
        columns.case_number,
        dialect=engine.dialect,
        where=[columns.case_number.is_not(None)],
    )
    with _answering(), engine.execution_options(reading=True).connect() as connection:
        rows = {tuple(row) for row in connection.execute(query)}
        spelled = read_words(connection, {kind for _, kind, _ in rows})
    for index, kind, case in sorted(rows):
        yield index, spelled.get(kind, ""), case.hex()
