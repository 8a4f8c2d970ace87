"""Stands in for a source that rests: nothing is sent, and the caller is told until when."""

from collections.abc import Callable, Sequence
from datetime import datetime

from gateway.errors import SourceMaintenanceError
from gateway.model import Permitted, Row


class RestingSource:
    """Implements `gateway.ports.Source` by refusing every read."""

    def __init__(self, *, until: datetime, now: Callable[[], datetime]) -> None:
        self._until = until
        self._now = now

    async def read(
        self,
        permitted: Permitted,  # noqa: ARG002 - the port's
        *,
        keys: Sequence[str],  # noqa: ARG002 - the port's
        call: str,  # noqa: ARG002 - the port's
    ) -> Sequence[Row]:
        left = max(1, round((self._until - self._now()).total_seconds()))
        raise SourceMaintenanceError(retry_after_s=left)

    async def close(self) -> None:
        """Nothing was opened."""
