"""How many calls, records and different subjects one officer, one case and one grant may have.

What is asked about is counted with the intent where there is one, and otherwise with the call's own entry;
what a link leads to, and records, once they are known. The log's batch has the last word: nothing leaves
beyond a budget. Whoever would ask about everybody, one after the other, ends here.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

import msgspec

from audit.entry import Quota
from catalogue.granted import Grant
from catalogue.snapshot import Snapshot
from gateway.attempts import EVER, KeyedToken
from gateway.limits import Limits
from gateway.model import (
    Call,
    FoundKey,
    GivenKey,
    LinkedKey,
    Masked,
    Outcome,
    Refused,
    Ruling,
)
from gateway.ports import Quotas

QUOTA_SPENT = "QUOTA_SPENT"

CALLS_OF_OFFICER = "calls-of-officer"
ROWS_OF_OFFICER = "rows-of-officer"
ROWS_OF_GRANT = "rows-of-grant"
SUBJECTS_OF_OFFICER = "subjects-of-officer"
SUBJECTS_OF_CASE = "subjects-of-case"
SUBJECTS_OF_GRANT = "subjects-of-grant"
BUDGETS = (
    CALLS_OF_OFFICER,
    ROWS_OF_OFFICER,
    ROWS_OF_GRANT,
    SUBJECTS_OF_OFFICER,
    SUBJECTS_OF_CASE,
    SUBJECTS_OF_GRANT,
)
"""Names under which a spent budget is told, and keyed among a draft's alternatives."""


class Budgets(msgspec.Struct, frozen=True, kw_only=True):
    """The places at which one call counts: made once, whatever is counted there."""

    officer: str
    """Of an unattended job its responsible officer: to call oneself a job opens no second budget."""
    case: str
    day: str
    limits: Limits
    grants: Mapping[str, Grant]
    token: KeyedToken

    def asked(self, rulings: Sequence[Ruling]) -> dict[str, tuple[Quota, ...]]:
        """Return by step what is counted before anything is read."""
        limits = self.limits
        common = _of_officer(
            self.officer, self.day, limits.calls_per_officer, limits.rows_per_officer
        )
        # Most calls ask several departments about one subject.
        known: dict[tuple[str, str, str], tuple[Quota, ...]] = {}
        found: dict[str, tuple[Quota, ...]] = {}
        for ruling in rulings:
            if isinstance(ruling, Refused):
                continue
            step, grant = ruling.step, self.grants.get(ruling.verdict.grant or "")
            mine = common
            if isinstance(step.key, (GivenKey, FoundKey)):
                kind = step.key.item.name if step.subject is None else step.subject._value_
                # Most grants have no bound of their own: then all steps count the same.
                bound = grant.id if grant and grant.daily_subjects is not None else ""
                place = (kind, step.key.value, bound)
                if place not in known:
                    known[place] = self._subject(kind, step.key.value, grant)
                mine += known[place]
            if grant is not None and grant.daily_rows:
                mine += _once(ROWS_OF_GRANT, grant.id, self.day, 0, grant.daily_rows)
            found[step.ref] = mine
        return found

    def given(
        self,
        outcomes: Sequence[Outcome],
        subjects: Mapping[str, tuple[tuple[str, str], ...]],
    ) -> tuple[Quota, ...]:
        """Return what is counted once it is known: records, and subjects to whom links led."""
        found: list[Quota] = []
        rows = 0
        for outcome in outcomes:
            if isinstance(outcome, Refused):
                continue
            step = outcome.permitted.step
            grant = self.grants.get(outcome.permitted.verdict.grant or "")
            if isinstance(step.key, LinkedKey):
                for kind, value in subjects.get(step.ref, ()):
                    found += self._subject(kind, value, grant)
            if isinstance(outcome, Masked) and outcome.rows:
                rows += len(outcome.rows)
                if grant is not None and grant.daily_rows:
                    amount = len(outcome.rows)
                    found += _once(ROWS_OF_GRANT, grant.id, self.day, amount, grant.daily_rows)
        if rows and self.limits.rows_per_officer:
            found += _once(
                ROWS_OF_OFFICER, self.officer, self.day, rows, self.limits.rows_per_officer
            )
        return tuple(found)

    def _subject(self, kind: str, value: str, grant: Grant | None) -> tuple[Quota, ...]:
        limits, member = self.limits, self.token(kind, value)
        wanted = [
            (SUBJECTS_OF_OFFICER, self.officer, self.day, limits.subjects_per_officer),
            (SUBJECTS_OF_CASE, self.case, EVER, limits.subjects_per_case),
        ]
        if grant is not None and grant.daily_subjects is not None:
            wanted.append((SUBJECTS_OF_GRANT, grant.id, self.day, grant.daily_subjects))
        return tuple(
            [
                Quota(key=f"{name}:{key}", day=day, amount=1, most=most, member=member, spent=name)
                for name, key, day, most in wanted
                if most
            ]
        )


@lru_cache(maxsize=1_024)
def _of_officer(officer: str, day: str, calls: int, rows: int) -> tuple[Quota, ...]:
    """Return what every step counts against its officer: one call, and records still to be known."""
    bounds = ((CALLS_OF_OFFICER, 1, calls), (ROWS_OF_OFFICER, 0, rows))
    return tuple(
        quota
        for name, amount, most in bounds
        if most
        for quota in _once(name, officer, day, amount, most)
    )


@lru_cache(maxsize=4_096)
def _once(name: str, key: str, day: str, amount: int, most: int) -> tuple[Quota, ...]:
    """Return what counts at one place. The same object for many calls of a day."""
    return (Quota(key=f"{name}:{key}", day=day, amount=amount, most=most, spent=name),)


def budgets_of(
    call: Call, snapshot: Snapshot, *, token: KeyedToken, day: str, limits: Limits
) -> Budgets:
    system = call.caller.system
    officer = call.caller.officer.id if call.caller.officer else system.responsible or system.id
    # A case that nobody knows is counted by what the caller calls it: in the clear it stands nowhere.
    case = call.case.id if call.case else token("case", f"{system.id}/{call.usage.case}")
    return Budgets(
        officer=officer, case=case, day=day, limits=limits, grants=snapshot.grants, token=token
    )


async def within(
    rulings: Sequence[Ruling], budgets: Budgets, quotas: Quotas
) -> tuple[tuple[Ruling, ...], tuple[Quota, ...]]:
    """Refuse the steps for which a budget is known to be spent; returns what the others count as well.

    Only foreseen: what two calls spend at once is told apart by the log's own batch.
    """
    asked = budgets.asked(rulings)
    wanted = tuple(dict.fromkeys([quota for each in asked.values() for quota in each]))
    foreseen = await quotas.foresee(wanted)
    if not foreseen.over:
        fresh = foreseen.fresh
        counted_here = [quota for quota in wanted if quota.amount and quota in fresh]
        return tuple(rulings), tuple(counted_here)
    ruled: list[Ruling] = []
    counted: dict[Quota, None] = {}
    for ruling in rulings:
        mine = asked.get(ruling.step.ref, ())
        over = next((quota for quota in mine if quota in foreseen.over), None)
        if over is None or isinstance(ruling, Refused):
            counted |= dict.fromkeys(
                quota for quota in mine if quota.amount and quota in foreseen.fresh
            )
            ruled.append(ruling)
        else:
            facts = tuple(told(over).items())
            ruled.append(Refused(ruling.step, QUOTA_SPENT, ruling.verdict, facts))
    return tuple(ruled), tuple(counted)


_CALLED: Mapping[str, str] = {"quota": "calls-of-grant", "verify": "verifications"}


def told(spent: Quota) -> dict[str, Any]:
    """Say what is spent, how much there was of it, and from which day on there is some again."""
    again = None
    if spent.day != EVER:
        again = (date.fromisoformat(spent.day) + timedelta(days=1)).isoformat()
    return {"spent": _CALLED.get(spent.spent, spent.spent), "limit": spent.most, "freeOn": again}


def together(quotas: Iterable[Quota]) -> tuple[Quota, ...]:
    """Add up what counts at one place, and keep each member once."""
    found: dict[tuple[str, str, str], Quota] = {}
    for quota in quotas:
        place = (quota.key, quota.day, quota.member)
        held = found.get(place)
        if held is None:
            found[place] = quota
        elif not quota.member:
            found[place] = msgspec.structs.replace(held, amount=held.amount + quota.amount)
    return tuple(found.values())
