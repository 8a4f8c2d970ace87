"""The proof of an entry, step by step, as the server computes it: to be checked by somebody else."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from audit.canonical import b64, b64_decode
from audit.checkpoint import parse_checkpoint
from audit.note import parse_note


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One step up: the given hash stands on this side of what the step below gave."""

    side: str
    """`left` or `right`."""
    given: str
    computed: str
    """What both give together, base64."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """From an entry's own hash up to the root in the signed checkpoint. Hashes are base64."""

    index: int
    size: int
    leaf: str
    rungs: tuple[Rung, ...]
    root: str
    origin: str
    signed_root: str
    hashes: str
    """What was given, joined by spaces, for the page's script."""

    @property
    def reaches(self) -> bool:
        return self.root == self.signed_root


def climb(leaf: bytes, *, index: int, size: int, hashes: Sequence[str], checkpoint: str) -> Ladder:
    """Compute each step of an inclusion proof (RFC 9162, 2.1.3.2) that the log itself has just made.

    `leaf` is the entry's own hash: RFC 6962, 2.1.
    """
    place, last = index, size - 1
    computed = leaf
    rungs = []
    for text in hashes:
        given = b64_decode(text)
        left = bool(place & 1) or place == last
        pair = given + computed if left else computed + given
        computed = sha256(b"\1" + pair).digest()
        rungs.append(Rung(side="left" if left else "right", given=text, computed=b64(computed)))
        while left and place and not place & 1:
            place, last = place >> 1, last >> 1
        place, last = place >> 1, last >> 1
    signed = parse_checkpoint(parse_note(checkpoint).text)
    return Ladder(
        index=index,
        size=size,
        leaf=b64(leaf),
        rungs=tuple(rungs),
        root=b64(computed),
        origin=signed.origin,
        signed_root=b64(signed.root),
        hashes=" ".join(hashes),
    )
