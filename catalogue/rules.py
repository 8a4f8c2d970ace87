"""The numbers of the law as data: what holds, in which unit, by which text, from when to when.

Provinces set shorter limits and the law changes, so no use case holds a number of its own: it asks for the
rule that holds on a day.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, cast, get_args

from catalogue.errors import InvalidError, UnknownError
from catalogue.flaws import Flaw
from catalogue.lifecycle import require_decider
from catalogue.model import Actor, Role

FORM_CHECK = "request.form-check"
"""A stage that exists only where the rule table has this row (高平: 2 working days)."""

Unit = Literal["minute", "hour", "day", "working day", "call", "subject", "level"]


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


_LAW = "国务院令第809号《政务数据共享条例》"
_OLDER_LAW = "国发〔2016〕51号《政务信息资源共享管理暂行办法》"
_OWN_SHARING = "本平台自设规则（共享申请）"

_OWN = "本平台自设规则（应急查询）"
_OWN_REVIEW = "本平台自设规则（日志核查）"
_OWN_WATCH = "本平台自设规则（日志审计）"
_OWN_MEASURE = "本平台自设规则（指标口径）"
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
    Rule(
        id="request.answer-open",
        value=1,
        unit="working day",
        citation=_LAW,
        first_day=_FOUNDED,
    ),
    Rule(id="request.answer", value=10, unit="working day", citation=_LAW, first_day=_FOUNDED),
    Rule(id="request.delivery", value=20, unit="working day", citation=_LAW, first_day=_FOUNDED),
    Rule(
        id="request.extension-most",
        value=10,
        unit="working day",
        citation=_OWN_SHARING,
        first_day=_FOUNDED,
        provisional=True,
    ),
    Rule(
        id="correction.answer",
        value=10,
        unit="working day",
        citation=_LAW,
        first_day=_FOUNDED,
        provisional=True,
    ),
    Rule(
        id="catalogue.update",
        value=15,
        unit="working day",
        citation=f"{_OLDER_LAW}第十三条",
        first_day=date(2016, 9, 5),
        last_day=date(2025, 7, 31),
        provisional=True,
    ),
    Rule(
        id="catalogue.update",
        value=10,
        unit="working day",
        citation=_LAW,
        first_day=_FOUNDED,
        provisional=True,
    ),
    Rule(
        id="grant.destruction",
        value=10,
        unit="working day",
        citation=_OWN_SHARING,
        first_day=_FOUNDED,
        provisional=True,
    ),
    Rule(
        id="grant.idle",
        value=180,
        unit="day",
        citation=_OWN_SHARING,
        first_day=_FOUNDED,
        provisional=True,
    ),
    Rule(
        id="indicator.online-depth",
        value=2,
        unit="level",
        citation=_OWN_MEASURE,
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
    """Return the rule that holds on a day: of several the one that began last, of those the later row.

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
    return max(enumerate(holding), key=lambda one: (one[1].first_day, one[0]))[1]


UNITS: tuple[Unit, ...] = get_args(Unit)
_ID = re.compile(r"[a-z][a-z-]{0,30}\.[a-z][a-z-]{0,40}")
_MOST = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class EnactedRule:
    """A row that the authority added to the table: a province's shorter limit, or a changed law."""

    id: str
    rule: str
    value: int
    unit: str
    """One of UNITS."""
    citation: str
    first_day: str
    """YYYY-MM-DD."""
    last_day: str | None
    """Last day on which it holds; None: it still does."""
    provisional: bool
    enacted_by: str
    enacted_at: datetime

    def as_rule(self) -> Rule:
        last = None if self.last_day is None else date.fromisoformat(self.last_day)
        return Rule(
            id=self.rule,
            value=self.value,
            unit=cast("Unit", self.unit),
            citation=self.citation,
            first_day=date.fromisoformat(self.first_day),
            last_day=last,
            provisional=self.provisional,
        )


def enact(new: Rule, *, id_: str, by: Actor, at: datetime) -> EnactedRule:
    """Return a row of the table in the authority's name. Raises NotAllowedError, InvalidError."""
    officer = require_decider(by, Role.AUTHORITY)
    findings = []
    if not _ID.fullmatch(new.id):
        findings.append(
            Flaw("rule {0!r}: noun.words-with-dashes needed, such as request.answer", new.id)
        )
    known = {one.unit for one in RULES if one.id == new.id}
    if known and new.unit not in known:
        findings.append(
            Flaw("rule {0} counts in {1}s, not in {2}s", new.id, ", ".join(known), new.unit)
        )
    if new.unit not in UNITS:
        findings.append(Flaw("unit {0!r}, one of {1} needed", new.unit, ", ".join(UNITS)))
    if not 1 <= new.value <= _MOST:
        findings.append(Flaw("value {0}, 1 to {1} needed", new.value, _MOST))
    if not new.citation.strip():
        findings.append(Flaw("a rule names the text that sets it"))
    if new.last_day is not None and new.last_day < new.first_day:
        findings.append(Flaw("the rule ends before it begins"))
    if findings:
        raise InvalidError(*findings)
    return EnactedRule(
        id=id_,
        rule=new.id,
        value=new.value,
        unit=new.unit,
        citation=new.citation.strip(),
        first_day=new.first_day.isoformat(),
        last_day=None if new.last_day is None else new.last_day.isoformat(),
        provisional=new.provisional,
        enacted_by=officer.id,
        enacted_at=at,
    )
