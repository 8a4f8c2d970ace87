"""Sabotages of the step from one shard to the next: what stood in the old one is forgotten, or may grow."""

from typing import Any

import audit.carrying
import audit.frozen
from tests.sabotage.kit import Sabotage, replaced


def _pass(*_: Any, **__: Any) -> None:
    return None


SABOTAGES = {
    "I6": Sabotage(
        why="a new shard knows no nonce of the one before",
        apply=lambda: replaced(audit.carrying.take_over, _pass),
    ),
    "L17": Sabotage(
        why="a frozen shard may have more entries than when it was frozen",
        apply=lambda: replaced(audit.frozen._check_still, _pass),
    ),
}
