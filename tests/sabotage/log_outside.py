"""Sabotages of witnesses and quorums: a history that was rewritten is cosigned, or needs no cosignature."""

from typing import Any

import audit.policy_file
import audit.witness
from tests.sabotage.kit import Sabotage, replaced


def _pass(*_: Any, **__: Any) -> None:
    return None


def _met(*_: Any, **__: Any) -> bool:
    return True


SABOTAGES = {
    "L5": Sabotage(
        why="a witness takes every history for a growth of the one before",
        apply=lambda: replaced(audit.witness._check_consistent, _pass),
    ),
    "L7": Sabotage(
        why="nobody's cosignature is needed for a quorum",
        apply=lambda: replaced(audit.policy_file.Policy.met_by, _met),
    ),
}
