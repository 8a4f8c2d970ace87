"""Composes an entry's stored bytes, and what opens its commitments, from a draft."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from audit.canonical import (
    DIGEST_LENGTH,
    SALT_LENGTH,
    b64url,
    b64url_each,
    decode_strict,
    digest_each,
    digest_salted_each,
    encode,
)
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

FROZEN = "shard-freeze"
"""Kind of a shard's last entry: nothing is appended after it."""

CARRIED = "shard-carried"
"""Kind of the entries by which a new shard takes over what stood in the one before: `rows` and `numbers`."""

_OURS = frozenset({"v", "id", "kind", "ts", "gateway", "digests", "rows", "applied", "previous"})


class Stamp(msgspec.Struct, frozen=True, kw_only=True):
    """What the sequencer adds to a draft."""

    entry_id: bytes
    """128 random bits: leaf hashes cannot be guessed from what is public."""
    ts: int
    gateway: str
    numbers: Mapping[str, int]
    """The number drawn from each of the draft's counters."""
    last_act: int
    """Index of the newest act before this entry; -1: none. An act carries it as `previous`."""


Owning = tuple[str, str] | None
"""The subject under whose key a commitment's opening lies; None: the general key."""


class Composed(msgspec.Struct, frozen=True):
    body: bytes
    salted: Mapping[str, tuple[str, Any]]
    """Salt and value of each commitment, by name; the value of bytes is None."""
    payloads: Mapping[Owning, bytes]
    """What is to be encrypted under each subject's key; None: under the general key."""

    def __repr__(self) -> str:
        return f"Composed({len(self.body)} bytes, {len(self.salted)} commitments)"

    def opened(self, names: Iterable[str]) -> dict[str, Opening]:
        """Return what opens these commitments."""
        opened: dict[str, Opening] = {}
        for name in names:
            salt, value = self.salted[name]
            opened[name] = Opening(salt=salt, value=value)
        return opened

    @property
    def openings(self) -> dict[str, Opening]:
        return self.opened(self.salted)


def salts_needed(draft: Draft) -> int:
    """How many random bytes `compose` takes as salts."""
    return SALT_LENGTH * (len(draft.commits) + len(draft.counters))


def is_act(draft: Draft) -> bool:
    """Whether the entry belongs to the chain that says which registry rows hold, and where it ends."""
    return bool(draft.rows) or draft.kind in {VOID, FROZEN}


def compose(draft: Draft, *, stamp: Stamp, salts: bytes) -> Composed:
    """Write the entry. Raises MalformedError for a draft that cannot be an entry.

    Each value is written once: the same bytes are hashed, and encrypted as what opens the hash.
    """
    commits = _all_commits(draft, stamp.numbers)
    raw = [salts[at : at + SALT_LENGTH] for at in range(0, salts_needed(draft), SALT_LENGTH)]
    values: dict[str, bytes] = {}
    contents: dict[str, tuple[bytes, bytes]] = {}
    salted: dict[str, tuple[str, Any]] = {}
    parts: dict[Owning, dict[str, bytes]] = {None: {}}
    for commit, drawn, salt in zip(commits, raw, b64url_each(raw, length=SALT_LENGTH), strict=True):
        name, said, written = commit.name, salt.encode("ascii"), _written(commit.name)
        if isinstance(commit, Commit):
            # As deep in a payload: {name: {"salt": …, "value": …}}.
            value = encode(commit.value, inside=2) if commit.form is None else commit.form
            values[name] = b'["%b",%b,%b]' % (said, written, value)
            salted[name] = (salt, commit.value)
            opening = b'%b:{"salt":"%b","value":%b}' % (written, said, value)
            parts.setdefault(commit.subject, {})[name] = opening
        else:
            contents[name] = (drawn, commit.content)
            salted[name] = (salt, None)
            parts[None][name] = b'%b:{"salt":"%b"}' % (written, said)
    _check_names(draft, commits, salted)
    hashed = [*digest_each(values.values()), *digest_salted_each(contents.values())]
    # In the order of hashing: the body's own members are sorted as it is written.
    digests = dict(
        zip([*values, *contents], b64url_each(hashed, length=DIGEST_LENGTH), strict=True)
    )
    body = encode(_members(draft, stamp, digests))
    if len(body) > BODY_BOUND:
        raise MalformedError(f"an entry of {len(body)} bytes, {BODY_BOUND} allowed")
    payloads = {subject: _payload(openings) for subject, openings in parts.items() if openings}
    return Composed(body, salted, payloads)


@lru_cache(maxsize=1_024)
def _written(name: str) -> bytes:
    """A commitment's name in canonical form: there are few, and each stands in many entries."""
    return encode(name, inside=1)


def _payload(openings: Mapping[str, bytes]) -> bytes:
    """Put written openings together in the order that RFC 8785 gives their names."""
    # Of ASCII names, which nearly all are, the order by code units is that by code points.
    ordered = sorted(openings, key=None if "".join(openings).isascii() else _in_utf16)
    return b"{%b}" % b",".join([openings[name] for name in ordered])


def _in_utf16(name: str) -> bytes:
    return name.encode("utf-16-be")


def owners(drafts: Iterable[Draft]) -> set[tuple[str, Owning]]:
    """Under whose keys the drafts, or whatever is appended in their place, keep their disclosures.

    Each by retention class and subject; None: the month's general key.
    """
    found: set[tuple[str, Owning]] = set()
    for draft in drafts:
        retention = class_of(draft.kind)
        subjects = {commit.subject for commit in draft.commits if isinstance(commit, Commit)}
        found.add((retention, None))
        found.update([(retention, subject) for subject in subjects])
        if isinstance(draft.otherwise, Alternatives):
            instead = class_of(draft.otherwise.kind)
            found.add((instead, None))
            found.update([(instead, subject) for subject in draft.otherwise.subjects])
        elif draft.otherwise:
            found |= owners(draft.otherwise.values())
    return found


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
    draft: Draft, commits: list[Commit | ByteCommit], named: Mapping[str, Any]
) -> None:
    if len(named) != len(commits):
        raise MalformedError(f"{draft.kind}: two commitments of one name")
    unknown = {name for name in draft.receipt if name not in named}
    if unknown:
        raise _misnamed(draft, "unknown commitments in the receipt", unknown)
    if not _OURS.isdisjoint(draft.clear):
        ours = _OURS & draft.clear.keys()
        raise _misnamed(draft, "members that the log itself writes", ours)


def _misnamed(draft: Draft, what: str, found: Iterable[str]) -> MalformedError:
    return MalformedError(f"{draft.kind}: {what}: {', '.join(sorted(found))}")


def _members(draft: Draft, stamp: Stamp, digests: dict[str, str]) -> dict[str, Any]:
    members: dict[str, Any] = {
        "v": VERSION,
        "id": b64url(stamp.entry_id),
        "kind": draft.kind,
        "ts": stamp.ts,
        "gateway": stamp.gateway,
        **draft.clear,
        "digests": digests,
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
