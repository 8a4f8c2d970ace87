"""Sabotages of the step from one shard to the next: what stood in the old one is forgotten, or may grow."""

from typing import Any

import audit.carrying
import audit.frozen
import audit.verify
from audit.verify import Finding
from tests.sabotage.kit import Sabotage, replaced


def _pass(*_: Any, **__: Any) -> None:
    return None


def _follows(older: Any, shard: Any) -> Finding:
    return Finding(code="SHARD_FOLLOWS", name=f"{older.origin} → {shard.origin}")


SABOTAGES = {
    "L5": Sabotage(
        why="a shard is taken to follow whatever was given before it, grown or rewritten",
        apply=lambda: replaced(audit.verify._link, _follows),
    ),
    "I6": Sabotage(
        why="a new shard knows no nonce of the one before",
        apply=lambda: replaced(audit.carrying.take_over, _pass),
    ),
    "L7": Sabotage(
        why="a shard is taken to follow one that does not name its key",
        apply=lambda: replaced(audit.verify._link, _follows),
    ),
    "L17": Sabotage(
        why="a frozen shard may have more entries than when it was frozen",
        apply=lambda: replaced(audit.frozen._check_still, _pass),
    ),
}
