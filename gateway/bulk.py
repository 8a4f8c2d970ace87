"""All records of one resource, a page at a time, through the stages of any other call (channel `bulk`).

A page is a call of its own: one question, one decision, one entry, counted once against its grant. Where the
next page begins is the key of the last record read; whoever keeps it outside must seal it.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from audit.receipt import make_receipt
from catalogue.model import Department, Item, Resource
from catalogue.snapshot import Snapshot
from gateway import coded
from gateway.basis import Given
from gateway.errors import RefusedDocumentError, RefusedRequestError
from gateway.fetch import Carried
from gateway.model import Call, EveryKey, Fetched, Masked, Outcome, Recorded, Refused, Row, Step
from gateway.outcomes import code_of
from gateway.pipeline import STATUSES, Terms
from gateway.ports import Ports
from gateway.record import record
from gateway.respond import Words, respond
from gateway.single import REF, Attempt, StepOf, attempted, stand_of
from policies.model import Verdict

ROWS = "rows"
"""Response key of a page's records."""
PAGE_MOST = 10_000
"""Records that one page may be asked for, whatever the grant would give."""
_ITEMS_MOST = 400
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkAsk:
    """What is asked in bulk: a resource, items by their GraphQL names, records a page."""

    resource: str
    items: tuple[str, ...]
    first: int

    @property
    def operation(self) -> str:
        """The text whose SHA-256 a grant of trusted operations names; the page's size is no part of it."""
        return _encode({"bulk": self.resource, "items": sorted(self.items)}).decode()

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.operation.encode()).hexdigest()


def read_ask(members: Mapping[str, Any]) -> BulkAsk:
    """Read what is asked off a request's members. Raises RefusedRequestError naming the first wrong one."""
    resource, items, first = (members.get(name) for name in ("resource", "items", "first"))
    if not isinstance(resource, str) or not 0 < len(resource) <= 128:
        raise RefusedRequestError("BODY_INVALID", member="resource", needed="a resource code")
    if (
        not isinstance(items, list)
        or not 0 < len(items) <= _ITEMS_MOST
        or not all(isinstance(name, str) for name in items)
        or len(set(items)) != len(items)
    ):
        raise RefusedRequestError("BODY_INVALID", member="items", needed="a list of item names")
    first = 1_000 if first is None else first
    if not isinstance(first, int) or isinstance(first, bool) or not 1 <= first <= PAGE_MOST:
        raise RefusedRequestError("BODY_INVALID", member="first", needed=f"1 to {PAGE_MOST}")
    return BulkAsk(resource=resource, items=tuple(items), first=first)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turned:
    """A page that is in the log."""

    recorded: Recorded
    step: Step
    departments: Mapping[str, Department]
    after: str | None = field(repr=False)
    """The key that this page ended with, as the source spells it; None: no record follows."""

    @property
    def outcome(self) -> Outcome:
        return self.recorded.outcomes[0]

    @property
    def rows(self) -> Sequence[Row]:
        """The records as they may be given: none where the page was refused or not answered."""
        return self.outcome.rows if isinstance(self.outcome, Masked) else ()

    @property
    def status(self) -> int:
        """The HTTP status, as that of any answered call."""
        return STATUSES.get(self.recorded.sequenced.instead, 429)

    @property
    def code(self) -> str | None:
        """Why nothing was given; None where the page was answered."""
        return code_of(self.outcome)

    def write(self, *, words: Words, languages: str = "") -> bytes:
        """Return the body of the answer: `data` has `columns`, `rows` and `next`; with the whole receipt."""
        return respond(
            self.recorded,
            departments=self.departments,
            words=words,
            languages=languages,
            receipt=make_receipt(self.recorded.sequenced, paths={f"answer.{REF}": self.step.path}),
        )


def terms_of(verdict: Verdict) -> str:
    """Return a digest of what a decision lets out: equal ones give the same cells of the same records."""
    items, filter_ = verdict.items, verdict.row_filter
    told = {
        "allowed": sorted(items.allowed) if items is not None else [],
        "masked": dict(sorted(items.masked.items())) if items is not None else {},
        "rows": msgspec.to_builtins(filter_) if filter_ is not None else None,
    }
    return hashlib.sha256(_encode(told)).hexdigest()


class CursorSealer(Protocol):
    """How the place of the next page is written where a caller keeps it."""

    def seal(self, ask: BulkAsk, *, system: str, after: str) -> str:
        """Return a text that tells nothing of the key, and that nobody else can make or change."""
        ...


async def turn(
    call: Call,
    ask: BulkAsk,
    *,
    after: str | None,
    ports: Ports,
    terms: Terms,
    sealer: CursorSealer,
) -> Turned:
    """Carry one page through all stages and return what may be sent: it is in the log by then.

    Raises RefusedCallError for what cannot be asked (recorded), LogUnavailableError where the log refuses.
    """

    async def work(attempt: Attempt) -> Turned:
        stand = await stand_of(
            call, step_of(ask, after=after), operation=ask.digest, ports=ports, terms=terms
        )
        departments = stand.snapshot.departments
        read = await attempt.carried(stand)
        if isinstance(read, Recorded):
            return Turned(recorded=read, step=stand.step, departments=departments, after=None)
        follows = _last_key(read.carried)
        place = None
        if follows is not None:
            place = sealer.seal(ask, system=call.caller.system.id, after=follows)
        recorded = await record(
            stand.call,
            (read.outcome,),
            _given(read.outcome, place),
            basis=read.basis,
            recorder=ports.recorder,
            begun=attempt.begun,
            budgets=read.budgets,
            asked=read.asked,
        )
        given = isinstance(recorded.outcomes[0], Masked)
        return Turned(
            recorded=recorded,
            step=stand.step,
            departments=departments,
            after=follows if given else None,
        )

    return await attempted(work, ports=ports, terms=terms)


def _given(outcome: Outcome, place: str | None) -> Given:
    """Return the bytes of a page: its columns, its records by GraphQL name, and where the next one begins."""
    if not isinstance(outcome, Masked):
        told = dict(outcome.facts) if isinstance(outcome, Refused) else {}
        facts = {"code": str(code_of(outcome)), **told}
        return Given(
            data=b"null", step_bytes={REF: b""}, errors=({"path": [ROWS], "extensions": facts},)
        )
    rows = _encode(named_rows(outcome))
    head = b'{"columns":' + _encode(columns_of(outcome)) + b',"rows":'
    return Given(
        data=head + rows + b',"next":' + _encode(place) + b"}",
        step_bytes={REF: rows},
        errors=tuple(_unread_errors(outcome)),
    )


def _unread_errors(outcome: Masked) -> Iterator[dict[str, Any]]:
    """Yield an error for each null that stands in the place of a word that no code list has."""
    step = outcome.permitted.step
    facts = {
        "code": coded.CODE_UNKNOWN,
        "department": step.resource.department,
        "resource": step.resource.code,
        "retryable": False,
    }
    for number, unknown in outcome.unread.items():
        for item in step.items:
            if item.name in unknown:
                yield {"path": [ROWS, number, item.graphql_name], "extensions": facts}


def columns_of(outcome: Masked) -> list[dict[str, Any]]:
    """Return what the records' members are, and which are given whole, masked or not at all."""
    items = outcome.permitted.verdict.items
    given: dict[str, str] = {}
    if items is not None:
        given = dict.fromkeys(items.allowed, "whole") | dict.fromkeys(items.masked, "masked")
        given |= dict.fromkeys(items.denied, "refused")
    return [
        {
            "name": item.graphql_name,
            "title": item.title,
            "type": item.type.value,
            "key": item.key,
            "given": given.get(item.name, "refused"),
        }
        for item in outcome.permitted.step.items
    ]


def named_rows(outcome: Masked) -> list[dict[str, Any]]:
    """Return records by GraphQL name; what is not given is null, in every outlet alike."""
    items = outcome.permitted.step.items
    return [{item.graphql_name: row.get(item.name) for item in items} for row in outcome.rows]


def _last_key(carried: Carried) -> str | None:
    if not isinstance(carried, Fetched) or not carried.more or not carried.rows:
        return None
    return str(carried.rows[-1][carried.permitted.step.key.item.name])


def step_of(ask: BulkAsk, *, after: str | None = None) -> StepOf:
    """Return how the step that reads a page is made of a call."""

    def make(call: Call, snapshot: Snapshot) -> Step:
        resource = resource_of(ask.resource, call, snapshot)
        if resource.protected:
            # Which records there are is what is protected: a list of them says it all.
            raise RefusedDocumentError("BULK_UNSUPPORTED")
        return Step(
            ref=REF,
            path=(ROWS,),
            resource=resource,
            items=items_of(resource, ask.items),
            key=EveryKey(item=resource.key, after=after),
            subject=resource.key.subject,
            many=True,
            limit=ask.first,
        )

    return make


def resource_of(code: str, call: Call, snapshot: Snapshot) -> Resource:
    """Return a resource of the caller's contract; whatever is not in it is one and the same error."""
    contract = {one.code: one for one in snapshot.contract(call.caller.system.id)}
    if code not in contract:
        raise RefusedDocumentError("NAME_UNKNOWN", member="resource")
    return contract[code]


def items_of(resource: Resource, names: Sequence[str]) -> tuple[Item, ...]:
    """Return the items by their GraphQL names, in the catalogue's order."""
    known = {item.graphql_name for item in resource.items}
    unknown = [at for at, name in enumerate(names) if name not in known]
    if unknown:
        raise RefusedDocumentError("NAME_UNKNOWN", member="items", at=unknown)
    return tuple(item for item in resource.items if item.graphql_name in names)
