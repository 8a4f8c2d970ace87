"""Changes of the log's keys, as the log itself records them: who signs is read from its entries.

`key-rotation` holds a statement that the old and the new key both signed; from the next entry on both sign.
`key-retired` ends the older one. Key files only hold what the entries name: a key that no entry names signs
nothing, and one that an entry names and no file holds stops the start.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from audit.canonical import decode_strict
from audit.entry import Draft
from audit.errors import AuditError, MalformedError, StartRefusedError
from audit.key_spans import KeySpan, check_spans
from audit.keys import FreshKeys, LogKeys
from audit.note import Kind, Signer, SubtreeSigner, Verifier, open_note, parse_vkey
from audit.store import LogStore

ROTATED = "key-rotation"
RETIRED = "key-retired"
_FIRST_LINE = "key-rotation/1 of the log"

_Signs = TypeVar("_Signs", Signer, SubtreeSigner)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """An entry that names new keys, under both."""

    index: int
    old: tuple[Verifier, ...]
    new: tuple[Verifier, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Retirement:
    """An entry from which on keys do not sign any more."""

    index: int
    keys: tuple[Verifier, ...]


def rotation_draft(keys: LogKeys, fresh: FreshKeys) -> Draft:
    """Write the entry that names fresh keys. Raises MalformedError while an older key still signs."""
    if keys.beside:
        raise MalformedError("an older key still signs: retire it first")
    old = _verifiers(keys.signer, keys.published_signer)
    new = _verifiers(fresh.signer, fresh.published_signer)
    text = _format_statement(keys.origin, old=old, new=new)
    # Both keys say it: the old one hands over, the new one is held by who says so.
    statement = keys.signer.sign(text) + fresh.signer.line(text)
    return Draft(kind=ROTATED, clear={"facts": {"statement": statement}})


def retirement_draft(keys: LogKeys) -> Draft:
    """Write the entry that ends the older keys. Raises MalformedError where there are none."""
    if not keys.beside:
        raise MalformedError("no older key signs beside the newest")
    ended = [held.vkey for held in keys.beside] + [held.vkey for held in keys.published_beside]
    return Draft(kind=RETIRED, clear={"facts": {"keys": ended}})


def read_rotation(index: int, members: Mapping[str, Any], *, origin: str) -> Rotation:
    """Read such an entry. Raises MalformedError, ProofError unless both keys signed it."""
    note = members.get("facts", {}).get("statement")
    if not isinstance(note, str):
        raise MalformedError(f"entry {index} names no keys")
    old, new = _parse_statement(note.rpartition("\n\n")[0], origin=origin)
    for key in (old[0], new[0]):
        open_note(note, [key])
    return Rotation(index=index, old=old, new=new)


def followed(store: LogStore, known: Sequence[Verifier], *, origin: str) -> tuple[Verifier, ...]:
    """Return the known Ed25519 keys and those that they handed over to, as stored entries say.

    The key before signed each change, so that nothing else in the store need be trusted. Raises
    MalformedError, ProofError for an entry that is none; LogUnavailableError.
    """
    keys = list(known)
    for index in store.indices_of(ROTATED):
        body = store.body(index)
        if body is None:
            raise MalformedError(f"entry {index}, a change of keys, is missing")
        rotation = read_rotation(index, decode_strict(body), origin=origin)
        if rotation.old[0] in keys and rotation.new[0] not in keys:
            keys.append(rotation.new[0])
    return tuple(keys)


def read_retirement(index: int, members: Mapping[str, Any]) -> Retirement:
    """Read such an entry. Raises MalformedError."""
    listed = members.get("facts", {}).get("keys")
    if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
        raise MalformedError(f"entry {index} names no keys")
    return Retirement(index=index, keys=tuple(parse_vkey(each) for each in listed))


def keys_in_force(
    held: LogKeys, *, rotations: Sequence[Rotation], retirements: Sequence[Retirement]
) -> LogKeys:
    """Return the keys that sign by now, of those that the files hold; entries are given in order.

    Raises StartRefusedError for a gap: an entry that does not go on from the key before it, or a key that
    signs and that no file holds.
    """
    first = rotations[0].old if rotations else _verifiers(held.signer, held.published_signer)
    spans = [KeySpan(key=key) for key in first]
    newest = first
    for rotation in rotations:
        if rotation.old != newest:
            raise StartRefusedError(f"entry {rotation.index} changes a key that did not sign")
        spans += [KeySpan(key=key, first=rotation.index + 1) for key in rotation.new]
        newest = rotation.new
    for retirement in retirements:
        spans = _ended(spans, retirement, newest=newest)
    try:
        check_spans(spans)
    except AuditError as error:
        raise StartRefusedError(f"the log's keys have a gap: {error}") from error
    signing, publishing = _of_files(held, spans)
    return replace(
        held,
        signer=signing[-1],
        published_signer=publishing[-1] if publishing else None,
        beside=tuple(signing[:-1]),
        published_beside=tuple(publishing[:-1]),
        spans=tuple(sorted(spans, key=lambda span: (-span.first, span.key.kind))),
    )


def _of_files(held: LogKeys, spans: Sequence[KeySpan]) -> tuple[list[Signer], list[SubtreeSigner]]:
    """Take, of the keys in the files, those that sign, in the order in which they began."""
    now = [span for span in spans if span.last is None]
    signing = _taken(now, Kind.ED25519, (held.signer, *held.further))
    published = () if held.published_signer is None else (held.published_signer,)
    return signing, _taken(now, Kind.SUBTREE, (*published, *held.further_published))


def _taken(now: Sequence[KeySpan], kind: Kind, files: Sequence[_Signs]) -> list[_Signs]:
    known = {file.verifier: file for file in files}
    missing = [span for span in now if span.key.kind is kind and span.key not in known]
    if missing:
        raise StartRefusedError(
            f"key {missing[0].key.key_id.hex()} signs from size {missing[0].first} on, "
            "and no key file holds it"
        )
    return [known[span.key] for span in now if span.key.kind is kind]


def _ended(
    spans: Sequence[KeySpan], retirement: Retirement, *, newest: tuple[Verifier, ...]
) -> list[KeySpan]:
    going = {span.key for span in spans if span.last is None}
    if not set(retirement.keys) <= going - set(newest):
        raise StartRefusedError(f"entry {retirement.index} retires a key that it cannot")
    return [
        replace(span, last=retirement.index + 1) if span.key in retirement.keys else span
        for span in spans
    ]


def _verifiers(signer: Signer, published: SubtreeSigner | None) -> tuple[Verifier, ...]:
    return (signer.verifier,) if published is None else (signer.verifier, published.verifier)


def _format_statement(origin: str, *, old: Sequence[Verifier], new: Sequence[Verifier]) -> str:
    # A checkpoint's first line has no spaces: what is signed here can never be taken for one.
    lines = [_FIRST_LINE, origin, *(f"old {key.vkey}" for key in old)]
    return "".join(f"{line}\n" for line in [*lines, *(f"new {key.vkey}" for key in new)])


def _parse_statement(
    text: str, *, origin: str
) -> tuple[tuple[Verifier, ...], tuple[Verifier, ...]]:
    lines = text.split("\n")
    keys = {
        word: tuple(
            parse_vkey(line.removeprefix(f"{word} "))
            for line in lines[2:]
            if line.startswith(f"{word} ")
        )
        for word in ("old", "new")
    }
    old, new = keys["old"], keys["new"]
    for named in (old, new):
        kinds = [key.kind for key in named]
        if kinds not in ([Kind.ED25519], [Kind.ED25519, Kind.SUBTREE]):
            raise MalformedError("a change of keys without an old and a new Ed25519 key")
        if any(key.name != origin for key in named):
            raise MalformedError(f"a change of keys of another log, one of {origin} needed")
    if f"{text}\n" != _format_statement(origin, old=old, new=new):
        raise MalformedError("a change of keys in another form than ours")
    return old, new
