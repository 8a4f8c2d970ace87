"""The law's own doing: deputies, the rule table, imported years, and clocks that run out by themselves."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from catalogue import clocks, deputies, granting, sharing
from catalogue import rules as rules_
from catalogue import workdays as workdays_
from catalogue.clocks import ANSWERABLE, UNDELIVERED
from catalogue.deputies import Deputy
from catalogue.errors import UnrecordedRowError
from catalogue.granted import Grant, GrantState
from catalogue.model import Actor, Resource, Role
from catalogue.notices import Notice, NoticeKind, see
from catalogue.requested import RequestState, SharingRequest
from catalogue.rows import (
    DEPUTY,
    GRANT,
    LAW_RULE,
    NOTICE,
    OFFICER,
    REQUEST,
    RESOURCE,
    WORKDAY_YEAR,
)
from catalogue.rules import EnactedRule, Rule
from catalogue.service.requests import need_request, record_grant, record_request
from catalogue.service.standing import BY_RULE, Standing
from catalogue.service.unit import Unit
from catalogue.statutes import Statutes
from catalogue.workdays import ImportedYear, NoticedDay

RULE = "rule:clock"
"""Stands as who ended a request where its grant ended by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstCall:
    """The first call that a grant answered: its entry, and when that was."""

    entry: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What a look at the clocks may have to change."""

    requests: Mapping[str, str | None]
    """Id of a request → id of its grant; None: there is none."""
    grants: tuple[str, ...] = ()
    """Ids of grants whose suspension is over."""


def due_now(
    requests: Mapping[str, SharingRequest],
    grants: Mapping[str, Grant],
    resources: Mapping[str, Resource],
    law: Statutes,
    *,
    first_calls: Mapping[str, FirstCall],
    at: datetime,
) -> Due:
    """Return what has come due, out of what was read already: most looks find nothing and write nothing."""
    of_request = {held.request: held for held in grants.values()}
    found: dict[str, str | None] = {}
    for key, held in requests.items():
        grant, resource = of_request.get(key), resources.get(held.resource)
        if held.state in ANSWERABLE - {RequestState.OVERDUE}:
            if resource is None:
                continue
            clock = clocks.answer_clock(held, resource.sharing_class, law)
            if clock is not None and clock.passed(at):
                found[key] = None
        elif grant is not None and held.state in clocks.AGREED:
            delivery = clocks.delivery_clock(held, law)
            waits = held.state in UNDELIVERED
            late = waits and held.way.undelivered_at is None
            if (
                (waits and grant.id in first_calls)
                or grant.state is GrantState.REVOKED
                or grant.not_after <= at
                or (late and delivery is not None and delivery.passed(at))
            ):
                found[key] = grant.id
    resumes = tuple(key for key, held in grants.items() if _resumes(held, at))
    return Due(requests=found, grants=resumes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What one look at the clocks came to: ids of what changed."""

    overdue: tuple[str, ...] = ()
    delivered: tuple[str, ...] = ()
    undelivered: tuple[str, ...] = ()
    resumed: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()


class Supervising(Standing):
    def law(self) -> Statutes:
        """Return the rules and working days as they stand. Reads only."""
        with self._engine.execution_options(reading=True).connect() as connection:
            unit = Unit(
                connection,
                by=BY_RULE,
                ledger=self._ledger,
                sealer=self._sealer,
                random=self._random,
                at=0,
            )
            return self._law(unit)

    def name_deputy(
        self, deputy: str, *, post: Role, begins: datetime, ends: datetime, by: Actor
    ) -> Deputy:
        """Name who decides in the actor's place for a time."""
        with self._unit(by) as unit:
            named = deputies.name_deputy(
                post,
                unit.need(OFFICER, deputy),
                id_=self._fresh_id("dpt"),
                begins=begins,
                ends=ends,
                by=unit.actor(),
                at=self._now(),
            )
            unit.record(
                "deputy.named",
                (DEPUTY, named),
                facts={"deputy": named.id, "department": named.department, "post": post.value},
                private={"principal": named.principal, "stands_in": named.deputy},
            )
        return named

    def end_deputy(self, deputy: str, *, by: Actor) -> Deputy:
        """Take a deputy back before the time."""
        with self._unit(by) as unit:
            ended = deputies.end_deputy(unit.need(DEPUTY, deputy), by=unit.actor(), at=self._now())
            unit.record(
                "deputy.ended",
                (DEPUTY, ended),
                narrowing=True,
                facts={"deputy": ended.id, "department": ended.department},
            )
        return ended

    def enact_rule(self, rule: Rule, *, by: Actor) -> EnactedRule:
        """Add a row to the rule table in the authority's name; rows are never taken out of it."""
        with self._unit(by) as unit:
            enacted = rules_.enact(
                rule, id_=self._fresh_id("law"), by=self._acting(unit), at=self._now()
            )
            unit.record(
                "rule.enacted",
                (LAW_RULE, enacted),
                facts={
                    "rule": enacted.rule,
                    "value": enacted.value,
                    "unit": enacted.unit,
                    "first_day": enacted.first_day,
                },
                private={"citation": enacted.citation},
            )
        return enacted

    def import_year(
        self, year: int, notice: str, days: Sequence[NoticedDay], *, by: Actor
    ) -> ImportedYear:
        """Take a year's working days over from the State Council's notice."""
        with self._unit(by) as unit:
            imported = workdays_.import_year(
                year, notice, days, by=self._acting(unit), at=self._now()
            )
            unit.record(
                "workdays.imported",
                (WORKDAY_YEAR, imported),
                facts={
                    "year": imported.year,
                    "off": len(imported.holidays),
                    "made_up": len(imported.made_up),
                },
            )
        return imported

    def see_notice(self, notice: str, *, by: Actor) -> Notice:
        """Take note of what one's department was told."""
        with self._unit(by) as unit:
            seen = see(unit.need(NOTICE, notice), by=self._acting(unit), at=self._now())
            unit.record(
                "notice.seen",
                (NOTICE, seen),
                facts={"notice": seen.id, "department": seen.department, "about": seen.about},
            )
        return seen

    def run_clocks(
        self,
        due: Due,
        *,
        first_calls: Mapping[str, FirstCall],
        went_out: Callable[[Grant], tuple[str, ...]],
        authorities: Sequence[str],
    ) -> Ran:
        """Carry out what the calendar alone decides; it grants nothing that nobody decided (G7).

        Requests not answered in time become overdue and the authority's departments are told; those whose
        first call was answered are delivered; suspensions that named their end are over; a request whose
        grant holds no more ends with it. `due` names what may have to change: each is looked at again, in a
        transaction of its own, and a row that the log does not vouch for is passed over. `first_calls` are
        by grant; `went_out` says how copies left.
        """
        ran: dict[str, list[str]] = {
            name: [] for name in ("overdue", "delivered", "undelivered", "ended", "resumed")
        }
        for key in due.grants:
            with suppress(UnrecordedRowError), self._unit(BY_RULE) as unit:
                held = unit.need(GRANT, key)
                if _resumes(held, self._now()):
                    ran["resumed"].append(self._resume(unit, held, self._now()))
        for key, grant in due.requests.items():
            with suppress(UnrecordedRowError), self._unit(BY_RULE) as unit:
                step = self._step(unit, key, grant, first_calls, went_out, authorities)
                if step:
                    ran[step].append(key)
        return Ran(**{name: tuple(found) for name, found in ran.items()})

    def _step(
        self,
        unit: Unit,
        key: str,
        grant: str | None,
        first_calls: Mapping[str, FirstCall],
        went_out: Callable[[Grant], tuple[str, ...]],
        authorities: Sequence[str],
    ) -> str:
        """Change one request as the calendar says; return what became of it, empty for nothing."""
        held, law, now = unit.need(REQUEST, key), self._law(unit), self._now()
        if held.state in ANSWERABLE - {RequestState.OVERDUE}:
            return self._overdue(unit, held, law, now, authorities)
        if grant is not None and held.state in clocks.AGREED:
            given = unit.need(GRANT, grant)
            return self._agreed(unit, held, given, law, now, first_calls, went_out)
        return ""

    def _resume(self, unit: Unit, held: Grant, now: datetime) -> str:
        record_grant(unit, "grant.resumed", granting.resume_by_itself(held, at=now))
        return held.id

    def _overdue(
        self,
        unit: Unit,
        held: SharingRequest,
        law: Statutes,
        now: datetime,
        authorities: Sequence[str],
    ) -> str:
        registered = unit.find(RESOURCE, held.resource)
        if registered is None:
            return ""
        resource = registered.resource
        clock = clocks.answer_clock(held, resource.sharing_class, law)
        if clock is None or not clock.passed(now):
            return ""
        told = self._notices(
            {*authorities, resource.department},
            NoticeKind.OVERDUE,
            held.id,
            resource=held.resource,
        )
        due = clock.due.day.isoformat()
        record_request(
            unit,
            "request.overdue",
            sharing.fall_due(held, at=now),
            resource,
            *told,
            facts={"due": due, "rule": clock.rule.id},
        )
        return "overdue"

    def _agreed(
        self,
        unit: Unit,
        held: SharingRequest,
        grant: Grant,
        law: Statutes,
        now: datetime,
        first_calls: Mapping[str, FirstCall],
        went_out: Callable[[Grant], tuple[str, ...]],
    ) -> str:
        _held, resource = need_request(unit, held.id)
        first = first_calls.get(grant.id)
        if held.state in UNDELIVERED and first is not None:
            delivered = sharing.deliver(held, at=first.at, entry=first.entry)
            record_request(
                unit, "request.delivered", delivered, resource, facts={"call": first.entry}
            )
            return "delivered"
        if grant.state is GrantState.REVOKED or grant.not_after <= now:
            self._end(unit, held, grant, now, went_out)
            return "ended"
        clock = clocks.delivery_clock(held, law)
        if held.state not in UNDELIVERED or held.way.undelivered_at or clock is None:
            return ""
        if not clock.passed(now):
            return ""
        record_request(
            unit,
            "request.undelivered",
            sharing.stay_undelivered(held, at=now),
            resource,
            facts={"due": clock.due.day.isoformat(), "rule": clock.rule.id},
        )
        return "undelivered"

    def _end(
        self,
        unit: Unit,
        held: SharingRequest,
        grant: Grant,
        now: datetime,
        went_out: Callable[[Grant], tuple[str, ...]],
    ) -> None:
        """End the request with its grant, and say of the grant what has to be destroyed."""
        revoked = grant.state is GrantState.REVOKED
        reason = grant.way.ended_for or (granting.REVOKED if revoked else granting.EXPIRED)
        ended = sharing.end(held, by=RULE, at=now, reason=reason)
        if grant.way.ended_for:
            record_grant(unit, "request.ended", grant, ended)
            return
        left = went_out(grant)
        told = (
            self._notices([grant.department], NoticeKind.ENDED, grant.id, resource=grant.resource)
            if left
            else []
        )
        over = granting.over(grant, reason=reason, went_out=left, at=now)
        record_grant(unit, "request.ended", over, ended, *told, facts={"ended_for": reason})


def _resumes(held: Grant, now: datetime) -> bool:
    resumes_at = held.way.resumes_at
    return held.state is GrantState.SUSPENDED and resumes_at is not None and resumes_at <= now
