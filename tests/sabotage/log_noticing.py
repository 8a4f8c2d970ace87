"""Sabotage of noticing a change of keys: who shares the log signs on with those it started with."""

from typing import Any

import audit.sequencer
from tests.sabotage.kit import Sabotage, replaced


def _as_it_started(sequencer: Any, *_: Any) -> Any:
    return sequencer.keys


SABOTAGES = {
    "L12": Sabotage(
        why="a gateway that shares the log never looks whether its keys were changed",
        apply=lambda: replaced(audit.sequencer.Sequencer._keys_after, _as_it_started),
    ),
}
