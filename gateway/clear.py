"""What an entry says of a call in the clear: codes, ids, bitmaps and counts, and how the entry is found.

Free text and identifiers never stand here: an entry only commits to them (`gateway/commitments.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, get_args

import msgspec

from audit.canonical import bitmap, encode
from audit.entry import (
    IndexRow,
)
from catalogue.model import Item
from catalogue.snapshot import Snapshot
from gateway.basis import Subjects
from gateway.model import (
    Call,
    Caller,
    Masked,
    Outcome,
    Refused,
    Step,
    Usage,
)
from gateway.outcomes import outcome_of
from gateway.remembered import Remembered
from policies.model import UsageFacts, Verdict

KNOWN_PURPOSES = frozenset(get_args(UsageFacts.__annotations__["purpose"]))


def counters(caller: Caller, steps: Sequence[Step]) -> tuple[str, ...]:
    return counters_of(caller.system.id, frozenset([step.resource.code for step in steps]))


@lru_cache(maxsize=1_024)
def counters_of(system: str, resources: frozenset[str]) -> tuple[str, ...]:
    """Return the numberings from which a system's call about these resources draws."""
    return (f"consumer:{system}", *(f"resource:{code}" for code in sorted(resources)))


def own_counter(caller: Caller) -> str:
    return f"n.consumer:{caller.system.id}"


def caller_facts(
    caller: Caller, usage: Usage | None, snapshot: Snapshot, *, number: str
) -> dict[str, Any]:
    # What the caller claims stands in the clear only where the exchange knows it: else it is free text.
    held = snapshot.matters.get(usage.matter) if usage is not None else None
    facts: dict[str, Any] = {
        "call": number,
        "consumer": caller.system.department,
        "system": caller.system.id,
        "auth": caller.auth,
        "operator_auth": caller.operator_auth,
        "matter": held.code if held is not None else "",
        "purpose": usage.purpose if usage is not None and usage.purpose in KNOWN_PURPOSES else "",
    }
    # One that was registered before there were versions has none.
    if held is not None and held.version is not None:
        facts["matter_version"] = held.version
    if usage is not None and isinstance(usage.retry_of, int):
        facts["retry_of"] = usage.retry_of
    return facts


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


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One outcome as its entry looks at it, whoever it is about."""

    ref: str
    known: _StepFacts
    rows: int
    word: str
    """The outcome's name."""
    code: str
    """Why nothing was given; empty where the step was answered."""
    provider: str
    resource: str


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What an entry says of a call's steps. Calls that differ in nothing of it share it: never change it."""

    seen: Sequence[Seen]
    steps: Sequence[Mapping[str, Any]]
    form: bytes
    """The canonical form of `steps`."""
    resources: frozenset[str]
    """Their codes."""


_known_steps: Remembered[tuple[_StepFacts, ...]] = Remembered()
_told: Remembered[Told] = Remembered()


def told_of(outcomes: Sequence[Outcome], *, shape: object | None) -> Told:
    """Return what an entry says of the steps that had these outcomes."""
    judged: list[tuple[Step, Verdict | None, tuple[Item, ...]]] = []
    objects: list[object] = [shape]
    own: list[str | int] = []
    for outcome in outcomes:
        if isinstance(outcome, Masked):
            permitted, rows, code = outcome.permitted, len(outcome.rows), ""
            step, verdict, joins = permitted.step, permitted.verdict, permitted.joins
        elif isinstance(outcome, Refused):
            # Of what is refused no item is given, whatever its verdict says.
            step, verdict, joins, rows, code = outcome.step, None, (), 0, outcome.code
        else:
            permitted, rows, code = outcome.permitted, 0, outcome.code
            step, verdict, joins = permitted.step, permitted.verdict, permitted.joins
        judged.append((step, verdict, joins))
        own += (step.ref, rows, outcome_of(outcome), code)
        if shape is None:
            objects += (step.resource, step.items, verdict, joins, *step.matched)
        else:
            objects += (verdict, joins)
    alike = tuple(objects)

    def facts() -> tuple[_StepFacts, ...]:
        return tuple(_facts_of(step, verdict, joins=joins) for step, verdict, joins in judged)

    return _told.of(
        alike,
        # Lists differ in how many records they gave, and in nothing else.
        lambda: _tell(outcomes, [step for step, _, _ in judged], _known_steps.of(alike, facts)),
        beside=tuple(own),
    )


def _tell(
    outcomes: Sequence[Outcome], steps_of: Sequence[Step], known: Sequence[_StepFacts]
) -> Told:
    seen = [
        Seen(
            ref=step.ref,
            known=facts,
            rows=len(outcome.rows) if isinstance(outcome, Masked) else 0,
            word=outcome_of(outcome),
            code="" if isinstance(outcome, Masked) else outcome.code,
            provider=step.resource.department,
            resource=step.resource.code,
        )
        for outcome, step, facts in zip(outcomes, steps_of, known, strict=True)
    ]
    steps = [step_facts(one) for one in seen]
    return Told(
        seen=seen,
        steps=steps,
        form=encode(steps, inside=1),
        resources=frozenset([one.resource for one in seen]),
    )


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


def step_facts(seen: Seen) -> dict[str, Any]:
    """State one step in the clear: which items, how many rows, which outcome; never a value."""
    return {
        "ref": seen.ref,
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


def index_rows(
    call: Call, seen: Sequence[Seen], subjects: Subjects, snapshot: Snapshot
) -> list[IndexRow]:
    """Return how the call is found: a row for each step and subject, or one for a call without steps."""
    if not seen:
        return [index_row(call.caller, call.usage, snapshot, decision="given")]
    caller, usage = call.caller, call.usage
    consumer, system = caller.system.department, caller.system.id
    matter = usage.matter if usage.matter in snapshot.matters else ""
    officer = caller.officer.id if caller.officer else None
    case = usage.case or None
    nobody = (None,)
    return [
        IndexRow(
            consumer=consumer,
            system=system,
            matter=matter,
            officer=officer,
            case=case,
            step=one.ref,
            provider=one.provider,
            resource=one.resource,
            decision=one.word,
            code=one.code,
            subject=subject,
            items=one.known.named,
        )
        for one in seen
        for subject in subjects.get(one.ref) or nobody
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
