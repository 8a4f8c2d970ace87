"""One call, from the document to the recorded answer.

    ready → snapshot, case → parse → plan → rule → begin → fetch → mask → assemble → record → respond

Read `_Attempt.carry_out` from top to bottom: each line takes what the line before made, and nothing is
returned that is not in the log. While the log refuses, nothing is decided and nobody is asked.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import Any

import msgspec

from audit.entry import Sequenced
from audit.errors import LogUnavailableError, StaleSnapshotError
from audit.receipt import make_receipt
from catalogue.codes import normalise_subject
from catalogue.model import Department, Resource
from catalogue.snapshot import Snapshot
from gateway.attempts import reservations, spent
from gateway.basis import NOT_BEGUN, Basis, Begun, Given
from gateway.budgets import budgets_of, within
from gateway.compile import put_together
from gateway.cost import check_cost
from gateway.cursors import Cursors
from gateway.disputes import disputes_of, marked
from gateway.errors import GatewayError
from gateway.fetch import fetch
from gateway.intent import begin
from gateway.joining import Announced
from gateway.limits import Limits
from gateway.mask import Normalise, mask, remembering
from gateway.model import (
    Call,
    Caller,
    Failed,
    Fetched,
    LinkedKey,
    Outcome,
    Recorded,
    Refused,
    Step,
    Usage,
)
from gateway.parse import Document, parse_document
from gateway.plan import Plan
from gateway.planned import Plans
from gateway.ports import Ports
from gateway.record import MOST_STEPS, REPLAYED, record, record_refusal
from gateway.respond import Words, respond
from gateway.rule import Facts, KeyedToken, Ruled, put_forward, rule
from gateway.schema import Contract, build_contract
from gateway.whole import whole_outcomes, whole_rulings

ATTEMPTS = 4
"""How often a call, or its refusal, is ruled anew where something is taken away meanwhile."""

CONTRACTS_KEPT = 64
DOCUMENTS_KEPT = 64
"""Of each contract: systems ask the same few questions again and again."""

DOCUMENT_KEPT = 4_096
"""Characters of the longest document that is kept: what is kept must stay small whoever asks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The bounds of a call, and where the exchange stands."""

    zone: tzinfo
    limits: Limits = field(default_factory=Limits)
    deadline_s: float = 8.0
    """For the whole call up to the assembled answer; the log's own bound comes after."""
    allow_introspection: bool = False


class Answered(msgspec.Struct, frozen=True):
    """A call that was planned, with the outcome that is in the log."""

    recorded: Recorded
    plan: Plan
    departments: Mapping[str, Department]

    @property
    def status(self) -> int:
        """The HTTP status: a replay is no sign-in, a spent quota is no budget, all else is 200."""
        return STATUSES.get(self.recorded.sequenced.instead, 429)

    def write(self, *, words: Words, languages: str = "", whole_receipt: bool = True) -> bytes:
        """Return the body of the answer, with its receipt or only the entry's index."""
        paths = {f"answer.{step.ref}": step.path for step in self.plan.steps}
        return respond(
            self.recorded,
            departments=self.departments,
            words=words,
            languages=languages,
            receipt=make_receipt(self.recorded.sequenced, paths=paths) if whole_receipt else None,
        )


STATUSES: Mapping[str | None, int] = {None: 200, "replayed": 401}
"""Whatever else stands in place of a call is a spent quota."""


class RefusedCallError(GatewayError):
    """The whole call was refused before anything was decided, and that refusal is in the log."""

    def __init__(self, cause: GatewayError, sequenced: Sequenced) -> None:
        replayed = sequenced.instead == "replayed"
        super().__init__(REPLAYED if replayed else cause.code, **({} if replayed else cause.facts))
        self.sequenced = sequenced
        self._errors = None if replayed else tuple(cause.errors)

    @property
    def errors(self) -> tuple[Mapping[str, Any], ...]:
        return super().errors if self._errors is None else self._errors


class Contracts:
    """Contract schemas by what they are built from, with documents valid in them, the last used kept."""

    def __init__(self, *, kept: int = CONTRACTS_KEPT, documents: int = DOCUMENTS_KEPT) -> None:
        self._kept = kept
        self._most = documents
        self.announced = Announced()
        self._built: OrderedDict[tuple[tuple[str, int], ...], Contract] = OrderedDict()
        self._read: dict[int, OrderedDict[tuple[str, Limits, bool], Document]] = {}
        """By the identity of a contract that is kept: a document ends with the contract it is valid in."""
        self.plans = Plans()

    async def of(self, resources: Sequence[Resource]) -> Contract:
        """Return the contract of some resources; a new one is built off the loop."""
        key = tuple([(resource.code, resource.revision) for resource in resources])
        contract = self._built.get(key)
        if contract is None:
            contract = await asyncio.to_thread(build_contract, resources)
            self._built[key] = contract
            while len(self._built) > self._kept:
                _, dropped = self._built.popitem(last=False)
                self._read.pop(id(dropped), None)
                self.plans.forget(dropped)
        else:
            self._built.move_to_end(key)
        return contract

    def document(
        self, query: str, contract: Contract, *, limits: Limits, allow_introspection: bool
    ) -> Document:
        """Return a document that is valid in a contract; one that was found so before is not read again.

        Raises as `parse_document`. What is refused is not kept.
        """
        key = (query, limits, allow_introspection)
        read = self._read.get(id(contract), OrderedDict())
        document = read.get(key)
        if document is None:
            document = parse_document(
                query, contract, limits=limits, allow_introspection=allow_introspection
            )
            known = any(kept is contract for kept in self._built.values())
            if known and len(query) <= DOCUMENT_KEPT:
                read[key] = document
                self._read[id(contract)] = read
                while len(read) > self._most:
                    read.popitem(last=False)
        else:
            read.move_to_end(key)
        return document


async def answer(call: Call, ports: Ports, *, terms: Terms, contracts: Contracts) -> Answered:
    """Carry a call through all stages and return what may be sent: it is in the log by then.

    Raises RefusedCallError for a call that cannot be planned (recorded), LogUnavailableError where the
    log refuses (nothing was decided, or what was read is dropped).
    """
    begun, stale = NOT_BEGUN, None
    for _ in range(ATTEMPTS):
        attempt = _Attempt(call, ports, terms=terms, contracts=contracts, begun=begun)
        try:
            return await attempt.carry_out()
        except StaleSnapshotError as error:
            # Something was taken away while the call was under way. What was read is dropped, and the
            # whole call is ruled anew on what holds now.
            begun, stale = attempt.begun, error
    raise LogUnavailableError("the registry changes faster than calls can be ruled") from stale


async def refuse(
    caller: Caller,
    cause: GatewayError,
    ports: Ports,
    *,
    number: str,
    body: bytes,
    usage: Usage | None,
    begun: Begun = NOT_BEGUN,
) -> RefusedCallError:
    """Record the refusal of an authenticated call, and return the error to be answered with."""
    stale = None
    for _ in range(ATTEMPTS):
        snapshot = await ports.registry.snapshot()
        try:
            sequenced = await record_refusal(
                caller,
                number=number,
                code=cause.code,
                body=body,
                usage=usage,
                snapshot=snapshot,
                recorder=ports.recorder,
                begun=begun,
            )
        except StaleSnapshotError as error:
            stale = error
        else:
            return RefusedCallError(cause, sequenced)
    raise LogUnavailableError("the registry is changing") from stale


class _Attempt:
    """One way through all stages. `begun` is what the call has in the log, also when the attempt fails."""

    def __init__(
        self,
        call: Call,
        ports: Ports,
        *,
        terms: Terms,
        contracts: Contracts,
        begun: Begun = NOT_BEGUN,
    ) -> None:
        self._call = call
        self._ports = ports
        self._terms = terms
        self._contracts = contracts
        self.begun = begun
        self._normalise = remembering(normalise_subject)
        self._token = _keyed_once(ports.registry.token)

    async def carry_out(self) -> Answered:
        ports, terms = self._ports, self._terms
        ends = ports.monotonic() + terms.deadline_s
        await ports.recorder.ready()
        snapshot = await ports.registry.snapshot()
        case = await ports.registry.case(self._call.caller.system.id, self._call.usage.case)
        call = self._call.of_case(case)
        planned = await self._planned(call, snapshot)
        now = ports.now().astimezone(terms.zone)
        day = now.date().isoformat()
        ruled = await _rule(call, planned, snapshot, ports, now=now, day=day, token=self._token)
        if not self.begun.intents:
            ruled = await _guessed_out(call, ruled, ports, day=day, limits=terms.limits)
        token = self._token
        budgets = budgets_of(call, snapshot, token=token, day=day, limits=terms.limits)
        rulings, asked = await within(ruled.rulings, budgets, ports.quotas)
        if rulings is not ruled.rulings:
            ruled = msgspec.structs.replace(ruled, rulings=rulings)
        if call.whole:
            ruled = msgspec.structs.replace(ruled, rulings=whole_rulings(ruled.rulings))
        basis = _basis(ruled, planned, snapshot, ports, day=day)
        begun = await begin(
            call,
            ruled.rulings,
            basis=basis,
            recorder=ports.recorder,
            begun=self.begun,
            reserved=reservations(
                ruled.rulings,
                call,
                token=token,
                day=day,
                limits=terms.limits,
            ),
            asked=asked,
        )
        if isinstance(begun, Recorded):
            return Answered(begun, planned, snapshot.departments)
        self.begun = begun
        carried = await fetch(
            ruled.rulings,
            ports,
            call=call,
            sources=snapshot.open_sources,
            normalise=self._normalise,
            deadline_s=max(0.0, ends - ports.monotonic()),
        )
        disputed = disputes_of(snapshot, token)
        masked = [
            mask(one, now=now, normalise=self._normalise, disputed=disputed)
            if isinstance(one, Fetched)
            else one
            for one in carried
        ]
        outcomes = _settle(planned.steps, masked)
        if call.whole:
            outcomes = whole_outcomes(outcomes)
        assembled = put_together(planned, outcomes)
        outcomes = marked(outcomes, assembled.disputed)
        recorded = await record(
            call,
            outcomes,
            Given(data=assembled.data, step_bytes=assembled.step_bytes, errors=assembled.errors),
            basis=basis,
            recorder=ports.recorder,
            begun=begun,
            budgets=budgets,
            asked=asked,
        )
        return Answered(recorded, planned, snapshot.departments)

    async def _planned(self, call: Call, snapshot: Snapshot) -> Plan:
        """Plan the call; where that cannot be, its refusal is recorded and raised."""
        try:
            _check_caller(call.caller, snapshot)
            named = self._contracts.announced.contract(
                snapshot, call.caller.system.id, call.query[: self._terms.limits.document_bytes]
            )
            contract = await self._contracts.of(named)
            return _plan(
                call,
                contract,
                self._contracts,
                terms=self._terms,
                normalise=self._normalise,
                cursors=self._ports.cursors,
            )
        except GatewayError as error:
            raise await refuse(
                call.caller,
                error,
                self._ports,
                number=call.number,
                body=call.body,
                usage=call.usage,
                begun=self.begun,
            ) from error


def _basis(ruled: Ruled, planned: Plan, snapshot: Snapshot, ports: Ports, *, day: str) -> Basis:
    return Basis(
        snapshot=snapshot,
        asked=ruled.asked,
        decision=ruled.decision,
        revision=ruled.decision.revision if ruled.decision else ports.decisions.revision,
        operation=planned.document.digest,
        day=day,
        shape=planned.shape,
    )


def _check_caller(caller: Caller, snapshot: Snapshot) -> None:
    """Refuse a caller whose key or system was taken away since it was authenticated."""
    key, system = snapshot.keys.get(caller.key), snapshot.systems.get(caller.system.id)
    if key is None or key.state != "active" or key.system != caller.system.id:
        raise GatewayError("NOT_AUTHENTICATED")
    if system is None or system.state != "active" or system.department != caller.system.department:
        raise GatewayError("NOT_AUTHENTICATED")


def _plan(
    call: Call,
    contract: Contract,
    contracts: Contracts,
    *,
    terms: Terms,
    normalise: Normalise,
    cursors: Cursors | None,
) -> Plan:
    limits = _for_an_entry(terms.limits)
    document = contracts.document(
        call.query, contract, limits=limits, allow_introspection=terms.allow_introspection
    )
    planned = contracts.plans.plan(
        document,
        operation_name=call.operation_name,
        variables=call.variables,
        normalise=normalise,
        limits=limits,
        cursors=cursors,
        consumer=call.caller.system.id,
    )
    check_cost(planned.steps, limits=limits)
    return planned


@lru_cache(maxsize=64)
def _for_an_entry(limits: Limits) -> Limits:
    """Return the limits of a plan whose entry can be written."""
    return replace(limits, steps=min(limits.steps, MOST_STEPS))


async def _rule(
    call: Call,
    planned: Plan,
    snapshot: Snapshot,
    ports: Ports,
    *,
    now: datetime,
    day: str,
    token: KeyedToken,
) -> Ruled:
    grants = put_forward(call, planned.steps, snapshot, now=now, shape=planned.shape)
    used = await ports.quotas.used_today([grant.id for grant in grants], day)
    facts = Facts(
        snapshot=snapshot,
        operation=planned.document.digest,
        grants=grants,
        used=used,
        now=now,
        shape=planned.shape,
    )
    return await rule(
        call,
        planned.steps,
        facts,
        decisions=ports.decisions,
        tokens=_per_call(),
        token=token,
    )


async def _guessed_out(
    call: Call, ruled: Ruled, ports: Ports, *, day: str, limits: Limits
) -> Ruled:
    """Refuse verifications for which no guess is left."""
    token = ports.registry.token
    wanted = reservations(ruled.rulings, call, token=token, day=day, limits=limits)
    if not wanted:
        return ruled
    places = [(quota.key, quota.day) for quota in wanted]
    used = await ports.quotas.used(places)
    rulings = spent(
        ruled.rulings,
        call,
        token=token,
        day=day,
        limits=limits,
        used=lambda key, on: used[key, on],
    )
    return msgspec.structs.replace(ruled, rulings=rulings)


def _per_call() -> Callable[[str], str]:
    """Return the replacement of identifiers for one call: equal ones alike, numbered as they first occur.

    So a token says nothing but which identifiers of its call are equal, and calls that are alike in that
    ask the policy alike: what it decided of one stands for the other.
    """
    known: dict[str, str] = {}

    def token(value: str) -> str:
        return known.setdefault(value, f"tok_{len(known) + 1}")

    return token


def _keyed_once(token: Callable[[str, str], str]) -> Callable[[str, str], str]:
    """Return the keyed digests of one call: each identifier is digested once."""
    known: dict[tuple[str, str], str] = {}

    def keyed(kind: str, value: str) -> str:
        found = known.get((kind, value))
        if found is None:
            found = known[kind, value] = token(kind, value)
        return found

    return keyed


def _settle(steps: Sequence[Step], outcomes: Sequence[Outcome]) -> tuple[Outcome, ...]:
    """Refuse what hangs on a record that is not given: its subject was met by a refused step."""
    refs = {outcome.step.ref for outcome in outcomes if isinstance(outcome, Refused)}
    settled: list[Outcome] = []
    for step, outcome in zip(steps, outcomes, strict=True):
        parent = step.key.parent if isinstance(step.key, LinkedKey) else None
        if parent in refs and not isinstance(outcome, (Refused, Failed)):
            refs.add(step.ref)
            settled.append(Refused(step, "LINK_UNREAD", outcome.permitted.verdict))
        else:
            settled.append(outcome)
    return tuple(settled)
