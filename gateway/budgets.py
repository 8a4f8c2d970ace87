"""How many calls, records and different subjects one officer, one case and one grant may have.

What is asked about is counted with the intent where there is one, and otherwise with the call's own entry;
what a link leads to, and records, once they are known. The log's batch has the last word: nothing leaves
beyond a budget. Whoever would ask about everybody, one after the other, ends here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
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
    Permitted,
    Refused,
    Ruling,
    Step,
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Budgets:
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
        common = (
            *self._a_day(
                CALLS_OF_OFFICER, self.officer, amount=1, most=self.limits.calls_per_officer
            ),
            *self._officer_rows(amount=0),
        )
        # Most calls ask several departments about one subject.
        known: dict[tuple[str, str, str], tuple[Quota, ...]] = {}
        found: dict[str, tuple[Quota, ...]] = {}
        for ruling in rulings:
            if isinstance(ruling, Refused):
                continue
            step, grant = ruling.step, self._grant(ruling)
            mine = common
            if isinstance(step.key, (GivenKey, FoundKey)):
                # Most grants have no bound of their own: then all steps count the same.
                bound = grant.id if grant and grant.daily_subjects is not None else ""
                place = (_kind(step), step.key.value, bound)
                if place not in known:
                    known[place] = self._subject(*place[:2], grant)
                mine += known[place]
            found[step.ref] = mine + self._grant_rows(grant, amount=0)
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
            step, grant = outcome.permitted.step, self._grant(outcome.permitted)
            if isinstance(step.key, LinkedKey):
                for kind, value in subjects.get(step.ref, ()):
                    found += self._subject(kind, value, grant)
            if isinstance(outcome, Masked) and outcome.rows:
                rows += len(outcome.rows)
                found += self._grant_rows(grant, amount=len(outcome.rows))
        if not rows:
            return tuple(found)
        return (*found, *self._officer_rows(amount=rows))

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

    def _grant_rows(self, grant: Grant | None, *, amount: int) -> tuple[Quota, ...]:
        if grant is None:
            return ()
        return self._a_day(ROWS_OF_GRANT, grant.id, amount=amount, most=grant.daily_rows)

    def _officer_rows(self, *, amount: int) -> tuple[Quota, ...]:
        return self._a_day(
            ROWS_OF_OFFICER, self.officer, amount=amount, most=self.limits.rows_per_officer
        )

    def _a_day(self, name: str, key: str, *, amount: int, most: int | None) -> tuple[Quota, ...]:
        return _once(name, key, self.day, amount, most) if most else ()

    def _grant(self, permitted: Permitted) -> Grant | None:
        return self.grants.get(permitted.verdict.grant or "")


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
    found: dict[tuple[str, str], Quota] = {}
    for quota in quotas:
        held = found.get(quota.mark)
        if held is None:
            found[quota.mark] = quota
        elif not quota.member:
            found[quota.mark] = msgspec.structs.replace(held, amount=held.amount + quota.amount)
    return tuple(found.values())


def _kind(step: Step) -> str:
    """Say what a step's key identifies: a kind of subject, or the records of one item."""
    return step.key.item.name if step.subject is None else step.subject._value_
