"""Where a page of a list ends: the values that place its last record, sealed for one consumer and one list.

What is sealed can be neither read nor changed, and opens under the same binding alone: another consumer,
resource, order or filter makes of a cursor one that nobody ever gave out.
"""

import json
from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

LONGEST = 4_096
"""Characters of the longest cursor that is looked at."""


class CursorError(Exception):
    """A cursor that was not given out for this list, or was changed since."""


class Cursors(Protocol):
    def seal(self, content: bytes, *, bound: bytes) -> str:
        """Return a text that says nothing of the content; equal contents and bindings give equal texts."""
        ...

    def open(self, text: str, *, bound: bytes) -> bytes:
        """Return what was sealed under the same binding; raises CursorError for anything else."""
        ...


def write_position(values: Sequence[Any]) -> bytes:
    """Write the values by which a record is placed: texts, whole numbers and null."""
    return msgspec.json.encode(list(values))


def read_position(content: bytes, *, values: int) -> tuple[Any, ...]:
    """Return so many values as were written; raises CursorError for any other number."""
    try:
        read = json.loads(content)
    except ValueError:
        raise CursorError("a sealed text that is no position") from None
    if not isinstance(read, list) or len(read) != values:
        raise CursorError(f"a position of {values} values needed")
    return tuple(read)
