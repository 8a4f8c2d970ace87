"""The words of search rows: each value of a column is kept once, and rows bear its number.

Beside each word stands in which bundles of 256 entries it is found. Whoever searches by a word walks its
bundles, newest first, and reads nothing of the others.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Dialect,
    ScalarSelect,
    Select,
    exists,
    func,
    select,
    true,
)

from audit import tables
from audit.merkle import TILE_WIDTH
from audit.store import StoredIndexRow
from audit.tables import FOUND_BY, WORDS

_KEPT = 65_536
"""Words kept in memory; beyond, all are forgotten and looked up again as they are met."""

_ROWS = 8_192
"""Whole rows of words kept in memory; beyond, they are forgotten and numbered again as they are met."""

_CHUNK = 500

_FIRST = 2
"""Where the words of a row begin: behind its index and its time."""

words_of = attrgetter(*WORDS)
"""The words of a row, in the order of the table's columns."""

Word = tuple[str, str]
"""Facet and value."""

RowWords = tuple[str | None, ...]
"""As `words_of` gives them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What a batch found out about words. It is true once the batch is committed, and not before."""

    ids: Mapping[Word, int] = field(default_factory=dict)
    places: frozenset[tuple[int, int]] = frozenset()
    """Words and bundles that were put down."""


class Words:
    """The words of one store as far as a committed batch has met them. Learned by one writer at a time."""

    def __init__(self) -> None:
        self._ids: tuple[dict[str | None, int | None], ...] = ()
        self._rows: dict[RowWords, tuple[int | None, ...]] = {}
        """By its words, the numbers of a whole row: the same few rows stand in the log again and again."""
        self._places: frozenset[tuple[int, int]] = frozenset()
        self._forget()

    def _forget(self) -> None:
        # No word stands for no officer.
        self._ids = tuple({None: None} for _ in WORDS)
        self._rows.clear()

    def learn(self, learned: Learned) -> None:
        """Keep what a batch found out; call it once its commit is known."""
        if sum(map(len, self._ids)) + len(learned.ids) > _KEPT:
            self._forget()
        for (facet, value), number in learned.ids.items():
            self._ids[WORDS.index(facet)][value] = number
        if learned.places:
            # Only the newest bundle is still written to.
            newest = max(n for _, n in (*learned.places, *self._places))
            both = self._places | learned.places
            self._places = frozenset(place for place in both if place[1] == newest)

    def unknown(self, told: Iterable[RowWords]) -> set[Word]:
        """Return the words of rows that are not known by number."""
        return {
            (facet, value)
            for words in {*told} - self._rows.keys()
            for facet, ids, value in zip(WORDS, self._ids, words, strict=True)
            if value is not None and value not in ids
        }

    def numbered(
        self,
        rows: Sequence[StoredIndexRow],
        told: Sequence[RowWords],
        found: Mapping[Word, int],
    ) -> list[tuple[Any, ...]]:
        """Give rows, with the words of each, as the table has them; `found` numbers the unknown words."""
        numbered = []
        for row, words in zip(rows, told, strict=True):
            ids = self._rows.get(words)
            if ids is None:
                ids = self._numbers(words, found)
            numbered.append(
                (
                    row.index,
                    row.ts,
                    *ids,
                    row.n,
                    row.sealed,
                    None if row.case is None else bytes.fromhex(row.case),
                    None if row.subject is None else bytes.fromhex(row.subject),
                )
            )
        return numbered

    def _numbers(self, words: RowWords, found: Mapping[Word, int]) -> tuple[int | None, ...]:
        numbers: list[int | None] = []
        for facet, ids, value in zip(WORDS, self._ids, words, strict=True):
            # What this batch found is true only once it is committed: it stands apart until then.
            new = value is not None and value not in ids
            numbers.append(found[facet, str(value)] if new else ids[value])
        numbered = tuple(numbers)
        if not found:
            if len(self._rows) >= _ROWS:
                self._rows.clear()
            self._rows[words] = numbered
        return numbered

    def new_places(self, numbered: Iterable[tuple[Any, ...]]) -> frozenset[tuple[int, int]]:
        """Return in which bundles the words of these rows stand, as far as it was not put down yet."""
        end = _FIRST + len(FOUND_BY)
        spread = {(row[_FIRST:end], row[0] // TILE_WIDTH) for row in numbered}
        places = {(word, n) for words, n in spread for word in words if word is not None}
        return frozenset(places - self._places)


def read_ids(connection: Connection, wanted: Collection[Word]) -> dict[Word, int]:
    """Return the numbers of words as far as they are kept."""
    columns, found = tables.word.c, dict[Word, int]()
    values = sorted({value for _, value in wanted})
    for first in range(0, len(values), _CHUNK):
        query = select(columns.facet, columns.value, columns.id).where(
            columns.facet.in_(sorted({facet for facet, _ in wanted})),
            columns.value.in_(values[first : first + _CHUNK]),
        )
        found |= {(facet, value): number for facet, value, number in connection.execute(query)}
    return {word: number for word, number in found.items() if word in wanted}


def next_id(connection: Connection) -> int:
    """Return the first number that no word has. The caller holds the write lock."""
    newest = connection.execute(select(func.max(tables.word.c.id))).scalar_one()
    return 0 if newest is None else int(newest) + 1


def read_rows(connection: Connection, found: Sequence[Any]) -> list[StoredIndexRow]:
    """Spell out whole rows of the table. A word that is gone reads as an empty one."""
    end = _FIRST + len(WORDS)
    spelled = read_words(connection, {number for row in found for number in row[_FIRST:end]})
    rows = []
    for row in found:
        n, sealed, case, subject = row[end:]
        words = [spelled.get(number, "") for number in row[_FIRST:end]]
        rows.append(
            StoredIndexRow(
                index=row[0],
                n=n,
                ts=row[1],
                **dict(zip(WORDS, words, strict=True)),
                case=None if case is None else case.hex(),
                subject=None if subject is None else subject.hex(),
                sealed=sealed,
            )
        )
    return rows


def read_words(connection: Connection, numbers: Iterable[int | None]) -> dict[int | None, Any]:
    """Return words by number, as far as they are kept; none has none."""
    wanted = {number for number in numbers if number is not None}
    spelled: dict[int | None, Any] = {None: None}
    ordered, columns = sorted(wanted), tables.word.c
    for first in range(0, len(ordered), _CHUNK):
        query = select(columns.id, columns.value).where(
            columns.id.in_(ordered[first : first + _CHUNK])
        )
        spelled |= {row[0]: row[1] for row in connection.execute(query)}
    return spelled


def read_places(
    connection: Connection, words: Iterable[int | None], first: int, end: int
) -> set[tuple[int, int]]:
    """Return in which of the bundles [first, end) these words are said to stand."""
    columns, found = tables.word_bundle.c, set[tuple[int, int]]()
    ordered = sorted({word for word in words if word is not None})
    for at in range(0, len(ordered), _CHUNK):
        query = select(columns.word, columns.n).where(
            columns.word.in_(ordered[at : at + _CHUNK]), columns.n >= first, columns.n < end
        )
        found |= {(word, n) for word, n in connection.execute(query)}
    return found


def id_of(facet: str, value: str) -> ScalarSelect[Any]:
    """The number of a word, to be compared with its column; of one that was never met: nothing is equal."""
    columns = tables.word.c
    return (
        select(columns.id).where(columns.facet == facet, columns.value == value).scalar_subquery()
    )


def ids_of(facet: str, values: Iterable[str]) -> Select[Any]:
    """The numbers of any of these words."""
    columns = tables.word.c
    return select(columns.id).where(columns.facet == facet, columns.value.in_(sorted(values)))


def rows_with(
    equal: Mapping[str, str],
    *columns: Any,
    dialect: Dialect,
    where: Sequence[Any] = (),
    first: int | None = None,
    end: int | None = None,
    by_bundle: bool = True,
) -> Select[Any]:
    """Select search rows in [first, end) that hold these words, by columns of `FOUND_BY`; newest first.

    They are walked bundle by bundle, unless nothing is to be equal or, without `by_bundle`, the conditions
    lead to few rows by themselves.
    """
    rows = tables.index.c
    told = [*where, *(rows[name] == id_of(name, value) for name, value in equal.items())]
    if first is not None:
        told.append(rows.idx >= first)
    if end is not None:
        told.append(rows.idx < end)
    if not equal or not by_bundle:
        return select(*columns).where(*told).order_by(rows.idx.desc(), rows.n.desc())
    n = tables.word_bundle.c.n
    bundles = _bundles(equal, first=first, end=end)
    told += [rows.idx >= n * TILE_WIDTH, rows.idx < n * TILE_WIDTH + TILE_WIDTH]
    if dialect.name != "postgresql":
        return (
            select(*columns)
            .select_from(tables.word_bundle.join(tables.index, true()))
            .where(*bundles, *told)
            .order_by(n.desc(), rows.idx.desc(), rows.n.desc())
        )
    # PostgreSQL takes a range that comes out of another table for a ninth of all rows, and reads them all.
    # The offset keeps it from looking: each bundle is read by the key.
    held = select(*rows).where(*told).offset(0).correlate(tables.word_bundle).lateral("held")
    return (
        select(*(held.c[column.name] for column in columns))
        .select_from(tables.word_bundle.join(held, true()))
        .where(*bundles)
        .order_by(n.desc(), held.c.idx.desc(), held.c.n.desc())
    )


def _bundles(
    equal: Mapping[str, str], *, first: int | None, end: int | None
) -> Iterator[ColumnElement[bool]]:
    """The conditions of bundles in which all of these words stand."""
    leading, *others = (name for name in FOUND_BY if name in equal)
    bundles = tables.word_bundle
    yield bundles.c.word == id_of(leading, equal[leading])
    if first is not None:
        yield bundles.c.n >= first // TILE_WIDTH
    if end is not None:
        yield bundles.c.n <= (end - 1) // TILE_WIDTH
    for name in others:
        other = bundles.alias()
        yield exists().where(other.c.word == id_of(name, equal[name]), other.c.n == bundles.c.n)
