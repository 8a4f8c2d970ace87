"""How gateways and the sequencer talk: length, then MessagePack; what is not exactly a message is refused.

A gateway begins with `Hello` and is told `Welcome`. Then it sends `Ask`s, as many as it likes without
waiting; each is answered once, by number, with `Given` or `Refused`. Nothing here is stored or signed: both
ends are of one release, and `VERSION` says which form they speak.
"""

from collections.abc import Mapping
from typing import Any, TypeVar, assert_never

import msgspec

from audit.entry import (
    ByteCommit,
    Commit,
    Draft,
    IndexRow,
    Nonce,
    Opening,
    Quota,
    RowDigest,
    Sequenced,
)
from audit.errors import (
    AuditError,
    LogBusyError,
    LogUnavailableError,
    MalformedError,
    StaleSnapshotError,
)

VERSION = "sequencer/2"
LENGTH = 4
"""Bytes of the length before each message, big-endian."""
MOST = 4 * 1024 * 1024
"""Bytes in a message."""


class WireValue(msgspec.Struct, frozen=True, tag="v", forbid_unknown_fields=True):
    name: str
    value: Any
    subject: tuple[str, str] | None


class WireBytes(msgspec.Struct, frozen=True, tag="b", forbid_unknown_fields=True):
    name: str
    content: bytes


class WireDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: str
    clear: dict[str, Any]
    commits: tuple[WireValue | WireBytes, ...]
    counters: tuple[str, ...]
    index: tuple[IndexRow, ...]
    rows: tuple[RowDigest, ...]
    applied: int | None
    barrier: bool
    nonce: Nonce | None
    quotas: tuple[Quota, ...]
    receipt: tuple[str, ...]
    documents: tuple[bytes, ...]
    otherwise: dict[str, "WireDraft"]


class Hello(msgspec.Struct, frozen=True, tag="hello", forbid_unknown_fields=True):
    version: str
    origin: str
    gateway: str


class Welcome(msgspec.Struct, frozen=True, tag="welcome", forbid_unknown_fields=True):
    version: str
    origin: str
    epoch: int
    most: int
    """Asks of one gateway that may be unanswered."""


class Ask(msgspec.Struct, frozen=True, tag="ask", forbid_unknown_fields=True):
    number: int
    draft: WireDraft


class Given(msgspec.Struct, frozen=True, tag="given", forbid_unknown_fields=True):
    number: int
    index: int
    size: int
    body: bytes
    proof: tuple[bytes, ...]
    checkpoint: str
    openings: dict[str, Opening]
    instead: str | None


class Refused(msgspec.Struct, frozen=True, tag="refused", forbid_unknown_fields=True):
    number: int
    code: str
    message: str


FromGateway = Hello | Ask
FromSequencer = Welcome | Given | Refused

T = TypeVar("T")
_write = msgspec.msgpack.Encoder().encode
_read_asked: msgspec.msgpack.Decoder[FromGateway] = msgspec.msgpack.Decoder(FromGateway)
_read_told: msgspec.msgpack.Decoder[FromSequencer] = msgspec.msgpack.Decoder(FromSequencer)
_KINDS: Mapping[str, type[AuditError]] = {
    kind.code: kind
    for kind in (LogUnavailableError, LogBusyError, StaleSnapshotError, MalformedError)
}


def frame(message: FromGateway | FromSequencer) -> bytes:
    """Write a message with its length. Raises MalformedError for one too long, or not to be written."""
    try:
        content = _write(message)
    except (TypeError, ValueError, OverflowError) as error:
        # The reason may quote a value, so only its kind is told.
        raise MalformedError(f"a draft that cannot be sent ({type(error).__name__})") from error
    if len(content) > MOST:
        raise MalformedError(f"a message of {len(content)} bytes, {MOST} allowed")
    return len(content).to_bytes(LENGTH, "big") + content


def length_of(prefix: bytes) -> int:
    """Read the length of the message that follows. Raises MalformedError."""
    length = int.from_bytes(prefix, "big")
    if not 0 < length <= MOST:
        raise MalformedError(f"a message of {length} bytes, 1 to {MOST} needed")
    return length


def read_from_gateway(content: bytes) -> FromGateway:
    return _read(_read_asked, content)


def read_from_sequencer(content: bytes) -> FromSequencer:
    return _read(_read_told, content)


def ask_of(number: int, draft: Draft) -> Ask:
    return Ask(number=number, draft=_wire(draft))


def draft_of(ask: Ask) -> Draft:
    return _draft(ask.draft)


def given_of(number: int, sequenced: Sequenced) -> Given:
    return Given(
        number=number,
        index=sequenced.index,
        size=sequenced.size,
        body=sequenced.body,
        proof=sequenced.proof,
        checkpoint=sequenced.checkpoint,
        openings=dict(sequenced.openings),
        instead=sequenced.instead,
    )


def sequenced_of(given: Given) -> Sequenced:
    return Sequenced(
        index=given.index,
        size=given.size,
        body=given.body,
        proof=given.proof,
        checkpoint=given.checkpoint,
        openings=given.openings,
        instead=given.instead,
    )


def refused_of(number: int, error: AuditError) -> Refused:
    return Refused(number=number, code=error.code, message=str(error))


def error_of(refused: Refused) -> AuditError:
    """The refusal as it was raised; of a code that is not known here, that the log is unavailable."""
    return _KINDS.get(refused.code, LogUnavailableError)(refused.message)


def _read(decoder: "msgspec.msgpack.Decoder[T]", content: bytes) -> T:
    try:
        return decoder.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedError("a message that is none of those that are known") from error


def _wire(draft: Draft) -> WireDraft:
    return WireDraft(
        kind=draft.kind,
        clear=dict(draft.clear),
        commits=tuple(_wire_commit(commit) for commit in draft.commits),
        counters=draft.counters,
        index=draft.index,
        rows=draft.rows,
        applied=draft.applied,
        barrier=draft.barrier,
        nonce=draft.nonce,
        quotas=draft.quotas,
        receipt=draft.receipt,
        documents=draft.documents,
        otherwise={name: _wire(other) for name, other in draft.otherwise.items()},
    )


def _wire_commit(commit: Commit | ByteCommit) -> WireValue | WireBytes:
    match commit:
        case Commit(name=name, value=value, subject=subject):
            return WireValue(name=name, value=value, subject=subject)
        case ByteCommit(name=name, content=content):
            return WireBytes(name=name, content=content)
        case _:
            assert_never(commit)


def _draft(wire: WireDraft) -> Draft:
    return Draft(
        kind=wire.kind,
        clear=wire.clear,
        commits=tuple(_commit(commit) for commit in wire.commits),
        counters=wire.counters,
        index=wire.index,
        rows=wire.rows,
        applied=wire.applied,
        barrier=wire.barrier,
        nonce=wire.nonce,
        quotas=wire.quotas,
        receipt=wire.receipt,
        documents=wire.documents,
        otherwise={name: _draft(other) for name, other in wire.otherwise.items()},
    )


def _commit(wire: WireValue | WireBytes) -> Commit | ByteCommit:
    match wire:
        case WireValue(name=name, value=value, subject=subject):
            return Commit(name=name, value=value, subject=subject)
        case WireBytes(name=name, content=content):
            return ByteCommit(name=name, content=content)
        case _:
            assert_never(wire)
