"""Sabotages of the search: rows that are hidden unseen, and cases opened only to look that nobody lists."""

from typing import Any

import audit.numbering
import audit.patterns
from tests.sabotage.kit import Sabotage, replaced


def _nothing(*_: Any, **__: Any) -> list[Any]:
    return []


SABOTAGES = {
    "L14": Sabotage(
        why="numbers that no found entry bears are not missed",
        apply=lambda: replaced(audit.numbering._gaps, _nothing),
    ),
    "C3": Sabotage(
        why="a case opened, looked at and closed is like any other",
        apply=lambda: replaced(audit.patterns.brief_cases, _nothing),
    ),
}
