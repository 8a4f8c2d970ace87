"""What a call leaves in the log: one entry, and nothing is answered before it is durable.

The only place where outcomes are translated into an entry, and the only one that makes `Recorded`. In the
clear stand codes, ids, bitmaps and counts; free text and identifiers are only ever committed to.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from operator import attrgetter
from types import MappingProxyType
from typing import Any, get_args

import msgspec

from audit.canonical import b64url, bitmap, encode
from audit.entry import (
    Alternatives,
    ByteCommit,
    Commit,
    Draft,
    IndexRow,
    Nonce,
    Quota,
    Sequenced,
)
from audit.questions import COUNT, SHARED, committed, digest_of, shared_part
from catalogue.model import Item, Matter
from catalogue.snapshot import Snapshot
from gateway.attempts import VERIFY, VERIFY_SPENT
from gateway.budgets import BUDGETS, QUOTA_SPENT, Budgets, together, told
from gateway.model import (
    Call,
    Caller,
    EveryKey,
    FoundKey,
    GivenKey,
    LinkedKey,
    Listed,
    Masked,
    Outcome,
    Recorded,
    Refused,
    Step,
    Usage,
)
from gateway.outcomes import outcome_of
from gateway.ports import Recorder
from gateway.remembered import Remembered
from gateway.rule import Asked
from policies.model import Decision, Question, UsageFacts, Verdict
from policies.replay import written

KIND = "call"
REPLAYED = "REPLAYED"
GRANT_QUOTA = "GRANT_QUOTA"
NOTHING = b"null"

Subjects = Mapping[str, tuple[tuple[str, str], ...]]
"""By `ref` of a step: whom it is about, each as type and normalised identifier."""

MOST_STEPS = 24
"""So many steps, with sixty subjects reached by links, fit into an entry of 16 KiB."""

FEW_SUBJECTS = 60
"""A page about so many is recorded for each of them; a larger one as bulk, with its reason."""

# A literal in a document may be an identifier, and the digest of a guessable text gives it away.
_LITERAL = re.compile(r'"|[0-9]{6}')


@lru_cache(maxsize=256)
def names_nobody(document: str) -> bool:
    """Say whether a document has no literal that could be an identifier."""
    return _LITERAL.search(document) is None


_PURPOSES = frozenset(get_args(UsageFacts.__annotations__["purpose"]))


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What is about to be sent, byte for byte."""

    data: bytes
    step_bytes: Mapping[str, bytes]
    errors: tuple[Mapping[str, Any], ...]

    def __repr__(self) -> str:
        return f"Given({len(self.data)} bytes, {len(self.errors)} errors)"


class Basis(msgspec.Struct, frozen=True, kw_only=True):
    """What the outcomes of a call rest on."""

    snapshot: Snapshot
    asked: Asked
    decision: Decision | None
    """None where no engine gave one, or there was nothing to decide."""
    revision: str
    """Of the policy that decided."""
    operation: str
    """SHA-256 of the document, hex."""
    day: str
    """YYYY-MM-DD where the exchange stands: the day of the quotas."""
    shape: object | None = None
    """As in `gateway.rule.Facts`."""

    @property
    def question(self) -> Question:
        return self.asked.question


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """What a call has in the log already: entries of intent, made before anybody was asked."""

    intents: tuple[int, ...] = ()
    """Their indices; the first has used up the nonce."""
    counted: frozenset[tuple[str, str]] = frozenset()
    """The marks of the quotas that were counted with them."""


NOT_BEGUN = Begun()


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
    names = dict.fromkeys(("replayed", *[quota.spent for quota in quotas]))

    def make(code: str) -> Draft:
        # Where the whole data is null, no step has a place in it.
        nothing = Given(data=NOTHING, step_bytes={step.ref: b"" for step in steps}, errors=())
        refused = all_refused(steps, code)
        made = _call_draft(call, refused, nothing, basis=basis, subjects=subjects, begun=begun)
        return msgspec.structs.replace(made, nonce=None) if code == REPLAYED else made

    return Alternatives(
        {name: partial(make, INSTEAD[name]) for name in names},
        kind=KIND,
        counters=_counters(call.caller, steps),
        subjects=[subject for found in subjects.values() for subject in found],
    )


def _counters(caller: Caller, steps: Sequence[Step]) -> tuple[str, ...]:
    return _counters_of(caller.system.id, frozenset([step.resource.code for step in steps]))


@lru_cache(maxsize=1_024)
def _counters_of(system: str, resources: frozenset[str]) -> tuple[str, ...]:
    return (f"consumer:{system}", *(f"resource:{code}" for code in sorted(resources)))


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
    ruled = _ruled(basis)
    seen = _all_seen(outcomes, shape=basis.shape)
    open_document = names_nobody(call.query)
    clear = {
        **caller_facts(caller, call.usage, snapshot, number=call.number),
        "channel": basis.question.channel,
        "case": case_facts(call),
        "operation": basis.operation if open_document else "",
        "policy": basis.revision,
        "steps": [_step_facts(one) for one in seen],
        **_intents(begun),
    }
    answers = [
        ByteCommit(name=f"answer.{ref}", content=content)
        for ref, content in given.step_bytes.items()
    ]
    commits = (
        *person_commits(caller, call.usage),
        *matter_commit(call.usage, snapshot),
        *(() if open_document else (Commit(name="operation", value=basis.operation),)),
        _arguments(call, subjects),
        *_lists([one.step for one in seen]),
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
        counters=_counters(caller, [one.step for one in seen]),
        index=tuple(_index(call, seen, subjects, snapshot)),
        applied=snapshot.applied_index,
        nonce=_nonce(caller, begun),
        quotas=quotas,
        otherwise=instead,
        receipt=("request", "answer", *[one.name for one in answers], own_counter(caller)),
        documents=ruled.documents,
    )


def outcome_step(outcome: Outcome) -> Step:
    return outcome.step if isinstance(outcome, Refused) else outcome.permitted.step


def _intents(begun: Begun) -> dict[str, Any]:
    return {"intents": list(begun.intents)} if begun.intents else {}


def _nonce(caller: Caller, begun: Begun) -> Nonce | None:
    """The first intent of a call uses its nonce up."""
    return None if begun.intents else caller.nonce


def own_counter(caller: Caller) -> str:
    return f"n.consumer:{caller.system.id}"


def all_refused(steps: Sequence[Step], code: str) -> tuple[Refused, ...]:
    return tuple(Refused(step, code, None) for step in steps)


def caller_facts(
    caller: Caller, usage: Usage | None, snapshot: Snapshot, *, number: str
) -> dict[str, Any]:
    # What the caller claims stands in the clear only where the exchange knows it: else it is free text.
    held = snapshot.matters.get(usage.matter) if usage is not None else None
    purpose = usage.purpose if usage is not None and usage.purpose in _PURPOSES else ""
    retry = usage.retry_of if usage is not None else None
    return {
        "call": number,
        "consumer": caller.system.department,
        "system": caller.system.id,
        "auth": caller.auth,
        "operator_auth": caller.operator_auth,
        "matter": held.code if held is not None else "",
        **_version(held),
        "purpose": purpose,
        **({"retry_of": retry} if isinstance(retry, int) else {}),
    }


def _version(matter: Matter | None) -> dict[str, int]:
    """Which version of the matter held; nothing for one that was registered before there were versions."""
    if matter is None or matter.version is None:
        return {}
    return {"matter_version": matter.version}


def case_facts(call: Call) -> str:
    if call.case is None:
        return "none"
    return "declared" if call.case.attested_by is None else "attested"


@dataclass(frozen=True, slots=True, kw_only=True)
class _StepFacts:
    """What an entry says of a step whoever it is about."""

    facts: Mapping[str, Any]
    named: str
    """Bitmap of the items that it asks for, matches or joins by, given or not: it is found by them."""


class _Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One outcome as its entry looks at it."""

    step: Step
    known: _StepFacts
    rows: int
    word: str
    """The outcome's name."""
    code: str
    """Why nothing was given; empty where the step was answered."""


_known_steps: Remembered[tuple[_StepFacts, ...]] = Remembered()


def _all_seen(outcomes: Sequence[Outcome], *, shape: object | None) -> list[_Seen]:
    judged: list[tuple[Step, Verdict | None, tuple[Item, ...]]] = []
    objects: list[object] = [shape]
    for outcome in outcomes:
        if isinstance(outcome, Refused):
            # Of what is refused no item is given, whatever its verdict says.
            judged.append((outcome.step, None, ()))
        else:
            permitted = outcome.permitted
            judged.append((permitted.step, permitted.verdict, permitted.joins))
        step, verdict, joins = judged[-1]
        if shape is None:
            objects += (step.resource, step.items, verdict, joins, *step.matched)
        else:
            objects += (verdict, joins)
    known = _known_steps.of(
        tuple(objects),
        lambda: tuple(_facts_of(step, verdict, joins=joins) for step, verdict, joins in judged),
    )
    return [
        _Seen(
            step=step,
            known=facts,
            rows=len(outcome.rows) if isinstance(outcome, Masked) else 0,
            word=outcome_of(outcome),
            code="" if isinstance(outcome, Masked) else outcome.code,
        )
        for outcome, (step, _, _), facts in zip(outcomes, judged, known, strict=True)
    ]


def _facts_of(step: Step, verdict: Verdict | None, *, joins: tuple[Item, ...]) -> _StepFacts:
    given, masked = _given_items(step, verdict)
    asked = {item.name for item in step.items}
    return _StepFacts(
        facts={
            "provider": step.resource.department,
            "resource": step.resource.code,
            "revision": step.resource.revision,
            "class": step.resource.sharing_class.value,
            "asked": bits(step.items, asked),
            "matched": bitmap(item.ordinal for item in (*step.matched, *joins)),
            "given": bits(step.items, given),
            "masked": bits(step.items, masked),
            "refused": bits(step.items, asked - given - masked),
            "grant": verdict.grant if verdict is not None and verdict.grant is not None else "",
        },
        named=bitmap(item.ordinal for item in (*step.items, *step.matched, *joins)),
    )


def _step_facts(seen: _Seen) -> dict[str, Any]:
    """State one step in the clear: which items, how many rows, which outcome; never a value."""
    return {
        "ref": seen.step.ref,
        **seen.known.facts,
        "rows": seen.rows,
        "outcome": seen.word,
        "code": seen.code,
    }


def bits(items: Sequence[Item], names: set[str]) -> str:
    return bitmap(item.ordinal for item in items if item.name in names)


def _given_items(step: Step, verdict: Verdict | None) -> tuple[set[str], set[str]]:
    """Return what the decision gives and masks of what was asked, also where no record was found."""
    if verdict is None or verdict.items is None:
        return set(), set()
    asked = {item.name for item in step.items} - set(verdict.items.denied)
    masked = asked & set(verdict.items.masked)
    return (asked & set(verdict.items.allowed)) - masked, masked


def subjects_of(
    steps: Sequence[Step], outcomes: Sequence[Outcome]
) -> dict[str, tuple[tuple[str, str], ...]]:
    """Return by ref whom each step is about, those met by a link too, refused or not."""
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    by_ref = {step.ref: outcome for step, outcome in zip(steps, outcomes, strict=True)}
    for step, outcome in zip(steps, outcomes, strict=True):
        ref = step.ref
        if step.subject is None:
            continue
        if isinstance(step.key, GivenKey):
            found[ref] = ((step.subject._value_, step.key.value),)
            continue
        if isinstance(step.key, EveryKey):
            found[ref] = _everybody(step.subject.value, step.key.item, outcome)
            continue
        if isinstance(step.key, FoundKey):
            held = outcome.joins if isinstance(outcome, Masked) else ()
            holder = step.resource.key.name
            keys = dict.fromkeys(row[holder] for row in held if holder in row)
            found[ref] = tuple((step.subject.value, key) for key in keys)
            continue
        if not isinstance(step.key, LinkedKey):
            continue
        parent, name = by_ref[step.key.parent], step.key.parent_item.name
        joins = parent.joins if isinstance(parent, Masked) else ()
        keys = dict.fromkeys(row[name] for row in joins if name in row)
        found[ref] = tuple((step.subject.value, key) for key in keys)
    return found


def _everybody(type_: str, key: Item, outcome: Outcome) -> tuple[tuple[str, str], ...]:
    """Return whom a page of all records is about, where they are few; more are recorded as bulk."""
    joins = outcome.joins if isinstance(outcome, Masked) else ()
    keys = dict.fromkeys(row[key.name] for row in joins if key.name in row)
    return tuple((type_, key) for key in keys) if len(keys) <= FEW_SUBJECTS else ()


def subject_commits(subjects: Subjects) -> list[Commit]:
    """Commit to each subject apart, so that each can be disclosed and erased apart."""
    commits: list[Commit] = []
    # Most calls are about one subject in all their steps.
    known: dict[tuple[str, str], tuple[dict[str, str], bytes]] = {}
    for ref, found in subjects.items():
        for number, subject in enumerate(found, 1):
            name = f"subject.{ref}" if len(found) == 1 else f"subject.{ref}.{number}"
            if subject not in known:
                value = {"type": subject[0], "id": subject[1]}
                known[subject] = (value, encode(value, inside=2))
            value, form = known[subject]
            commits.append(Commit(name=name, value=value, subject=subject, form=form))
    return commits


def _arguments(call: Call, subjects: Subjects) -> Commit:
    """Commit to the document and its variables, under the key of the subject whom they name first."""
    named = [found[0] for found in subjects.values() if found]
    first = named[0] if named else None
    variables = _canonical(dict(call.variables))
    value = f'{_operation_text(call.query, call.operation_name)},"variables":{variables}}}'
    return Commit(name="arguments", value=value, subject=first)


@lru_cache(maxsize=256)
def _operation_text(document: str, name: str | None) -> str:
    """Begin the text of a call's arguments; its members are sorted: `variables` comes last."""
    return _canonical({"document": document, "operationName": name}).removesuffix("}")


def _lists(steps: Sequence[Step]) -> Iterator[Commit]:
    """Commit to what each list was filtered and ordered by: in the clear stand the items alone."""
    for step in steps:
        if isinstance(step.key, Listed):
            asked = {
                "where": [[one.item.name, one.op, one.value] for one in step.filters],
                "order": [[one.item.name, one.descending] for one in step.key.orders],
                "after": step.key.after,
            }
            yield Commit(name=f"list.{step.ref}", value=_canonical(asked))


def person_commits(caller: Caller, usage: Usage | None) -> tuple[Commit, ...]:
    officer = Commit(name="officer", value=caller.officer.id if caller.officer else "")
    if usage is None:
        return (officer,)
    return (
        Commit(name="case", value=usage.case),
        Commit(name="reason", value=usage.reason),
        Commit(name="operator", value=usage.operator),
        officer,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ruled:
    """What a call commits to of its ruling, and the part of the question that many calls share."""

    commits: tuple[Commit, ...]
    documents: tuple[bytes, ...]


def _ruled(basis: Basis) -> _Ruled:
    """Commit to what was asked of the policy and what it answered, so that both can be replayed.

    Under the general key: whom they are about they name by tokens of this call alone, so that a
    decision can be replayed after its subject was erased.
    """
    shared = _shared_documents.of(
        (basis.asked.shared,), lambda: _shared_document(basis), beside=basis.revision
    )
    return _known_ruled.of(
        (basis.question, basis.decision, shared), lambda: _rule_commits(basis, shared)
    )


def _rule_commits(basis: Basis, shared: "_SharedDocument") -> _Ruled:
    question = committed(shared.digest, own_part(basis.question))
    decision = written(basis.decision)
    return _Ruled(
        commits=(
            Commit(name="question", value=question, form=encode(question)),
            Commit(name="decision", value=decision, form=encode(decision)),
        ),
        documents=(shared.content,),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _SharedDocument:
    content: bytes
    digest: str


_shared_documents: Remembered[_SharedDocument] = Remembered(most=512)
_known_ruled: Remembered[_Ruled] = Remembered(most=512)
_encoder = msgspec.json.Encoder(order="sorted")
_own_names = tuple(name for name in Question.__struct_fields__ if name not in SHARED)
_own_members = attrgetter(*_own_names)


def _shared_document(basis: Basis) -> _SharedDocument:
    content = shared_part(msgspec.to_builtins(basis.question), revision=basis.revision)
    return _SharedDocument(content=content, digest=digest_of(content))


def own_part(question: Question) -> str:
    """Return the JSON of what is the call's own in a question, with how often each grant was used."""
    own: dict[str, Any] = dict(zip(_own_names, _own_members(question), strict=True))
    own[COUNT] = [grant.used_today for grant in question.grants]
    return _encoder.encode(own).decode()


def matter_commit(usage: Usage, snapshot: Snapshot) -> tuple[Commit, ...]:
    """Commit to a matter or purpose that nobody registered: it cannot stand in the clear."""
    if usage.matter in snapshot.matters and usage.purpose in _PURPOSES:
        return ()
    claimed = {"matter": usage.matter} if usage.matter not in snapshot.matters else {}
    if usage.purpose not in _PURPOSES:
        claimed["purpose"] = usage.purpose
    return tuple(Commit(name=name, value=value) for name, value in claimed.items())


def signed_commit(caller: Caller) -> Commit:
    """Commit to what the caller signed, so that nobody can invent calls for them."""
    signed = {
        "key": caller.key,
        "base": b64url(caller.request_base),
        "signature": b64url(caller.request_signature),
    }
    return Commit(name="signature", value=signed)


_writer = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def _canonical(value: Any) -> str:
    """Write a value as JSON text with sorted members: variables may hold numbers that entries may not."""
    return _writer.encode(value)


def _index(
    call: Call, seen: Sequence[_Seen], subjects: Subjects, snapshot: Snapshot
) -> list[IndexRow]:
    """Return how the call is found: a row for each step and subject, or one for a call without steps."""
    if not seen:
        return [index_row(call.caller, call.usage, snapshot, decision="given")]
    caller, usage = call.caller, call.usage
    matter = usage.matter if usage.matter in snapshot.matters else ""
    nobody = (None,)
    return [
        IndexRow(
            consumer=caller.system.department,
            system=caller.system.id,
            matter=matter,
            officer=caller.officer.id if caller.officer else None,
            case=usage.case or None,
            step=one.step.ref,
            provider=one.step.resource.department,
            resource=one.step.resource.code,
            decision=one.word,
            code=one.code,
            subject=subject,
            items=one.known.named,
        )
        for one in seen
        for subject in subjects.get(one.step.ref) or nobody
    ]


def index_row(caller: Caller, usage: Usage | None, snapshot: Snapshot, **members: Any) -> IndexRow:
    matter = usage.matter if usage is not None and usage.matter in snapshot.matters else ""
    return IndexRow(
        consumer=caller.system.department,
        system=caller.system.id,
        matter=matter,
        officer=caller.officer.id if caller.officer else None,
        case=(usage.case or None) if usage is not None else None,
        **members,
    )


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
