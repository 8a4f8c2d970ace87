"""What a job is: who had what done, how far it is, what came of it. Pure values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

LONGEST_MS = 24 * 3_600_000
"""Nobody's word is carried out longer: a job that took more is begun anew by who may."""


class JobState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    """It could not go on; `code` and `why` say why."""
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One errand on one shard, as the registry keeps it."""

    id: str
    errand: str
    origin: str
    """Of the shard: a name that stays right when the shard is frozen meanwhile."""
    officer: str
    """On whose word each page is done."""
    auth: str
    arguments: Mapping[str, str]
    """What the act is asked with on each page, besides the shard and the place."""
    created_ms: int
    begun: int
    """Number of the act that began it, through all shards."""
    state: JobState = JobState.RUNNING
    place: Mapping[str, Any] = field(default_factory=dict)
    """What the next page is asked with besides; empty for the first, and where each begins at the oldest."""
    said: Mapping[str, Any] | None = field(default=None, repr=False)
    """What the pages done said, as one; None before the first."""
    done: int = 0
    total: int = 0
    code: str = ""
    """Why it stopped; empty otherwise."""
    why: str = ""
    """The same, as the act said it: what was found and what was needed."""
    ended_ms: int | None = None
    ended: int | None = None
    """Number of the act that ended it; None while it runs."""
