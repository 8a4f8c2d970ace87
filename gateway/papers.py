"""One certificate's file: a step by its key that reads the one item that holds it.

A link is offered once the decision permits it; fetching what it leads to is decided anew, read, marked and
recorded as a call whose answer is the very file.
"""

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from catalogue.codes import normalise_subject
from catalogue.model import ItemType, Resource
from catalogue.snapshot import Snapshot
from gateway.basis import Given
from gateway.bulk import resource_of
from gateway.errors import DeniedError, RefusedDocumentError, RefusedRequestError
from gateway.formats import parse_bytes
from gateway.model import Call, GivenKey, Masked, Outcome, Recorded, Step
from gateway.outcomes import code_of
from gateway.pipeline import Terms
from gateway.ports import Ports
from gateway.record import NOTHING, record
from gateway.release import AskedFor
from gateway.single import REF, Attempt, StepOf, attempted, stand_of

ABSENT = "FILE_ABSENT"
FILE = "file"
"""Response key under which the file stands in the entry's step."""
_KEY_MOST = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperAsk:
    """Which file is meant: the item of the one record under a key."""

    resource: str
    item: str
    """GraphQL name."""
    key: str = field(repr=False)

    @property
    def operation(self) -> str:
        return msgspec.json.encode({"file": self.resource, "item": self.item}).decode()

    @property
    def asked_for(self) -> AskedFor:
        digest = hashlib.sha256(self.operation.encode()).hexdigest()
        return AskedFor(step=step_of(self), operation=digest)


def read_paper(members: Mapping[str, Any]) -> PaperAsk:
    """Read what is asked off a request's members. Raises RefusedRequestError naming the first wrong one."""
    found = {}
    for name in ("resource", "item", "key"):
        value = members.get(name)
        if not isinstance(value, str) or not 0 < len(value) <= _KEY_MOST or not value.isprintable():
            raise RefusedRequestError("BODY_INVALID", member=name, needed="text")
        found[name] = value
    return PaperAsk(**found)


def step_of(ask: PaperAsk) -> StepOf:
    """Return how the step that reads a file is made of a call."""

    def make(call: Call, snapshot: Snapshot) -> Step:
        resource = resource_of(ask.resource, call, snapshot)
        item = next((one for one in resource.items if one.graphql_name == ask.item), None)
        if item is None or item.type is not ItemType.BYTES:
            raise RefusedDocumentError("NAME_UNKNOWN", member="item")
        if not resource.single:
            # Of several records nobody could say which one's file is meant.
            raise RefusedDocumentError("ARGUMENT_INVALID", argument="resource")
        return Step(
            ref=REF,
            path=(FILE,),
            resource=resource,
            items=(item,),
            key=GivenKey(item=resource.key, value=_normalised(resource, ask.key)),
            subject=resource.key.subject,
            many=False,
            limit=1,
        )

    return make


def _normalised(resource: Resource, key: str) -> str:
    subject = resource.key.subject
    try:
        return key if subject is None else normalise_subject(subject, key)
    except ValueError:
        raise RefusedDocumentError("KEY_INVALID") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """A file that may be handed out: its bytes are committed to by an entry of the log."""

    recorded: Recorded

    @property
    def content(self) -> bytes:
        return self.recorded.data


async def take(
    call: Call,
    ask: PaperAsk,
    *,
    mark: Callable[[bytes], bytes],
    ports: Ports,
    terms: Terms,
) -> Paper:
    """Read a file, mark it, record it, and return what may be handed out.

    `mark` is pure and may take its time. Raises DeniedError with the code of what was refused, not answered
    or not there (recorded, like every call); RefusedCallError for what cannot be asked.
    """
    asked = ask.asked_for

    async def work(attempt: Attempt) -> Paper:
        stand = await stand_of(
            call, asked.step, operation=asked.operation, ports=ports, terms=terms
        )
        read = await attempt.carried(stand)
        if isinstance(read, Recorded):
            raise _denied(read)
        content = _content(read.outcome)
        if content is not None:
            content = await asyncio.to_thread(mark, content)
        data = NOTHING if content is None else content
        recorded = await record(
            stand.call,
            (read.outcome,),
            Given(data=data, step_bytes={REF: data}, errors=()),
            basis=read.basis,
            recorder=ports.recorder,
            begun=attempt.begun,
            budgets=read.budgets,
            asked=read.asked,
        )
        if content is None or recorded.sequenced.instead is not None:
            raise _denied(recorded)
        return Paper(recorded=recorded)

    return await attempted(work, ports=ports, terms=terms)


def _content(outcome: Outcome) -> bytes | None:
    """Return the file; None where there is nothing to give."""
    if not isinstance(outcome, Masked) or not outcome.rows:
        return None
    (item,) = outcome.permitted.step.items
    value = outcome.rows[0].get(item.name)
    return parse_bytes(value) if isinstance(value, str) and value else None


def _denied(recorded: Recorded) -> DeniedError:
    code = code_of(recorded.outcomes[0])
    return DeniedError(code or ABSENT, entry=recorded.sequenced.index)
