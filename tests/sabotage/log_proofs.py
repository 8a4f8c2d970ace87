"""Sabotages of the verifier: a log is held against receipts and exports, and nothing is missed."""

from collections.abc import Iterator
from typing import Any

import audit.verify
from tests.sabotage.kit import Sabotage, replaced


def _held(past: Any, *_: Any, **__: Any) -> audit.verify.Finding:
    return audit.verify.Finding(code="PAST_HELD", detail=f"{past.size}")


def _nothing(*_: Any, **__: Any) -> Iterator[audit.verify.Finding]:
    return iter(())


SABOTAGES = {
    "L2": Sabotage(
        why="a log that is shorter than what it signed is taken for its past",
        apply=lambda: replaced(audit.verify._check_past, _nothing),
    ),
    "L4": Sabotage(
        why="the roots that were signed before are not held against the leaves",
        apply=lambda: replaced(audit.verify._past_finding, _held),
    ),
}
