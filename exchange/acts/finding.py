"""Acts on the catalogue's search: find, synonyms, demands, and making the index anew."""

from collections.abc import Mapping

from catalogue.demands import Demand
from catalogue.finding import COUNTED, Found, Narrowed
from catalogue.model import Actor, Resource, Role
from catalogue.rows import DEMAND, SYNONYMS
from catalogue.snapshot import Snapshot
from catalogue.synonyms import ONLY, USUAL
from exchange.acts.listing import FIRST, MOST, Span, Told, counted, cut, paged
from exchange.acts.register import ActError, act
from exchange.node import Node

DEEPEST = 5_000
"""Rows from the first on that pages reach; whoever looks further narrows the search down."""


@act("catalogue.search")
def search_catalogue(
    node: Node,
    actor: Actor,
    *,
    words: str = "",
    department: str = "",
    sharing_class: str = "",
    first: int = FIRST,
    page: int = 1,
) -> Told:
    """Announced resources, and one's own department's drafts, those that fit best first.

    `counted` says up to how many rows `total` and the counts are right; one more stands for all that there
    may be. `corrected` names words that stand nowhere with those that were looked for instead; with `loose`
    nothing held all the words.
    """
    if not 1 <= first <= MOST:
        raise ActError("ACT_ARGUMENTS", f"a page of {first} rows, 1 to {MOST} needed")
    if not 1 <= page <= DEEPEST // first + 1:
        raise ActError("ACT_ARGUMENTS", f"page {page}, 1 to {DEEPEST // first + 1} needed")
    snapshot = node.live.load()
    narrowed = Narrowed(
        own=actor.department,
        department=department,
        sharing_class=sharing_class,
        hidden=tuple(row.key for row in snapshot.absent if row.table == "resource"),
    )
    found = node.registry.find_resources(
        words, narrowed, first=first + 1, offset=(page - 1) * first
    )
    held = _vouched(node, actor, snapshot, found)
    return {
        "rows": [_line(held[code]) for code in found.codes[:first] if code in held],
        "total": found.total,
        "counted": COUNTED,
        "more": len(found.codes) > first,
        "classes": dict(found.by_class),
        "departments": dict(found.by_department),
        "corrected": {word: list(meant) for word, meant in found.corrected.items()},
        "loose": found.loose,
    }


@act("catalogue.reindex")
def reindex(node: Node, actor: Actor) -> Told:
    """Make the search's index anew from the rows (authority)."""
    return {"entries": node.registry.rebuild_search(by=actor)}


@act("synonym.list")
def list_synonyms(node: Node, actor: Actor) -> Told:  # noqa: ARG001 - any officer
    """Words that mean the same: the authority's list, or the one that comes with the program."""
    held = node.held(SYNONYMS).get(ONLY)
    groups = USUAL if held is None else held.groups
    return {"own": held is not None, "groups": [list(group) for group in groups]}


@act("synonym.set")
def set_synonyms(node: Node, actor: Actor, *, groups: list[list[str]]) -> Told:
    """Put a list of words that mean the same in place of the one before (authority)."""
    return {"groups": len(node.registry.set_synonyms(groups, by=actor).groups)}


@act("demand.file")
def file_demand(node: Node, actor: Actor, *, words: str, need: str) -> Told:
    """File what was looked for and not found."""
    return _demand(node.registry.file_demand(words, need=need, by=actor))


@act("demand.list")
def list_demands(
    node: Node,
    actor: Actor,
    *,
    department: str | None = None,
    open_only: bool = False,
    first: int = FIRST,
    after: str | None = None,
    before: str | None = None,
) -> Told:
    """Demands of one's own department, newest first; the authority sees all.

    `departments` says how many there are of each, `open_only` leaves out what was answered.
    """
    seen = {
        key: held
        for key, held in node.held(DEMAND).items()
        if (held.department == actor.department or actor.has(Role.AUTHORITY))
        and not (open_only and held.answered_at is not None)
    }
    shown = {key: held for key, held in seen.items() if department in {None, held.department}}
    span = Span(first=first, after=after, before=before)
    return paged(
        cut(shown, span, newest=True),
        _demand,
        departments=counted(held.department for held in seen.values()),
    )


@act("demand.answer")
def answer_demand(node: Node, actor: Actor, *, demand: str, resource: str, text: str = "") -> Told:
    """Answer a demand with an announced resource: the authority, or the department that provides it."""
    return _demand(node.registry.answer_demand(demand, resource, by=actor, text=text))


def _vouched(node: Node, actor: Actor, snapshot: Snapshot, found: Found) -> Mapping[str, Resource]:
    """Return what was found as the log vouches for it; what the index says of it counts for nothing."""
    held = {
        code: snapshot.resources[code]
        for code in found.codes
        if code in snapshot.resources and snapshot.resources[code].state == "announced"
    }
    others = [code for code in found.codes if code not in snapshot.resources]
    return held | dict(node.registry.drafts_of(others, department=actor.department))


def _line(held: Resource) -> Told:
    return {
        "code": held.code,
        "department": held.department,
        "name": held.name,
        "name_en": held.name_en,
        "class": held.sharing_class.value,
        "state": held.state,
        "abstract": held.abstract,
        "items": [item.title for item in held.items],
    }


def _demand(held: Demand) -> Told:
    return {
        "id": held.id,
        "department": held.department,
        "words": held.words,
        "need": held.need,
        "filed_at": held.filed_at.isoformat(),
        "resource": held.resource,
        "answer": held.answer,
        "answered_at": None if held.answered_at is None else held.answered_at.isoformat(),
    }
