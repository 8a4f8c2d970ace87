"""The text of a checkpoint: origin, size and root (C2SP tlog-checkpoint), without extension lines."""

import re
from dataclasses import dataclass
from functools import lru_cache

from audit.canonical import b64, b64_decode
from audit.errors import MalformedError
from audit.merkle import EMPTY_ROOT, HASH_LENGTH

SIZE_BOUND = 1 << 63
ORIGIN_BOUND = 255
"""Bytes in an origin: an ML-DSA-44 cosignature writes its length in one byte."""

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What the log says of itself: the tree of `size` leaves has this root."""

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        check_name(self.origin)
        if not 0 <= self.size < SIZE_BOUND:
            raise MalformedError(f"a tree of {self.size} leaves, 0 to 2^63 - 1 needed")
        if len(self.root) != HASH_LENGTH:
            raise MalformedError(f"a root of {len(self.root)} bytes, {HASH_LENGTH} needed")
        if self.size == 0 and self.root != EMPTY_ROOT:
            raise MalformedError("a tree without leaves under another than the empty root")


def format_checkpoint(checkpoint: Checkpoint) -> str:
    """Write the text that is signed."""
    return f"{checkpoint.origin}\n{format_size(checkpoint.size)}\n{b64(checkpoint.root)}\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """Read a checkpoint's text; extension lines are refused, as not all signatures cover them."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[3]:
        raise MalformedError(f"a checkpoint of {len(lines) - 1} lines, 3 needed")
    origin, size, root, _ = lines
    return Checkpoint(origin, parse_size(size), b64_decode(root))


def format_size(size: int) -> str:
    return str(size)


def parse_size(text: str) -> int:
    """Read a tree size or leaf index: ASCII digits, no sign, no leading zero, below 2^63."""
    if not _DECIMAL.fullmatch(text) or int(text) >= SIZE_BOUND:
        raise MalformedError(f"not a tree size: {text[:24]!r}")
    return int(text)


@lru_cache(maxsize=256)
def check_name(name: str) -> None:
    """Refuse what may not name a log or a key: nothing, spaces, `+`, control characters, over-long."""
    if not name:
        raise MalformedError("an empty name, a scheme-less URL needed")
    if any(held == "+" or held.isspace() or held < " " for held in name):
        raise MalformedError("a space, plus or control character in a name")
    try:
        length = len(name.encode())
    except UnicodeEncodeError as error:
        raise MalformedError("a name that is not valid Unicode") from error
    if length > ORIGIN_BOUND:
        raise MalformedError(f"a name of {length} bytes, {ORIGIN_BOUND} allowed")
