"""Once a day: counts of quotas whose day is long over are deleted, and that is recorded."""

from datetime import datetime, timedelta

from audit.entry import Draft
from audit.tidying import count_old_quotas, forget_old_quotas
from exchange.node import Node

KEPT_DAYS = 31
"""A count is looked at on its own day only; a month of them tells an operator how budgets are used."""


def sweep_quotas(node: Node, *, at: datetime) -> int:
    """Delete old counts; returns how many. The entry comes first: what it names may be there a day longer.

    Raises AuditError while the log refuses: then nothing is deleted.
    """
    before = (at.astimezone(node.zone).date() - timedelta(days=KEPT_DAYS)).isoformat()
    engine = node.databases.log
    rows = count_old_quotas(engine, before=before)
    if not rows:
        return 0
    node.log.append(Draft(kind="quotas.swept", clear={"before": before, "counts": rows}))
    return forget_old_quotas(engine, before=before)


class Sweeping:
    """Says when it is time: with the first minute of a process, and once a day from then on."""

    def __init__(self) -> None:
        self._day = ""

    def due(self, at: datetime) -> bool:
        today = at.date().isoformat()
        due, self._day = today != self._day, today
        return due
