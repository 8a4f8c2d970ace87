"""Composes an entry's stored bytes, and what opens its commitments, from a draft."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
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
    pieces,
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
    places: Mapping[str, int]
    """Which of the commitments has a name."""
    salts: Sequence[bytes]
    """Of each commitment, base64url."""
    values: Sequence[Any]
    """Of each commitment; the value of bytes is None."""
    payloads: Mapping[Owning, bytes]
    """What is to be encrypted under each subject's key; None: under the general key."""

    def __repr__(self) -> str:
        return f"Composed({len(self.body)} bytes, {len(self.places)} commitments)"

    def opened(self, names: Iterable[str]) -> dict[str, Opening]:
        """Return what opens these commitments."""
        opened: dict[str, Opening] = {}
        for name in names:
            at = self.places[name]
            opened[name] = Opening(salt=self.salts[at].decode("ascii"), value=self.values[at])
        return opened

    @property
    def openings(self) -> dict[str, Opening]:
        return self.opened(self.places)


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
    count = len(draft.commits) + len(draft.counters)
    raw = pieces(salts, SALT_LENGTH, count=count)
    said = b64url_each(raw, length=SALT_LENGTH)
    owners_met: dict[Owning, int] = {None: _GENERAL}
    # Asked by `type` and not `isinstance`, which takes a slow road through the class's own class.
    whose = [
        _BYTES if type(one) is ByteCommit else owners_met.setdefault(one.subject, len(owners_met))
        for one in draft.commits
    ]
    names = tuple([one.name for one in draft.commits])
    layout = _layout(names, tuple(whose), draft.counters)
    _check_names(draft, layout.places, count=count)
    hashed: list[tuple[bytes, bytes]] = []
    salted: list[tuple[bytes, bytes]] = []
    written: list[bytes] = []
    values: list[Any] = []
    numbered = len(draft.commits)
    for commit, salt, drawn, name in zip(draft.commits, said, raw, layout.written, strict=False):
        if type(commit) is ByteCommit:
            salted.append((drawn, commit.content))
            values.append(None)
            # Only its salt lies among what opens the commitments.
            written.append(b"")
            continue
        value, form, shared = commit.value, commit.form, commit.shared
        if form is None:
            # As deep in a payload: {name: {"salt": …, "value": …}}.
            form = encode(value, inside=2)
        if shared is None:
            hashed.append((b'["%b",%b,%b]' % (salt, name, form), b""))
        else:
            hashed.append((b'["%b",%b,%b' % (salt, name, shared[0]), shared[1]))
        values.append(value)
        written.append(form)
    for counter, salt, name in zip(
        draft.counters, said[numbered:], layout.written[numbered:], strict=True
    ):
        number = stamp.numbers[counter]
        form = encode(number)
        hashed.append((b'["%b",%b,%b]' % (salt, name, form), b""))
        values.append(number)
        written.append(form)
    opening = (*said, *written)
    digests = [*digest_each(hashed), *digest_salted_each(salted)]
    told = layout.digests.of(b64url_each(digests, length=DIGEST_LENGTH))
    body = encode(_members(draft, stamp, told))
    if len(body) > BODY_BOUND:
        raise MalformedError(f"an entry of {len(body)} bytes, {BODY_BOUND} allowed")
    payloads = {
        subject: payload.of(opening)
        for subject, payload in zip(owners_met, layout.payloads, strict=True)
        if payload is not None
    }
    return Composed(body, layout.places, said, values, payloads)


_GENERAL = 0
"""Place of the general key among those under which the commitments of an entry lie."""
_BYTES = -1
"""Stands in the place of a key for what is committed to as bytes: it lies under the general one."""


class _Object:
    """A JSON object but for what is put into it: its members' names stand in the order of RFC 8785."""

    def __init__(self, members: Mapping[str, tuple[bytes, Sequence[int]]]) -> None:
        """Take each member's text, with `%b` for what is put in, and the places of what that is."""
        # Of ASCII names, which nearly all are, the order by code units is that by code points.
        ordered = sorted(members, key=None if "".join(members).isascii() else _in_utf16)
        self._text = b"{%b}" % b",".join([members[name][0] for name in ordered])
        places = [place for name in ordered for place in members[name][1]]
        # Of fewer than two places what is got is no tuple, which a single `%b` takes as well.
        self._chosen = itemgetter(*places) if places else _none

    def of(self, parts: Sequence[bytes]) -> bytes:
        return self._text % self._chosen(parts)


def _none(_: Sequence[bytes]) -> tuple[bytes, ...]:
    return ()


class _Layout(msgspec.Struct, frozen=True):
    """What entries have in common whose commitments have the same names and lie under as many keys."""

    places: Mapping[str, int]
    """By name, which of the commitments it is."""
    written: Sequence[bytes]
    """Their names in canonical form."""
    digests: _Object
    """Made of the digests: those of values, in their order, before those of bytes."""
    payloads: Sequence[_Object | None]
    """By key: made of the salts of all commitments and then their values; None where nothing lies."""


@lru_cache(maxsize=1_024)
def _layout(named: tuple[str, ...], whose: tuple[int, ...], counters: tuple[str, ...]) -> _Layout:
    names = (*named, *[f"n.{name}" for name in counters])
    under = (*whose, *[_GENERAL for _ in counters])
    written = [encode(name, inside=1) for name in names]
    texts = [name.replace(b"%", b"%%") for name in written]
    of_values = [at for at, key in enumerate(under) if key != _BYTES]
    of_bytes = [at for at, key in enumerate(under) if key == _BYTES]
    digests = {names[at]: (texts[at] + b':"%b"', [n]) for n, at in enumerate(of_values + of_bytes)}
    payloads: list[dict[str, tuple[bytes, Sequence[int]]]] = [
        {} for _ in range(max((_GENERAL, *under)) + 1)
    ]
    for place, (name, text, key) in enumerate(zip(names, texts, under, strict=True)):
        if key == _BYTES:
            payloads[_GENERAL][name] = (text + b':{"salt":"%b"}', [place])
        else:
            places = [place, len(names) + place]
            payloads[key][name] = (text + b':{"salt":"%b","value":%b}', places)
    return _Layout(
        places={name: at for at, name in enumerate(names)},
        written=written,
        digests=_Object(digests),
        payloads=[_Object(held) if held else None for held in payloads],
    )


def _in_utf16(name: str) -> bytes:
    return name.encode("utf-16-be")


def owners(drafts: Iterable[Draft]) -> set[tuple[str, Owning]]:
    """Under whose keys the drafts, or whatever is appended in their place, keep their disclosures.

    Each by retention class and subject; None: the month's general key.
    """
    found: set[tuple[str, Owning]] = set()
    for draft in drafts:
        retention = class_of(draft.kind)
        found.add((retention, None))
        for commit in draft.commits:
            if type(commit) is Commit and commit.subject is not None:
                found.add((retention, commit.subject))
        others = draft.otherwise
        if isinstance(others, Alternatives):
            if others.kind != draft.kind:
                retention = class_of(others.kind)
                found.add((retention, None))
            for subject in others.subjects:
                found.add((retention, subject))
        elif others:
            found |= owners(others.values())
    return found


def counters_of(drafts: Iterable[Draft]) -> set[str]:
    """Return the counters that the drafts, or whatever is appended in their place, draw from."""
    found: set[str] = set()
    for draft in drafts:
        found.update(draft.counters)
        others = draft.otherwise
        if isinstance(others, Alternatives):
            found.update(others.counters)
        elif others:
            found |= counters_of(others.values())
    return found


def open_payload(payload: bytes) -> dict[str, Opening]:
    """Read back what `compose` gave to be encrypted."""
    return {
        name: Opening(salt=held["salt"], value=held.get("value"))
        for name, held in decode_strict(payload).items()
    }


def _check_names(draft: Draft, named: Mapping[str, int], *, count: int) -> None:
    if len(named) != count:
        raise MalformedError(f"{draft.kind}: two commitments of one name")
    for name in draft.receipt:
        if name not in named:
            unknown = set(draft.receipt) - named.keys()
            raise _misnamed(draft, "unknown commitments in the receipt", unknown)
    if draft.forms and not draft.forms.keys() <= draft.clear.keys():
        unknown = draft.forms.keys() - draft.clear.keys()
        raise _misnamed(draft, "forms of members that are not there", unknown)
    if not _OURS.isdisjoint(draft.clear):
        ours = _OURS & draft.clear.keys()
        raise _misnamed(draft, "members that the log itself writes", ours)


def _misnamed(draft: Draft, what: str, found: Iterable[str]) -> MalformedError:
    return MalformedError(f"{draft.kind}: {what}: {', '.join(sorted(found))}")


def _members(draft: Draft, stamp: Stamp, digests: bytes) -> dict[str, Any]:
    members: dict[str, Any] = {
        "v": VERSION,
        "id": b64url(stamp.entry_id),
        "kind": draft.kind,
        "ts": stamp.ts,
        "gateway": stamp.gateway,
        **draft.clear,
        "digests": msgspec.Raw(digests),
    }
    for name, form in draft.forms.items():
        members[name] = msgspec.Raw(form)
    if draft.rows:
        members["rows"] = [
            {"table": row.table, "key": row.key, "digest": row.digest} for row in draft.rows
        ]
    if is_act(draft):
        members["previous"] = stamp.last_act
    if draft.applied is not None:
        members["applied"] = draft.applied
    return members
