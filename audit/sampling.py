"""Draws a sample of entries by a seed: whoever has the entries and the seed draws the same one again.

`sample/1`. The *frame* says which entries are drawn from, by what they say in the clear. Each of them has a
rank, SHA-256 over the line `exchange sample/1`, the line of the seed (UTF-8, each line ends in LF) and the
entry's leaf hash (RFC 6962, section 2.1); the entries of the lowest ranks are the sample. The *frame digest*
is SHA-256 over the leaf hashes of all entries of the frame, in order. No random number is drawn anywhere, so
that any language does the same; a change of any of this is a new number.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from heapq import nsmallest
from typing import Any

from audit.canonical import decode_strict
from audit.errors import MalformedError
from audit.merkle import leaf_hash

VERSION = "sample/1"

SEED_MOST = 128
"""Characters of a seed."""

SAMPLE_MOST = 500
"""Entries of one sample: the entry that records it names each."""

CALL = "call"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Which calls are drawn from; an empty member bounds nothing, and each bound has to hold."""

    departments: frozenset[str] = frozenset()
    """Of the consumer or of a provider."""
    systems: frozenset[str] = frozenset()
    resources: frozenset[str] = frozenset()
    matters: frozenset[str] = frozenset()
    since: int
    """The first moment that counts, epoch ms."""
    until: int
    """The first moment that counts no more, epoch ms."""

    def covers(self, members: Mapping[str, Any]) -> bool:
        """Whether an entry of any kind is inside, by what it says in the clear.

        As in the search, the bounds have to hold together for one of its steps; an entry without steps is
        looked at as a whole.
        """
        if not self.since <= members["ts"] < self.until:
            return False
        return any(self._holds(row) for row in rows_of(members))

    def _holds(self, row: Mapping[str, str]) -> bool:
        bounds = (
            (self.systems, {row["system"]}),
            (self.resources, {row["resource"]}),
            (self.matters, {row["matter"]}),
            (self.departments, {row["consumer"], row["provider"]}),
        )
        return all(not bound or bound & said for bound, said in bounds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A sample, and what it was drawn from."""

    population: int
    digest: str
    """The frame digest, hex."""
    indexes: tuple[int, ...]
    """Of the entries drawn, ascending; all of the frame where it has no more than were asked for."""


def rows_of(members: Mapping[str, Any]) -> Iterator[Mapping[str, str]]:
    """Yield what an entry says in the clear for each of its steps; once where it has none."""
    facts = members.get("facts", {})
    whole = {
        "consumer": str(members.get("consumer") or members.get("department") or ""),
        "system": str(members.get("system") or facts.get("system") or ""),
        "matter": str(members.get("matter") or facts.get("matter") or ""),
        "provider": str(facts.get("provider") or ""),
        "resource": str(facts.get("resource") or ""),
    }
    steps: Sequence[Mapping[str, Any]] = members.get("steps", ())
    if not steps:
        yield whole
    for step in steps:
        yield whole | {"provider": str(step["provider"]), "resource": str(step["resource"])}


def draw(entries: Iterable[tuple[int, bytes]], frame: Frame, *, seed: str, count: int) -> Drawn:
    """Draw up to `count` calls of the frame among (index, entry), given in ascending order.

    Raises MalformedError for a seed or a count that cannot be.
    """
    check_seed(seed)
    if not 1 <= count <= SAMPLE_MOST:
        raise MalformedError(f"a sample of {count} entries, 1 to {SAMPLE_MOST} needed")
    everything = sha256()
    population = 0

    def ranked() -> Iterator[tuple[bytes, int]]:
        nonlocal population
        for index, body in entries:
            members = decode_strict(body)
            if members["kind"] != CALL or not frame.covers(members):
                continue
            leaf = leaf_hash(body)
            everything.update(leaf)
            population += 1
            yield rank(seed, leaf), index

    drawn = nsmallest(count, ranked())
    return Drawn(
        population=population,
        digest=everything.hexdigest(),
        indexes=tuple(sorted(index for _, index in drawn)),
    )


def rank(seed: str, leaf: bytes) -> bytes:
    """Return an entry's place in the order of the draw."""
    return sha256(f"exchange {VERSION}\n{seed}\n".encode() + leaf).digest()


def check_seed(seed: str) -> None:
    """Raise MalformedError for a seed that is not one line of 1 to 128 characters."""
    if not 1 <= len(seed) <= SEED_MOST or not seed.isprintable() or seed != seed.strip():
        raise MalformedError(f"not a seed: one line of 1 to {SEED_MOST} characters needed")
