"""Shards of one log, one after the other: how the last entry of one and the first of the next hold together.

`shard-freeze` is the last entry of a shard and names origin and keys of the next, under the keys of the old.
`shard-open` is the first entry of the next and holds the final checkpoint of the old, under the new keys.
`shard-carried` entries follow it: every registry row that stood, with its digest and the number of its act.
Numbers run through all shards, indices begin with 0 in each.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from audit.acts import Recorded, Row
from audit.canonical import b64url, encode
from audit.checkpoint import Checkpoint, parse_checkpoint
from audit.compose import CARRIED, FROZEN
from audit.entry import Commit, Draft, RowDigest
from audit.errors import MalformedError, ProofError
from audit.key_spans import KeySpan, check_signed
from audit.note import Verifier, parse_note, parse_vkey

OPENED = "shard-open"
COUNTERS = "counters"
"""Name of the commitment to what the gap-free numbers had come to."""

_BYTES = 12_000
"""Of the rows in one entry as they are written; an entry has room for 16 KiB."""

_Standing = tuple[Row, int, str]
"""A row, the number of the act that it comes from, its digest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """What the last entry of a shard says of the one that follows."""

    origin: str
    keys: tuple[Verifier, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What the first entry of a shard says of the one before."""

    note: str
    """Its final checkpoint, as it was published."""
    before: int
    """Entries of all earlier shards together."""
    parts: int
    """How many entries that carry rows follow."""
    rows: str
    """SHA-256 of those rows, base64url."""

    @property
    def checkpoint(self) -> Checkpoint:
        return parse_checkpoint(parse_note(self.note).text)


def freezing_draft(following: Next, *, reason: str) -> Draft:
    """Write the last entry of a shard: who goes on where it ends. The reason is only committed to."""
    named = {"origin": following.origin, "keys": [key.vkey for key in following.keys]}
    return Draft(
        kind=FROZEN,
        clear={"facts": {"next": named}},
        commits=(Commit(name="reason", value=reason),),
    )


def read_freezing(members: Mapping[str, Any]) -> Next:
    """Read such an entry. Raises MalformedError."""
    try:
        if members["kind"] != FROZEN:
            raise MalformedError(f"an entry of kind {members['kind']}, {FROZEN} needed")
        named = members["facts"]["next"]
        origin, keys = named["origin"], tuple(parse_vkey(each) for each in named["keys"])
    except (KeyError, TypeError, AttributeError) as error:
        raise MalformedError("the last entry of a shard names no shard after it") from error
    if not keys or any(key.name != origin for key in keys):
        raise MalformedError(f"keys of another log than the next shard, {origin}")
    return Next(origin=origin, keys=keys)


def opening_drafts(
    note: str,
    *,
    before: int,
    rows: Mapping[Row, Recorded],
    counters: Mapping[str, int],
    reason: str,
) -> list[Draft]:
    """Write the first entries of a shard, from what stood at the end of the one before.

    `before` counts the entries of all earlier shards. What the counters had come to is only committed to:
    a number is for its consumer to open and for auditors.
    """
    standing = sorted(
        (row, number, digest) for row, (number, digest) in rows.items() if digest is not None
    )
    parts = list(_in_parts(standing))
    opened: dict[str, Any] = {
        "previous": note,
        "before": before,
        "parts": len(parts),
        "rows": _rows_digest(standing),
    }
    first = Draft(
        kind=OPENED,
        clear={"facts": opened},
        commits=(
            Commit(name="reason", value=reason),
            Commit(name=COUNTERS, value=dict(sorted(counters.items()))),
        ),
    )
    return [first, *(_carrying(part) for part in parts)]


def read_opening(members: Mapping[str, Any]) -> Opened | None:
    """Read a shard's first entry; None: it is the first shard. Raises MalformedError."""
    if members.get("kind") != OPENED:
        return None
    try:
        facts = members["facts"]
        opened = Opened(
            note=facts["previous"],
            before=facts["before"],
            parts=facts["parts"],
            rows=facts["rows"],
        )
        size = opened.checkpoint.size
    except (KeyError, TypeError, AttributeError) as error:
        raise MalformedError("the first entry of a shard does not say what it follows") from error
    if type(opened.before) is not int or type(opened.parts) is not int or opened.before < size > 0:
        raise MalformedError(f"a shard after one of {size} entries, {opened.before} in all")
    return opened


def entries_before(members: Mapping[str, Any]) -> int:
    """Return how many entries earlier shards have, by a shard's first entry. Raises MalformedError."""
    opened = read_opening(members)
    return 0 if opened is None else opened.before


def check_link(
    opened: Opened, *, final: bytes, last: Mapping[str, Any], spans: Sequence[KeySpan], by: Next
) -> Checkpoint:
    """Hold the two ends of a link together; returns the final checkpoint of the older shard.

    `final` is the root that the older shard has, `last` its last entry, `spans` its keys, `by` the origin and
    keys of the younger. Raises ProofError for another previous checkpoint, or a shard that nobody named.
    """
    checkpoint = check_signed(opened.note, spans)
    if checkpoint.root != final:
        raise ProofError(
            f"the shard that follows names another final checkpoint of {checkpoint.origin}"
        )
    named = read_freezing(last)
    if named.origin != by.origin or not set(by.keys) & set(named.keys):
        raise ProofError(f"{checkpoint.origin} ends by naming another shard than {by.origin}")
    return checkpoint


def _in_parts(standing: Sequence[_Standing]) -> Iterator[Sequence[_Standing]]:
    """Divide rows so that each part fits into an entry; the same rows always fall into the same parts."""
    first, length = 0, 0
    for at, one in enumerate(standing):
        needed = len(encode(_written(one)))
        if length and length + needed > _BYTES:
            yield standing[first:at]
            first, length = at, 0
        length += needed
    if length:
        yield standing[first:]


def _carrying(part: Sequence[_Standing]) -> Draft:
    return Draft(
        kind=CARRIED,
        clear={"numbers": [number for _, number, _ in part]},
        rows=tuple(RowDigest(table=row[0], key=row[1], digest=digest) for row, _, digest in part),
    )


def _rows_digest(standing: Sequence[_Standing]) -> str:
    return b64url(sha256(encode([_written(one) for one in standing])).digest())


def _written(one: _Standing) -> list[Any]:
    (table, key), number, digest = one
    return [{"table": table, "key": key, "digest": digest}, number]
