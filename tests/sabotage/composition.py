"""Sabotages of the composition: what only the whole node, with its doors open, can lose."""

from datetime import datetime
from pathlib import Path
from typing import Any

from audit.sqlstore import SqlBatch
from catalogue.model import SourceAddress
from exchange.backups import restored_at
from exchange.drifting import Drifting
from exchange.node import Strangers
from exchange.shelf import rests
from gateway.model import Outcome
from gateway.outcomes import denied_items
from tests.sabotage.kit import Sabotage, replaced


def _said_of_nobody(_: Strangers) -> None:
    """Say that nobody called."""


def _never_used(_batch: SqlBatch, _nonces: Any) -> set[Any]:
    """Know no nonce."""
    return set()


def _nothing_denied(_: Outcome) -> dict[str, str]:
    """Name no item."""
    return {}


def _never_restored(_home: Path) -> int:
    """Know of no restore."""
    return 0


def _note_no_drift(*_: Any) -> bool:
    """Flag nothing."""
    return False


def _never_rests(_address: SourceAddress, *, at: datetime) -> bool:
    """Ask a source whatever its department said."""
    return False


SABOTAGES: dict[str, Sabotage] = {
    "F5": Sabotage(
        why="the answer does not say which items it leaves out",
        apply=lambda: replaced(denied_items, _nothing_denied),
    ),
    "H4": Sabotage(why="a source that rests is asked", apply=lambda: replaced(rests, _never_rests)),
    "I6": Sabotage(
        why="the log, too, takes every nonce for a new one",
        apply=lambda: replaced(SqlBatch.used_nonces, _never_used),
    ),
    "I15": Sabotage(
        why="a restored home takes requests whose nonces were displaced with the newer log",
        apply=lambda: replaced(restored_at, _never_restored),
    ),
    "S9": Sabotage(
        why="an entry whose source drifted is not flagged",
        apply=lambda: replaced(Drifting.note, _note_no_drift),
    ),
    "W12": Sabotage(
        why="strangers' calls leave no trace at all",
        apply=lambda: replaced(Strangers.summary, _said_of_nobody),
    ),
}
