"""Which key of a log signs trees of which sizes: what a verifier needs once a key was changed.

One line a key: the key, the first size it signs and the last, `-` while it goes on. Two keys may overlap; a
size that no key of a kind signs, between two that do, is refused.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from audit.checkpoint import Checkpoint, format_size, parse_checkpoint, parse_size
from audit.errors import MalformedError, ProofError
from audit.note import Kind, Verifier, open_note, parse_vkey

OPEN = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySpan:
    """A key and the sizes of the trees whose checkpoints it may sign."""

    key: Verifier
    first: int = 0
    last: int | None = None
    """None: it signs to this day."""

    def covers(self, size: int) -> bool:
        return self.first <= size and (self.last is None or size <= self.last)


def format_spans(spans: Iterable[KeySpan]) -> str:
    """Write the list that verifiers are given."""
    return "".join(f"{format_span(span)}\n" for span in spans)


def format_span(span: KeySpan) -> str:
    last = OPEN if span.last is None else format_size(span.last)
    return f"{span.key.vkey} {format_size(span.first)} {last}"


def parse_spans(text: str) -> tuple[KeySpan, ...]:
    """Read such a list. Raises MalformedError for one with a gap, or not of one log."""
    if not text.endswith("\n"):
        raise MalformedError("a list of keys whose last line does not end")
    spans = tuple(_parse_span(line) for line in text[:-1].split("\n"))
    check_spans(spans)
    return spans


def check_spans(spans: Sequence[KeySpan]) -> None:
    """Raise MalformedError unless some Ed25519 key signs every size, and no key stands there twice."""
    if len({span.key.name for span in spans}) != 1:
        raise MalformedError("keys of more than one log, or of none")
    if len({span.key.public_key for span in spans}) != len(spans):
        raise MalformedError("a key that stands twice")
    signing = _of_kind(spans, Kind.ED25519)
    if not signing or signing[0].first:
        raise MalformedError("no Ed25519 key that signs from the first entry on")
    for kind in (Kind.ED25519, Kind.SUBTREE):
        _check_unbroken(_of_kind(spans, kind))


def check_signed(note: str, spans: Sequence[KeySpan]) -> Checkpoint:
    """Return what a checkpoint says if a key that signs trees of its size signed it. Raises ProofError."""
    opened = open_note(note, [span.key for span in spans])
    checkpoint = parse_checkpoint(opened.text)
    signed = {held.verifier for held in opened.verified}
    if not any(span.key in signed and span.covers(checkpoint.size) for span in spans):
        raise ProofError(
            f"a checkpoint of {checkpoint.size} entries under a key that does not sign that size"
        )
    return checkpoint


def _of_kind(spans: Iterable[KeySpan], kind: Kind) -> list[KeySpan]:
    return sorted((span for span in spans if span.key.kind is kind), key=lambda span: span.first)


def _check_unbroken(spans: Sequence[KeySpan]) -> None:
    for older, newer in pairwise(spans):
        if older.last is not None and newer.first > older.last + 1:
            raise MalformedError(f"no key signs the sizes {older.last + 1} to {newer.first - 1}")
        if newer.first <= older.first:
            raise MalformedError(f"two keys that sign from size {newer.first} on")
    if spans and spans[-1].last is not None:
        raise MalformedError(f"no key signs more than {spans[-1].last} entries")


def _parse_span(line: str) -> KeySpan:
    words = line.split(" ")
    if len(words) != 3:
        raise MalformedError("a line of a key, its first size and its last needed")
    key = parse_vkey(words[0])
    if key.kind is Kind.COSIGNATURE:
        raise MalformedError("a key of a witness, one of the log needed")
    first, last = parse_size(words[1]), None if words[2] == OPEN else parse_size(words[2])
    if last is not None and last < first:
        raise MalformedError(f"a key that signs from {first} to {last}")
    return KeySpan(key=key, first=first, last=last)
