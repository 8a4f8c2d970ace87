"""A witness: cosigns a log's checkpoint only if it extends the one cosigned before (C2SP tlog-witness).

What it cosigned is on the disk before anybody hears of it. A log that shows it two histories leaves a proof
of that behind, under the log's own signature.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from threading import Lock
from typing import Protocol

from audit.canonical import b64, b64_decode
from audit.checkpoint import Checkpoint, format_size, parse_checkpoint, parse_size
from audit.errors import AuditError, MalformedError, ProofError
from audit.merkle import HASH_LENGTH, check_consistency
from audit.note import (
    NOTE_BOUND,
    Cosigner,
    SubtreeSigner,
    Verifier,
    add_signatures,
    open_note,
    parse_note,
)

PROOF_BOUND = 63
"""Lines of a consistency proof: as many as a tree below 2^63 leaves can need."""

SIZE_TYPE = "text/x.tlog.size"
"""Content type of the answer that tells the size cosigned last."""

BODY_BOUND = NOTE_BOUND + 4_096
_OLD = re.compile(r"old ([0-9]+)")


class Why(Enum):
    """Why a checkpoint is not cosigned, in the order in which it is looked at."""

    UNKNOWN_LOG = "unknown log"
    UNSIGNED = "unsigned"
    MALFORMED = "malformed"
    OTHER_SIZE = "other size"
    INCONSISTENT = "inconsistent"


class NotCosignedError(AuditError):
    """The witness does not cosign; `size` is what it cosigned last of this log."""

    code = "NOT_COSIGNED"

    def __init__(self, why: Why, message: str, *, size: int = 0) -> None:
        super().__init__(message)
        self.why = why
        self.size = size


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked of a witness: cosign this note, which extends the tree of `old` leaves."""

    old: int
    proof: tuple[bytes, ...]
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fork:
    """Two checkpoints that one log signed and that cannot both be true."""

    origin: str
    size: int
    held: str
    shown: str


class States(Protocol):
    """What a witness remembers. Raises AuditError where it cannot."""

    def load(self) -> Mapping[str, str]:
        """Return the newest cosigned note by origin."""
        ...

    def save(self, notes: Mapping[str, str]) -> None:
        """Return once the notes are on the disk, all of them or none."""
        ...

    def keep(self, fork: Fork) -> None:
        """Keep a proof of misbehaviour."""
        ...


def format_request(request: Request) -> bytes:
    """Write the body of `add-checkpoint`."""
    proof = "".join(f"{b64(held)}\n" for held in request.proof)
    return f"old {format_size(request.old)}\n{proof}\n{request.note}".encode()


def parse_request(body: bytes) -> Request:
    """Read the body of `add-checkpoint`. Raises MalformedError for anything but one."""
    if len(body) > BODY_BOUND:
        raise MalformedError(f"{len(body)} bytes, {BODY_BOUND} allowed")
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise MalformedError("not UTF-8") from error
    above, blank, note = text.partition("\n\n")
    first, *lines = above.split("\n")
    old = _OLD.fullmatch(first)
    if not blank or not old:
        raise MalformedError("an old size, a proof and a blank line above the checkpoint needed")
    if len(lines) > PROOF_BOUND:
        raise MalformedError(f"{len(lines)} lines of proof, {PROOF_BOUND} allowed")
    proof = tuple(b64_decode(line) for line in lines)
    if any(len(held) != HASH_LENGTH for held in proof):
        raise MalformedError(f"a line of the proof that is no hash of {HASH_LENGTH} bytes")
    parse_note(note)
    return Request(old=parse_size(old[1]), proof=proof, note=note)


def origin_digest(origin: str) -> str:
    """Return the path by which a witness shows its newest checkpoint of a log."""
    return hashlib.sha256(origin.encode()).hexdigest()


class Witness:
    """Watches the logs whose keys it was given. Safe to use from any thread."""

    def __init__(
        self,
        *,
        logs: Mapping[str, Sequence[Verifier]],
        cosigners: Sequence[Cosigner | SubtreeSigner],
        states: States,
        now: Callable[[], datetime],
    ) -> None:
        """Raises AuditError where what was remembered does not bear this witness's own signature."""
        self._logs = logs
        self._cosigners = cosigners
        self._states = states
        self._now = now
        self._lock = Lock()
        self._notes = dict(states.load())
        self._times = {origin: self._check_own(origin) for origin in self._notes}

    def add_checkpoint(self, body: bytes) -> str:
        """Return the cosignature lines, once what they cover is remembered.

        Raises NotCosignedError; AuditError where it could not be remembered.
        """
        try:
            request = parse_request(body)
            text = parse_note(request.note).text
        except MalformedError as error:
            raise NotCosignedError(Why.MALFORMED, str(error)) from error
        origin = text.partition("\n")[0]
        self._check_signed(request.note, origin)
        checkpoint = _checkpoint(text)
        # Compared and remembered under one lock: two requests cannot both extend the same tree.
        with self._lock:
            self._check_extends(request, checkpoint)
            return self._cosign(request.note, text, origin)

    def newest(self, digest: str) -> str | None:
        """Return the newest cosigned checkpoint of the log whose origin has this digest."""
        with self._lock:
            return next(
                (note for name, note in self._notes.items() if origin_digest(name) == digest), None
            )

    def _check_own(self, origin: str) -> int:
        opened = open_note(self._notes[origin], [held.verifier for held in self._cosigners])
        if parse_checkpoint(opened.text).origin != origin:
            raise ProofError(f"the remembered checkpoint is not of {origin}")
        return max(held.time or 0 for held in opened.verified)

    def _check_signed(self, note: str, origin: str) -> None:
        keys = self._logs.get(origin)
        if keys is None:
            raise NotCosignedError(Why.UNKNOWN_LOG, "a log that this witness does not watch")
        try:
            open_note(note, keys)
        except MalformedError as error:
            raise NotCosignedError(Why.MALFORMED, str(error)) from error
        except ProofError as error:
            raise NotCosignedError(Why.UNSIGNED, str(error)) from error

    def _check_extends(self, request: Request, checkpoint: Checkpoint) -> None:
        held = self._notes.get(checkpoint.origin)
        last = None if held is None else parse_checkpoint(parse_note(held).text)
        size = 0 if last is None else last.size
        if request.old > checkpoint.size:
            message = f"old size {request.old} above the checkpoint's {checkpoint.size}"
            raise NotCosignedError(Why.MALFORMED, message, size=size)
        if request.old != size:
            self._keep_fork(held, last, request.note, checkpoint)
            message = f"size {size} was cosigned last, not {request.old}"
            raise NotCosignedError(Why.OTHER_SIZE, message, size=size)
        try:
            _check_consistent(request, checkpoint, last)
        except ProofError as error:
            self._keep_fork(held, last, request.note, checkpoint)
            raise NotCosignedError(Why.INCONSISTENT, str(error), size=size) from error

    def _keep_fork(
        self, held: str | None, last: Checkpoint | None, shown: str, checkpoint: Checkpoint
    ) -> None:
        if held is None or last is None:
            return
        if last.size == checkpoint.size and last.root != checkpoint.root:
            self._states.keep(Fork(origin=last.origin, size=last.size, held=held, shown=shown))

    def _cosign(self, note: str, text: str, origin: str) -> str:
        time = max(int(self._now().timestamp()), self._times.get(origin, 0))
        lines = [held.line(text, time=time) for held in self._cosigners]
        # Only what was verified is kept: a note may bear any lines of strangers.
        own = valid_lines(note.rpartition("\n\n")[2], note, self._logs[origin])
        notes = {**self._notes, origin: add_signatures(f"{text}\n", [*own, *lines])}
        # The commit point. A crash before it has cosigned nothing; after it the log asks again.
        self._states.save(notes)
        self._notes, self._times[origin] = notes, time
        return "".join(lines)


def _checkpoint(text: str) -> Checkpoint:
    try:
        return parse_checkpoint(text)
    except MalformedError as error:
        empty = text.split("\n")[1:2] == ["0"]
        raise NotCosignedError(Why.INCONSISTENT if empty else Why.MALFORMED, str(error)) from error


def _check_consistent(request: Request, checkpoint: Checkpoint, last: Checkpoint | None) -> None:
    if request.old == 0:
        if request.proof:
            raise ProofError(f"{len(request.proof)} hashes in a proof from nothing, none needed")
        return
    if last is None:
        raise ProofError("nothing was cosigned to be extended")
    check_consistency(
        request.proof,
        old_size=last.size,
        old_root=last.root,
        new_size=checkpoint.size,
        new_root=checkpoint.root,
    )


def valid_lines(told: str, note: str, verifiers: Iterable[Verifier]) -> tuple[str, ...]:
    """Return the signature lines among those told that are of this note and by these keys.

    Lines of unknown keys are left out. Raises ProofError where a known key's line does not hold or none is
    there, MalformedError for what are no signature lines.
    """
    known = {(held.name, held.key_id): held for held in verifiers}
    text = parse_note(note).text
    lines = [f"{line}\n" for line in told.removesuffix("\n").split("\n")]
    taken: dict[tuple[str, bytes], str] = {}
    for line in lines:
        (signature,) = parse_note(f"{text}\n{line}").signatures
        key = (signature.name, signature.key_id)
        if key in known:
            open_note(f"{text}\n{line}", [known[key]])
            taken[key] = line
    if not taken:
        raise ProofError(f"{len(lines)} lines, none by a key that is known")
    return tuple(taken.values())


def find_fork(notes: Iterable[str], verifiers: Iterable[Verifier]) -> Fork | None:
    """Return two of these notes that the log signed for one size and different roots; None: there are none.

    Raises ProofError, MalformedError for a note that is not signed by the log.
    """
    keys = list(verifiers)
    seen: dict[tuple[str, int], tuple[bytes, str]] = {}
    for note in notes:
        checkpoint = parse_checkpoint(open_note(note, keys).text)
        place = (checkpoint.origin, checkpoint.size)
        root, held = seen.setdefault(place, (checkpoint.root, note))
        if root != checkpoint.root:
            return Fork(origin=checkpoint.origin, size=checkpoint.size, held=held, shown=note)
    return None
