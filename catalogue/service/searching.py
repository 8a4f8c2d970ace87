"""Searching the catalogue, the words that mean the same, and what was looked for and not found."""

from collections.abc import Iterable, Mapping, Sequence

from catalogue import demands, indexing, store, synonyms
from catalogue.demands import Demand
from catalogue.errors import UnrecordedRowError
from catalogue.finding import Found, Narrowed, find
from catalogue.lifecycle import require_decider
from catalogue.model import Actor, Resource, Role
from catalogue.notices import NoticeKind
from catalogue.rows import DEMAND, RESOURCE, SYNONYMS
from catalogue.search import read_question
from catalogue.service.standing import Standing
from catalogue.synonyms import SynonymList


class Searching(Standing):
    def find_resources(
        self, text: str, narrowed: Narrowed, *, first: int, offset: int = 0
    ) -> Found:
        """Return the codes of what is found. Who shows them takes what the log vouches for."""
        with self._engine.execution_options(reading=True).connect() as connection:
            try:
                held = store.find(
                    connection,
                    SYNONYMS,
                    synonyms.ONLY,
                    recorded=self._ledger.digest,
                    sealer=self._sealer,
                )
            except UnrecordedRowError:
                # A hand was at the list: the search goes on without it, and the alarm is given elsewhere.
                held = None
            question = read_question(text, synonyms=_meanings(held))
            return find(connection, question, narrowed, first=first, offset=offset)

    def drafts_of(self, codes: Iterable[str], *, department: str) -> Mapping[str, Resource]:
        """Return those of some resources that are a department's own and not announced yet."""
        found: dict[str, Resource] = {}
        with self._engine.execution_options(reading=True).connect() as connection:
            for code in codes:
                try:
                    held = store.find(
                        connection,
                        RESOURCE,
                        code,
                        recorded=self._ledger.digest,
                        sealer=self._sealer,
                    )
                except UnrecordedRowError:
                    continue
                if held is not None and held.resource.department == department:
                    found[code] = held.resource
        return found

    def refresh_search(self) -> int:
        """Bring the index to the rows as they stand; returns how many entries were not as they should be."""
        with self._engine.begin() as connection:
            store.applied_index(connection, lock=True)
            return indexing.refresh(connection)

    def rebuild_search(self, *, by: Actor) -> int:
        """Make the index anew (authority); returns how many entries it has."""
        with self._engine.begin() as connection:
            store.applied_index(connection, lock=True)
            require_decider(by, Role.AUTHORITY)
            return indexing.rebuild(connection)

    def set_synonyms(self, groups: Sequence[Sequence[str]], *, by: Actor) -> SynonymList:
        """Put a list in place of the one before. Raises NotAllowedError, InvalidError."""
        with self._unit(by) as unit:
            wanted = synonyms.set_list(groups, by=unit.actor(), at=self._now())
            unit.record("synonyms.set", (SYNONYMS, wanted), facts={"groups": len(wanted.groups)})
        return wanted

    def file_demand(self, words: str, *, need: str, by: Actor) -> Demand:
        """File what the actor's department did not find. Raises NotAllowedError, InvalidError."""
        with self._unit(by) as unit:
            filed = demands.file_demand(
                words, need, id_=self._fresh_id("dmd"), by=unit.actor(), at=self._now()
            )
            unit.record(
                "demand.filed",
                (DEMAND, filed),
                facts={"demand": filed.id, "department": filed.department},
                private={"words": filed.words},
            )
        return filed

    def answer_demand(self, demand: str, resource: str, *, by: Actor, text: str = "") -> Demand:
        """Answer a demand with an announced resource; the department that filed it is told."""
        with self._unit(by) as unit:
            answered = demands.answer_demand(
                unit.need(DEMAND, demand),
                unit.need(RESOURCE, resource).resource,
                text=text,
                by=self._acting(unit),
                at=self._now(),
            )
            told = self._notices(
                [answered.department], NoticeKind.ANSWERED, answered.id, resource=resource
            )
            unit.record(
                "demand.answered",
                (DEMAND, answered),
                *told,
                facts={
                    "demand": answered.id,
                    "consumer": answered.department,
                    "resource": resource,
                },
                private={"text": text} if text else {},
            )
        return answered


_USUAL = synonyms.by_word(synonyms.USUAL)


def _meanings(held: SynonymList | None) -> Mapping[str, tuple[str, ...]]:
    return _USUAL if held is None else synonyms.by_word(held.groups)
