"""Signed notes (C2SP signed-note): text under one or more signature lines, by three kinds of key.

0x01 Ed25519 signs the text; 0x04 (Ed25519) and 0x06 (ML-DSA-44) cosign a checkpoint with a time
(C2SP tlog-cosignature).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from hashlib import sha256
from typing import assert_never

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from audit.canonical import b64, b64_decode
from audit.checkpoint import check_name, parse_checkpoint
from audit.errors import MalformedError, ProofError

NOTE_BOUND = 1 << 18
"""Bytes in a note: more than sixty ML-DSA-44 lines."""

TIME_BOUND = 1 << 63
KEY_ID_LENGTH = 4
TIME_LENGTH = 8

_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_SIGNATURE_LINE = re.compile(r"\u2014 ([^ ]+) ([A-Za-z0-9+/]+={0,2})")
_KEY_ID = re.compile(r"[0-9a-f]{8}")


class Kind(IntEnum):
    """Signature types, as the first byte of an encoded key."""

    ED25519 = 0x01
    COSIGNATURE = 0x04
    SUBTREE = 0x06


_KEY_LENGTHS = {Kind.ED25519: 32, Kind.COSIGNATURE: 32, Kind.SUBTREE: 1312}
_SIGNATURE_LENGTHS = {Kind.ED25519: 64, Kind.COSIGNATURE: 8 + 64, Kind.SUBTREE: 8 + 2420}


def key_id(name: str, kind: Kind, public_key: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + bytes([kind]) + public_key).digest()[:KEY_ID_LENGTH]


@dataclass(frozen=True, slots=True)
class Verifier:
    """A key that is known, under the name that it signs for."""

    name: str
    kind: Kind
    public_key: bytes

    def __post_init__(self) -> None:
        check_name(self.name)
        needed = _KEY_LENGTHS[self.kind]
        if len(self.public_key) != needed:
            raise MalformedError(f"a public key of {len(self.public_key)} bytes, {needed} needed")

    @property
    def key_id(self) -> bytes:
        return key_id(self.name, self.kind, self.public_key)

    @property
    def vkey(self) -> str:
        """The key as text: `name+id+base64(kind ‖ public key)`."""
        return f"{self.name}+{self.key_id.hex()}+{b64(bytes([self.kind]) + self.public_key)}"


def parse_vkey(text: str) -> Verifier:
    """Read a key; one character more, less or other is refused."""
    parts = text.split("+", 2)
    if len(parts) != 3:
        raise MalformedError("a key of fewer than three parts, name+id+key needed")
    name, identifier, encoded = parts
    check_name(name)
    if not _KEY_ID.fullmatch(identifier):
        raise MalformedError("a key id that is no eight lower-case hex digits")
    raw = b64_decode(encoded)
    try:
        kind = Kind(raw[0])
    except (IndexError, ValueError) as error:
        raise MalformedError("a key of an unknown kind, 0x01, 0x04 or 0x06 needed") from error
    verifier = Verifier(name, kind, raw[1:])
    if verifier.key_id.hex() != identifier:
        raise MalformedError(f"key id {identifier} belongs to another name or key")
    return verifier


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line, not verified yet."""

    name: str
    key_id: bytes
    signature: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Note:
    """A note's text and signature lines as they stand; nothing is verified yet."""

    text: str
    signatures: tuple[Signature, ...]


def parse_note(note: str) -> Note:
    """Split a note at its last empty line."""
    _check_characters(note)
    above, blank, below = note.rpartition("\n\n")
    if not blank or not below.endswith("\n"):
        raise MalformedError("a note without a blank line and signature lines below it")
    lines = below[:-1].split("\n")
    return Note(above + "\n", tuple(_parse_line(line) for line in lines))


def _check_characters(note: str) -> None:
    try:
        length = len(note.encode())
    except UnicodeEncodeError as error:
        raise MalformedError("a note that is not valid Unicode") from error
    if length > NOTE_BOUND:
        raise MalformedError(f"a note of {length} bytes, {NOTE_BOUND} allowed")
    if _CONTROL.search(note):
        raise MalformedError("a control character in a note")


def _parse_line(line: str) -> Signature:
    found = _SIGNATURE_LINE.fullmatch(line)
    if not found:
        raise MalformedError("a line that is no signature line")
    check_name(found[1])
    raw = b64_decode(found[2])
    if len(raw) <= KEY_ID_LENGTH:
        raise MalformedError(f"a signature of {len(raw)} bytes")
    return Signature(found[1], raw[:KEY_ID_LENGTH], raw[KEY_ID_LENGTH:])


@dataclass(frozen=True, slots=True)
class Verified:
    """A signature that holds."""

    verifier: Verifier
    time: int | None
    """Seconds since the epoch, as the cosigner says; None for a plain signature, which has no time."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A note that at least one known key signed, and none wrongly."""

    text: str
    verified: tuple[Verified, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(held.verifier.name for held in self.verified)


def open_note(note: str, verifiers: Iterable[Verifier]) -> Opened:
    """Verify the signatures of known keys. Raises ProofError where one fails or none is there."""
    parsed = parse_note(note)
    known = {(held.name, held.key_id): held for held in verifiers}
    verified: dict[tuple[str, bytes], Verified] = {}
    for signature in parsed.signatures:
        verifier = known.get((signature.name, signature.key_id))
        # Signatures of unknown keys are ignored (signed-note); a key counts once.
        if verifier is not None:
            time = _check_signature(signature.signature, text=parsed.text, verifier=verifier)
            verified[verifier.name, verifier.key_id] = Verified(verifier, time)
    if not verified:
        raise ProofError(f"{len(parsed.signatures)} signatures, none by a known key")
    return Opened(parsed.text, tuple(verified.values()))


def _check_signature(signature: bytes, *, text: str, verifier: Verifier) -> int | None:
    needed = _SIGNATURE_LENGTHS[verifier.kind]
    if len(signature) != needed:
        raise ProofError(f"a signature of {len(signature)} bytes, {needed} needed")
    try:
        match verifier.kind:
            case Kind.ED25519:
                key = Ed25519PublicKey.from_public_bytes(verifier.public_key)
                key.verify(signature, text.encode())
                return None
            case Kind.COSIGNATURE:
                time, message = _timed(signature)
                key = Ed25519PublicKey.from_public_bytes(verifier.public_key)
                key.verify(message, cosigned_text(text, time=time))
                return time
            case Kind.SUBTREE:
                time, message = _timed(signature)
                subtree_key = MLDSA44PublicKey.from_public_bytes(verifier.public_key)
                subtree_key.verify(
                    message, cosigned_subtree(text, time=time, cosigner=verifier.name)
                )
                return time
            case _:
                assert_never(verifier.kind)
    except InvalidSignature as error:
        raise ProofError(f"the signature of {verifier.name} does not hold") from error


def _timed(signature: bytes) -> tuple[int, bytes]:
    time = int.from_bytes(signature[:TIME_LENGTH], "big")
    if time >= TIME_BOUND:
        raise ProofError("a cosignature's time of 2^63 or more")
    return time, signature[TIME_LENGTH:]


def cosigned_text(text: str, *, time: int) -> bytes:
    """Return the message of an Ed25519 cosignature."""
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def cosigned_subtree(text: str, *, time: int, cosigner: str) -> bytes:
    """Return the message of an ML-DSA-44 cosignature over a whole checkpoint."""
    checkpoint = parse_checkpoint(text)
    return b"".join(
        (
            b"subtree/v1\n\0",
            _short(cosigner),
            time.to_bytes(8, "big"),
            _short(checkpoint.origin),
            (0).to_bytes(8, "big"),
            checkpoint.size.to_bytes(8, "big"),
            checkpoint.root,
        )
    )


def _short(name: str) -> bytes:
    encoded = name.encode()
    return bytes([len(encoded)]) + encoded


def add_signatures(note: str, lines: Sequence[str]) -> str:
    """Put more signature lines under a note."""
    added = note + "".join(lines)
    parse_note(added)
    return added


def replace_signatures(note: str, lines: Sequence[str]) -> str:
    """Put these signature lines under a note, each instead of the line that its key had there."""
    fresh = [_parse_line(line.removesuffix("\n")) for line in lines]
    keys = {(held.name, held.key_id) for held in fresh}
    text, _, below = note.rpartition("\n\n")
    kept = [
        line
        for line, held in zip(below[:-1].split("\n"), parse_note(note).signatures, strict=True)
        if (held.name, held.key_id) not in keys
    ]
    above = "".join(f"{line}\n" for line in kept)
    return add_signatures(f"{text}\n\n{above}", lines)


def _line(name: str, identifier: bytes, signature: bytes) -> str:
    return f"\u2014 {name} {b64(identifier + signature)}\n"


class Signer:
    """Signs texts as the log itself (0x01, Ed25519)."""

    def __init__(self, name: str, private_key: Ed25519PrivateKey) -> None:
        self._private_key = private_key
        self.verifier = Verifier(name, Kind.ED25519, private_key.public_key().public_bytes_raw())
        self.key_id = self.verifier.key_id
        """Kept, for every batch signs: the verifier hashes the key for it anew."""

    @property
    def name(self) -> str:
        return self.verifier.name

    @property
    def vkey(self) -> str:
        return self.verifier.vkey

    def sign(self, text: str) -> str:
        """Return the note of this text under this signature."""
        if not text.endswith("\n"):
            raise MalformedError("a note's text that does not end its last line")
        note = f"{text}\n{self.line(text)}"
        # Only the text can be malformed: the line is our own, under a name that was checked.
        _check_characters(note)
        return note

    def line(self, text: str) -> str:
        """Return the signature line alone."""
        return _line(self.name, self.key_id, self._private_key.sign(text.encode()))


class Cosigner:
    """Cosigns checkpoints with a time (0x04, Ed25519). One key, one cosigner: the name is not signed."""

    def __init__(self, name: str, private_key: Ed25519PrivateKey) -> None:
        self._private_key = private_key
        self.verifier = Verifier(
            name, Kind.COSIGNATURE, private_key.public_key().public_bytes_raw()
        )

    @property
    def vkey(self) -> str:
        return self.verifier.vkey

    def line(self, text: str, *, time: int) -> str:
        """Return the signature line under a checkpoint; `time` in seconds since the epoch."""
        parse_checkpoint(text)
        signature = self._private_key.sign(cosigned_text(text, time=_need_time(time)))
        held = self.verifier
        return _line(held.name, held.key_id, time.to_bytes(8, "big") + signature)


class SubtreeSigner:
    """Cosigns checkpoints with ML-DSA-44 (0x06); the log's own line on published checkpoints, too."""

    def __init__(self, name: str, private_key: MLDSA44PrivateKey) -> None:
        self._private_key = private_key
        self.verifier = Verifier(name, Kind.SUBTREE, private_key.public_key().public_bytes_raw())

    @property
    def vkey(self) -> str:
        return self.verifier.vkey

    def line(self, text: str, *, time: int) -> str:
        """Return the signature line; time 0 makes no statement that the checkpoint is the latest."""
        held = self.verifier
        message = cosigned_subtree(text, time=_need_time(time), cosigner=held.name)
        signature = self._private_key.sign(message)
        return _line(held.name, held.key_id, time.to_bytes(8, "big") + signature)


def _need_time(time: int) -> int:
    if not 0 <= time < TIME_BOUND:
        raise MalformedError("a cosignature's time outside 0 to 2^63 - 1")
    return time
