"""Something made earlier from masked records leaves now: decided anew, recorded, and only then handed out.

What is released was put together under one decision. It may leave only under one that gives the same
cells: a grant that was revoked, narrowed or masked otherwise meanwhile stops it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from audit.entry import ByteCommit, Draft, Sequenced
from gateway.basis import Basis, Given
from gateway.bulk import terms_of
from gateway.clear import bits, caller_facts, case_facts, index_row, own_counter
from gateway.commitments import matter_commit, person_commits, signed_commit
from gateway.errors import DeniedError, RefusedRequestError
from gateway.model import Call, Permitted, Refused
from gateway.outcomes import code_of
from gateway.pipeline import Terms
from gateway.ports import Ports
from gateway.record import NOTHING, REPLAYED, instead_of, record
from gateway.single import REF, Attempt, Stand, StepOf, attempted, stand_of

RELEASED = "export.released"
TERMS_CHANGED = "TERMS_CHANGED"
GIVEN = "given"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """What is to leave, whole: nothing of it was handed out before."""

    kind: str
    """Of the entry."""
    outcome: str
    """Of its step: `given`, or `intended` where nothing leaves yet."""
    content: bytes = field(default=b"", repr=False)
    rows: int = 0
    terms: str | None = None
    """`terms_of` the decision under which it was put together; None: it is still to be."""
    facts: Mapping[str, Any]
    """What the entry says of it in the clear: ids, numbers and digests, never a value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedFor:
    """What the decision is about."""

    step: StepOf
    operation: str
    """SHA-256 of what is asked, hex."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """The parcel may leave: its entry is in the log."""

    parcel: Parcel
    terms: str
    sequenced: Sequenced


async def release(
    call: Call, asked: AskedFor, parcel: Parcel, *, ports: Ports, terms: Terms
) -> Released:
    """Decide anew whether a parcel may leave to this caller, and record it.

    Raises DeniedError with the decision's code, recorded like any refused call; RefusedCallError for what
    cannot be asked, RefusedRequestError for a replay; LogUnavailableError where the log refuses. Nothing may
    leave then.
    """

    async def work(_attempt: Attempt) -> Released:
        return await _released(call, asked, parcel, ports=ports, terms=terms)

    return await attempted(work, ports=ports, terms=terms)


async def _released(
    call: Call, asked: AskedFor, parcel: Parcel, *, ports: Ports, terms: Terms
) -> Released:
    stand = await stand_of(call, asked.step, operation=asked.operation, ports=ports, terms=terms)
    ruled = await stand.rule(ports)
    (ruling,) = ruled.rulings
    basis = stand.basis(ruled, ports)
    if isinstance(ruling, Permitted) and parcel.terms not in {None, terms_of(ruling.verdict)}:
        ruling = Refused(stand.step, TERMS_CHANGED, None)
    if isinstance(ruling, Refused):
        nothing = Given(data=NOTHING, step_bytes={REF: b""}, errors=())
        recorded = await record(
            stand.call, (ruling,), nothing, basis=basis, recorder=ports.recorder
        )
        raise DeniedError(
            str(code_of(recorded.outcomes[0])),
            entry=recorded.sequenced.index,
            **dict(ruling.facts),
        )
    sequenced = await ports.recorder.append(_draft(stand, ruling, parcel, basis=basis))
    if sequenced.instead is not None:
        raise RefusedRequestError(REPLAYED, entry=sequenced.index)
    return Released(parcel=parcel, terms=terms_of(ruling.verdict), sequenced=sequenced)


def _draft(stand: Stand, permitted: Permitted, parcel: Parcel, *, basis: Basis) -> Draft:
    call, snapshot = stand.call, stand.snapshot
    caller, code = call.caller, permitted.step.resource.code
    return Draft(
        kind=parcel.kind,
        clear={
            **caller_facts(caller, call.usage, snapshot, number=call.number),
            "channel": basis.question.channel,
            "case": case_facts(call),
            "policy": basis.revision,
            "steps": [_step_facts(permitted, parcel)],
            "facts": dict(parcel.facts),
        },
        commits=(
            *person_commits(caller, call.usage),
            *matter_commit(call.usage, snapshot),
            signed_commit(caller),
            ByteCommit(name="request", content=call.body),
            ByteCommit(name="answer", content=parcel.content),
        ),
        counters=(f"consumer:{caller.system.id}", f"resource:{code}"),
        index=(
            index_row(
                caller,
                call.usage,
                snapshot,
                step=REF,
                provider=permitted.step.resource.department,
                resource=code,
                decision="given" if parcel.outcome == GIVEN else "",
            ),
        ),
        applied=snapshot.applied_index,
        nonce=caller.nonce,
        receipt=("request", "answer", own_counter(caller)),
        otherwise=instead_of(call, [permitted.step], basis=basis, subjects={}),
    )


def _step_facts(permitted: Permitted, parcel: Parcel) -> dict[str, object]:
    """State what leaves in the form of a call's step."""
    step, items = permitted.step, permitted.verdict.items
    asked = {item.name for item in step.items}
    allowed = asked & set(items.allowed) if items is not None else set()
    masked = asked & set(items.masked) if items is not None else set()
    return {
        "ref": step.ref,
        "provider": step.resource.department,
        "resource": step.resource.code,
        "revision": step.resource.revision,
        "class": step.resource.sharing_class.value,
        "asked": bits(step.items, asked),
        "matched": bits(step.matched, {item.name for item in step.matched}),
        "given": bits(step.items, allowed - masked),
        "masked": bits(step.items, masked),
        "refused": bits(step.items, asked - allowed - masked),
        "grant": permitted.verdict.grant or "",
        "rows": parcel.rows,
        "outcome": parcel.outcome,
        "code": "",
    }
