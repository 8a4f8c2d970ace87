"""Sabotages of rollbacks and of changed keys: an older log goes on unasked, any key signs any size."""

from typing import Any

import audit.key_spans
import audit.startup
from tests.sabotage.kit import Sabotage, replaced


def _pass(*_: Any, **__: Any) -> None:
    return None


def _any_size(*_: Any, **__: Any) -> bool:
    return True


SABOTAGES = {
    "L6": Sabotage(
        why="what the guard remembers is not held against the log",
        apply=lambda: replaced(audit.startup._check_past, _pass),
    ),
    "L12": Sabotage(
        why="a retired key signs on, and a new one signs what was before it",
        apply=lambda: replaced(audit.key_spans.KeySpan.covers, _any_size),
    ),
}
