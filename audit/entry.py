"""What is appended: an entry's members in the clear, its commitments, and how it is found again.

`entry/1`, canonical JSON (RFC 8785 without floats, |integer| < 2^53), at most 16 KiB:
`v id kind ts gateway` (added by the log: `n`, `digests`) and the members of the draft. Commitments:
a value's digest is SHA-256(b64url(JSON [salt, name, value])), that of bytes SHA-256(salt ‖ bytes); salts
are 128 random bits, base64url. Free text and identifiers are only ever committed to.
"""

from collections.abc import Callable, Iterable, Iterator, KeysView, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import msgspec

from audit.errors import MalformedError


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a draft: every call makes some dozens, so they are made by msgspec."""


@final
class Commit(Part, frozen=True, kw_only=True):
    """A value that the leaf holds only as a salted digest; the disclosure is kept encrypted beside it.

    `subject` is (type, normalised identifier) of the person or firm under whose key the disclosure is
    encrypted; None puts it under the month's general key.
    """

    name: str
    value: Any
    subject: tuple[str, str] | None = None
    form: bytes | None = None
    """Its canonical form, where it is written already; None: it is still to be written."""
    shared: tuple[bytes, bytes] | None = None
    """What `canonical.end_of` gives of name and form, where many entries commit to the same value."""


@final
class ByteCommit(Part, frozen=True, kw_only=True):
    """Bytes that the leaf holds only as a salted digest. Only the salt is kept, never the bytes."""

    name: str
    content: bytes

    def __repr__(self) -> str:
        return f"ByteCommit(name={self.name!r})"


class IndexRow(Part, frozen=True, kw_only=True):
    """How an entry is found: one row a step and subject. Plain values become keyed tokens on storing."""

    step: str = ""
    consumer: str = ""
    system: str = ""
    provider: str = ""
    resource: str = ""
    matter: str = ""
    decision: str = ""
    """given, partly-given, disputed, not-found, refused, unavailable; empty for acts."""
    code: str = ""
    officer: str | None = None
    case: str | None = None
    subject: tuple[str, str] | None = None
    items: str = ""
    """Bitmap of the ordinals of the items that the step names in any way; empty where it names none."""


class Nonce(Part, frozen=True, kw_only=True):
    """Held until `expires` (epoch ms): the same key and nonce a second time is a replay."""

    key: str
    nonce: str
    expires: int


class Quota(Part, frozen=True, kw_only=True):
    """Counts `amount` against `key` on `day` (YYYY-MM-DD, where the exchange stands) up to `most`.

    With a `member` it counts different ones: one that was counted on that day under that key is let through
    and not counted again.
    """

    key: str
    day: str
    amount: int
    most: int
    member: str = ""
    spent: str = "quota"
    """Key of the alternative that is appended where less than `amount` is left."""

    @property
    def place(self) -> tuple[str, str]:
        return self.key, self.day

    @property
    def mark(self) -> tuple[str, str]:
        """The place that tells whether the member was counted; without one, the quota's own."""
        return (f"{self.key}#{self.member}" if self.member else self.key), self.day


@dataclass(frozen=True, slots=True, kw_only=True)
class RowDigest:
    """The digest of a protected registry row as of this entry; None: the row is gone."""

    table: str
    key: str
    digest: str | None


class Draft(Part, frozen=True, kw_only=True):
    """All that one append writes, in one transaction of the log's database.

    `counters` name the gap-free numberings to draw from (`consumer:<system>`, `resource:<code>`): the
    number is committed to as `n.<counter>`. `applied` is the index up to which the snapshot behind a call
    had applied acts; below the log's barrier the append is refused (StaleSnapshotError). `barrier` makes
    this entry the new barrier. `otherwise` is appended instead where the batch finds the nonce used or a
    quota spent, keyed `replayed` and as the quota's `spent` says (`Alternatives` where making them costs).
    `receipt` names the commitments whose salts the caller gets.
    """

    kind: str
    clear: Mapping[str, Any]
    commits: tuple[Commit | ByteCommit, ...] = ()
    counters: tuple[str, ...] = ()
    index: tuple[IndexRow, ...] = ()
    rows: tuple[RowDigest, ...] = ()
    applied: int | None = None
    barrier: bool = False
    nonce: Nonce | None = None
    quotas: tuple[Quota, ...] = ()
    receipt: tuple[str, ...] = ()
    documents: tuple[bytes, ...] = ()
    """What its commitments name by SHA-256, kept once for many entries: never anything personal."""
    forms: Mapping[str, bytes] = msgspec.field(default_factory=dict)
    """Canonical forms of members of `clear` that many entries share; the others are still to be written."""
    otherwise: Mapping[str, "Draft"] = msgspec.field(default_factory=dict)


class Alternatives(Mapping[str, Draft]):
    """Drafts that are made only where the log appends one of them, which is seldom.

    What the batch must know beforehand is said at once: their kind, the counters that they draw from and the
    subjects under whose keys they keep anything. Raises MalformedError for a draft made that goes beyond.
    """

    def __init__(
        self,
        names: Iterable[str],
        make: Callable[[str], Draft],
        *,
        kind: str,
        counters: Sequence[str],
        subjects: Sequence[tuple[str, str]],
    ) -> None:
        self._names = dict.fromkeys(names)
        self._make = make
        self.kind = kind
        self.counters = counters
        self.subjects = subjects

    def __getitem__(self, name: str) -> Draft:
        if name not in self._names:
            raise KeyError(name)
        draft = self._make(name)
        found = {commit.subject for commit in draft.commits if isinstance(commit, Commit)}
        foreign = found - {None, *self.subjects}
        if draft.kind != self.kind or foreign or not set(self.counters).issuperset(draft.counters):
            raise MalformedError(
                f"{draft.kind}: an alternative that goes beyond what was said of it"
            )
        return draft

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def keys(self) -> KeysView[str]:
        return self._names.keys()


class Opening(Part, frozen=True, kw_only=True):
    """What opens one commitment: its salt, and the value where it is not bytes."""

    salt: str
    value: Any = None


class Sequenced(Part, frozen=True, kw_only=True):
    """An entry that is durable and under a signed checkpoint."""

    index: int
    size: int
    body: bytes
    proof: tuple[bytes, ...]
    checkpoint: str
    """Signed note (C2SP signed-note, tlog-checkpoint)."""
    openings: Mapping[str, Opening]
    """Of the commitments named in the draft's `receipt`."""
    instead: str | None = None
    """Key of the alternative that was appended; None means the draft itself."""
