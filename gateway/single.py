"""One step by itself, through the stages of any call: what pages, files and releases have in common.

    ready → snapshot, case → step → rule → begin → fetch → mask

The caller of this module puts together what is to leave, records it (`gateway/record.py`) and hands it out.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from audit.entry import Quota
from audit.errors import LogUnavailableError, StaleSnapshotError
from catalogue.codes import normalise_subject
from catalogue.snapshot import Snapshot
from gateway.basis import NOT_BEGUN, Basis, Begun
from gateway.budgets import Budgets, budgets_of, within
from gateway.disputes import disputes_of
from gateway.errors import GatewayError
from gateway.fetch import Carried, fetch
from gateway.intent import begin
from gateway.mask import Disputed, mask
from gateway.model import Call, Fetched, Outcome, Recorded, Step
from gateway.pipeline import ATTEMPTS, Terms, refuse
from gateway.ports import Ports
from gateway.rule import Facts, Ruled, put_forward, rule

REF = "s1"

T = TypeVar("T")

StepOf = Callable[[Call, Snapshot], Step]
"""Returns the step of a call; raises GatewayError where it cannot be planned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """A call with what it is ruled on: its step, one picture of the registry, one moment."""

    call: Call
    step: Step
    operation: str
    """SHA-256, hex, of what is asked: what a grant of trusted operations names."""
    snapshot: Snapshot
    now: datetime

    async def rule(self, ports: Ports) -> Ruled:
        steps = (self.step,)
        grants = put_forward(self.call, steps, self.snapshot, now=self.now)
        day = self.now.date().isoformat()
        used = await ports.quotas.used_today([grant.id for grant in grants], day)
        facts = Facts(
            snapshot=self.snapshot,
            operation=self.operation,
            grants=grants,
            used=used,
            now=self.now,
        )
        tokens: dict[str, str] = {}
        return await rule(
            self.call,
            steps,
            facts,
            decisions=ports.decisions,
            tokens=lambda value: tokens.setdefault(value, ports.fresh_id("tok_")),
            token=ports.registry.token,
        )

    def basis(self, ruled: Ruled, ports: Ports) -> Basis:
        decision = ruled.decision
        return Basis(
            snapshot=self.snapshot,
            asked=ruled.asked,
            decision=decision,
            revision=decision.revision if decision is not None else ports.decisions.revision,
            operation=self.operation,
            day=self.now.date().isoformat(),
        )


async def stand_of(
    call: Call, step_of: StepOf, *, operation: str, ports: Ports, terms: Terms
) -> Stand:
    """Gather what a step is ruled on. A call that cannot be planned is recorded and raised."""
    await ports.recorder.ready()
    snapshot = await ports.registry.snapshot()
    case = await ports.registry.case(call.caller.system.id, call.usage.case)
    known = call.of_case(case)
    try:
        check_caller(known, snapshot)
        step = step_of(known, snapshot)
    except GatewayError as error:
        raise await refuse(
            call.caller, error, ports, number=call.number, body=call.body, usage=call.usage
        ) from error
    return Stand(
        call=known,
        step=step,
        operation=operation,
        snapshot=snapshot,
        now=ports.now().astimezone(terms.zone),
    )


def check_caller(call: Call, snapshot: Snapshot) -> None:
    """Refuse a caller whose key or system was taken away since it asked: an export runs for long."""
    caller = call.caller
    key, system = snapshot.keys.get(caller.key), snapshot.systems.get(caller.system.id)
    active = key is not None and key.state == "active" and key.system == caller.system.id
    if not active or system is None or system.state != "active":
        raise GatewayError("NOT_AUTHENTICATED")
    if system.department != caller.system.department:
        raise GatewayError("NOT_AUTHENTICATED")


@dataclass(slots=True, kw_only=True)
class Attempt:
    """One way of a step through the stages; `begun` is what its call has in the log already."""

    ports: Ports
    terms: Terms
    begun: Begun = NOT_BEGUN

    async def carried(self, stand: Stand) -> "Read | Recorded":
        """Rule, record what is intended, fetch and mask; Recorded where the log refused already."""
        ports = self.ports
        ends = ports.monotonic() + self.terms.deadline_s
        ruled = await stand.rule(ports)
        basis = stand.basis(ruled, ports)
        budgets = budgets_of(
            stand.call,
            stand.snapshot,
            token=ports.registry.token,
            day=basis.day,
            limits=self.terms.limits,
        )
        rulings, asked = await within(ruled.rulings, budgets, ports.quotas)
        begun = await begin(
            stand.call,
            rulings,
            basis=basis,
            recorder=ports.recorder,
            begun=self.begun,
            asked=asked,
        )
        if isinstance(begun, Recorded):
            return begun
        self.begun = begun
        sources = stand.snapshot.sources
        (carried,) = await fetch(
            rulings,
            ports,
            call=stand.call,
            sources=frozenset(name for name, one in sources.items() if one.state == "active"),
            normalise=normalise_subject,
            deadline_s=max(0.0, ends - ports.monotonic()),
        )
        return Read(
            basis=basis,
            carried=carried,
            outcome=_masked(
                carried,
                now=stand.now,
                disputed=disputes_of(stand.snapshot, ports.registry.token),
            ),
            budgets=budgets,
            asked=asked,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What came of a step before it is recorded: nothing of it may leave yet."""

    basis: Basis
    carried: Carried = field(repr=False)
    outcome: Outcome = field(repr=False)
    budgets: Budgets = field(repr=False)
    asked: tuple[Quota, ...] = field(repr=False)
    """What is counted before anything is read, where it was not counted with an intent."""


def _masked(carried: Carried, *, now: datetime, disputed: Disputed | None) -> Outcome:
    if isinstance(carried, Fetched):
        return mask(carried, now=now, normalise=normalise_subject, disputed=disputed)
    return carried


async def attempted(work: Callable[[Attempt], Awaitable[T]], *, ports: Ports, terms: Terms) -> T:
    """Carry out work anew, a few times, where something is taken away while it is under way.

    Raises LogUnavailableError where that goes on.
    """
    attempt, stale = Attempt(ports=ports, terms=terms), None
    for _ in range(ATTEMPTS):
        try:
            return await work(attempt)
        except StaleSnapshotError as error:
            stale = error
    raise LogUnavailableError("the registry changes faster than it can be ruled") from stale
