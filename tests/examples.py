"""On how many examples a property is tried."""

from hypothesis import settings

_WHOLE = 100
"""Examples of a property that says nothing itself, in a whole run (tests/conftest.py)."""

_IN_FORCE: int = settings().max_examples


def examples(count: int) -> int:
    """Return `count` in a whole run; a fifth of them in the quick loop, four times as many in `make fuzz`."""
    return max(3, count * _IN_FORCE // _WHOLE)
