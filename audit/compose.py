"""Composes an entry's stored bytes, and what opens its commitments, from a draft."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, assert_never

from audit.canonical import b64url, commit_bytes, commit_value, decode_strict, encode
from audit.entry import Alternatives, ByteCommit, Commit, Draft, Opening
from audit.errors import MalformedError
from audit.retention import class_of

VERSION = "entry/1"
READABLE = (VERSION, "entry/0")
"""What a reader takes: the draft of before the freeze differs in nothing that is checked."""

BODY_BOUND = 16 * 1024
"""Bytes in an entry."""

VOID = "act-void"
"""Kind of an entry that says of an act that it never took effect: `voids` is that act's index."""

SALT_LENGTH = 16

_OURS = frozenset({"v", "id", "kind", "ts", "gateway", "digests", "rows", "applied", "previous"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What the sequencer adds to a draft."""

    entry_id: bytes
    """128 random bits: leaf hashes cannot be guessed from what is public."""
    ts: int
    gateway: str
    numbers: Mapping[str, int]
    """The number drawn from each of the draft's counters."""
    last_act: int
    """Index of the newest act before this entry; -1: none. An act carries it as `previous`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    body: bytes
    openings: Mapping[str, Opening] = field(repr=False)
    payloads: Mapping[tuple[str, str] | None, bytes] = field(repr=False)
    """What is to be encrypted under each subject's key; None: under the general key."""


def salts_needed(draft: Draft) -> int:
    """How many random bytes `compose` takes as salts."""
    return SALT_LENGTH * (len(draft.commits) + len(draft.counters))


def is_act(draft: Draft) -> bool:
    """Whether the entry belongs to the chain that says which registry rows hold."""
    return bool(draft.rows) or draft.kind == VOID


def compose(draft: Draft, *, stamp: Stamp, salts: bytes) -> Composed:
    """Write the entry. Raises MalformedError for a draft that cannot be an entry."""
    commits = _all_commits(draft, stamp.numbers)
    digests: dict[str, str] = {}
    openings: dict[str, Opening] = {}
    grouped: dict[tuple[str, str] | None, dict[str, Any]] = {}
    for at, commit in enumerate(commits):
        salt = b64url(salts[at * SALT_LENGTH : (at + 1) * SALT_LENGTH])
        match commit:
            case Commit(name=name, value=value, subject=subject):
                digests[name] = commit_value(salt, name, value)
                openings[name] = Opening(salt=salt, value=value)
                grouped.setdefault(subject, {})[name] = {"salt": salt, "value": value}
            case ByteCommit(name=name, content=content):
                digests[name] = commit_bytes(salt, content)
                openings[name] = Opening(salt=salt)
                grouped.setdefault(None, {})[name] = {"salt": salt}
            case _:
                assert_never(commit)
    _check_names(draft, commits, digests)
    body = encode(_members(draft, stamp, digests))
    if len(body) > BODY_BOUND:
        raise MalformedError(f"an entry of {len(body)} bytes, {BODY_BOUND} allowed")
    payloads = {subject: encode(parts) for subject, parts in grouped.items()}
    return Composed(body=body, openings=openings, payloads=payloads)


def owners(draft: Draft) -> set[tuple[str, tuple[str, str] | None]]:
    """Under whose keys the draft, or whatever is appended in its place, keeps its disclosures.

    Each by retention class and subject; None: the month's general key.
    """
    retention = class_of(draft.kind)
    found: set[tuple[str, tuple[str, str] | None]] = {(retention, None)}
    for commit in draft.commits:
        if isinstance(commit, Commit):
            found.add((retention, commit.subject))
    if isinstance(draft.otherwise, Alternatives):
        others = draft.otherwise
        instead = class_of(others.kind)
        return found | {(instead, None), *((instead, subject) for subject in others.subjects)}
    return found.union(*(owners(other) for other in draft.otherwise.values()))


def counters_of(draft: Draft) -> set[str]:
    """Return the counters that the draft, or whatever is appended in its place, draws from."""
    others = draft.otherwise
    if isinstance(others, Alternatives):
        return {*draft.counters, *others.counters}
    return {*draft.counters, *(name for other in others.values() for name in other.counters)}


def open_payload(payload: bytes) -> dict[str, Opening]:
    """Read back what `compose` gave to be encrypted."""
    return {
        name: Opening(salt=held["salt"], value=held.get("value"))
        for name, held in decode_strict(payload).items()
    }


def _all_commits(draft: Draft, numbers: Mapping[str, int]) -> list[Commit | ByteCommit]:
    drawn = [Commit(name=f"n.{name}", value=numbers[name]) for name in draft.counters]
    return [*draft.commits, *drawn]


def _check_names(
    draft: Draft, commits: list[Commit | ByteCommit], digests: Mapping[str, str]
) -> None:
    if len(digests) != len(commits):
        raise MalformedError(f"{draft.kind}: two commitments of one name")
    _need_none(draft, "unknown commitments in the receipt", set(draft.receipt) - digests.keys())
    _need_none(draft, "members that the log itself writes", _OURS & draft.clear.keys())


def _need_none(draft: Draft, what: str, found: Iterable[str]) -> None:
    names = sorted(found)
    if names:
        raise MalformedError(f"{draft.kind}: {what}: {', '.join(names)}")


def _members(draft: Draft, stamp: Stamp, digests: Mapping[str, str]) -> dict[str, Any]:
    members: dict[str, Any] = {
        "v": VERSION,
        "id": b64url(stamp.entry_id),
        "kind": draft.kind,
        "ts": stamp.ts,
        "gateway": stamp.gateway,
        **draft.clear,
        "digests": dict(digests),
    }
    if draft.rows:
        members["rows"] = [
            {"table": row.table, "key": row.key, "digest": row.digest} for row in draft.rows
        ]
    if is_act(draft):
        members["previous"] = stamp.last_act
    if draft.applied is not None:
        members["applied"] = draft.applied
    return members
