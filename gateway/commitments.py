"""What an entry only commits to: who was asked about, why, with which question, and what was answered.

Each is a salted digest in the entry; what opens it is kept encrypted, so that it can be disclosed and erased.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import Any

import msgspec

from audit.canonical import b64url, encode, end_of
from audit.entry import (
    Commit,
)
from audit.questions import COUNT, SHARED, committed, digest_of, shared_part
from catalogue.model import Item
from catalogue.snapshot import Snapshot
from gateway.basis import Basis, Subjects
from gateway.clear import KNOWN_PURPOSES
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
    Refused,
    Step,
    Usage,
)
from gateway.remembered import Remembered
from policies.model import Question
from policies.replay import written

FEW_SUBJECTS = 60
"""A page about so many is recorded for each of them; a larger one as bulk, with its reason."""

# A literal in a document may be an identifier, and the digest of a guessable text gives it away.
_LITERAL = re.compile(r'"|[0-9]{6}')


@lru_cache(maxsize=256)
def names_nobody(document: str) -> bool:
    """Say whether a document has no literal that could be an identifier."""
    return _LITERAL.search(document) is None


def outcome_step(outcome: Outcome) -> Step:
    return outcome.step if isinstance(outcome, Refused) else outcome.permitted.step


def subjects_of(
    steps: Sequence[Step], outcomes: Sequence[Outcome]
) -> dict[str, tuple[tuple[str, str], ...]]:
    """Return by ref whom each step is about, those met by a link too, refused or not."""
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    by_ref: dict[str, Outcome] = {}
    for step, outcome in zip(steps, outcomes, strict=True):
        ref = step.ref
        by_ref[ref] = outcome
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


def arguments_commit(call: Call, subjects: Subjects) -> Commit:
    """Commit to the document and its variables, under the key of the subject whom they name first."""
    first = None
    for found in subjects.values():
        if found:
            first = found[0]
            break
    variables = _canonical(dict(call.variables))
    value = f'{_operation_text(call.query, call.operation_name)},"variables":{variables}}}'
    return Commit(name="arguments", value=value, subject=first)


@lru_cache(maxsize=256)
def _operation_text(document: str, name: str | None) -> str:
    """Begin the text of a call's arguments; its members are sorted: `variables` comes last."""
    return _canonical({"document": document, "operationName": name}).removesuffix("}")


def list_commits(outcomes: Sequence[Outcome]) -> list[Commit]:
    """Commit to what each list was filtered and ordered by: in the clear stand the items alone."""
    commits = []
    for outcome in outcomes:
        step = outcome.step if isinstance(outcome, Refused) else outcome.permitted.step
        if isinstance(step.key, Listed):
            asked = {
                "where": [[one.item.name, one.op, one.value] for one in step.filters],
                "order": [[one.item.name, one.descending] for one in step.key.orders],
                "after": step.key.after,
            }
            commits.append(Commit(name=f"list.{step.ref}", value=_canonical(asked)))
    return commits


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
class RuledCommits:
    """What a call commits to of its ruling, and the part of the question that many calls share."""

    commits: tuple[Commit, ...]
    documents: tuple[bytes, ...]


def ruled_commits(basis: Basis) -> RuledCommits:
    """Commit to what was asked of the policy and what it answered, so that both can be replayed.

    Under the general key: whom they are about they name by tokens of this call alone, so that a
    decision can be replayed after its subject was erased.
    """
    asked = basis.asked
    return _known_ruled.of(
        (asked.question, asked.shared, basis.decision),
        lambda: _rule_commits(basis),
        beside=basis.revision,
    )


def _rule_commits(basis: Basis) -> RuledCommits:
    shared = _shared_documents.of(
        (basis.asked.shared,), lambda: _shared_document(basis), beside=basis.revision
    )
    question = committed(shared.digest, own_part(basis.question))
    return RuledCommits(
        commits=(
            _shared_commit("question", question),
            _shared_commit("decision", written(basis.decision)),
        ),
        documents=(shared.content,),
    )


def _shared_commit(name: str, value: Any) -> Commit:
    """Commit to a value that many entries share: what can be known of its digest is worked out once."""
    form = encode(value, inside=2)
    return Commit(name=name, value=value, form=form, shared=end_of(encode(name), form))


@dataclass(frozen=True, slots=True, kw_only=True)
class _SharedDocument:
    content: bytes
    digest: str


_shared_documents: Remembered[_SharedDocument] = Remembered(most=512)
_known_ruled: Remembered[RuledCommits] = Remembered(most=512)
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
    if usage.matter in snapshot.matters and usage.purpose in KNOWN_PURPOSES:
        return ()
    claimed = {"matter": usage.matter} if usage.matter not in snapshot.matters else {}
    if usage.purpose not in KNOWN_PURPOSES:
        claimed["purpose"] = usage.purpose
    return tuple(Commit(name=name, value=value) for name, value in claimed.items())


def signed_commit(caller: Caller) -> Commit:
    """Commit to what the caller signed, so that nobody can invent calls for them."""
    base, signature = b64url(caller.request_base), b64url(caller.request_signature)
    # Its members are sorted, and base64url is a JSON text as it stands.
    form = f'{{"base":"{base}","key":{_quoted(caller.key)},"signature":"{signature}"}}'
    signed = {"key": caller.key, "base": base, "signature": signature}
    return Commit(name="signature", value=signed, form=form.encode())


@lru_cache(maxsize=1_024)
def _quoted(key: str) -> str:
    return encode(key).decode()


_writer = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True)


_TEXTS = {str}


def _canonical(value: dict[str, Any]) -> str:
    """Write a value as JSON text with sorted members: variables may hold numbers that entries may not."""
    if {*map(type, value.values())} == _TEXTS:
        texts = "".join([*value, *value.values()])
        # Of printable ASCII alone both writers make the same; anything else only one escapes.
        if texts.isascii() and texts.isprintable():
            return _encoder.encode(value).decode()
    return _writer.encode(value)
