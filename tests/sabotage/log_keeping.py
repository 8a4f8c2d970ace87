"""Sabotages of keeping: what is erased, by whom, and what an archive gives back."""

from typing import Any

import audit.archive
import audit.erasure
import audit.fsck
import exchange.acts.keeping
from audit.erasure import Due
from tests.sabotage.kit import Sabotage, replaced


def _nothing(*_: Any, **__: Any) -> None:
    """Refuse nobody."""


def _no_findings(*_: Any, **__: Any) -> tuple[Any, ...]:
    return ()


def _no_bodies(*_: Any, **__: Any) -> dict[int, bytes]:
    return {}


def _whole_life(held: Any, **_: Any) -> Due:
    return Due(keys=tuple(held), running=0)


SABOTAGES = {
    "L13": Sabotage(
        why="what lies in the archive is taken for read, and nobody reads it",
        apply=lambda: replaced(audit.archive.bodies_in_files, _no_bodies),
    ),
    "L15": Sabotage(
        why="a key that is gone without an entry goes unnoticed",
        apply=lambda: replaced(audit.fsck.Sides.end, _no_findings),
    ),
    "L20": Sabotage(
        why="an erasure takes keys whose term still runs",
        apply=lambda: replaced(audit.erasure.due_keys, _whole_life),
    ),
    "L22": Sabotage(
        why="who approves is not looked for in the entries",
        apply=lambda: replaced(exchange.acts.keeping._check_unnamed, _nothing),
    ),
}
