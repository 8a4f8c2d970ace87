"""Before another department's system is asked, the log holds that it is about to be, and why.

A source is *local* where the exchange itself keeps its tables (published files); every other is *remote*. A
call that reads a remote source has an entry of kind `intent` first and its own entry of kind `call` after the
answer, before anything is released. Whatever kills the node in between leaves an intent that no call names:
it is listed as unfinished. The intent uses up the nonce and the quotas, so that a replay asks nobody.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from audit.canonical import bitmap, encode
from audit.entry import ByteCommit, Draft, Quota, Sequenced
from catalogue.snapshot import Snapshot
from gateway.basis import Basis, Begun, Subjects
from gateway.clear import bits, caller_facts, case_facts, counters_of, index_row, own_counter
from gateway.commitments import (
    matter_commit,
    person_commits,
    signed_commit,
    subject_commits,
)
from gateway.model import Call, GivenKey, Permitted, Recorded, Ruling, Step
from gateway.ports import Recorder
from gateway.record import instead_of, quotas_of, refused_instead
from gateway.remembered import Remembered

KIND = "intent"
INTENDED = "intended"
"""Outcome of a step of which only the intent is in the log."""


def remote_steps(rulings: Sequence[Ruling], snapshot: Snapshot) -> tuple[Permitted, ...]:
    """Return what is permitted to be read from other departments' systems. Doubt counts as remote."""
    kept_here = snapshot.kept_here
    return tuple(
        [
            ruling
            for ruling in rulings
            if isinstance(ruling, Permitted) and ruling.step.resource.source not in kept_here
        ]
    )


async def begin(
    call: Call,
    rulings: Sequence[Ruling],
    *,
    basis: Basis,
    recorder: Recorder,
    begun: Begun,
    reserved: Sequence[Quota] = (),
    asked: Sequence[Quota] = (),
) -> Begun | Recorded:
    """Record what is about to be asked; returns what the call has in the log from then on.

    Recorded where the log found the nonce used or a quota spent: nobody may be asked then, and the refusal
    is in the log. Raises the log's errors unchanged. Where nothing is remote and nothing `reserved`, nothing
    is recorded; `asked` is counted along where anything is.
    """
    remote = remote_steps(rulings, basis.snapshot)
    fresh = [quota for quota in reserved if quota.mark not in begun.counted]
    if not remote and not fresh:
        return begun
    intended = remote or tuple(one for one in rulings if isinstance(one, Permitted))
    fresh += [quota for quota in asked if quota.mark not in begun.counted]
    draft = intent_draft(call, rulings, intended, basis=basis, begun=begun, counting=fresh)
    sequenced = await recorder.append(draft)
    if sequenced.instead is not None:
        steps = [_step(ruling) for ruling in rulings]
        return refused_instead(call, steps, sequenced, quotas=draft.quotas)
    return _continued(begun, sequenced, draft)


def intent_draft(
    call: Call,
    rulings: Sequence[Ruling],
    remote: Sequence[Permitted],
    *,
    basis: Basis,
    begun: Begun,
    counting: Sequence[Quota] = (),
) -> Draft:
    """Return the draft of an intent: who asks, why, about whom, and which departments will be asked.

    It is counted against the grants, and `counting` besides.
    """
    caller, snapshot = call.caller, basis.snapshot
    subjects = _named_subjects(rulings)
    verdicts = [ruling.verdict for ruling in rulings]
    intended = _intended(remote)
    quotas = (*quotas_of(verdicts, basis=basis, counted=begun.counted), *counting)
    draft = Draft(
        kind=KIND,
        clear={
            **caller_facts(caller, call.usage, snapshot, number=call.number),
            "channel": basis.question.channel,
            "case": case_facts(call),
            "policy": basis.revision,
            "steps": intended.steps,
        },
        forms={"steps": intended.form},
        commits=(
            *person_commits(caller, call.usage),
            *matter_commit(call.usage, snapshot),
            signed_commit(caller),
            *subject_commits(subjects),
            ByteCommit(name="request", content=call.body),
        ),
        counters=counters_of(caller.system.id, intended.resources),
        index=tuple(
            index_row(
                caller,
                call.usage,
                snapshot,
                step=permitted.step.ref,
                provider=permitted.step.resource.department,
                resource=permitted.step.resource.code,
                subject=next(iter(subjects.get(permitted.step.ref, ())), None),
            )
            for permitted in remote
        ),
        applied=snapshot.applied_index,
        nonce=None if begun.intents else caller.nonce,
        quotas=quotas,
        receipt=("request", own_counter(caller)),
    )
    steps = [_step(ruling) for ruling in rulings]
    return msgspec.structs.replace(
        draft,
        otherwise=instead_of(
            call, steps, basis=basis, subjects=subjects, begun=begun, quotas=quotas
        ),
    )


def _continued(begun: Begun, sequenced: Sequenced, draft: Draft) -> Begun:
    counted = {quota.mark for quota in draft.quotas}
    return Begun(
        intents=(*begun.intents, sequenced.index), counted=begun.counted | frozenset(counted)
    )


def _step(ruling: Ruling) -> Step:
    return ruling.step


@dataclass(frozen=True, slots=True, kw_only=True)
class _Intended:
    """What an entry says of steps to be read. Calls that are ruled alike share it: never change it."""

    steps: Sequence[Mapping[str, object]]
    form: bytes
    """The canonical form of `steps`."""
    resources: frozenset[str]


_known: Remembered[_Intended] = Remembered()


def _intended(remote: Sequence[Permitted]) -> _Intended:
    objects: list[object] = []
    for one in remote:
        step = one.step
        objects += (step.resource, step.items, one.verdict, one.joins, *step.matched)

    def make() -> _Intended:
        steps = [_step_facts(permitted) for permitted in remote]
        return _Intended(
            steps=steps,
            form=encode(steps, inside=1),
            resources=frozenset([one.step.resource.code for one in remote]),
        )

    return _known.of(tuple(objects), make, beside=tuple([one.step.ref for one in remote]))


def _step_facts(permitted: Permitted) -> dict[str, object]:
    """State one step in the form of a call's, with nothing given yet."""
    step, verdict = permitted.step, permitted.verdict
    return {
        "ref": step.ref,
        "provider": step.resource.department,
        "resource": step.resource.code,
        "revision": step.resource.revision,
        "class": step.resource.sharing_class.value,
        "asked": bits(step.items, {item.name for item in step.items}),
        "matched": bitmap(item.ordinal for item in (*step.matched, *permitted.joins)),
        "given": "",
        "masked": "",
        "refused": "",
        "grant": verdict.grant or "",
        "rows": 0,
        "outcome": INTENDED,
        "code": "",
    }


def _named_subjects(rulings: Sequence[Ruling]) -> Subjects:
    """Return the subjects that the call itself names; whom a link leads to is not known before the answer."""
    return {
        ruling.step.ref: ((ruling.step.subject.value, ruling.step.key.value),)
        for ruling in rulings
        if ruling.step.subject is not None and isinstance(ruling.step.key, GivenKey)
    }
