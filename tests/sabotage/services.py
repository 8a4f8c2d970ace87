"""How the client of departments' services could be broken."""

from contextlib import AbstractContextManager
from typing import Any

from gateway.sources.http1 import Connection
from tests.sabotage.kit import Sabotage, replaced

_original_init = Connection.__init__
_ROOM = 1 << 24
"""Less than the longest of the tests' answers: a sabotage is not to fill this machine."""


def _end_well(connection: Connection) -> None:
    connection._status = connection._status or 200
    connection._parts = connection._parts or [b"[]"]
    connection._keeps = False
    connection._end(None)


def _take_what_came() -> AbstractContextManager[None]:
    def lost(connection: Connection, _: Exception | None) -> None:
        connection._transport = None
        if connection._asked is not None:
            _end_well(connection)

    return replaced(Connection.connection_lost, lost)


def _take_late_for_absent() -> AbstractContextManager[None]:
    return replaced(Connection._late, _end_well)


def _take_any_length() -> AbstractContextManager[None]:
    def init(connection: Connection, *, body_bytes: int, **others: Any) -> None:
        _original_init(connection, body_bytes=max(body_bytes, _ROOM), **others)

    return replaced(_original_init, init)


SABOTAGES: dict[str, Sabotage] = {
    "S2": Sabotage(why="an answer that breaks off counts as whole", apply=_take_what_came),
    "S3": Sabotage(why="whoever is late has no record", apply=_take_late_for_absent),
    "S4": Sabotage(why="whoever is late has no record", apply=_take_late_for_absent),
    "S5": Sabotage(why="an answer may be of any length", apply=_take_any_length),
}
