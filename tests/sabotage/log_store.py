"""Sabotages of the log under failure: what a slow, full, torn or lost database might do if nobody looked."""

from typing import Any

import audit.startup
from audit.sequencer import Sequencer
from audit.waiting import WaitingLine
from tests.sabotage.kit import Sabotage, replaced
from tests.sabotage.log import unfinished


def _nothing(*_: Any, **__: Any) -> None:
    """Take in nothing, check nothing, write nothing."""


def _no_doubt(sequencer: Any) -> bool:
    pending = sequencer._pending is not None
    sequencer._adopt()
    return pending


def _break(line: Any, error: Exception) -> str:
    line._closed = True
    return str(error)


def _by_the_clock(sequencer: Any) -> int:
    if hasattr(sequencer, "latest"):
        object.__setattr__(sequencer.latest.head, "ts", 0)
    return int(sequencer._now().timestamp() * 1000)


SABOTAGES: dict[str, Sabotage] = {
    "W5": Sabotage(
        why="a commit that failed is taken for one that was carried out",
        apply=lambda: replaced(Sequencer._settle, _no_doubt),
    ),
    "W6": Sabotage(
        why="the sequencer answers for what it has not written, and the next one begins before it",
        apply=unfinished,
    ),
    "W7": Sabotage(
        why="the line takes whatever comes",
        apply=lambda: replaced(WaitingLine._check_room, _nothing),
    ),
    "W8": Sabotage(
        why="after its first failure the log takes nothing until it is started anew",
        apply=lambda: replaced(WaitingLine._break, _break),
    ),
    "W9": Sabotage(
        why="a gateway does not take in what others wrote",
        apply=lambda: replaced(Sequencer._catch_up, _nothing),
    ),
    "W10": Sabotage(
        why="the start does not hold the log against the guard",
        apply=lambda: replaced(audit.startup._check_past, _nothing),
    ),
    "T2": Sabotage(
        why="entries take the clock's time, wherever it was turned",
        apply=lambda: replaced(Sequencer._milliseconds, _by_the_clock),
    ),
}
