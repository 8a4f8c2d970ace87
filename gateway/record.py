"""What a call leaves in the log: one entry, and nothing is answered before it is durable.

The only place where outcomes are translated into an entry, and the only one that makes `Recorded`. In the
clear stand codes, ids, bitmaps and counts; free text and identifiers are only ever committed to.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import msgspec

from audit.entry import (
    Alternatives,
    ByteCommit,
    Commit,
    Draft,
    Nonce,
    Quota,
    Sequenced,
)
from catalogue.snapshot import Snapshot
from gateway.attempts import VERIFY, VERIFY_SPENT
from gateway.basis import (
    NOT_BEGUN,
    Basis,
    Begun,
    Given,
    Subjects,
)
from gateway.budgets import BUDGETS, QUOTA_SPENT, Budgets, together, told
from gateway.clear import (
    caller_facts,
    case_facts,
    counters,
    counters_of,
    index_row,
    index_rows,
    own_counter,
    told_of,
)
from gateway.commitments import (
    arguments_commit,
    list_commits,
    matter_commit,
    names_nobody,
    outcome_step,
    person_commits,
    ruled_commits,
    signed_commit,
    subject_commits,
    subjects_of,
)
from gateway.model import (
    Call,
    Caller,
    Outcome,
    Recorded,
    Refused,
    Step,
    Usage,
)
from gateway.ports import Recorder
from policies.model import Verdict

KIND = "call"
REPLAYED = "REPLAYED"
GRANT_QUOTA = "GRANT_QUOTA"
NOTHING = b"null"
MOST_STEPS = 24
"""So many steps, with sixty subjects reached by links, fit into an entry of 16 KiB."""


async def record(
    call: Call,
    outcomes: Sequence[Outcome],
    given: Given,
    *,
    basis: Basis,
    recorder: Recorder,
    begun: Begun = NOT_BEGUN,
    budgets: Budgets | None = None,
    asked: Sequence[Quota] = (),
) -> Recorded:
    """Append the call's entry and return what may be answered; raises the log's errors unchanged.

    Where the log finds the nonce used or a quota spent, the rows are dropped: what is recorded and
    answered is then a refusal of every step. `asked` is counted besides what the outcomes count.
    """
    made = draft(call, outcomes, given, basis=basis, begun=begun, budgets=budgets, asked=asked)
    sequenced = await recorder.append(made)
    if sequenced.instead is None:
        return Recorded(call, tuple(outcomes), given.data, given.errors, sequenced)
    steps = [outcome_step(outcome) for outcome in outcomes]
    return refused_instead(call, steps, sequenced, quotas=made.quotas)


def refused_instead(
    call: Call, steps: Sequence[Step], sequenced: Sequenced, *, quotas: Sequence[Quota] = ()
) -> Recorded:
    """Return what is answered where the log appended a refusal of every step in place of what was asked."""
    code = INSTEAD[str(sequenced.instead)]
    spent = next((quota for quota in quotas if quota.spent == sequenced.instead), None)
    facts = {"code": code, **({} if spent is None else told(spent))}
    return Recorded(call, all_refused(steps, code), NOTHING, ({"extensions": facts},), sequenced)


async def record_refusal(
    caller: Caller,
    *,
    number: str,
    code: str,
    body: bytes,
    usage: Usage | None,
    snapshot: Snapshot,
    recorder: Recorder,
    begun: Begun = NOT_BEGUN,
) -> Sequenced:
    """Append the entry of an authenticated call that was refused before any step was planned.

    `usage` is None where it is the usage that cannot be read.
    """
    refused = _refused_draft(caller, usage, snapshot, number=number, code=code, begun=begun)
    commits = (
        *person_commits(caller, usage),
        signed_commit(caller),
        ByteCommit(name="request", content=body),
        ByteCommit(name="answer", content=NOTHING),
    )
    once = msgspec.structs.replace(
        refused, commits=commits, receipt=("request", "answer", own_counter(caller))
    )
    if once.nonce is None:
        return await recorder.append(once)
    again = msgspec.structs.replace(once, clear={**once.clear, "code": REPLAYED}, nonce=None)
    return await recorder.append(msgspec.structs.replace(once, otherwise={"replayed": again}))


INSTEAD: Mapping[str, str] = {
    "replayed": REPLAYED,
    "quota": GRANT_QUOTA,
    VERIFY: VERIFY_SPENT,
    **dict.fromkeys(BUDGETS, QUOTA_SPENT),
}


@lru_cache(maxsize=4_096)
def quota_key(grant: str) -> str:
    """Return the key under which calls are counted against a grant."""
    return f"grant:{grant}"


def draft(
    call: Call,
    outcomes: Sequence[Outcome],
    given: Given,
    *,
    basis: Basis,
    begun: Begun = NOT_BEGUN,
    budgets: Budgets | None = None,
    asked: Sequence[Quota] = (),
) -> Draft:
    """Return the draft of a call's entry, with the refusals that the log may put in its place."""
    steps, verdicts = [], []
    for outcome in outcomes:
        ruling = outcome if isinstance(outcome, Refused) else outcome.permitted
        steps.append(ruling.step)
        verdicts.append(ruling.verdict)
    quotas = quotas_of(verdicts, basis=basis, counted=begun.counted)
    subjects = subjects_of(steps, outcomes)
    if budgets is not None:
        known = (*asked, *budgets.given(outcomes, subjects))
        counted = begun.counted
        quotas += together(
            [quota for quota in known if quota.mark not in counted] if counted else known
        )
    instead: Mapping[str, Draft] = {}
    # After an intent without further quotas, whether the call may be made at all was decided with it.
    if quotas or not begun.intents:
        instead = instead_of(
            call, steps, basis=basis, subjects=subjects, begun=begun, quotas=quotas
        )
    return _call_draft(
        call,
        outcomes,
        given,
        basis=basis,
        begun=begun,
        subjects=subjects,
        quotas=quotas,
        instead=instead,
    )


def instead_of(
    call: Call,
    steps: Sequence[Step],
    *,
    basis: Basis,
    subjects: Subjects,
    begun: Begun = NOT_BEGUN,
    quotas: Sequence[Quota] = (),
) -> Mapping[str, Draft]:
    """Return the refusals of a whole call that the log may append in place of a draft with these quotas."""

    def make(name: str) -> Draft:
        # Where the whole data is null, no step has a place in it.
        nothing = Given(data=NOTHING, step_bytes={step.ref: b"" for step in steps}, errors=())
        code = INSTEAD[name]
        refused = all_refused(steps, code)
        made = _call_draft(call, refused, nothing, basis=basis, subjects=subjects, begun=begun)
        return msgspec.structs.replace(made, nonce=None) if code == REPLAYED else made

    return Alternatives(
        ["replayed", *[quota.spent for quota in quotas]],
        make,
        kind=KIND,
        counters=counters(call.caller, steps),
        subjects=[subject for found in subjects.values() for subject in found],
    )


def _call_draft(
    call: Call,
    outcomes: Sequence[Outcome],
    given: Given,
    *,
    basis: Basis,
    begun: Begun,
    subjects: Subjects,
    quotas: tuple[Quota, ...] = (),
    instead: Mapping[str, Draft] = MappingProxyType({}),
) -> Draft:
    caller, snapshot = call.caller, basis.snapshot
    ruled = ruled_commits(basis)
    told = told_of(outcomes, shape=basis.shape)
    open_document = names_nobody(call.query)
    clear = caller_facts(caller, call.usage, snapshot, number=call.number)
    clear["channel"] = basis.asked.question.channel
    clear["case"] = case_facts(call)
    clear["operation"] = basis.operation if open_document else ""
    clear["policy"] = basis.revision
    clear["steps"] = told.steps
    if begun.intents:
        clear["intents"] = list(begun.intents)
    answers = [
        ByteCommit(name=f"answer.{ref}", content=content)
        for ref, content in given.step_bytes.items()
    ]
    commits = (
        *person_commits(caller, call.usage),
        *matter_commit(call.usage, snapshot),
        *(() if open_document else (Commit(name="operation", value=basis.operation),)),
        arguments_commit(call, subjects),
        *list_commits(outcomes),
        *ruled.commits,
        signed_commit(caller),
        *subject_commits(subjects),
        ByteCommit(name="request", content=call.body),
        ByteCommit(name="answer", content=given.data),
        *answers,
    )
    return Draft(
        kind=KIND,
        clear=clear,
        commits=commits,
        counters=counters_of(caller.system.id, told.resources),
        index=tuple(index_rows(call, told.seen, subjects, snapshot)),
        applied=snapshot.applied_index,
        # The first intent of a call uses its nonce up.
        nonce=None if begun.intents else caller.nonce,
        quotas=quotas,
        otherwise=instead,
        receipt=("request", "answer", *[one.name for one in answers], own_counter(caller)),
        documents=ruled.documents,
        forms={"steps": told.form},
    )


def _intents(begun: Begun) -> dict[str, Any]:
    return {"intents": list(begun.intents)} if begun.intents else {}


def _nonce(caller: Caller, begun: Begun) -> Nonce | None:
    """The first intent of a call uses its nonce up."""
    return None if begun.intents else caller.nonce


def all_refused(steps: Sequence[Step], code: str) -> tuple[Refused, ...]:
    return tuple(Refused(step, code, None) for step in steps)


def quotas_of(
    verdicts: Iterable[Verdict | None],
    *,
    basis: Basis,
    counted: frozenset[tuple[str, str]] = frozenset(),
) -> tuple[Quota, ...]:
    """Count the call once against each grant that permitted something, also where a source was down."""
    day, grants = basis.day, basis.snapshot.grants
    used = dict.fromkeys(
        [
            verdict.grant
            for verdict in verdicts
            if verdict is not None and verdict.allow and verdict.grant is not None
        ]
    )
    found = [
        # A grant that the snapshot does not hold has no quota left to count against.
        _counted_once(grant, day, grants[grant].daily_quota if grant in grants else 0)
        for grant in used
    ]
    return tuple([quota for quota in found if quota.place not in counted] if counted else found)


@lru_cache(maxsize=4_096)
def _counted_once(grant: str, day: str, most: int) -> Quota:
    """Return what one call counts against a grant: the same object for many calls of a day."""
    return Quota(key=quota_key(grant), day=day, amount=1, most=most)


def _refused_draft(
    caller: Caller,
    usage: Usage | None,
    snapshot: Snapshot,
    *,
    number: str,
    code: str,
    begun: Begun,
) -> Draft:
    clear = {
        **caller_facts(caller, usage, snapshot, number=number),
        "steps": [],
        "outcome": "refused",
        "code": code,
        **_intents(begun),
    }
    return Draft(
        kind=KIND,
        clear=clear,
        counters=(f"consumer:{caller.system.id}",),
        index=(index_row(caller, usage, snapshot, decision="refused", code=code),),
        applied=snapshot.applied_index,
        nonce=_nonce(caller, begun),
    )
