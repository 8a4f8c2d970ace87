"""Keeps the words by which resources are found, in the transaction that writes their rows.

The index is derived data: what it says opens nothing, and it is brought back to the rows at each start.
"""

import hashlib
import marshal
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, func, insert, select, text

from catalogue.tables import metadata
from catalogue.tables.entries import (
    department,
    resource,
    resource_item,
    resource_search,
    search_spelling,
)
from catalogue.words import MOST, fold, is_spelt, variants, words

AT_ONCE = 500
"""Resources read, cut into words and written in one go."""
_ID_BITS = 48
_FTS = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS resource_fts USING fts5(title, words, content='resource_search',"
    " content_rowid='id', tokenize='unicode61 remove_diacritics 0', prefix='1')"
)
_FORGET = text(
    "INSERT INTO resource_fts(resource_fts, rowid, title, words) VALUES ('delete', :id, :title, :words)"
)
_LEARN = text("INSERT INTO resource_fts(rowid, title, words) VALUES (:id, :title, :words)")
_WITH_VECTORS = text(
    "INSERT INTO resource_search (id, code, folded_code, department, sharing_class, state, title, words,"
    " digest, title_vector, words_vector) VALUES (:id, :code, :folded_code, :department, :sharing_class,"
    " :state, :title, '', :digest, CAST(:title_vector AS tsvector), CAST(:words_vector AS tsvector))"
)


@dataclass(frozen=True, slots=True)
class _Entry:
    """What of a resource can be found."""

    code: str
    department: str
    sharing_class: str
    state: str
    name: str
    name_en: str
    texts: tuple[str, ...]
    """All that is no title: its department, the abstract, the items."""

    def digest(self) -> str:
        held = (
            self.code, self.department, self.sharing_class, self.state,
            self.name, self.name_en, self.texts,
        )  # fmt: skip
        # Version 2 writes the same bytes for equal values, whatever they were made of.
        return hashlib.sha256(marshal.dumps(held, 2)).hexdigest()

    def row(self) -> dict[str, Any]:
        title = words((self.name, self.name_en, self.code))
        length = min(len(title), MOST) << _ID_BITS
        number = int.from_bytes(hashlib.sha256(self.code.encode()).digest()[: _ID_BITS // 8])
        return {
            "id": length | number,
            "code": self.code,
            "folded_code": fold(self.code),
            "department": self.department,
            "sharing_class": self.sharing_class,
            "state": self.state,
            "title": " ".join(title),
            "words": " ".join(words(self.texts)),
            "digest": self.digest(),
        }


def put(connection: Connection, codes: Iterable[str]) -> int:
    """Bring the index of some resources to their rows as they stand; returns how many it changed."""
    wanted = list(codes)
    return sum(
        _put(connection, wanted[first : first + AT_ONCE])
        for first in range(0, len(wanted), AT_ONCE)
    )


def put_of_department(connection: Connection, code: str) -> int:
    """The same for a department's resources: its name is one of the words that they are found by."""
    return put(
        connection, connection.scalars(select(resource.c.code).where(resource.c.department == code))
    )


def refresh(connection: Connection) -> int:
    """Bring the whole index to the rows, making again what is missing; returns how many entries changed."""
    changed = 0
    if connection.dialect.name == "sqlite":
        metadata.create_all(connection, tables=[resource_search, search_spelling])
        connection.execute(text(_FTS))
        if _counts_differ(connection):
            # First of all: it cannot be told to forget what it never learnt.
            connection.execute(text("INSERT INTO resource_fts(resource_fts) VALUES ('rebuild')"))
            changed = 1
    codes = {*connection.scalars(select(resource.c.code))}
    codes |= {*connection.scalars(select(resource_search.c.code))}
    return max(changed, put(connection, sorted(codes)))


def rebuild(connection: Connection) -> int:
    """Throw the index away and make it from the rows; returns how many entries it has."""
    if connection.dialect.name == "sqlite":
        connection.execute(text("DROP TABLE IF EXISTS resource_fts"))
        metadata.drop_all(connection, tables=[resource_search, search_spelling])
    else:
        connection.execute(delete(resource_search))
        connection.execute(delete(search_spelling))
    return refresh(connection)


def _put(connection: Connection, codes: Sequence[str]) -> int:
    entries = {entry.code: entry for entry in _entries(connection, codes)}
    table = resource_search
    query = select(table.c.id, table.c.code, table.c.title, table.c.words, table.c.digest)
    held = {
        row.code: row for row in connection.execute(query.where(table.c.code.in_(codes))).fetchall()
    }
    gone = [
        row for code, row in held.items()
        if code not in entries or entries[code].digest() != row.digest
    ]  # fmt: skip
    if gone:
        _drop(connection, gone)
    dropped = {row.code for row in gone}
    fresh = [entry.row() for code, entry in entries.items() if code not in held or code in dropped]
    if fresh:
        _add(connection, fresh)
        _spell(connection, [entries[row["code"]] for row in fresh])
    return len(dropped | {row["code"] for row in fresh})


def _entries(connection: Connection, codes: Sequence[str]) -> Iterator[_Entry]:
    """Read what the rows say, vouched for or not: what is not is left out by whoever shows it."""
    titles: dict[str, list[str]] = defaultdict(list)
    items = resource_item.c
    query = select(items.resource, items.title, items.name, items.more).where(
        items.resource.in_(codes)
    )
    ordered = query.order_by(items.resource, items.ordinal)
    for owner, title, name, more in connection.execute(ordered):
        titles[owner] += [title, name, *_told(more, "title_en")]
    held = resource.c
    found = (
        select(
            held.code, held.department, held.sharing_class, held.state, held.name, held.name_en,
            held.abstract, held.more, department.c.name.label("of"), department.c.name_en.label("of_en"),
        )
        .outerjoin(department, department.c.code == held.department)
        .where(held.code.in_(codes))
    )  # fmt: skip
    for row in connection.execute(found).fetchall():
        code, of, class_, state, name, name_en = (str(cell) for cell in row[:6])
        metadata_ = _told(row.more, "keywords", "upstream")
        texts = (row.of or "", row.of_en or "", str(row.abstract), *metadata_, *titles[code])
        yield _Entry(code, of, class_, state, name, name_en, texts)


def _told(more: str | None, *members: str) -> list[str]:
    """Words of the core metadata, as a row's column `more` holds them (catalogue/rows.py)."""
    if more is None:
        return []
    try:
        held = msgspec.json.decode(more, type=dict[str, Any])
    except msgspec.MsgspecError:
        return []  # A hand has been at it; the log does not vouch for such a row.
    found: list[str] = []
    for member in members:
        value = held.get(member, "")
        parts = (
            value.values()
            if isinstance(value, dict)
            else value
            if isinstance(value, list)
            else [value]
        )
        found += [part for part in parts if isinstance(part, str) and part]
    return found


def _drop(connection: Connection, rows: Sequence[Any]) -> None:
    if connection.dialect.name == "sqlite":
        # FTS5 keeps no words of its own here: it forgets what it is told again.
        connection.execute(
            _FORGET, [{"id": row.id, "title": row.title, "words": row.words} for row in rows]
        )
    connection.execute(
        delete(resource_search).where(resource_search.c.id.in_([row.id for row in rows]))
    )


def _add(connection: Connection, rows: list[dict[str, Any]]) -> None:
    taken = set(
        connection.scalars(
            select(resource_search.c.id).where(
                resource_search.c.id.in_([row["id"] for row in rows])
            )
        )
    )
    for row in rows:
        # Two codes of one digest in 281 thousand milliards: the second takes the next place.
        while row["id"] in taken:
            row["id"] += 1
        taken.add(row["id"])
    if connection.dialect.name == "sqlite":
        connection.execute(insert(resource_search), rows)
        connection.execute(_LEARN, rows)
        return
    # The vectors hold all the words already: none are kept beside them.
    connection.execute(_WITH_VECTORS, [row | _vectors(row) for row in rows])


def _vectors(row: Mapping[str, Any]) -> dict[str, str]:
    title, rest = row["title"].split(), row["words"].split()
    # A place left free between the two: no phrase begins in the title and ends elsewhere.
    everything = [*_places(title, 1), *_places(rest, len(title) + 2)]
    return {
        "title_vector": " ".join(_places(title, 1)),
        "words_vector": " ".join(everything),
    }


def _places(held: Sequence[str], first: int) -> list[str]:
    """Words with their places, as PostgreSQL reads them. They are letters and digits only."""
    return [f"'{word}':{place}" for place, word in enumerate(held, first)]


def _spell(connection: Connection, entries: Sequence[_Entry]) -> None:
    spoken = {
        word for entry in entries for word in words((entry.name, entry.name_en)) if is_spelt(word)
    }
    if not spoken:
        return
    known = set(
        connection.scalars(
            select(search_spelling.c.word)
            .where(search_spelling.c.word.in_(spoken), search_spelling.c.variant.in_(spoken))
            .distinct()
        )
    )
    rows = [
        {"variant": variant, "word": word}
        for word in sorted(spoken - known)
        for variant in sorted(variants(word))
    ]
    if rows:
        connection.execute(insert(search_spelling), rows)


def _counts_differ(connection: Connection) -> bool:
    learnt = connection.scalar(text("SELECT count(*) FROM resource_fts_docsize"))
    return bool(learnt != connection.scalar(select(func.count()).select_from(resource_search)))
