"""Where a page begins, as callers keep it: sealed, and of no use to another system or question."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

import msgspec

from catalogue.ports import Sealer
from exchange.sealing import SealError
from gateway.bulk import BulkAsk
from gateway.errors import RefusedRequestError

_LONGEST = 4_096


class Cursors:
    """Implements `gateway.bulk.CursorSealer` under the registry's sealing key."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def seal(self, asked: BulkAsk, *, system: str, after: str) -> str:
        told = msgspec.json.encode([system, asked.digest, after]).decode()
        return urlsafe_b64encode(self._sealer.seal(told)).rstrip(b"=").decode()

    def open(self, cursor: str, asked: BulkAsk, *, system: str) -> str:
        """Return the key. Raises RefusedRequestError CURSOR_INVALID for another's, and for what is none."""
        try:
            if len(cursor) > _LONGEST:
                raise ValueError("no cursor")  # noqa: TRY301  One way out for all kinds.
            sealed = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            told = msgspec.json.decode(self._sealer.open(sealed), type=tuple[str, str, str])
        except (ValueError, SealError):
            raise RefusedRequestError("CURSOR_INVALID") from None
        if told[:2] != (system, asked.digest):
            raise RefusedRequestError("CURSOR_INVALID")
        return told[2]
