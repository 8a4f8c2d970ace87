"""The numbers of the law as data: what holds, in which unit, by which text, from when to when.

Provinces set shorter limits and the law changes, so no use case holds a number of its own: it asks for the
rule that holds on a day.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from catalogue.errors import UnknownError

Unit = Literal["minute", "working day"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row of the rule table."""

    id: str
    value: int
    unit: Unit
    citation: str
    """The text that sets it, by document and article."""
    first_day: date
    last_day: date | None = None
    """Last day on which it holds; None: it still does."""
    provisional: bool = False
    """Whether the citation could not be confirmed, or is the exchange's own: never printed as law."""


_OWN = "本平台自设规则（应急查询）"
_FOUNDED = date(2025, 8, 1)

RULES: tuple[Rule, ...] = (
    Rule(
        id="emergency.longest",
        value=60,
        unit="minute",
        citation=_OWN,
        first_day=_FOUNDED,
        provisional=True,
    ),
    Rule(
        id="emergency.review",
        value=2,
        unit="working day",
        citation=_OWN,
        first_day=_FOUNDED,
        provisional=True,
    ),
)


def rule(rule_id: str, *, on: date, rules: Iterable[Rule] = RULES) -> Rule:
    """Return the rule that holds on a day: of several the one that began last.

    Raises UnknownError where none holds: without a rule nothing is counted by guess.
    """
    holding = [
        one
        for one in rules
        if one.id == rule_id
        and one.first_day <= on
        and (one.last_day is None or on <= one.last_day)
    ]
    if not holding:
        raise UnknownError(f"no rule {rule_id} holds on {on.isoformat()}")
    return max(holding, key=lambda one: one.first_day)
