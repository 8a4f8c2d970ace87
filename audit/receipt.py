"""The receipt a caller takes home, and the C2SP `tlog-proof@v1` file for other people's tools.

`receipt/1` is JSON: `v`; `entry`, the entry's bytes as text; `index`, `size` and `proof`, its place in
the tree; `checkpoint`, the signed note; `openings`, the salts (and values) of what the holder may open;
`paths`, where in the answer each step stands. A change of any member is a new version number; a reader
of `receipt/1` refuses members that it does not know.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from audit.canonical import b64, b64_decode, b64_each, b64url_decode, decode_strict, encode
from audit.checkpoint import Checkpoint, format_size, parse_checkpoint, parse_size
from audit.entry import Opening, Sequenced
from audit.errors import MalformedError
from audit.merkle import HASH_LENGTH
from audit.note import parse_note

VERSION = "receipt/1"
READABLE = (VERSION, "receipt/0")
ENTRY_VERSION = "entry/1"
READABLE_ENTRIES = (ENTRY_VERSION, "entry/0")
PROOF_BOUND = 63
"""Hashes in a proof: a tree has fewer than 2^63 leaves."""

_MEMBERS = {"v", "entry", "index", "size", "proof", "checkpoint", "openings", "paths"}
_OPENING_MEMBERS = ({"salt"}, {"salt", "value"})
_TLOG_PROOF = "c2sp.org/tlog-proof@v1"
_EXTRA = re.compile(r"extra (.*)")
_INDEX = re.compile(r"index (.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What was recorded, and where. Well-formed; what it claims is for `audit.verify` to check."""

    entry: bytes
    index: int
    size: int
    proof: tuple[bytes, ...]
    checkpoint: str
    openings: Mapping[str, Opening] = field(repr=False)
    paths: Mapping[str, tuple[str, ...]]
    """Response keys from the root of `data` to each step, by commitment; `*` is every list element."""


def make_receipt(sequenced: Sequenced, *, paths: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Write the receipt of an entry: the JSON object of `extensions.receipt` and of receipt files."""
    return _written(sequenced, entry=sequenced.body, paths=paths)


def format_receipt(receipt: Receipt) -> dict[str, Any]:
    """Write a receipt as its JSON object. An opening without a value is one of bytes."""
    return _written(receipt, entry=receipt.entry, paths=receipt.paths)


def _written(
    held: Receipt | Sequenced, *, entry: bytes, paths: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    return {
        "v": VERSION,
        "entry": entry.decode(),
        "index": held.index,
        "size": held.size,
        "proof": b64_each(held.proof),
        "checkpoint": held.checkpoint,
        "openings": {
            name: {"salt": opening.salt}
            if opening.value is None
            else {"salt": opening.salt, "value": opening.value}
            for name, opening in held.openings.items()
        },
        "paths": {name: list(path) for name, path in paths.items()},
    }


def parse_receipt(received: bytes | Mapping[str, Any]) -> Receipt:
    """Read a receipt, from the bytes of a file or an object already read."""
    members = _read_json(received) if isinstance(received, bytes) else received
    if not isinstance(members, Mapping) or set(members) != _MEMBERS:
        raise MalformedError(f"another object than {VERSION}: its eight members are needed")
    if members["v"] not in READABLE:
        raise MalformedError(f"a receipt of an unknown version, {VERSION} needed")
    entry = _text(members["entry"]).encode()
    digests = _digests(entry)
    note = _text(members["checkpoint"])
    checkpoint = parse_checkpoint(parse_note(note).text)
    index, size = _place(members["index"], members["size"], checkpoint)
    openings = _object(members["openings"])
    paths = _object(members["paths"])
    for name in [*openings, *paths]:
        if name not in digests:
            raise MalformedError("an opening or path of what the entry does not commit to")
    return Receipt(
        entry=entry,
        index=index,
        size=size,
        proof=tuple(_hash(_text(held)) for held in _list(members["proof"], PROOF_BOUND)),
        checkpoint=note,
        openings={name: _opening(held) for name, held in openings.items()},
        paths={name: tuple(_text(key) for key in _list(path, 64)) for name, path in paths.items()},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class InclusionProof:
    """A `tlog-proof@v1`: a leaf's place under a checkpoint, whose leaf hash the reader computes."""

    index: int
    proof: tuple[bytes, ...]
    checkpoint: str
    extra: bytes | None = None
    """Not authenticated; None where the file has no such line."""


def format_proof(proof: InclusionProof) -> str:
    """Write a `.tlog-proof` file."""
    extra = "" if proof.extra is None else f"extra {b64(proof.extra)}\n"
    hashes = "".join(f"{b64(held)}\n" for held in proof.proof)
    index = format_size(proof.index)
    return f"{_TLOG_PROOF}\n{extra}index {index}\n{hashes}\n{proof.checkpoint}"


def parse_proof(text: str) -> InclusionProof:
    """Read a `.tlog-proof` file."""
    above, blank, note = text.partition("\n\n")
    if not blank:
        raise MalformedError("a proof without a blank line above its checkpoint")
    checkpoint = parse_checkpoint(parse_note(note).text)
    lines = above.split("\n")
    if lines.pop(0) != _TLOG_PROOF:
        raise MalformedError(f"another first line than {_TLOG_PROOF}")
    extra = _EXTRA.fullmatch(lines[0]) if lines else None
    if extra:
        lines.pop(0)
    index = _INDEX.fullmatch(lines.pop(0)) if lines else None
    if not index:
        raise MalformedError("a proof without its index line")
    place, _ = _place(parse_size(index[1]), checkpoint.size, checkpoint)
    return InclusionProof(
        index=place,
        proof=tuple(_hash(line) for line in _list(lines, PROOF_BOUND)),
        checkpoint=note,
        extra=b64_decode(extra[1]) if extra else None,
    )


def _read_json(data: bytes) -> Any:
    # A receipt travels inside an answer, so its outer form need not be canonical; keys stand once.
    try:
        return json.loads(data.decode(), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise MalformedError("a receipt that is no JSON") from error


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedError("a key stands twice in one object")
    return members


def _digests(entry: bytes) -> Mapping[str, Any]:
    members = decode_strict(entry)
    if not isinstance(members, dict) or members.get("v") not in READABLE_ENTRIES:
        raise MalformedError(f"an entry of an unknown version, {ENTRY_VERSION} needed")
    digests = _object(members.get("digests"))
    for digest in digests.values():
        if len(b64url_decode(_text(digest))) != HASH_LENGTH:
            raise MalformedError(f"a digest of another length than {HASH_LENGTH} bytes")
    return digests


def _place(index: Any, size: Any, checkpoint: Checkpoint) -> tuple[int, int]:
    if type(index) is not int or type(size) is not int:
        raise MalformedError("an index or size that is no integer")
    if size != checkpoint.size:
        raise MalformedError(f"size {size} under a checkpoint of {checkpoint.size}")
    if not 0 <= index < size:
        raise MalformedError(f"index {index} outside a tree of {size}")
    return index, size


def _opening(held: Any) -> Opening:
    members = _object(held)
    if set(members) not in _OPENING_MEMBERS or members.get("value", "") is None:
        raise MalformedError("another opening than a salt, or a salt and a value")
    salt = _text(members["salt"])
    b64url_decode(salt)
    value = members.get("value")
    encode(value)
    return Opening(salt=salt, value=value)


def _hash(text: str) -> bytes:
    held = b64_decode(text)
    if len(held) != HASH_LENGTH:
        raise MalformedError(f"a hash of {len(held)} bytes, {HASH_LENGTH} needed")
    return held


def _text(held: Any) -> str:
    if not isinstance(held, str):
        raise MalformedError(f"a {type(held).__name__}, text needed")
    try:
        held.encode()
    except UnicodeEncodeError as error:
        raise MalformedError("a lone surrogate in a text, valid Unicode needed") from error
    return held


def _object(held: Any) -> Mapping[str, Any]:
    if not isinstance(held, Mapping):
        raise MalformedError(f"a {type(held).__name__}, an object needed")
    return held


def _list(held: Any, most: int) -> Sequence[Any]:
    if not isinstance(held, list) or len(held) > most:
        raise MalformedError(f"another value than a list of at most {most}")
    return held
