"""File handles: how many connections a process takes, so that some are left for its databases and sources."""

import resource
from dataclasses import dataclass

_RESERVE = 128
_BACKLOG = 2_048
_ENDLESS = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What a process may take of connections."""

    connections: int
    """Those beyond are closed as they come; callers try again."""
    backlog: int
    """Connections that may wait to be taken, all of which are taken in one turn of the loop."""


def room_in(limit: int) -> Room:
    """Share out so many file handles.

    A loop that runs out of them in the middle of taking connections takes none for a second, says so
    thousands of times, and meanwhile no database can be opened either: so it must never come to that.
    """
    endless = limit < 0 or limit > _ENDLESS
    whole = _ENDLESS if endless else limit
    left = whole - min(_RESERVE, whole // 4)
    backlog = min(_BACKLOG, left // 2)
    return Room(connections=left - backlog, backlog=backlog)


def handles() -> int:
    """Return how many file handles this process may have; negative for no bound."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def take_handles() -> None:
    """Let this process have as many file handles as the system lets it."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
