"""The numbers of the law as data: what holds, in which unit, by which text, from when to when.

Provinces set shorter limits and the law changes, so no use case holds a number of its own: it asks for the
rule that holds on a day.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from catalogue.errors import UnknownError

Unit = Literal["minute", "hour", "day", "working day", "call", "subject"]


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
_OWN_REVIEW = "本平台自设规则（日志核查）"
_OWN_WATCH = "本平台自设规则（日志审计）"
_FOUNDED = date(2025, 8, 1)


def _watched(rule_id: str, value: int, unit: Unit) -> "Rule":
    """A threshold beyond which an auditor looks twice. No law sets it, and it decides nothing."""
    return Rule(
        id=rule_id,
        value=value,
        unit=unit,
        citation=_OWN_WATCH,
        first_day=_FOUNDED,
        provisional=True,
    )


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
    Rule(
        id="review.answer",
        value=10,
        unit="working day",
        citation=_OWN_REVIEW,
        first_day=_FOUNDED,
        provisional=True,
    ),
    _watched("watch.period", 30, "day"),
    _watched("watch.refusals", 10, "call"),
    _watched("watch.refusals-within", 10, "minute"),
    _watched("watch.work-begins", 8, "hour"),
    _watched("watch.work-ends", 18, "hour"),
    _watched("watch.subjects", 30, "subject"),
    _watched("watch.subjects-within", 60, "minute"),
    _watched("watch.case-open", 10, "minute"),
    _watched("watch.parties-before", 30, "minute"),
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
