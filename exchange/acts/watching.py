"""What the presets of the search look for: each is a query over the index and the registry.

Each returns patterns, newest first, within the reader's rights. Thresholds are rows of the rule table.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from audit import patterns
from audit.patterns import Pattern
from audit.search import Page, newest_number, walk
from audit.store import StoredIndexRow
from audit.wanted import Wanted
from catalogue.model import Actor, CaseState, Role
from catalogue.rows import CASE
from catalogue.rules import rule
from catalogue.workdays import ZONE, is_working_day
from exchange.acts.numbering import numbers_of
from exchange.node import Node
from exchange.unfinished import unfinished as unfinished_of
from gateway.intent import KIND as INTENT

LOOKED_AT = 50_000
"""Rows that a preset looks at; beyond, its answer says that it is not whole."""

VOID = "act-void"

CASE_CODES = (
    "CASE_MISSING",
    "CASE_NOT_OPEN",
    "CASE_MATTER",
    "CASE_SYSTEM",
    "CASE_DECLARED_ONLY",
    "SUBJECT_MISSING",
    "SUBJECT_NOT_PARTY",
)
"""Refusals because a call and its case do not belong together."""

_SATURDAY = 5
_CASE_KINDS = (*sorted(patterns.OPENED), patterns.CLOSED)


@dataclass(slots=True, kw_only=True)
class Looking:
    """One preset being carried out: for whom, over which time, and how much it has looked at."""

    node: Node
    actor: Actor
    wanted: Wanted
    """The reader's scope and the time; a preset adds facets to it."""
    today: date
    looked_at: int = 0
    whole: bool = True
    """Whether all rows were looked at."""

    def rows(self, **facets: Any) -> tuple[StoredIndexRow, ...]:
        return self.page(**facets).rows

    def page(self, **facets: Any) -> Page:
        """Return the rows with these facets, newest first, as far as the bound allows."""
        page = walk(
            self.node.indexed,
            replace(self.wanted, open_to=self.actor.id, **facets),
            token=self.node.vault.token,
            most=max(LOOKED_AT - self.looked_at, 1),
        )
        self.looked_at += len(page.rows)
        self.whole = self.whole and page.next is None
        return page

    def value(self, rule_id: str) -> int:
        return rule(rule_id, on=self.today).value

    def minutes(self, rule_id: str) -> int:
        """Return a rule's minutes in milliseconds, which moments of rows are counted in."""
        return self.value(rule_id) * 60_000


def refusal_bursts(look: Looking) -> list[Pattern]:
    return patterns.bursts(
        look.rows(decision="refused"),
        least=look.value("watch.refusals"),
        within=look.minutes("watch.refusals-within"),
    )


def off_hours(look: Looking) -> list[Pattern]:
    """Calls of one system on one day outside of working hours, by the working-day table."""
    begins, ends = look.value("watch.work-begins"), look.value("watch.work-ends")
    found = [
        row
        for row in look.rows(kind=patterns.CALL)
        if not _worked(row.ts, begins=begins, ends=ends)
    ]
    return patterns.grouped(found, lambda row: (row.consumer, row.system, _local(row.ts).date()))


def case_mismatches(look: Looking) -> list[Pattern]:
    found = [row for code in CASE_CODES for row in look.rows(code=code)]
    return patterns.grouped(found, lambda row: (row.consumer, row.system, row.code))


def unfinished(look: Looking) -> list[Pattern]:
    """Intents whose call was never recorded, and acts that never took effect."""
    intents = look.rows(kind=INTENT)
    if intents:
        # Rows come newest first. An outcome may follow long after the time that is looked at.
        waiting = unfinished_of(look.node.shown, intents[-1].index, intents[0].index + 1)
        open_ = {one.index for one in waiting}
        intents = tuple(row for row in intents if row.index in open_)
    left = [*intents, *look.rows(kind=VOID)]
    return patterns.grouped(left, lambda row: row.index)


def enumerations(look: Looking) -> list[Pattern]:
    return patterns.enumerations(
        look.rows(kind=patterns.CALL),
        least=look.value("watch.subjects"),
        within=look.minutes("watch.subjects-within"),
    )


def closed_cases(look: Looking) -> list[Pattern]:
    """Cases opened, looked at and closed within minutes, and cases closed without a result (C3)."""
    rows = [row for kind in _CASE_KINDS for row in look.rows(kind=kind)]
    brief = patterns.brief_cases(
        [*rows, *_calls_of(look, rows)], within=look.minutes("watch.case-open")
    )
    known = {index for pattern in brief for index in pattern.entries}
    bare = _closed_without_result(look.node) - known
    without = [row for row in rows if row.index in bare]
    return sorted(
        [*brief, *patterns.grouped(without, lambda row: row.index)],
        key=lambda one: one.entries[-1],
        reverse=True,
    )


def parties_before_calls(look: Looking) -> list[Pattern]:
    rows = look.rows(kind=patterns.PARTIES_ADDED)
    return patterns.parties_before_calls(
        [*rows, *_calls_of(look, rows)], within=look.minutes("watch.parties-before")
    )


def number_gaps(look: Looking) -> list[Pattern]:
    """Systems and resources whose calls, as the search finds them, do not bear consecutive numbers."""
    found = []
    for facets in _numbered(look):
        wanted = replace(
            look.wanted,
            system=facets.get("system"),
            resource=facets.get("resource"),
        )
        numbers = numbers_of(look.node, look.actor, wanted)
        if numbers is None or newest_number(look.node.indexed, numbers.counter) == 0:
            continue
        page = look.page(**facets)
        said = numbers.of(page, after=None)
        if not said["holds"]:
            found.append(_gap(page.rows, said, facets))
    return sorted(found, key=lambda one: one.ended, reverse=True)


def _gap(
    rows: Iterable[StoredIndexRow],
    said: Mapping[str, Any],
    facets: Mapping[str, str],
) -> Pattern:
    """Name the counter and how much of it is missing; a hidden entry itself nobody can name."""
    held = list(rows)
    missing = sum(upper - lower + 1 for lower, upper in said["gaps"])
    suspect = {*said["unopened"], *said["disordered"]}
    return Pattern(
        consumer="",
        system=facets.get("system", ""),
        resource=facets.get("resource", ""),
        entries=tuple(sorted(suspect)),
        begun=min((row.ts for row in held), default=0),
        ended=max((row.ts for row in held), default=0),
        amount=missing + len(suspect),
    )


def _numbered(look: Looking) -> list[dict[str, str]]:
    """Return the facets of every counter that is the reader's."""
    names = look.node.live.load()
    mine = None if look.actor.has(Role.AUDITOR) else look.actor.department
    systems = [one.id for one in names.systems.values() if mine in {None, one.department}]
    resources = [one.code for one in names.resources.values() if mine in {None, one.department}]
    return [{"system": one} for one in sorted(systems)] + [
        {"resource": one} for one in sorted(resources)
    ]


def _calls_of(look: Looking, rows: Iterable[StoredIndexRow]) -> list[StoredIndexRow]:
    """Return the calls under the cases of some rows."""
    one_each = {row.case: row.index for row in rows if row.case is not None}
    return [
        row
        for index in one_each.values()
        for row in look.rows(case_of=index)
        if row.kind == patterns.CALL
    ]


def _closed_without_result(node: Node) -> set[int]:
    """Return the indexes of the acts that closed a case with nothing to show for it."""
    recorded = node.ledger.rows()
    numbers = {
        recorded[CASE.table, key][0]
        for key, case in node.held(CASE).items()
        if case.state is CaseState.CLOSED and not case.closed_with.strip()
    }
    return {index for number in numbers if (index := node.index_of(number)) is not None}


def _worked(ts: int, *, begins: int, ends: int) -> bool:
    moment = _local(ts)
    worked = is_working_day(moment.date())
    if worked is None:
        # A year whose arrangement nobody knows yet: Monday to Friday.
        worked = moment.weekday() < _SATURDAY
    return worked and begins <= moment.hour < ends


def _local(ts: int) -> datetime:
    return datetime.fromtimestamp(ts / 1000, UTC).astimezone(ZONE)
