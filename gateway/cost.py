"""What an operation could read at most, known from its plan alone: an expression in its variables.

The unit is a cell: one item of one record. A step reads at most `limit` records for each key, and a step
that is reached by a link has as many keys as its parent has records.
"""

from collections.abc import Sequence

from gateway.errors import RefusedDocumentError
from gateway.limits import Limits
from gateway.model import LinkedKey, Step


def cost(steps: Sequence[Step]) -> int:
    """Return how many cells the steps could read at most. Parents stand before what hangs on them."""
    records: dict[str, int] = {}
    cells = 0
    for step in steps:
        keys = records[step.key.parent] if isinstance(step.key, LinkedKey) else 1
        records[step.ref] = keys * step.limit
        # A record that is looked for costs something also where nothing of it is read.
        cells += records[step.ref] * (1 + len(step.items) + len(step.claims))
    return cells


def check_cost(steps: Sequence[Step], *, limits: Limits) -> None:
    """Raise RefusedDocumentError COST_EXCEEDED where the steps could read more than one call may."""
    found = cost(steps)
    if found > limits.cells:
        raise RefusedDocumentError("COST_EXCEEDED", found=found, allowed=limits.cells)
