"""Where a page in bulk begins, as callers keep it: a cursor of its own system and question."""

import msgspec

from gateway.bulk import BulkAsk
from gateway.cursors import CursorError, Cursors, read_position, write_position
from gateway.errors import RefusedRequestError

_BULK = "bulk/1"
"""Binds a cursor to pages in bulk: none of a list opens here."""


class BulkCursors:
    """Implements `gateway.bulk.CursorSealer` with the cursors of lists."""

    def __init__(self, cursors: Cursors | None) -> None:
        """`cursors` None: none are given here and none are taken."""
        self._cursors = cursors

    def seal(self, asked: BulkAsk, *, system: str, after: str) -> str:
        if self._cursors is None:
            raise RefusedRequestError("CURSOR_INVALID")
        return self._cursors.seal(write_position([after]), bound=_bound(asked, system))

    def open(self, cursor: str, asked: BulkAsk, *, system: str) -> str:
        """Return the key. Raises RefusedRequestError CURSOR_INVALID for another's, and for what is none."""
        try:
            if self._cursors is None:
                raise CursorError("no cursors are given here")  # noqa: TRY301  One way out for all kinds.
            content = self._cursors.open(cursor, bound=_bound(asked, system))
            (after,) = read_position(content, values=1)
        except CursorError:
            raise RefusedRequestError("CURSOR_INVALID") from None
        if not isinstance(after, str):
            raise RefusedRequestError("CURSOR_INVALID")
        return after


def _bound(asked: BulkAsk, system: str) -> bytes:
    return msgspec.json.encode([_BULK, system, asked.digest])
