"""Finds resources by words in the registry's own database, SQLite or PostgreSQL, in the same order on both.

What is found is codes. Whoever shows them takes the resources from what the log vouches for.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    cast,
    column,
    func,
    literal_column,
    or_,
    select,
    table,
)
from sqlalchemy.dialects.postgresql import TSQUERY

from catalogue import search
from catalogue.search import Phrase, Question, Term
from catalogue.tables.entries import resource_search, search_spelling
from catalogue.words import is_one_slip, is_spelt, variants

COUNTED = 5_000
"""Matches are counted up to here; one more stands for all that there may be."""
RANKED = 500
"""How many matches, shortest titles first, are put in order by BM25."""
CANDIDATES = 1_000
USUAL = 1_000
"""Words of so many titles count as equally usual."""
_RAREST = 2
_FTS = table("resource_fts", column("rowid"))
_HELD = resource_search.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowed:
    """What may be found, and what of it is wanted."""

    own: str
    """The department whose drafts may be found too; empty: nobody's."""
    department: str = ""
    sharing_class: str = ""
    hidden: tuple[str, ...] = ()
    """Codes that the log does not vouch for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One page, and how much there is. Counts end at `COUNTED` + 1."""

    codes: tuple[str, ...]
    total: int
    by_class: Mapping[str, int]
    """Matches of each class, in the department that was chosen."""
    by_department: Mapping[str, int]
    """Matches of each department, in the class that was chosen."""
    corrected: Mapping[str, tuple[str, ...]]
    """Words that nobody wrote → those that were looked for instead."""
    loose: bool
    """Whether nothing held all the words, so that these hold some of them."""


class _Facets(NamedTuple):
    """Matches by department and class."""

    chosen: Counter[tuple[str, str]]
    of_department: Counter[tuple[str, str]]
    """In the department that was chosen, of all classes."""
    of_class: Counter[tuple[str, str]]
    """In the class that was chosen, of all departments."""


def find(
    connection: Connection, question: Question, narrowed: Narrowed, *, first: int, offset: int = 0
) -> Found:
    """Return so many codes from an offset on.

    Those with all words in the title come first, then those with all anywhere. Only where there are none
    it is those with the rarest words in the title.
    """
    asked = _Asked(connection, narrowed)
    if not question.terms:
        return _told(asked.facets(None), asked.listed(first, offset))
    spelling = _spelling(asked, question)
    question = search.corrected(question, spelling)
    everywhere = asked.all_of(question.hard, title=False)
    facets = asked.facets(everywhere)
    if any(facets) or asked.any(everywhere):
        codes = _strictest_first(asked, question, wanted=first + offset)
        return _told(facets, codes[offset : offset + first], spelling)
    rarest = _rarest(asked, question)
    if not rarest:
        return _told(facets, (), spelling)
    codes = _loosely(asked, question, rarest)
    facets = asked.facets(asked.any_of(rarest))
    return _told(facets, codes[offset : offset + first], spelling, loose=True)


class _Asked:
    """The questions that are put to the one database or the other."""

    def __init__(self, connection: Connection, narrowed: Narrowed) -> None:
        self._connection = connection
        self._narrowed = narrowed
        self._sqlite = connection.dialect.name == "sqlite"

    def all_of(self, terms: Sequence[Term], *, title: bool) -> ColumnElement[bool]:
        """Return the condition that every term stands in the title, or anywhere."""
        return self._match(_joined(terms, sqlite=self._sqlite), title=title)

    def any_of(self, phrases: Sequence[Phrase]) -> ColumnElement[bool]:
        """Return the condition that any of some phrases stands in the title."""
        return self._match(_joined((Term(tuple(phrases)),), sqlite=self._sqlite), title=True)

    def rows(self, match: ColumnElement[bool], limit: int) -> Sequence[Any]:
        """Return id, code and title of matches, those of the shortest titles first."""
        query = self._from(match, _HELD.id, _HELD.code, _HELD.title)
        order = _FTS.c.rowid if self._sqlite else _HELD.id
        return self._connection.execute(query.order_by(order).limit(limit)).fetchall()

    def coded(self, code: str, limit: int) -> list[str]:
        """Return codes that begin so."""
        query = (
            select(_HELD.code)
            .where(_HELD.folded_code >= code, _HELD.folded_code < f"{code}\U0010ffff")
            .where(self._allowed(whole=False))
        )
        return list(self._connection.scalars(query.order_by(_HELD.folded_code).limit(limit)))

    def listed(self, first: int, offset: int) -> list[str]:
        """Return the page of a list that nobody searched in, by code."""
        query = select(_HELD.code).where(self._allowed(whole=False)).order_by(_HELD.code)
        return list(self._connection.scalars(query.limit(first).offset(offset)))

    def any(self, match: ColumnElement[bool]) -> bool:
        """Whether anything matches that may be found, chosen by the filters or not."""
        query = self._from(match, _HELD.id, allowed=self._allowed()).limit(1)
        return self._connection.scalar(query) is not None

    def stands(self, phrase: Phrase) -> bool:
        """Whether any title that may be found holds a phrase."""
        return self.any(self.all_of((Term((phrase,)),), title=True))

    def documents(self, phrase: Phrase) -> int:
        """Return how many titles that may be found hold a phrase, at most `USUAL`.

        Others' drafts count for nothing: not even by what is corrected do they show.
        """
        match = self.all_of((Term((phrase,)),), title=True)
        inner = self._from(match, literal_column("1"), allowed=self._allowed())
        counted = select(func.count()).select_from(inner.limit(USUAL).subquery())
        return int(self._connection.scalar(counted) or 0)

    def whole(self) -> int:
        return int(self._connection.scalar(select(func.count(_HELD.id))) or 0)

    def facets(self, match: ColumnElement[bool] | None) -> _Facets:
        """Count matches in all that was chosen, and under one filter at a time."""
        chosen = self._narrowed
        counts: dict[tuple[str, str], Counter[tuple[str, str]]] = {}
        for of in (
            (chosen.department, chosen.sharing_class),
            (chosen.department, ""),
            ("", chosen.sharing_class),
        ):
            if of not in counts:
                counts[of] = self._counts(match, department=of[0], sharing_class=of[1])
        return _Facets(
            counts[chosen.department, chosen.sharing_class],
            counts[chosen.department, ""],
            counts["", chosen.sharing_class],
        )

    def _counts(
        self, match: ColumnElement[bool] | None, *, department: str, sharing_class: str
    ) -> Counter[tuple[str, str]]:
        """Count matches by department and class, `COUNTED` + 1 of them at most."""
        allowed = self._allowed(department=department, sharing_class=sharing_class)
        if match is None:
            inner = select(_HELD.department, _HELD.sharing_class).where(allowed)
        else:
            inner = self._from(match, _HELD.department, _HELD.sharing_class, allowed=allowed)
        some = inner.limit(COUNTED + 1).subquery()
        query = select(some.c.department, some.c.sharing_class, func.count()).group_by(
            some.c.department, some.c.sharing_class
        )
        return Counter({(d, c): n for d, c, n in self._connection.execute(query)})

    def meant(self, word: str) -> tuple[str, ...]:
        """Return the words that a misspelt one may have been meant for."""
        query = select(search_spelling.c.word).where(search_spelling.c.variant.in_(variants(word)))
        near = {other for other in self._connection.scalars(query) if is_one_slip(word, other)}
        return tuple(other for other in sorted(near) if self.documents(Phrase((other,), open=True)))

    def _from(
        self,
        match: ColumnElement[bool],
        *columns: ColumnElement[Any],
        allowed: ColumnElement[bool] | None = None,
    ) -> Select[Any]:
        query = select(*columns).where(
            match, self._allowed(whole=False) if allowed is None else allowed
        )
        if self._sqlite:
            return query.select_from(_FTS.join(resource_search, _HELD.id == _FTS.c.rowid))
        return query

    def _match(self, words: str, *, title: bool) -> ColumnElement[bool]:
        if self._sqlite:
            told = f"title : ({words})" if title else words
            return literal_column("resource_fts").op("MATCH", is_comparison=True)(told)
        vector: ColumnElement[Any] = literal_column("title_vector" if title else "words_vector")
        return vector.op("@@", is_comparison=True)(cast(words, TSQUERY))

    def _allowed(
        self, *, department: str = "", sharing_class: str = "", whole: bool = True
    ) -> ColumnElement[bool]:
        """What may be found; with `whole` False also only what the filters let through."""
        wanted = self._narrowed
        department = department if whole else wanted.department
        sharing_class = sharing_class if whole else wanted.sharing_class
        conditions: list[ColumnElement[bool]] = [_HELD.state == "announced"]
        if wanted.own:
            drafts = and_(_HELD.department == wanted.own, _HELD.state.in_(("draft", "submitted")))
            conditions = [or_(*conditions, drafts)]
        if department:
            conditions.append(_HELD.department == department)
        if sharing_class:
            conditions.append(_HELD.sharing_class == sharing_class)
        if wanted.hidden:
            conditions.append(_HELD.code.not_in(wanted.hidden))
        return and_(*conditions)


def _strictest_first(asked: _Asked, question: Question, *, wanted: int) -> list[str]:
    """Return codes: the code itself, all words in the title, those that count, those anywhere."""
    found: dict[str, None] = {}
    if question.code is not None:
        found |= dict.fromkeys(asked.coded(question.code, wanted))
    tiers = [(question.terms, True), (question.hard, True)]
    for terms, title in dict.fromkeys(tiers):
        if len(found) < wanted:
            rows = asked.rows(asked.all_of(terms, title=title), wanted + len(found))
            found |= dict.fromkeys(row.code for row in rows)
    if len(found) < wanted:
        match = asked.all_of(question.hard, title=False)
        rows = asked.rows(match, max(RANKED, wanted + len(found)))
        ranked = _ranked(asked, question, [row for row in rows[:RANKED] if row.code not in found])
        found |= dict.fromkeys([*ranked, *(row.code for row in rows[RANKED:])])
    return list(found)


def _loosely(asked: _Asked, question: Question, rarest: Sequence[Phrase]) -> list[str]:
    """Return codes of titles with the rarest words, those with most of the question first."""
    both = asked.all_of([Term((phrase,)) for phrase in rarest], title=True)
    rows = {row.id: row for row in asked.rows(both, CANDIDATES)}
    if len(rows) < CANDIDATES:
        rows |= {row.id: row for row in asked.rows(asked.any_of(rarest), CANDIDATES)}
    return _ranked(asked, question, [rows[id_] for id_ in sorted(rows)])


def _ranked(asked: _Asked, question: Question, rows: Sequence[Any]) -> list[str]:
    """Return codes by BM25; where that is equal the shorter title stays first."""
    if len(rows) < 2:
        return [row.code for row in rows]
    singles = question.singles()
    scores = search.rank(
        [row.title for row in rows],
        singles,
        documents=[asked.documents(single) for single in singles],
        whole=asked.whole(),
    )
    order = sorted(range(len(rows)), key=lambda place: -round(scores[place], 9))
    return [rows[place].code for place in order]


def _rarest(asked: _Asked, question: Question) -> list[Phrase]:
    counted = [(asked.documents(single), single) for single in question.singles()]
    there = sorted((one for one in counted if one[0]), key=lambda one: (one[0], one[1].words))
    return [single for _documents, single in there[:_RAREST]]


def _spelling(asked: _Asked, question: Question) -> dict[str, tuple[str, ...]]:
    """Return what was meant by words that stand nowhere."""
    found: dict[str, tuple[str, ...]] = {}
    for term in question.terms:
        word = term.phrases[0].words[0]
        single = len(term.phrases) == len(term.phrases[0].words) == 1 and is_spelt(word)
        if single and not asked.stands(term.phrases[0]):
            meant = asked.meant(word)
            if meant:
                found[word] = meant
    return found


def _told(
    facets: _Facets,
    codes: Sequence[str],
    corrected: Mapping[str, tuple[str, ...]] | None = None,
    *,
    loose: bool = False,
) -> Found:
    classes: Counter[str] = Counter()
    for (_, class_), number in facets.of_department.items():
        classes[class_] += number
    departments: Counter[str] = Counter()
    for (department, _), number in facets.of_class.items():
        departments[department] += number
    return Found(
        codes=tuple(codes),
        total=facets.chosen.total(),
        by_class=classes,
        by_department=departments,
        corrected=corrected or {},
        loose=loose,
    )


def _joined(terms: Sequence[Term], *, sqlite: bool) -> str:
    """Return the terms as the database's own language says them; words are letters and digits only."""
    both, either, say = (" AND ", " OR ", _fts) if sqlite else (" & ", " | ", _tsquery)
    return both.join(f"({either.join(say(phrase) for phrase in term.phrases)})" for term in terms)


def _fts(phrase: Phrase) -> str:
    return f'"{" ".join(phrase.words)}"{" *" if phrase.open else ""}'


def _tsquery(phrase: Phrase) -> str:
    told = [f"'{word}'" for word in phrase.words]
    if phrase.open:
        told[-1] += ":*"
    return f"({' <-> '.join(told)})"
