"""Acts of supervision: deputies, the rule table, working days, notices, and clocks that run out."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

import msgspec

from audit.canonical import decode_strict
from audit.search import walk
from audit.wanted import Wanted
from catalogue.clocks import UNDELIVERED
from catalogue.deputies import Deputy
from catalogue.granted import Grant
from catalogue.model import Actor, Role
from catalogue.notices import Notice
from catalogue.rows import DEPUTY, GRANT, NOTICE, OFFICER, REQUEST, from_ms
from catalogue.rules import Rule, Unit
from catalogue.service.supervision import FirstCall, Ran, due_now
from catalogue.statutes import Statutes
from catalogue.workdays import NoticedDay, arranged_years
from exchange.acts.granting import ANSWERED, LOOKED_AT, went_out
from exchange.acts.held import resources_of
from exchange.acts.listing import FIRST, Span, Told, cut, paged
from exchange.acts.register import ActError, act
from exchange.acts.sharing import clock_told
from exchange.node import Node

SLACK = timedelta(minutes=5)
"""How far back first calls are looked for again."""


@act("deputy.name")
def name_deputy(
    node: Node, actor: Actor, *, deputy: str, post: Role, begins: datetime, ends: datetime
) -> Told:
    """Name the officer who decides in one's place from a moment until another.

    `deputy` is an officer's id or a staff number of the same department.
    """
    held = [
        one.id
        for one in node.held(OFFICER).values()
        if one.department == actor.department and deputy in {one.id, one.staff_number}
    ]
    if len(held) != 1:
        raise ActError("NOT_FOUND", "no such officer in your department")
    named = node.registry.name_deputy(held[0], post=post, begins=begins, ends=ends, by=actor)
    return _deputy(named)


@act("deputy.end")
def end_deputy(node: Node, actor: Actor, *, deputy: str) -> Told:
    """Take a deputy back before the time."""
    return _deputy(node.registry.end_deputy(deputy, by=actor))


@act("deputy.list")
def list_deputies(node: Node, actor: Actor) -> list[Told]:
    """The deputies of one's own department, past ones too; the authority and auditors see all."""
    everyone = actor.has(Role.AUTHORITY) or actor.has(Role.AUDITOR)
    at = node.ports.now()
    return [
        _deputy(held) | {"stands": held.stands(at)}
        for held in sorted(node.held(DEPUTY).values(), key=lambda one: one.id, reverse=True)
        if everyone or held.department == actor.department
    ]


@act("rule.list")
def list_rules(node: Node, actor: Actor, *, on: date | None = None) -> list[Told]:  # noqa: ARG001 - any officer
    """The rule table: what holds on a day; without one every row there is."""
    law = node.registry.law()
    held: Iterable[Rule] = law.rules
    if on is not None:
        names = sorted({one.id for one in law.rules if law.has(one.id, on=on)})
        held = [law.rule(name, on=on) for name in names]
    return [
        {
            "rule": one.id,
            "value": one.value,
            "unit": one.unit,
            "citation": one.citation,
            "first_day": one.first_day.isoformat(),
            "last_day": None if one.last_day is None else one.last_day.isoformat(),
            "provisional": one.provisional,
        }
        for one in held
    ]


@act("rule.enact")
def enact_rule(  # noqa: PLR0913 - a row of the table, member by member
    node: Node,
    actor: Actor,
    *,
    rule: str,
    value: int,
    unit: Unit,
    citation: str,
    first_day: date,
    last_day: date | None = None,
    provisional: bool = False,
) -> Told:
    """Add a row to the rule table (authority); it wins over those that begin no later."""
    wanted = Rule(
        id=rule,
        value=value,
        unit=unit,
        citation=citation,
        first_day=first_day,
        last_day=last_day,
        provisional=provisional,
    )
    held = node.registry.enact_rule(wanted, by=actor)
    return {"id": held.id, "rule": held.rule, "value": held.value, "first_day": held.first_day}


@act("workdays.import")
def import_workdays(
    node: Node, actor: Actor, *, year: int, notice: str, days: list[NoticedDay]
) -> Told:
    """Take a year's working days over from its notice (authority).

    Says which deadlines moved: what was counted without the notice was provisional.
    """
    before = _deadlines(node, node.registry.law())
    held = node.registry.import_year(year, notice, days, by=actor)
    after = _deadlines(node, node.registry.law())
    moved = [
        {"request": key, "before": before[key]["due"], "due": told["due"]}
        for key, told in after.items()
        if told["due"] != before[key]["due"]
    ]
    settled = [
        key for key, told in after.items() if before[key]["provisional"] and not told["provisional"]
    ]
    return {
        "year": held.year,
        "off": len(held.holidays),
        "made_up": len(held.made_up),
        "moved": moved,
        "settled": settled,
    }


@act("workdays.list")
def list_workdays(node: Node, actor: Actor) -> list[Told]:  # noqa: ARG001 - any officer
    """The years whose working days are known, each with its notice."""
    law = node.registry.law()
    return [
        {
            "year": year,
            "notice": law.arrangements[year].notice,
            "off": len(law.arrangements[year].holidays),
            "made_up": len(law.arrangements[year].made_up),
        }
        for year in arranged_years(law.arrangements)
    ]


@act("notice.list")
def list_notices(
    node: Node,
    actor: Actor,
    *,
    unseen: bool = False,
    first: int = FIRST,
    after: str | None = None,
    before: str | None = None,
) -> Told:
    """What one's own department was told, newest first."""
    held = {
        key: one
        for key, one in node.held(NOTICE).items()
        if one.department == actor.department and not (unseen and one.seen_by)
    }
    span = Span(first=first, after=after, before=before)
    return paged(
        cut(held, span, newest=True), _notice, unseen=sum(not one.seen_by for one in held.values())
    )


@act("notice.see")
def see_notice(node: Node, actor: Actor, *, notice: str) -> Told:
    """Take note of what one's department was told."""
    return _notice(node.registry.see_notice(notice, by=actor))


@act("supervision.run-clocks")
def run_clocks_now(node: Node, actor: Actor) -> Told:
    """Carry out now what the calendar alone decides, as it is done every minute (authority)."""
    if not actor.has(Role.AUTHORITY):
        raise ActError("ROLE_MISSING", "the authority needed")
    return run_clocks(node)


class FirstCalls:
    """Looks for the first answered call under each grant that waits for it; nothing is looked at twice."""

    def __init__(self) -> None:
        self._looked: dict[str, datetime] = {}

    def found(self, node: Node) -> dict[str, FirstCall]:
        """Return the first answered call under each grant whose request waits for its delivery, by grant."""
        waiting = {
            key: held.way.decided_at
            for key, held in node.held(REQUEST).items()
            if held.state in UNDELIVERED
        }
        found, looked, at = {}, {}, node.ports.now()
        for grant in node.held(GRANT).values():
            if grant.request not in waiting:
                continue
            since = self._looked.get(grant.id) or waiting[grant.request]
            first = _first_call(node, grant, since=since)
            if first is not None:
                found[grant.id] = first
            else:
                # An entry may carry a time from a little before it was appended.
                looked[grant.id] = at - SLACK
        self._looked = looked
        return found


def run_clocks(node: Node, calls: FirstCalls | None = None) -> Told:
    """Mark what is overdue, delivered or ended, and resume what was paused until now. Blocks.

    What was read before is not read again, and where nothing has come due nothing is written. `calls` None
    looks for first calls from each agreement on.
    """
    requests, first_calls = node.held(REQUEST), (calls or FirstCalls()).found(node)
    resources = resources_of(node, {one.resource for one in requests.values()})
    due = due_now(
        requests,
        node.held(GRANT),
        resources,
        node.registry.law(),
        first_calls=first_calls,
        at=node.ports.now(),
    )
    if not due.requests and not due.grants:
        return msgspec.to_builtins(Ran())  # type: ignore[no-any-return]  # a mapping of lists
    authorities = {
        one.department
        for one in node.held(OFFICER).values()
        if Role.AUTHORITY in one.roles and one.state == "active"
    }
    ran = node.registry.run_clocks(
        due,
        first_calls=first_calls,
        went_out=lambda grant: went_out(node, grant),
        authorities=sorted(authorities),
    )
    return msgspec.to_builtins(ran)  # type: ignore[no-any-return]  # as above


def _first_call(node: Node, grant: Grant, *, since: datetime | None) -> FirstCall | None:
    rows = [
        row
        for decision in ANSWERED
        for row in walk(
            node.databases.log,
            Wanted(
                resource=grant.resource,
                consumer=grant.department,
                decision=decision,
                since=since or grant.not_before,
            ),
            token=node.vault.token,
            most=LOOKED_AT,
        ).rows
    ]
    for index in sorted({row.index for row in rows}):
        members = decode_strict(node.log.entry(index))
        if any(step.get("grant") == grant.id for step in members.get("steps", ())):
            return FirstCall(entry=index, at=from_ms(int(members["ts"])))
    return None


def _deadlines(node: Node, law: Statutes) -> dict[str, Told]:
    held = node.held(REQUEST)
    resources = resources_of(node, {one.resource for one in held.values()})
    at = node.ports.now()
    told = {
        key: clock_told(one, resources[one.resource].sharing_class, law, at=at)
        for key, one in held.items()
        if one.resource in resources
    }
    return {key: clock for key, clock in told.items() if clock is not None}


def _deputy(held: Deputy) -> Told:
    return {
        "id": held.id,
        "department": held.department,
        "post": held.post.value,
        "principal": held.principal,
        "deputy": held.deputy,
        "begins": held.begins.isoformat(),
        "ends": held.ends.isoformat(),
        "ended_at": None if held.ended_at is None else held.ended_at.isoformat(),
    }


def _notice(held: Notice) -> Told:
    return {
        "id": held.id,
        "kind": held.kind.value,
        "about": held.about,
        "resource": held.resource,
        "entries": list(held.entries),
        "at": held.at.isoformat(),
        "seen": held.seen_by is not None,
    }
