"""Charges the decision that this thread is making for work that grows with what it is done to.

A loop pays for its rounds; without this a round could do the work of a million for the price of one.
"""

import threading
from collections.abc import Callable
from typing import Any

SMALL = 64
"""So many characters or elements cost nothing besides the step that meets them."""


class _Running(threading.local):
    charge: Callable[[int], None] | None = None
    """None between decisions."""


_RUNNING = _Running()


def running(charge: Callable[[int], None], act: Callable[[Any], Any], given: Any) -> Any:
    """Return what `act` makes of what it is given; this thread's work is charged to a decision meanwhile."""
    before = _RUNNING.charge
    _RUNNING.charge = charge
    try:
        return act(given)
    finally:
        _RUNNING.charge = before


def pay(size: int) -> None:
    """Pay a step for each four elements of what is large. Raises what the decision's meter raises."""
    if size > SMALL and _RUNNING.charge is not None:
        _RUNNING.charge(size >> 2)
